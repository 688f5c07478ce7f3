/* SPDX-License-Identifier: MIT */
/*
 * kill.c - SIGKILL at random instants, under full load with nested signal handlers: the writer, the
 * reader, both. Whatever had returned must be read, once; what was read must not be lost or
 * repeated.
 *
 *   kill [ROUNDS [SEED]]
 */
#include "program.h"

#define THREADS 2

/* For each thread and kind: the numbers read, which must follow one another. */
struct run {
	uint64_t first, next;
	bool any;
};

static struct run runs[THREADS][KINDS];
static uint64_t kills, moved, *errors; /* errors are shared with the readers */
static unsigned long seed;

static unsigned long random_below(unsigned long n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % n;
}

static void complain(const char *what, uint64_t t, uint64_t kind, uint64_t n, uint64_t want)
{
	if ((*errors)++ < 20)
		fprintf(stderr, "%s: thread %llu kind %llu n %llu, expected %llu\n", what,
			(unsigned long long)t, (unsigned long long)kind, (unsigned long long)n,
			(unsigned long long)want);
}

static void event_check(const uint64_t v[4])
{
	struct run *r;

	if (v[0] >= KINDS || v[1] >= THREADS || v[3] != mix(v[0], v[1], v[2])) {
		complain("torn", v[1], v[0], v[2], 0);
		return;
	}
	r = &runs[v[1]][v[0]];
	if (!r->any)
		r->first = v[2];
	else if (v[2] != r->next)
		complain("not the next", v[1], v[0], v[2], r->next);
	r->any = true;
	r->next = v[2] + 1;
}

static void packet_check(const struct fasttrace_packet *p)
{
	const char *at = p->body;

	for (uint64_t i = 0; i < p->events; i++, at += EVENT_BYTES) {
		uint64_t v[4];

		memcpy(v, at + 8, sizeof(v));
		event_check(v);
	}
}

/* Read what there is. @note: called around each put. */
static uint64_t buffers_read(struct fasttrace_arena *a, void (*note)(bool put))
{
	uint64_t packets = 0;

	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		struct fasttrace_buffer_info info;
		struct fasttrace_packet p;
		uint64_t seq;

		if (fasttrace_buffer_get_info(a, i, &info))
			continue;
		while (!fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL)) {
			if (fasttrace_buffer_get(a, i, info.serial, seq, &p))
				continue;
			packet_check(&p);
			if (note)
				note(false);
			fasttrace_buffer_put(a, i, &p);
			if (note)
				note(true);
			packets++;
		}
	}
	return packets;
}

static void buffers_flush(struct fasttrace_arena *a)
{
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		struct fasttrace_buffer_info info;

		if (!fasttrace_buffer_get_info(a, i, &info) &&
		    fasttrace_buffer_switch(a, i, info.serial, FASTTRACE_FLUSH))
			complain("flush", i, 0, 0, 0);
	}
}

/* The newest event of each kind that was read must be the last whose macro had returned, or later.
 */
static void ends_check(bool lossless)
{
	for (unsigned t = 0; t < THREADS; t++)
		for (unsigned k = 0; k < KINDS; k++) {
			uint64_t returned = counts->thread[t].n[k];
			const struct run *r = &runs[t][k];

			if ((r->any || k == 0 || lossless) && returned && r->next < returned)
				complain("missing", t, k, r->next, returned);
			if (r->any && r->next > returned + 1)
				complain("never written", t, k, r->next, returned);
		}
}

static void sums_check(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	fasttrace_arena_stats(a, &s);
	if (s.begun != s.consumed + s.readable + s.overwritten + s.lost_full + s.lost_too_big +
			       s.lost_nested + s.lost_no_buffer + s.lost_no_event + s.in_flight ||
	    s.readable || s.in_flight > THREADS * KINDS)
		complain("sums", s.in_flight, s.readable, s.begun, s.consumed);
}

/* Until each thread has begun, and the first event of one has returned. */
static void program_wait(unsigned threads)
{
	double end = now() + 10;

	while ((__atomic_load_n(&counts->running, __ATOMIC_ACQUIRE) < threads ||
		!__atomic_load_n(&counts->thread[0].n[0], __ATOMIC_ACQUIRE)) &&
	       now() < end)
		usleep(200);
}

/*
 * Handlers that come faster than they end can lap the ring inside one event; the thread then goes
 * on in another one, and the two are read side by side, so the numbers do not follow one another.
 * What remains to be said of such a round is the sum: block mode has lost nothing.
 */
static void moved_check(struct fasttrace_arena *a, uint64_t errors_before)
{
	uint64_t returned = 0;
	struct fasttrace_stats s;

	if (fasttrace_arena_buffers(a) == 1)
		return;
	fasttrace_arena_stats(a, &s);
	for (unsigned k = 0; k < KINDS; k++)
		returned += counts->thread[0].n[k];
	*errors = errors_before;
	moved++;
	if (s.consumed < returned || s.consumed + s.in_flight != s.begun)
		complain("lost", 0, 0, s.consumed, returned);
}

