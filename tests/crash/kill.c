/* SPDX-License-Identifier: MIT */
/*
 * kill.c - SIGKILL at random instants, under full load with nested signal handlers: the writer, the
 * reader, both. Whatever had returned must be read, once; what was read must not be lost or
 * repeated.
 *
 *   kill [KILLS [SEED]]     KILLS of each victim: the writer, the reader, both
 *
 * A round is a program and its end. SEED says all of the first round; the next one's is SEED + 1.
 */
#include "common.h"

#define MAX_ROUND_BUFFERS 16
#define SUBBUFS		  4

enum victim { WRITER, READER, BOTH, VICTIMS };

/*
 * What a reading process notes of the one buffer that it reads, in this order; so the next one can
 * tell from where it must go on. at[0] is where it stood before the packet `seq`, at[1] behind it.
 */
enum stage { IDLE, GOT, PUTTING, DONE };
struct note {
	uint64_t stage, seq;
	struct position at[2];
};
_Static_assert(sizeof(struct note) <= NOTES_BYTES, "notes");

/* What one round is, all of it from its seed. */
static struct {
	unsigned long seed;
	enum victim victim;
	bool overwrite;
	unsigned threads;
} round_now;

static struct position positions[MAX_ROUND_BUFFERS];
static struct note *note; /* NULL: nobody takes over from us */
static uint64_t moved, deaths[VICTIMS], found[VICTIMS], writer_kills, reader_kills,
	handlers_checked;

static void packet_check(struct position *at, const struct fasttrace_packet *p)
{
	uint64_t events;

	seq_check(at, p->seq, round_now.overwrite);
	events = events_check(at, p->body, p->body_bytes);
	if (events != p->events)
		complain("miscounted", at->thread, 0, events, p->events);
}

static void note_stage(enum stage stage)
{
	if (note)
		__atomic_store_n(&note->stage, (uint64_t)stage, __ATOMIC_RELEASE);
}

/* Where the reader before us stood. @seq: what is served next; NULL: nothing is. */
static void position_resume(struct position *at, const uint64_t *seq, bool all_is_kept)
{
	uint64_t stage = note->stage;
	bool again = seq && *seq == note->seq;

	*at = note->at[stage == DONE || (stage == PUTTING && !again)];
	if (stage == PUTTING && !again && !all_is_kept)
		at->unsure += at->events - note->at[0].events;
	if (stage == GOT && all_is_kept && !again)
		complain_order("what the killed reader held is gone", at->thread, 0, seq ? *seq : 0,
			       note->seq);
}

static void packet_take(struct fasttrace_arena *a, unsigned i, struct fasttrace_packet *p)
{
	if (note) {
		note->seq = p->seq;
		note_stage(GOT);
		if (!random_below(16)) /* slowly: the writer laps us */
			usleep(20);
	}
	if (!program_event_id || !program_longer_id) /* one may not have been met before */
		program_ids_find(a);
	packet_check(&positions[i], p);
	if (note)
		note->at[1] = positions[i];
	note_stage(PUTTING);
	fasttrace_buffer_put(a, i, p);
	note_stage(DONE);
	if (note)
		note->at[0] = note->at[1];
	note_stage(IDLE);
}

/* Take it and give it back, some times, so that this is what we are often killed in. */
static bool packet_try(struct fasttrace_arena *a, unsigned i, uint64_t serial, uint64_t seq)
{
	struct fasttrace_packet p;

	for (unsigned long times = random_below(16); times; times--) {
		if (fasttrace_buffer_get(a, i, serial, seq, &p))
			return false;
		fasttrace_buffer_unget(a, i, &p);
	}
	return true;
}

/* Read what there is. @clumsy: often leave one half-read; now and then force a switch. */
static void buffer_read(struct fasttrace_arena *a, unsigned i, bool clumsy)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	uint64_t seq;

	if (fasttrace_buffer_get_info(a, i, &info))
		return;
	if (clumsy && !random_below(500))
		fasttrace_buffer_switch(a, i, info.serial,
					random_below(2) ? FASTTRACE_ACTIVE : FASTTRACE_FLUSH);
	while (!fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL)) {
		if (clumsy && !packet_try(a, i, info.serial, seq))
			continue;
		if (fasttrace_buffer_get(a, i, info.serial, seq, &p))
			continue;
		packet_take(a, i, &p);
	}
}

