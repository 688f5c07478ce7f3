/* SPDX-License-Identifier: MIT */
/*
 * jump.c - handlers that interrupt an event and leave by siglongjmp(): that event is in flight for
 * ever; the thread goes on, in a fresh buffer once its ring comes round to it, and loses nothing.
 */
#include <setjmp.h>

#include "common-threads.h"

#define JUMPS	 300u
#define LAP	 1200u /* events, more than a ring holds */
#define TIMED	 1000u
#define EVERY_NS 40000

static sigjmp_buf escape;
static volatile uint64_t finished, jumps;

static void number(uint64_t n)
{
	FASTTRACE(life, number, (n, n));
	finished++;
}

static void handler(int sig)
{
	number((uint64_t)sig);
	jumps++;
	siglongjmp(escape, 1);
}

/* As FASTTRACE would, up to where a signal comes. */
static void event_cut_off(void)
{
	static struct fasttrace_event site = {&fasttrace_unregistered,
					      "life, cut_off",
					      FASTTRACE_ABI,
					      FASTTRACE_INFO,
					      0,
					      FASTTRACE_KIND_EVENT,
					      {0}};
	struct fasttrace_reservation r;

	check(fasttrace_reserve(&r, 2, fasttrace_event_register(&site)) != NULL);
	raise(SIGUSR1);
	check(!"reached");
}

static void jump_many_times(void)
{
	for (volatile unsigned i = 0; i < JUMPS; i++) {
		if (!sigsetjmp(escape, 1))
			event_cut_off();
		for (unsigned j = 0; j < LAP; j++)
			number(j);
	}
}

static void *jumper(void *arg)
{
	jump_many_times();
	return arg;
}

static void jump_in_a_thread(void)
{
	pthread_t id;

	pthread_create(&id, NULL, jumper, NULL);
	pthread_join(id, NULL);
}

/* Only the events cut off are missing in what a thread leaves; it gives back all its buffers. */
static void jumps_are_counted(void)
{
	struct fasttrace_arena *a;
	struct fasttrace_stats s;

	signal(SIGUSR1, handler);
	jump_in_a_thread();
	a = arena_own();
	s = stats_of(a);
	check_equal(jumps, JUMPS);
	check_equal(s.begun, finished + JUMPS);
	check_equal(s.in_flight, JUMPS);
	check_equal(s.readable + s.overwritten, finished);
	check(fasttrace_arena_buffers(a) > JUMPS / 2);
	for (unsigned i = 0; i < 4; i++)
		jump_in_a_thread();
	s = stats_of(a);
	check_equal(s.begun, finished + 5 * JUMPS);
	check_equal(s.lost_nested + s.lost_no_buffer + s.lost_too_big + s.lost_full, 0);
	fasttrace_arena_close(a);
}

/* Where no fresh buffer is to be had the events that find no room are lost, and counted. */
static void without_room(void)
{
	struct fasttrace_arena *a;
	struct fasttrace_stats s;

	signal(SIGUSR1, handler);
	for (volatile unsigned i = 0; i < 4; i++) {
		if (!sigsetjmp(escape, 1))
			event_cut_off();
		for (unsigned j = 0; j < LAP; j++)
			number(j);
	}
	a = arena_own();
	s = stats_of(a);
	check(s.lost_nested > LAP / 2);
	check_equal(s.lost_no_buffer + s.lost_full, 0);
	check_equal(fasttrace_arena_buffers(a), 4);
	check_equal(s.begun, finished + 4);
	fasttrace_arena_close(a);
}

/* Where the signal comes is left to the timer. */
static void timed(void)
{
	struct fasttrace_arena *a;
	struct fasttrace_stats s;

	signal(SIGRTMIN, handler);
	sigsetjmp(escape, 1);
	if (!jumps)
		program_timer(SIGRTMIN, EVERY_NS);
	while (jumps < TIMED)
		number(jumps);
	signal(SIGRTMIN, SIG_IGN);
	a = arena_own();
	s = stats_of(a);
	check(s.begun >= finished && s.begun <= finished + 2 * TIMED);
	check_equal(s.lost_nested + s.lost_no_buffer + s.lost_too_big + s.lost_full, 0);
	printf("     %u jumps in %llu events, %llu cut off, %u buffers\n", TIMED,
	       (unsigned long long)finished, (unsigned long long)s.in_flight,
	       fasttrace_arena_buffers(a));
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define SMALL "FASTTRACE_SUBBUF_SIZE=4K", "FASTTRACE_SUBBUFS=2"
	static const struct turn turns[] = {
		{"jumps", jumps_are_counted, {SMALL, "FASTTRACE_MAX_MEMORY=8M"}},
		{"without_room", without_room, {SMALL, "FASTTRACE_MAX_MEMORY=64K"}},
		{"timed", timed, {SMALL}},
		{NULL, NULL, {NULL}},
	};

	return turns_run(turns, argc, argv);
}