static void program_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	kills++;
}

/* The writer alone, with nobody reading: the ring's tail must be whole. */
static void round_writer(const char *dir)
{
	struct fasttrace_arena *a;
	pid_t pid = program_start(THREADS);

	memset(runs, 0, sizeof(runs));
	program_wait(THREADS);
	usleep((useconds_t)random_below(4000));
	program_kill(pid);
	a = arena_find(dir, pid);
	if (!a) {
		complain("no arena", 0, 0, 0, 0);
		return;
	}
	buffers_flush(a);
	buffers_read(a, NULL);
	ends_check(false);
	sums_check(a);
	fasttrace_arena_close(a);
}

/* What a reading process has taken: its next numbers, before and after each put. */
static void reader_note(bool put)
{
	for (unsigned k = 0; k < KINDS; k++)
		__atomic_store_n(&counts->reader[put ? k : 4 + k], runs[0][k].next,
				 __ATOMIC_RELEASE);
}

static pid_t reader_start(const char *dir, pid_t program)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct fasttrace_arena *a = arena_find(dir, program);

	memset(runs, 0, sizeof(runs));
	/* Killed after put and before its note, the reader before us had come further than it said.
	 */
	for (unsigned k = 0; k < KINDS; k++)
		runs[0][k].next = counts->reader[4 + k] > counts->reader[k] ? counts->reader[4 + k]
									    : counts->reader[k];
	while (a)
		buffers_read(a, reader_note);
	_exit(1);
}

/* Where the next reader began: just where the killed one stood, before or after its last put. */
static void resume_check(const uint64_t before[8])
{
	bool after = false;

	for (unsigned k = 0; k < KINDS; k++)
		if (runs[0][k].any && runs[0][k].first != before[k])
			after = true;
	for (unsigned k = 0; k < KINDS; k++)
		if (runs[0][k].any && runs[0][k].first != before[after ? 4 + k : k])
			complain("after the reader's death", 0, k, runs[0][k].first, before[k]);
}

/* Readers, killed again and again, then perhaps the writer: in block mode nothing may be lost. */
static void round_reader(const char *dir, bool both)
{
	struct fasttrace_arena *a;
	uint64_t before[8], errors_before = *errors;
	pid_t pid = program_start(1), reader = 0;

	program_wait(1);
	for (int i = 0; i < 4; i++) {
		reader = reader_start(dir, pid);
		usleep(1000 + (useconds_t)random_below(4000));
		if (i == 3 && both)
			program_kill(pid);
		program_kill(reader);
	}
	memcpy(before, counts->reader, sizeof(before));
	memset(runs, 0, sizeof(runs));
	a = arena_find(dir, pid);
	if (!a) {
		complain("no arena", 0, 0, 0, 0);
		return;
	}
	if (!both) {
		__atomic_store_n(&counts->stop, 1, __ATOMIC_RELAXED);
		while (fasttrace_arena_alive(a))
			buffers_read(a, NULL);
		waitpid(pid, NULL, 0);
	}
	buffers_flush(a);
	buffers_read(a, NULL);
	resume_check(before);
	for (unsigned k = 0; k < KINDS; k++)
		if (!runs[0][k].any)
			runs[0][k].next = before[4 + k] > before[k] ? before[4 + k] : before[k];
	ends_check(true);
	moved_check(a, errors_before);
	sums_check(a);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
	char dir[200];
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 60;
	int status;

	if (program_is(argc, argv, &status))
		return status;
	seed = argc > 2 ? strtoul(argv[2], NULL, 10) : (unsigned long)time(NULL);
	if (!dir_make(dir, sizeof(dir)) || dir_serve(dir) < 0)
		return 1;
	counts_make();
	errors = mmap(NULL, sizeof(*errors), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	printf("seed %lu\n", seed);
	setenv("FASTTRACE_DIR", dir, 1);
	setenv("FASTTRACE_BLOCK_TIMEOUT", "inf", 1);
	setenv("FASTTRACE_SUBBUFS", "4", 1);
	for (unsigned i = 0; i < rounds && *errors < 20; i++) {
		setenv("FASTTRACE_SUBBUF_SIZE", random_below(2) ? "4096" : "16K", 1);
		setenv("FASTTRACE_MODE", i % 3 ? "block" : "overwrite", 1);
		if (i % 3 == 0)
			round_writer(dir);
		else
			round_reader(dir, i % 3 == 2);
		if (i % 16 == 15)
			dir_empty(dir), dir_serve(dir);
	}
	dir_empty(dir);
	rmdir(dir);
	printf("%llu kills, %llu errors; in %llu rounds the writer moved to another buffer\n",
	       (unsigned long long)kills, (unsigned long long)*errors, (unsigned long long)moved);
	puts(*errors ? "0 passed, 1 failed" : "1 passed, 0 failed");
	return *errors != 0;
}
