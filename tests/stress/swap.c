/* SPDX-License-Identifier: MIT */
/*
 * swap.c - threads that write at full speed, with nested signal handlers that write too, against a
 * reader that swaps, and forces switches, all the time.
 *
 *   swap [SECONDS [MODE [SUBBUF_SIZE [SUBBUFS [THREADS]]]]]
 *
 * Nothing may be torn, repeated or out of order, and what was begun, by the program's own count,
 * must be read, overwritten or lost, to the last event. Block mode may lose nothing.
 */
#include "program.h"
#include "row.h"

#define MAX_STREAMS 8192

struct seen {
	/* The smallest number that may come, by stream: a thread whose handler laps the ring while
	 * an event is in flight goes on in another one. */
	uint64_t next[MAX_STREAMS][KINDS];
	uint64_t lost[MAX_STREAMS]; /* as the last packet said; the next one does not say less */
	uint64_t events, packets, errors, overtaken;
};

static void complain(struct seen *seen, const char *what, const struct program_event *e,
		     uint64_t seq)
{
	if (seen->errors++ < 10)
		fprintf(stderr, "%s: kind %llu thread %llu n %llu in sub-buffer %llu\n", what,
			(unsigned long long)e->kind, (unsigned long long)e->thread,
			(unsigned long long)e->n, (unsigned long long)seq);
}

static void packet_check(struct seen *seen, const struct fasttrace_packet *p)
{
	const char *at = p->body, *end = at + p->body_bytes;
	uint64_t *next = seen->next[p->serial % MAX_STREAMS], events = 0;
	struct program_event e = {0};

	for (size_t bytes; at < end; at += bytes, events++) {
		bytes = program_event_read(at, (size_t)(end - at), &e);
		if (!bytes) {
			complain(seen, "torn", &e, p->seq);
			break;
		}
		if (e.n < next[e.kind])
			complain(seen, "repeated or out of order", &e, p->seq);
		else
			next[e.kind] = e.n + 1;
	}
	if (p->lost < seen->lost[p->serial % MAX_STREAMS])
		complain(seen, "less lost than before", &e, p->seq);
	seen->lost[p->serial % MAX_STREAMS] = p->lost;
	if (events != p->events || p->cut_short)
		complain(seen, "miscounted", &e, p->seq);
	seen->events += p->events;
	seen->packets++;
}

static bool one_in(unsigned n)
{
	static unsigned random = 1;

	random = random * 1103515245 + 12345;
	return (random >> 16) % n == 0;
}

/* Take what there is of one buffer; now and then force a switch, or leave a packet half-read. */
static void buffer_read(struct fasttrace_arena *a, unsigned i, struct seen *seen)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	uint64_t seq;

	if (fasttrace_buffer_get_info(a, i, &info))
		return;
	if (one_in(8))
		fasttrace_buffer_switch(a, i, info.serial,
					one_in(2) ? FASTTRACE_ACTIVE : FASTTRACE_FLUSH);
	while (!fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL)) {
		if (fasttrace_buffer_get(a, i, info.serial, seq, &p)) {
			seen->overtaken++;
			continue;
		}
		if (one_in(64)) {
			fasttrace_buffer_unget(a, i, &p);
			return;
		}
		if (!program_event_id || !program_longer_id)
			program_ids_find(a);
		packet_check(seen, &p);
		fasttrace_buffer_put(a, i, &p);
	}
}

static void read_while(struct fasttrace_arena *a, struct seen *seen, double end)
{
	while (end ? now() < end : fasttrace_arena_alive(a))
		for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
			buffer_read(a, i, seen);
}

static void read_rest(struct fasttrace_arena *a, struct seen *seen)
{
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		struct fasttrace_buffer_info info;

		if (fasttrace_buffer_get_info(a, i, &info))
			continue;
		fasttrace_buffer_switch(a, i, info.serial, FASTTRACE_FLUSH);
		while (!fasttrace_buffer_drained(a, i, info.serial))
			buffer_read(a, i, seen);
	}
}

static bool sums_check(struct fasttrace_arena *a, const struct seen *seen, unsigned threads,
		       bool lossless)
{
	struct fasttrace_stats s;
	uint64_t begun = 0, lost;
	char tried[64];

	fasttrace_arena_stats(a, &s);
	for (unsigned i = 0; i < threads; i++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			begun += counts->thread[i].n[kind];
	lost = s.lost_full + s.lost_too_big + s.lost_nested + s.lost_no_buffer + s.lost_no_event;
	printf("begun %llu = read %llu + overwritten %llu + lost %llu; the program counted %llu\n",
	       (unsigned long long)s.begun, (unsigned long long)seen->events,
	       (unsigned long long)s.overwritten, (unsigned long long)lost,
	       (unsigned long long)begun);
	printf("%llu packets, %llu more overtaken by the writer, %llu errors\n",
	       (unsigned long long)seen->packets, (unsigned long long)seen->overtaken,
	       (unsigned long long)seen->errors);
	snprintf(tried, sizeof(tried), "%llu events, %llu sub-buffers", (unsigned long long)begun,
		 (unsigned long long)seen->packets);
	row("a reader swaps and forces switches at full speed, the writer's handlers too", tried,
	    lossless ? "nothing torn, repeated or lost" : "nothing torn or repeated; counts add up",
	    "%llu errors, %llu lost, %llu not accounted for", (unsigned long long)seen->errors,
	    (unsigned long long)(lossless ? lost : 0),
	    (unsigned long long)(begun - seen->events - s.overwritten - lost));
	return s.begun == begun && s.consumed == seen->events && !s.readable && !s.in_flight &&
	       begun == seen->events + s.overwritten + lost && !seen->errors && seen->events &&
	       !(lossless && lost);
}

int main(int argc, char **argv)
{
	char dir[200];
	double seconds = argc > 1 ? atof(argv[1]) : 2;
	const char *mode = argc > 2 ? argv[2] : "overwrite";
	unsigned threads = argc > 5 ? (unsigned)atoi(argv[5]) : 4;
	static struct seen seen;
	struct fasttrace_arena *a;
	bool ok = false;
	int status;
	pid_t pid;

	if (program_is(argc, argv, &status))
		return status;
	if (!dir_make(dir, sizeof(dir)) || dir_serve(dir) < 0 || threads > MAX_THREADS)
		return 1;
	counts_make();
	setenv("FASTTRACE_DIR", dir, 1);
	setenv("FASTTRACE_MODE", mode, 1);
	setenv("FASTTRACE_BLOCK_TIMEOUT", "inf", 1);
	setenv("FASTTRACE_SUBBUF_SIZE", argc > 3 ? argv[3] : "4096", 1);
	setenv("FASTTRACE_SUBBUFS", argc > 4 ? argv[4] : "4", 1);
	pid = program_start(threads);
	a = arena_find(dir, pid);
	if (a) {
		read_while(a, &seen, now() + seconds);
		__atomic_store_n(&counts->stop, 1, __ATOMIC_RELAXED);
		read_while(a, &seen, 0);
	} else {
		kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	if (a) {
		read_rest(a, &seen);
		ok = sums_check(a, &seen, threads, !strcmp(mode, "block"));
	}
	fasttrace_arena_close(a);
	dir_empty(dir);
	rmdir(dir);
	puts(ok ? "1 passed, 0 failed" : "0 passed, 1 failed");
	return !ok;
}
