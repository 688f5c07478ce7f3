/* SPDX-License-Identifier: MIT */
/*
 * races.c - threads that trace, and a reader of their arena in a thread beside them, through one
 * mapping: so that ThreadSanitizer, which knows memory by its address, sees both sides of each pair.
 *
 *   races SECONDS
 *
 * Long-lived threads write, with signal handlers that write too; threads come and go, so that rings
 * change hands, and meet events that are new. The reader gets, swaps, puts and gives back, forces
 * switches, turns events on and off, counts, takes snapshots, and now and then leaves all as it is,
 * with a packet in its hands, for the next one to take over.
 */
#include "ft-reader.h"
#include "ft-tracer.h"
#include "program.h"

#define WRITERS	     2
#define SHORT_EVENTS 600
#define TAKEOVERS    20 /* rounds of a reader's life */
#define PATIENCE     90 /* s until all has happened that is to happen */

static uint32_t stop;
static double seconds = 3;
static uint64_t handled, ended;

static void write_one(uint64_t n)
{
	char text[] = "some text, of some length";

	text[n % sizeof(text)] = '\0';
	FASTTRACE(races, event, (n, n), (check, mix(0, 0, n)), (text, text));
	FASTTRACE(races, switched, (n, n));
}

static void handler(int sig)
{
	uint64_t n = __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);

	FASTTRACE(races, handled, (sig, sig), (n, n));
}

static void *writer(void *arg)
{
	(void)arg;
	program_timer(SIGRTMIN, 2 * SIGNAL_NS);
	program_timer(SIGRTMIN + 1, 3 * SIGNAL_NS);
	for (uint64_t n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++)
		write_one(n);
	return NULL;
}

