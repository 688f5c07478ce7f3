/* SPDX-License-Identifier: MIT */
/*
 * common.h - what the tests that kill at random share: chance, complaints, and how far the reading
 * of a buffer has come.
 */
#ifndef COMMON_H
#define COMMON_H

#include "program.h"
#include "row.h"

static unsigned long seed;
struct errors {
	uint64_t all;	/* in all processes */
	uint64_t order; /* of these, in this round, such as a thread that moves would explain */
};
static struct errors *errors;

static inline unsigned long random_below(unsigned long n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % n;
}

static inline void complain(const char *what, uint64_t t, uint64_t kind, uint64_t n, uint64_t want)
{
	if (errors->all++ < 20)
		fprintf(stderr, "%s: thread %llu kind %llu: %llu, expected %llu\n", what,
			(unsigned long long)t, (unsigned long long)kind, (unsigned long long)n,
			(unsigned long long)want);
}

static inline void complain_order(const char *what, uint64_t t, uint64_t kind, uint64_t n,
				  uint64_t want)
{
	errors->order++;
	complain(what, t, kind, n, want);
}

/* How far the reading of a buffer has come. The numbers of each kind must follow one another. */
struct position {
	uint64_t thread, seq; /* seq: of the next sub-buffer */
	uint64_t events;
	uint64_t missing; /* numbers that gaps have left out */
	uint64_t unsure;  /* of the events: consumed or, as the reader died in put, overwritten */
	uint64_t first[KINDS], next[KINDS];
	bool begun, jumped;
	uint64_t run;	 /* sub-buffers since the last one that was missing */
	bool gap[KINDS]; /* sub-buffers are missing behind the last event of this kind */
	bool any[KINDS]; /* one was read since there was such a gap; first is the first of these */
};

static inline void event_check(struct position *at, const struct program_event *e)
{
	uint64_t k = e->kind, next = at->next[k];

	if (!at->begun)
		at->thread = e->thread;
	at->begun = true;
	if (e->thread != at->thread)
		complain_order("another thread's", at->thread, k, e->thread, at->thread);
	if (at->gap[k] ? e->n < next : e->n != next)
		complain_order("not the next", at->thread, k, e->n, next);
	if (at->gap[k] && e->n > next)
		at->missing += e->n - next;
	if (!at->any[k])
		at->first[k] = e->n;
	at->any[k] = true;
	at->gap[k] = false;
	at->next[k] = e->n + 1;
}

static inline void gap_allow(struct position *at)
{
	for (unsigned k = 0; k < KINDS; k++) {
		at->gap[k] = true;
		at->any[k] = false;
	}
}

/* Sub-buffer seq is read. In overwrite mode older ones may be missing. */
static inline void seq_check(struct position *at, uint64_t seq, bool overwrite)
{
	if (seq < at->seq || (!overwrite && seq != at->seq))
		complain_order("repeated or skipped", at->thread, 0, seq, at->seq);
	if (seq != at->seq) {
		gap_allow(at);
		at->jumped = true;
		at->run = 0;
	}
	at->run++;
	at->seq = seq + 1;
}

/*
 * If sub-buffers are missing, the ring was full: those behind the last one that is missing are all
 * that it holds, but for the one that was being opened.
 */
static inline void run_check(const struct position *at, uint64_t subbufs)
{
	if (at->jumped && at->run < subbufs - 1)
		complain_order("sub-buffers", at->thread, 0, at->run, subbufs - 1);
}

/*
 * The newest event of each kind that was read must be the last whose macro had returned, or the one
 * behind it. Of a handler's, in overwrite mode, none may be left; but one that began when an event
 * of kind 0 had returned that is still there must be there too. Where events may have been lost
 * behind it (neither @lossless nor @overwrite) it may be older. Return: handlers' that must.
 */
static inline unsigned ends_check(const struct position *at, bool lossless, bool overwrite)
{
	unsigned handlers = 0;

	for (unsigned k = 0; k < KINDS; k++) {
		uint64_t returned = counts->thread[at->thread].n[k];
		uint64_t before = counts->thread[at->thread].before[k];
		bool left = lossless || (overwrite && (at->any[k] || k == 0 ||
						       (at->any[0] && at->first[0] < before)));

		if (returned && left && at->next[k] < returned)
			complain_order("missing", at->thread, k, at->next[k], returned);
		if (at->next[k] > returned + 1)
			complain_order("never written", at->thread, k, at->next[k], returned);
		handlers += k && returned && left;
	}
	return handlers;
}

/* The events of a packet. Return: how many. */
static inline uint64_t events_check(struct position *at, const char *body, size_t room)
{
	struct program_event e;
	uint64_t events = 0;

	for (size_t bytes; room; body += bytes, room -= bytes, events++) {
		bytes = program_event_read(body, room, &e);
		if (!bytes) {
			complain("torn", e.thread, e.kind, e.n, 0);
			break;
		}
		event_check(at, &e);
	}
	at->events += events;
	return events;
}

static inline void errors_make(void)
{
	errors = mmap(NULL, sizeof(*errors), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (errors == MAP_FAILED) {
		perror("errors");
		exit(1);
	}
}

/* fork(), with chances of its own for the child, which does not outlive us. */
static inline pid_t child_fork(void)
{
	pid_t pid;

	seed++;
	pid = fork();
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static inline void victim_kill(pid_t pid, uint64_t *killed)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	(*killed)++;
}

/* A row for each kind of victim. */
static inline void victims_print(unsigned n, const char *const *names, const char *const *promises,
				 const uint64_t *deaths, const uint64_t *found)
{
	char tried[32];

	for (unsigned v = 0; v < n; v++) {
		snprintf(tried, sizeof(tried), "%llu kills", (unsigned long long)deaths[v]);
		row(names[v], tried, promises[v], "%llu errors", (unsigned long long)found[v]);
	}
}

#endif
