/* SPDX-License-Identifier: MIT */
/*
 * step.c - the traced program is stopped at every single instruction of an event, by ptrace, and
 * there killed; or interrupted by a handler that writes one event, or laps the ring, and then
 * killed, or let go on. Whatever had returned must be read, in order, once.
 *
 *   step [KILLS]     below 1000: at every third instruction
 */
#include <sys/ptrace.h>
#include <sys/user.h>

#include "program.h"
#include "row.h"

#define MAX_STEPS	20000
#define COMMIT_STEPS	40
#define PUBLISH_STEPS	6
#define HANDLER_SECONDS 0.001

/* Where in the ring the event falls that is stepped through. */
enum place { MIDDLE, BOUNDARY, PLACES };

/* What happens at the chosen instruction. */
enum fate {
	KILL,
	HANDLER_THEN_KILL,
	HANDLER,
	LAPPER_THEN_KILL,
	LAPPER,
	NESTED,
	FORKER,
	READ_LAPPER, /* all that can be is read first, so that pages change their places */
	FATES,
	TWICE = FATES,
	AGAIN
};

static const char *const fates[] = {"kill",
				    "handler, kill",
				    "handler",
				    "lapping handler, kill",
				    "lapping handler",
				    "nested handlers",
				    "forking handler",
				    "read, lapping handler",
				    "handler, lapping handler, kill",
				    "turning handler, handler"};
static uint64_t failures, runs;

static void event(void)
{
	uint64_t n = counts->thread[0].n[0]++; /* begun */

	FASTTRACE(step, event, (n, n), (check, mix(0, 0, n)));
}

/* A handler's events have numbers of their own: it may come between a number and its event. */
static void handler_event(unsigned kind)
{
	uint64_t n = counts->thread[kind].n[0]++;

	FASTTRACE(step, event, (n, n | (uint64_t)kind << 32), (check, mix(kind, 0, n)));
	counts->thread[kind].n[1] = n + 1; /* returned */
}

static void handler(int sig)
{
	/* 5.4 sub-buffers: BOUNDARY's slot is kept; 1.2, which turns, and goes on in this ring */
	int events = sig == SIGUSR2 ? 900 : sig == SIGURG ? 200 : 1;

	while (events--)
		handler_event(1);
	for (double end = now() + HANDLER_SECONDS; now() < end;)
		; /* longer than what could pass for a counter read out of order */
}

static void handler_inner(int sig)
{
	(void)sig;
	handler_event(2);
}

static void handler_outer(int sig)
{
	(void)sig;
	handler_event(1);
	raise(SIGRTMIN + 1);
	handler_event(1);
}

static volatile sig_atomic_t forked;

/* The child goes on with the event as well, and must end; what it counts is its own. */
static void handler_fork(int sig)
{
	pid_t pid = fork();
	int status = -1;

	(void)sig;
	if (!pid) {
		forked = mmap(counts, sizeof(*counts), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == counts;
		alarm(60);
		return;
	}
	waitpid(pid, &status, 0);
	counts->notes[0] = (uint64_t)status;
}

static void events_after(void)
{
	for (int i = 0; i < 3; i++)
		event();
}

/* Stops itself before and after the event that is to be stepped through. */
static int program(enum place place)
{
	unsigned before = place == MIDDLE ? 20 : 166; /* 4008 bytes of 24 are 167 events */

	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	signal(SIGURG, handler);
	signal(SIGWINCH, handler_fork);
	signal(SIGRTMIN, handler_outer);
	signal(SIGRTMIN + 1, handler_inner);
	while (before--)
		event();
	if (place == BOUNDARY)
		event();
	counts->running = 1;
	raise(SIGSTOP);
	event();
	counts->thread[0].n[1] = 1; /* it has returned: not stopped any more */
	if (!forked)
		raise(SIGSTOP);
	events_after();
	if (forked)
		_exit(0);
	kill(getpid(), SIGKILL);
	return 1;
}

static pid_t start(enum place place)
{
	char fd[16], which[16];
	pid_t pid;
	int status;

	memset(counts, 0, sizeof(*counts));
	pid = fork();
	if (!pid) {
		snprintf(fd, sizeof(fd), "%d", dup(counts_fd));
		snprintf(which, sizeof(which), "%d", place);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl("/proc/self/exe", "step", "--step", fd, which, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0); /* exec */
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL);
	for (int sig = 0; !counts->running; sig = WSTOPSIG(status)) {
		if (sig == SIGTRAP)
			sig = 0;
		ptrace(PTRACE_CONT, pid, NULL, sig);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return -1;
	}
	return pid;
}

/* Step n instructions. False: the event was over before. */
static bool step(pid_t pid, unsigned n)
{
	int status;

	while (n--) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, 0);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
		    WSTOPSIG(status) != SIGTRAP)
			return false;
	}
	return !counts->thread[0].n[1];
}