/* Events that nobody has met before. */
static void write_new(uint64_t nth)
{
#define NEW(i)                                      \
	case i:                                     \
		FASTTRACE(races, new##i, (n, nth)); \
		break
	switch (nth % 64) {
		NEW(0);
		NEW(9);
		NEW(18);
		NEW(27);
		NEW(36);
		NEW(45);
		NEW(54);
		NEW(63);
	}
}

static void *short_writer(void *arg)
{
	write_new((uintptr_t)arg);
	for (uint64_t n = 0; n < SHORT_EVENTS; n++)
		write_one(n);
	return NULL;
}

static void *spawner(void *arg)
{
	(void)arg;
	for (uintptr_t n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
		pthread_t id[2];

		for (int i = 0; i < 2; i++)
			pthread_create(&id[i], NULL, short_writer, (void *)n);
		for (int i = 0; i < 2; i++)
			pthread_join(id[i], NULL);
		__atomic_fetch_add(&ended, 2, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* What the reader did. */
static struct {
	uint64_t packets, events, bytes, returned, switches, toggles, takeovers, snapshots, errors,
		sum;
} did;
static unsigned char *own_map;

/* The arena, through the mapping of the thread that writes. */
static struct fasttrace_arena *reader_open(void)
{
	struct fasttrace_arena *a = NULL;

	if (fasttrace_arena_open(AT_FDCWD, ft_process_path(), FASTTRACE_OPEN_CONSUME, &a, NULL) ||
	    !a->consumer) {
		did.errors++;
		exit(1);
	}
	own_map = a->map;
	a->map = (unsigned char *)ft_process_arena();
	a->shared = ft_process_arena();
	return a;
}

static void reader_close(struct fasttrace_arena *a)
{
	a->map = own_map;
	a->shared = (struct ft_arena *)(void *)own_map;
	fasttrace_arena_close(a);
}

static bool one_in(unsigned n)
{
	static unsigned random = 1;

	random = random * 1103515245 + 12345;
	return (random >> 16) % n == 0;
}

static void packet_look(const struct fasttrace_packet *p)
{
	const unsigned char *body = p->body;

	for (size_t i = 0; i < p->body_bytes; i++)
		did.sum += body[i];
	did.packets++;
	did.events += p->events;
	did.bytes += p->body_bytes;
	did.errors += p->cut_short != 0;
}

/* True when the reader is to die here. */
static bool buffer_read(struct fasttrace_arena *a, unsigned i, bool may_die)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	struct fasttrace_stats s;
	uint64_t seq;

	if (fasttrace_buffer_get_info(a, i, &info))
		return false;
	if (one_in(3))
		did.switches += !fasttrace_buffer_switch(
			a, i, info.serial, one_in(2) ? FASTTRACE_ACTIVE : FASTTRACE_FLUSH);
	fasttrace_buffer_watch(a, i);
	while (!fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL)) {
		if (fasttrace_buffer_get(a, i, info.serial, seq, &p))
			continue;
		packet_look(&p);
		if (may_die)
			return true;
		if (one_in(16)) {
			did.events -= p.events;
			did.returned++;
			fasttrace_buffer_unget(a, i, &p);
			break;
		}
		fasttrace_buffer_put(a, i, &p);
	}
	fasttrace_buffer_stats(a, i, info.serial, &s);
	return false;
}

static void reader_look(struct fasttrace_arena *a)
{
	struct fasttrace_snapshot *snapshot;
	struct fasttrace_stats s;

	did.errors += fasttrace_arena_stats(a, &s) != 0;
	if (one_in(4)) {
		did.errors += fasttrace_events_switch(a, "races", one_in(2) ? "switched" : NULL,
						      one_in(2)) != 0;
		did.errors += fasttrace_events_switch(a, "races", "event", true) != 0;
		did.toggles++;
	}
	if (one_in(16) && !fasttrace_snapshot_take(a, &snapshot)) {
		did.snapshots++;
		fasttrace_snapshot_free(snapshot);
	}
}

static bool all_done(void)
{
	return did.packets && did.returned && did.switches && did.toggles && did.takeovers &&
	       did.snapshots && __atomic_load_n(&ended, __ATOMIC_RELAXED) &&
	       __atomic_load_n(&handled, __ATOMIC_RELAXED);
}

static void *reader(void *arg)
{
	struct fasttrace_arena *a = reader_open();
	double end = now() + seconds;

	for (unsigned round = 1; now() < (all_done() ? end : end + PATIENCE); round++) {
		bool dies = round % TAKEOVERS == 0;

		for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
			if (buffer_read(a, i, dies)) {
				reader_close(a);
				a = reader_open();
				did.takeovers++;
				break;
			}
		if (one_in(8))
			reader_look(a);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	*(struct fasttrace_arena **)arg = a;
	return NULL;
}

static bool sums_check(struct fasttrace_arena *a, bool overwrite)
{
	struct fasttrace_stats s;
	uint64_t lost;

	if (fasttrace_arena_stats(a, &s))
		return false;
	lost = s.lost_full + s.lost_too_big + s.lost_nested + s.lost_no_buffer + s.lost_no_event;
	printf("begun %llu = consumed %llu + readable %llu + overwritten %llu + lost %llu\n",
	       (unsigned long long)s.begun, (unsigned long long)s.consumed,
	       (unsigned long long)s.readable, (unsigned long long)s.overwritten,
	       (unsigned long long)lost);
	printf("%llu packets, %llu returned, %llu switches, %llu times events turned on or off, "
	       "%llu takeovers, %llu snapshots, %llu threads ended, %llu handlers, %llu errors\n",
	       (unsigned long long)did.packets, (unsigned long long)did.returned,
	       (unsigned long long)did.switches, (unsigned long long)did.toggles,
	       (unsigned long long)did.takeovers, (unsigned long long)did.snapshots,
	       (unsigned long long)ended,
	       (unsigned long long)__atomic_load_n(&handled, __ATOMIC_RELAXED),
	       (unsigned long long)did.errors);
	return s.begun == s.consumed + s.readable + s.overwritten + lost + s.in_flight &&
	       (overwrite || !s.overwritten) && all_done() && !did.errors;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	const char *mode = getenv("FASTTRACE_MODE");
	pthread_t id[WRITERS + 2];
	struct fasttrace_arena *a = NULL;
	unsigned n = 0;
	bool ok;

	if (argc > 1)
		seconds = atof(argv[1]);
	write_one(0); /* the arena is there */
	sigaction(SIGRTMIN, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	for (; n < WRITERS; n++)
		pthread_create(&id[n], NULL, writer, NULL);
	pthread_create(&id[n++], NULL, spawner, NULL);
	pthread_create(&id[n++], NULL, reader, &a);
	while (n)
		pthread_join(id[--n], NULL);
	ok = sums_check(a, !mode || !strcmp(mode, "overwrite"));
	reader_close(a);
	puts(ok ? "1 passed, 0 failed" : "0 passed, 1 failed");
	return !ok;
}