static void buffers_read(struct fasttrace_arena *a, bool clumsy)
{
	for (unsigned i = 0; i < fasttrace_arena_buffers(a) && i < MAX_ROUND_BUFFERS; i++)
		buffer_read(a, i, clumsy);
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

/* Exact, but for what had begun and not returned: at most one of each kind. */
static void sums_check(struct fasttrace_arena *a)
{
	uint64_t returned = 0, n = round_now.threads * KINDS;
	struct fasttrace_stats s;

	fasttrace_arena_stats(a, &s);
	for (unsigned t = 0; t < round_now.threads; t++)
		for (unsigned k = 0; k < KINDS; k++)
			returned += counts->thread[t].n[k];
	if (s.begun != s.consumed + s.overwritten + s.lost_full + s.lost_too_big + s.lost_nested +
			       s.lost_no_buffer + s.lost_no_event + s.in_flight ||
	    s.readable || s.in_flight > n)
		complain("sums", s.in_flight, s.readable, s.begun, s.consumed);
	if (s.begun < returned || s.begun > returned + n)
		complain("begun", 0, 0, s.begun, returned);
	if (!round_now.overwrite && s.consumed + s.in_flight != s.begun)
		complain("lost", 0, 0, s.consumed, s.begun);
}

/* What was consumed is what was read; what was overwritten are the numbers that are missing. */
static void reading_check(struct fasttrace_arena *a)
{
	uint64_t read = 0, unsure = 0, numbers = 0, maybe = 0;
	struct fasttrace_stats s;

	fasttrace_arena_stats(a, &s);
	for (const struct position *at = positions; at < positions + MAX_ROUND_BUFFERS; at++) {
		read += at->events;
		unsure += at->unsure;
		for (unsigned k = 0; at->begun && k < KINDS; k++) {
			numbers += at->any[k] ? at->next[k] : counts->thread[at->thread].n[k];
			maybe += !at->any[k]; /* of whose last one nobody knows */
		}
	}
	if (s.consumed > read || s.consumed + unsure < read)
		complain_order("consumed", 0, 0, s.consumed, read);
	if (s.overwritten + s.consumed < numbers || s.overwritten + s.consumed > numbers + maybe)
		complain_order("overwritten", 0, 0, s.overwritten, numbers - s.consumed);
}

/*
 * Handlers that come faster than they end can lap the ring inside one event; the thread then goes
 * on in another one, and the two are read side by side, so the numbers do not follow one another.
 * What remains to be said of such a round: nothing is torn, and the sums.
 */
static void round_check(struct fasttrace_arena *a)
{
	unsigned begun = 0;

	for (unsigned i = 0; i < MAX_ROUND_BUFFERS; i++)
		if (positions[i].begun && positions[i].thread < round_now.threads) {
			handlers_checked += ends_check(&positions[i], !round_now.overwrite,
						       round_now.overwrite);
			run_check(&positions[i], SUBBUFS);
			begun++;
		}
	if (begun != round_now.threads)
		complain_order("threads", 0, 0, begun, round_now.threads);
	reading_check(a);
	if (fasttrace_arena_buffers(a) > round_now.threads) {
		moved++;
		errors->all -= errors->order;
	}
	sums_check(a);
}

/* Until each thread has begun, and the first event of each has returned. */
static void program_wait(void)
{
	double end = now() + 10;

	for (unsigned t = 0; t < round_now.threads; t++)
		while (!__atomic_load_n(&counts->thread[t].n[0], __ATOMIC_ACQUIRE) && now() < end)
			usleep(100);
}

static void reader_run(const char *dir, pid_t program)
{
	struct fasttrace_arena *a;
	struct fasttrace_buffer_info info;
	uint64_t seq;

	note = (struct note *)(void *)counts->notes;
	if (round_now.overwrite && note->stage == GOT)
		note_stage(IDLE); /* once it is back in the ring, the writer may overwrite it */
	a = arena_find(dir, program);
	if (!a)
		return;
	while (fasttrace_buffer_get_info(a, 0, &info) ||
	       fasttrace_buffer_next(a, 0, info.serial, 0, &seq, NULL))
		;
	position_resume(&positions[0], &seq, !round_now.overwrite);
	note->at[0] = positions[0];
	note_stage(IDLE);
	for (;;)
		buffers_read(a, true);
}

static pid_t reader_start(const char *dir, pid_t program)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	reader_run(dir, program);
	_exit(1);
}

/* Readers, killed one after the other; the last one together with the writer, or it goes on. */
static void readers_kill(const char *dir, pid_t pid)
{
	unsigned lives = round_now.victim == BOTH ? 1 + (unsigned)random_below(2) : 4;

	for (unsigned i = 0; i < lives; i++) {
		bool both = i == lives - 1 && round_now.victim == BOTH, first = random_below(2);
		pid_t reader = reader_start(dir, pid);

		usleep(1000 + (useconds_t)random_below(3000));
		if (both && first)
			victim_kill(pid, &writer_kills);
		if (both && random_below(2))
			usleep((useconds_t)random_below(300));
		victim_kill(reader, &reader_kills);
		if (both && random_below(2))
			usleep((useconds_t)random_below(300));
		if (both && !first)
			victim_kill(pid, &writer_kills);
	}
	deaths[round_now.victim] += round_now.victim == BOTH ? 1 : lives;
}