/* Run a handler to its end: until the instruction at which we stand comes again. */
static void interrupt(pid_t pid, int sig)
{
	struct user_regs_struct at, now_at;
	int status;
	long saved;

	ptrace(PTRACE_GETREGS, pid, NULL, &at);
	saved = ptrace(PTRACE_PEEKTEXT, pid, (void *)at.rip, NULL);
	ptrace(PTRACE_SINGLESTEP, pid, NULL, sig); /* into the handler */
	waitpid(pid, &status, 0);
	ptrace(PTRACE_POKETEXT, pid, (void *)at.rip, (saved & ~0xffL) | 0xcc);
	do {
		ptrace(PTRACE_CONT, pid, NULL, WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status));
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return;
		ptrace(PTRACE_GETREGS, pid, NULL, &now_at);
		if (WSTOPSIG(status) == SIGTRAP &&
		    now_at.rsp != at.rsp) { /* the handler's own pass */
			now_at.rip--;
			ptrace(PTRACE_POKETEXT, pid, (void *)at.rip, saved);
			ptrace(PTRACE_SETREGS, pid, NULL, &now_at);
			ptrace(PTRACE_SINGLESTEP, pid, NULL, 0);
			waitpid(pid, &status, 0);
			ptrace(PTRACE_POKETEXT, pid, (void *)at.rip, (saved & ~0xffL) | 0xcc);
			now_at.rsp = 0;
		}
	} while (WSTOPSIG(status) != SIGTRAP || now_at.rsp != at.rsp);
	ptrace(PTRACE_POKETEXT, pid, (void *)at.rip, saved);
	ptrace(PTRACE_SETREGS, pid, NULL, &at);
}

static void end(pid_t pid, bool go_on)
{
	int status;

	if (!go_on)
		kill(pid, SIGKILL);
	for (;;) {
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return;
		ptrace(PTRACE_CONT, pid, NULL, 0);
	}
}

/* What was read, by who wrote it: the program's own, a handler's, an inner handler's. */
struct got {
	uint64_t next[3], first[3], events;
	bool any[3], bad;
	bool here[3]; /* in this buffer: a handler that laps goes on in another one */
};

static void packet_check(struct got *got, const struct fasttrace_packet *p)
{
	const char *at = p->body;

	for (uint64_t i = 0; i < p->events; i++, at += 24) {
		uint64_t v[2], kind, n;

		memcpy(v, at + 8, sizeof(v));
		kind = v[0] >> 32;
		n = (uint32_t)v[0];
		if (kind > 2 || v[1] != mix(kind, 0, n) || n < got->next[kind] ||
		    (got->here[kind] && n != got->next[kind])) {
			got->bad = true;
			continue;
		}
		got->here[kind] = true;
		if (!got->any[kind])
			got->first[kind] = n;
		got->any[kind] = true;
		got->next[kind] = n + 1;
		got->events++;
	}
}

static void arena_read(struct fasttrace_arena *a, struct got *got)
{
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		struct fasttrace_buffer_info info;
		struct fasttrace_packet p;
		uint64_t seq;

		if (fasttrace_buffer_get_info(a, i, &info))
			continue;
		memset(got->here, 0, sizeof(got->here));
		fasttrace_buffer_switch(a, i, info.serial, FASTTRACE_FLUSH);
		while (!fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL)) {
			if (fasttrace_buffer_get(a, i, info.serial, seq, &p))
				break;
			packet_check(got, &p);
			fasttrace_buffer_put(a, i, &p);
		}
	}
}

/* Of each kind the newest read is the last that had returned, or the one then in flight. */
static bool newest_ok(const struct got *got, enum fate fate)
{
	uint64_t begun = counts->thread[0].n[0];
	uint64_t own = begun - !counts->thread[0].n[1]; /* the last may be in flight */

	if (fate == LAPPER || fate == LAPPER_THEN_KILL || fate >= READ_LAPPER) {
		/* What the handler has overwritten may be gone; what is there goes up to the end.
		 */
		if (got->any[0] && fate == LAPPER && got->next[0] < own)
			return false;
	} else if (got->next[0] < own || got->first[0] != 0) {
		return false;
	}
	for (unsigned kind = 1; kind < 3; kind++)
		if (counts->thread[kind].n[1] && got->next[kind] != counts->thread[kind].n[1])
			return false;
	return got->next[0] <= begun;
}

static bool sums_ok(struct fasttrace_arena *a, const struct got *got)
{
	struct fasttrace_stats s;

	return !fasttrace_arena_stats(a, &s) && !s.clock_steps && s.consumed == got->events &&
	       !s.readable && s.in_flight <= 1 &&
	       s.begun == s.consumed + s.overwritten + s.in_flight + s.lost_full + s.lost_nested +
				  s.lost_no_buffer;
}

/* @a: NULL: there is none. */
static void failure_tell(struct fasttrace_arena *a, const struct got *got, enum place place,
			 enum fate fate, unsigned n)
{
	struct fasttrace_stats s = {0};

