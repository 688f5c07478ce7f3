/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - threads that are cancelled: an event is no cancellation point; and where cancellation
 * may come anywhere, in the middle of events too, it costs at most the event in flight.
 */
#include <sched.h>

#include "common-threads.h"

#define CANCELS 1000u
#define EVENTS	20000u

static uint64_t finished; /* events whose macro returned */
static uint32_t started;

static void number(uint64_t n)
{
	FASTTRACE(life, number, (n, n));
	__atomic_add_fetch(&finished, 1, __ATOMIC_RELAXED);
}

static void handler(int sig)
{
	number((uint64_t)sig);
}

/* The request is pending from the start: any cancellation point would act on it. */
static void *is_cancelled_first(void *arg)
{
	pthread_cancel(pthread_self());
	if (arg)
		check_equal(fasttrace_thread_prepare(), 0);
	for (uint64_t i = 0; i < EVENTS; i++)
		number(i);
	__atomic_store_n(&started, 1, __ATOMIC_RELEASE);
	pthread_testcancel();
	check(!"cancelled");
	return NULL;
}

static void deferred_once(void *arg)
{
	pthread_t id;
	void *result;

	started = 0;
	pthread_create(&id, NULL, is_cancelled_first, arg);
	pthread_join(id, &result);
	check(result == PTHREAD_CANCELED);
	check_equal(started, 1);
}

static void deferred(void)
{
	int served = dir_serve(getenv("FASTTRACE_DIR")); /* block mode waits, then */
	struct fasttrace_arena *a;

	deferred_once(NULL);
	deferred_once(&served);
	a = arena_own();
	check_equal(stats_of(a).begun, 2 * EVENTS);
	check_equal(stats_of(a).in_flight, 0);
	fasttrace_arena_close(a);
	close(served);
}

static void *traces_for_ever(void *arg)
{
	int old;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	__atomic_store_n(&started, 1, __ATOMIC_RELEASE);
	for (uint64_t i = 0;; i++)
		number(i);
	return arg;
}

/* From before the first event to some way into the second lap. */
static void cancel_somewhere(unsigned round)
{
	static uint32_t random = 12345;
	void *result;
	pthread_t id;

	started = 0;
	pthread_create(&id, NULL, traces_for_ever, NULL);
	while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE))
		sched_yield();
	random = random * 1664525 + 1013904223;
	for (uint32_t i = random >> (14 + round % 8); i; i--)
		__asm__ volatile("" : : : "memory");
	if (round % 4 == 0)
		pthread_kill(id, SIGUSR1);
	pthread_cancel(id);
	pthread_join(id, &result);
	check(result == PTHREAD_CANCELED);
}

static void asynchronous(void)
{
	struct resources before = {0}, after;
	struct fasttrace_arena *a;
	struct fasttrace_stats s;
	uint64_t returned;

	signal(SIGUSR1, handler);
	for (unsigned i = 0; i < CANCELS; i++) {
		cancel_somewhere(i);
		if (i == CANCELS / 2)
			before = resources_now();
	}
	after = resources_now();
	check_equal(after.maps, before.maps);
	check_equal(after.descriptors, before.descriptors);
	check_equal(after.arena_blocks, before.arena_blocks);
	a = arena_own();
	check(fasttrace_arena_buffers(a) < 120);
	s = stats_of(a);
	returned = finished;
	/* Two in flight at most, in a handler; of one that returned the count may be cut off. */
	check(s.begun >= returned && s.begun <= returned + 2 * CANCELS);
	if (!getenv("FASTTRACE_MODE")) /* else nobody reads what they left */
		check_equal(s.lost_no_buffer, 0);
	number(0); /* nothing hangs */
	check_equal(stats_of(a).begun, s.begun + 1);
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		static uint64_t values[1 << 20];

		buffer_values(a, i, values, 1 << 20);
	}
	s = stats_of(a);
	check(s.in_flight <= 2 * fasttrace_arena_buffers(a));
	printf("     %u cancelled in %llu events, %llu in flight to be seen\n", CANCELS,
	       (unsigned long long)returned, (unsigned long long)s.in_flight);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define SMALL "FASTTRACE_MAX_MEMORY=2M", "FASTTRACE_SUBBUF_SIZE=4K", "FASTTRACE_SUBBUFS=4"
	static const struct turn turns[] = {
		{"deferred", deferred, {NULL}},
		{"deferred_block",
		 deferred,
		 {"FASTTRACE_MODE=block", "FASTTRACE_BLOCK_TIMEOUT=100ms"}},
		{"asynchronous", asynchronous, {SMALL}},
		{"asynchronous_discard", asynchronous, {SMALL, "FASTTRACE_MODE=discard"}},
		{NULL, NULL, {NULL}},
	};

	return turns_run(turns, argc, argv);
}