/* We take over from the last reader. */
static void reading_resume(struct fasttrace_arena *a, bool all_is_kept)
{
	struct fasttrace_buffer_info info;
	uint64_t seq;
	bool any = !fasttrace_buffer_get_info(a, 0, &info) &&
		   !fasttrace_buffer_next(a, 0, info.serial, 0, &seq, NULL);

	note = (struct note *)(void *)counts->notes;
	position_resume(&positions[0], any ? &seq : NULL, all_is_kept);
	note = NULL;
}

static void round_finish(struct fasttrace_arena *a, pid_t pid)
{
	if (round_now.victim != WRITER)
		reading_resume(a, !round_now.overwrite || round_now.victim == BOTH);
	if (round_now.victim == READER) {
		__atomic_store_n(&counts->stop, 1, __ATOMIC_RELAXED);
		while (fasttrace_arena_alive(a))
			buffers_read(a, false);
		waitpid(pid, NULL, 0);
	}
	buffers_flush(a);
	buffers_read(a, false);
	round_check(a);
	fasttrace_arena_close(a);
}

static void round_run(const char *dir)
{
	struct fasttrace_arena *a;
	pid_t pid;

	program_seed = round_now.seed;
	program_event_id = program_longer_id = 0;
	pid = program_start(round_now.threads);
	memset(positions, 0, sizeof(positions));
	errors->order = 0;
	program_wait();
	if (round_now.victim != WRITER) {
		readers_kill(dir, pid);
	} else {
		usleep((useconds_t)random_below(3000));
		victim_kill(pid, &writer_kills);
		deaths[WRITER]++;
	}
	a = arena_find(dir, pid);
	if (a) {
		round_finish(a, pid);
		return;
	}
	complain("no arena", 0, 0, 0, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void round_draw(unsigned long number)
{
	seed = round_now.seed = number;
	round_now.victim = (enum victim)(number % VICTIMS);
	random_below(2); /* the first ones of neighbours are alike */
	round_now.overwrite = round_now.victim == WRITER || random_below(2);
	round_now.threads = round_now.victim == WRITER ? 1 + (unsigned)random_below(3) : 1;
	setenv("FASTTRACE_SUBBUF_SIZE", random_below(2) ? "4096" : "16K", 1);
	setenv("FASTTRACE_MODE", round_now.overwrite ? "overwrite" : "block", 1);
}

static bool victim_is_left(unsigned kills)
{
	for (unsigned v = 0; v < VICTIMS; v++)
		if (deaths[v] < kills)
			return true;
	return false;
}

static void rows_print(void)
{
	static const char *const names[] = {
		"writer killed at a random instant, 1 to 3 threads, nested signals",
		"reader killed at a random instant, the writer goes on",
		"writer and reader killed at random instants"};
	static const char *const promises[] = {
		"what had returned and was not overwritten is read, untorn, once; sums are exact",
		"the same; in block mode nothing is lost; the next reader goes on where it stood",
		"the same; what the reader held is served again"};

	victims_print(VICTIMS, names, promises, deaths, found);
}

int main(int argc, char **argv)
{
	unsigned long number = argc > 2 ? strtoul(argv[2], NULL, 10) : (unsigned long)time(NULL);
	unsigned kills = argc > 1 ? (unsigned)atoi(argv[1]) : 60;
	int status, lock;
	char dir[200], subbufs[16];

	if (program_is(argc, argv, &status))
		return status;
	if (!dir_make(dir, sizeof(dir)))
		return 1;
	counts_make();
	errors_make();
	printf("seed %lu\n", number);
	setenv("FASTTRACE_DIR", dir, 1);
	setenv("FASTTRACE_BLOCK_TIMEOUT", "inf", 1);
	snprintf(subbufs, sizeof(subbufs), "%d", SUBBUFS);
	setenv("FASTTRACE_SUBBUFS", subbufs, 1);
	while (errors->all < 20 && victim_is_left(kills)) {
		uint64_t before = errors->all;

		round_draw(number++);
		if (deaths[round_now.victim] >= kills)
			continue;
		lock = dir_serve(dir);
		round_run(dir);
		found[round_now.victim] += errors->all - before;
		if (errors->all != before)
			fprintf(stderr, "again: kill 1 %lu\n", round_now.seed);
		dir_empty(dir);
		close(lock);
	}
	rmdir(dir);
	printf("%llu kills of writers, %llu of readers; %llu last events of handlers asked for; in "
	       "%llu "
	       "rounds the writer moved to another buffer\n",
	       (unsigned long long)writer_kills, (unsigned long long)reader_kills,
	       (unsigned long long)handlers_checked, (unsigned long long)moved);
	rows_print();
	puts(errors->all ? "0 passed, 1 failed" : "1 passed, 0 failed");
	return errors->all != 0;
}