	if (failures++ >= 10)
		return;
	if (a)
		fasttrace_arena_stats(a, &s);
	fprintf(stderr, "place %d, %s at instruction %u:%s", place, fates[fate], n,
		got->bad ? " torn or out of order:" : "");
	for (unsigned kind = 0; kind < 3; kind++)
		fprintf(stderr, " %s %llu of %llu,", kind ? "a handler's" : "own",
			(unsigned long long)got->next[kind],
			(unsigned long long)counts->thread[kind].n[kind != 0]);
	fprintf(stderr, " in flight %llu, overwritten %llu, lost %llu; child's status %llx\n",
		(unsigned long long)s.in_flight, (unsigned long long)s.overwritten,
		(unsigned long long)(s.lost_nested + s.lost_full + s.lost_no_buffer),
		(unsigned long long)counts->notes[0]);
}

/* Returns false when the event is over before instruction n, or m more for a second handler. */
static bool run(const char *dir, enum place place, enum fate fate, unsigned n, unsigned m)
{
	const int signals[] = {0,	 SIGUSR1,  SIGUSR1, SIGUSR2, SIGUSR2,
			       SIGRTMIN, SIGWINCH, SIGUSR2, SIGUSR1, SIGURG};
	bool go_on = fate == HANDLER || fate == LAPPER || fate == NESTED || fate == FORKER ||
		     fate == READ_LAPPER || fate == AGAIN;
	pid_t pid = start(place);
	struct fasttrace_arena *a;
	struct got got = {.bad = false};

	if (pid < 0) {
		failures++;
		return false;
	}
	if (!step(pid, n)) {
		end(pid, false);
		dir_empty(dir);
		return false;
	}
	if (fate == READ_LAPPER && (a = arena_find(dir, pid))) {
		arena_read(a, &got);
		fasttrace_arena_close(a);
	}
	if (fate != KILL && fate != FORKER) /* whose child would find the break point */
		interrupt(pid, signals[fate]);
	if (fate == TWICE && step(pid, m)) {
		interrupt(pid, SIGUSR2);
		step(pid, (n * 7 + m) % 8);
	}
	if (fate == AGAIN && step(pid, m))
		interrupt(pid, SIGUSR1);
	if (go_on)
		ptrace(PTRACE_CONT, pid, NULL, fate == FORKER ? SIGWINCH : 0);
	end(pid, go_on);
	a = arena_find(dir, pid);
	if (a)
		arena_read(a, &got);
	if (!a || got.bad || !newest_ok(&got, fate) || !sums_ok(a, &got) || counts->notes[0])
		failure_tell(a, &got, place, fate, n);
	fasttrace_arena_close(a);
	dir_empty(dir);
	runs++;
	return true;
}

int main(int argc, char **argv)
{
	char dir[200];
	unsigned every = argc == 2 && atoi(argv[1]) < 1000 ? 3 : 1, n = 1;
	char tried[64];

#ifndef __x86_64__
	puts("single steps are known for x86-64 only");
	return 77;
#endif
	if (argc == 4 && !strcmp(argv[1], "--step")) {
		counts_map(atoi(argv[2]));
		return program((enum place)atoi(argv[3]));
	}
	if (!dir_make(dir, sizeof(dir)))
		return 1;
	counts_make();
	setenv("FASTTRACE_DIR", dir, 1);
	setenv("FASTTRACE_SUBBUF_SIZE", "4096", 1);
	setenv("FASTTRACE_SUBBUFS", "2", 1);
	for (enum place place = 0; place < PLACES; place++)
		for (enum fate fate = 0; fate < FATES; fate++)
			for (n = 1; n < MAX_STEPS && run(dir, place, fate, n, 0);)
				n += fate == FORKER ? 3 * every : every; /* forks are slow */
	while (n > 1 && !run(dir, MIDDLE, KILL, n, 0))
		n--;
	for (unsigned last = n; n + COMMIT_STEPS > last && n; n--) /* of commit's two looks */
		for (unsigned m = 1; m <= COMMIT_STEPS; m += every)
			run(dir, MIDDLE, TWICE, n, m);
	for (n = 1; run(dir, BOUNDARY, KILL, n, 0); n += every)
		for (unsigned m = 1; m <= PUBLISH_STEPS; m += every)
			run(dir, BOUNDARY, AGAIN, n, m);
	rmdir(dir);
	printf("%llu instructions stopped at, %llu failures\n", (unsigned long long)runs,
	       (unsigned long long)failures);
	snprintf(tried, sizeof(tried), "%llu stops, at every %sinstruction",
		 (unsigned long long)runs, every == 1 ? "" : "third ");
	row("writer stopped in the middle of an event, then killed or interrupted there", tried,
	    "what had returned is read, in order, once; sums are exact", "%llu errors",
	    (unsigned long long)failures);
	printf("%d passed, %d failed\n", failures == 0, failures != 0);
	return failures != 0;
}
