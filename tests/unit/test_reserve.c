/* SPDX-License-Identifier: MIT */
/*
 * test_reserve.c - the writer's rare paths: handlers inside reserve..commit, death there, events
 * too big, a clock that steps, siglongjmp. The body is the traced process; it dies on purpose.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-ring.h"

#define PER_SUBBUF ((4096 - 88) / 16)

static uint64_t number;
static sigjmp_buf escape;

static void one(void)
{
	uint64_t n = number++;

	FASTTRACE(test, number, (n, n));
}

/* Reserve an event as FASTTRACE would; whoever calls this decides whether it is ever committed. */
static uint32_t number_id(void)
{
	struct fasttrace_slot *slot = fasttrace_self->ring.slots;
	uint64_t header;

	memcpy(&header, fasttrace_self->ring.pages + 88, 8); /* the first event's */
	(void)slot;
	return (uint32_t)(header & 0xffff);
}

static unsigned char *begin(struct fasttrace_reservation *r)
{
	unsigned char *p = fasttrace_reserve(r, 2, number_id());

	memcpy(p + 8, &number, 8);
	number++;
	return p;
}

/* 3 events, one in flight, 5 behind it from a handler; dead. */
static void handler_five(int sig)
{
	(void)sig;
	for (int i = 0; i < 5; i++)
		one();
}

static void body_die_in_flight(void)
{
	struct fasttrace_reservation r;

	one();
	one();
	one();
	signal(SIGUSR1, handler_five);
	begin(&r);
	raise(SIGUSR1);
	kill(getpid(), SIGKILL);
}

/* Depth 2: the inner handler interrupts an event of the outer one, which is then finished. */
static void handler_inner(int sig)
{
	(void)sig;
	one();
	one();
}

static void handler_outer(int sig)
{
	struct fasttrace_reservation r;

	(void)sig;
	one();
	begin(&r);
	raise(SIGUSR2);
	fasttrace_commit(&r);
	one();
}

static void nest(void)
{
	signal(SIGUSR1, handler_outer);
	signal(SIGUSR2, handler_inner);
	raise(SIGUSR1);
}

static void body_die_at_depth_two(void)
{
	struct fasttrace_reservation r;

	one();
	begin(&r);
	nest();
	kill(getpid(), SIGKILL);
}

/* One event in flight, and behind it twenty, each second one inside the one before. */
static void handler_pair(int sig)
{
	struct fasttrace_reservation r;

	(void)sig;
	begin(&r);
	raise(SIGUSR2);
	fasttrace_commit(&r);
}

static void handler_one(int sig)
{
	(void)sig;
	one();
}

static void body_die_after_many_interruptions(void)
{
	struct fasttrace_reservation r;

	one();
	signal(SIGUSR1, handler_pair);
	signal(SIGUSR2, handler_one);
	begin(&r);
	for (int i = 0; i < 10; i++)
		raise(SIGUSR1);
	kill(getpid(), SIGKILL);
}

/* Ten events, each with a handler's inside; then dead in the eleventh, behind its handler's. */
static void body_die_after_many_finished(void)
{
	struct fasttrace_reservation r;

	one();
	signal(SIGUSR1, handler_one);
	for (int i = 0; i < 10; i++) {
		begin(&r);
		raise(SIGUSR1);
		fasttrace_commit(&r);
	}
	begin(&r);
	raise(SIGUSR1);
	kill(getpid(), SIGKILL);
}

/* A handler forks inside an event; the child returns from it, and its event from the macro. */
static void handler_fork(int sig)
{
	(void)sig;
	if (fork())
		for (int i = 0; i < 20; i++)
			one();
	else
		usleep(50000); /* until the parent has gone on */
}

static void body_fork_in_flight(void)
{
	struct fasttrace_reservation r;
	pid_t self = getpid();
	unsigned char *p;
	int status;

	one();
	signal(SIGUSR1, handler_fork);
	p = begin(&r);
	raise(SIGUSR1);
	if (getpid() != self) {
		memset(p, 0xff, 2000); /* as a late store of the event's own fields */
		fasttrace_commit(&r);
		_exit(0);
	}
	fasttrace_commit(&r);
	wait(&status);
	one();
	body_say(status ? 'x' : '.');
	body_hear();
}

static void body_finish_after_handlers(void)
{
	struct fasttrace_reservation r;

	one();
	begin(&r);
	nest();
	fasttrace_commit(&r);
	one();
	body_say('.');
	body_hear();
}

/* The handler fills two rings while an event is in flight, which is then finished. */
static void body_handler_laps(void)
{
	struct fasttrace_reservation r;

	one();
	begin(&r);
	for (int i = 0; i < 8 * PER_SUBBUF; i++)
		one();
	fasttrace_commit(&r);
	one();
	body_say('.');
	body_hear();
}

static void handler_escape(int sig)
{
	(void)sig;
	siglongjmp(escape, 1);
}

static void body_escape(void)
{
	struct fasttrace_reservation r;

	one();
	signal(SIGUSR1, handler_escape);
	if (!sigsetjmp(escape, 1)) {
		begin(&r);
		raise(SIGUSR1);
	}
	for (int i = 0; i < 6 * PER_SUBBUF; i++)
		one();
	body_say('.');
	body_hear();
	_exit(0);
}

static void body_too_big(void)
{
	static char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	one();
	FASTTRACE(test, big, (text, text));
	one();
	body_say('.');
	body_hear();
}

static void body_clock_steps(void)
{
	one();
	one();
	fasttrace_self->last -= UINT64_C(1) << 47; /* as if the newest event were days old */
	one();
	fasttrace_self->last += UINT64_C(1) << 30; /* as if the clock went back */
	one();
	one();
	body_say('.');
	body_hear();
}

static void body_clock_jitters(void)
{
	one();
	fasttrace_self->last += UINT64_C(1) << 19; /* as if another processor's were ahead */
	one();
	body_say('.');
	body_hear();
}

static const struct fixture_body bodies[] = {
	{"die_after_many_interruptions", body_die_after_many_interruptions},
	{"die_after_many_finished", body_die_after_many_finished},
	{"fork_in_flight", body_fork_in_flight},
	{"die_in_flight", body_die_in_flight},
	{"die_at_depth_two", body_die_at_depth_two},
	{"finish_after_handlers", body_finish_after_handlers},
	{"handler_laps", body_handler_laps},
	{"escape", body_escape},
	{"too_big", body_too_big},
	{"clock_steps", body_clock_steps},
	{"clock_jitters", body_clock_jitters},
	{NULL, NULL},
};

/* Read all that can be had of one buffer; the numbers in order. */
static size_t read_all(struct fasttrace_arena *a, unsigned index, uint64_t *out, size_t max,
		       uint64_t *cut_short)
{
	uint64_t serial = fixture_owner(a, index), seq, end = 0;
	struct fasttrace_packet p;
	size_t n = 0;

	assert_int_equal(fasttrace_buffer_switch(a, index, serial, FASTTRACE_FLUSH), 0);
	while (!fasttrace_buffer_next(a, index, serial, 0, &seq, NULL)) {
		assert_int_equal(fasttrace_buffer_get(a, index, serial, seq, &p), 0);
		assert_true(p.begin >= end && p.end >= p.begin);
		end = p.end;
		n += fixture_values(&p, out + n, max - n);
		*cut_short += p.cut_short;
		fasttrace_buffer_put(a, index, &p);
	}
	return n;
}

static struct fasttrace_stats stats(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.begun, s.consumed + s.readable + s.overwritten + s.lost_full +
					  s.lost_too_big + s.lost_nested + s.in_flight);
	return s;
}

static struct fasttrace_arena *after_death(const char *body)
{
	pid_t pid = fixture_spawn_env(body, "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4");

	assert_true(fixture_wait(pid) == SIGKILL);
	return fixture_open(pid, FASTTRACE_OPEN_CONSUME);
}

static struct fasttrace_arena *after_dot(const char *body)
{
	pid_t pid = fixture_spawn_env(body, "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4");

	assert_int_equal(fixture_hear(), '.');
	return fixture_open(pid, FASTTRACE_OPEN_CONSUME);
}

static void assert_numbers(const uint64_t *got, size_t n, const uint64_t *want, size_t wanted)
{
	assert_int_equal(n, wanted);
	assert_memory_equal(got, want, wanted * sizeof(*want));
}

static void handlers_events_survive_death_in_the_outer_event(void **state)
{
	static const uint64_t want[] = {0, 1, 2, 4, 5, 6, 7, 8};
	struct fasttrace_arena *a = after_death("die_in_flight");
	uint64_t got[64], cut = 0;
	size_t n;

	(void)state;
	assert_int_equal(stats(a).readable, 8);
	assert_int_equal(stats(a).in_flight, 1);
	assert_int_equal(stats(a).corrupted, 1);
	n = read_all(a, 0, got, 64, &cut);
	assert_numbers(got, n, want, 8);
	assert_int_equal(cut, 1);
	assert_int_equal(stats(a).consumed, 8);
	assert_int_equal(stats(a).in_flight, 1);
	assert_int_equal(stats(a).corrupted, 1);
	fasttrace_arena_close(a);
}

static void handlers_events_survive_at_depth_two(void **state)
{
	static const uint64_t want[] = {0, 2, 3, 4, 5, 6};
	struct fasttrace_arena *a = after_death("die_at_depth_two");
	uint64_t got[64], cut = 0;

	(void)state;
	assert_numbers(got, read_all(a, 0, got, 64, &cut), want, 6);
	assert_int_equal(cut, 1);
	assert_int_equal(stats(a).begun, 7);
	fasttrace_arena_close(a);
}

/* What a body that died in an event has left: so many numbers. */
static void read_after_death(const char *body, uint64_t *got, size_t wanted)
{
	struct fasttrace_arena *a = after_death(body);
	uint64_t cut = 0;

	assert_int_equal(read_all(a, 0, got, 64, &cut), wanted);
	assert_int_equal(cut, 1);
	fasttrace_arena_close(a);
}

static void handlers_events_survive_however_often_they_interrupt(void **state)
{
	uint64_t got[64];

	(void)state;
	read_after_death("die_after_many_interruptions", got, 21);
	for (size_t i = 1; i < 21; i++)
		assert_int_equal(got[i], i + 1);
}

static void handlers_last_event_survives_however_often_they_came_before(void **state)
{
	uint64_t got[64];

	(void)state;
	read_after_death("die_after_many_finished", got, 22);
	for (size_t i = 0; i < 22; i++)
		assert_int_equal(got[i], i < 21 ? i : 22);
}

static void child_forked_inside_an_event_leaves_the_parents_ring_alone(void **state)
{
	struct fasttrace_arena *a = after_dot("fork_in_flight");
	uint64_t got[64], cut = 0;
	size_t n = read_all(a, 0, got, 64, &cut);

	(void)state;
	assert_int_equal(n, 23);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], i);
	assert_int_equal(stats(a).in_flight, 0);
	fasttrace_arena_close(a);
}

static void outer_commit_takes_the_handlers_events_along(void **state)
{
	static const uint64_t want[] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct fasttrace_arena *a = after_dot("finish_after_handlers");
	uint64_t got[64], cut = 0;

	(void)state;
	assert_numbers(got, read_all(a, 0, got, 64, &cut), want, 8);
	assert_int_equal(cut, 0);
	fasttrace_arena_close(a);
}

static void handler_that_laps_goes_to_another_buffer(void **state)
{
	struct fasttrace_arena *a = after_dot("handler_laps");
	static uint64_t got[16 * PER_SUBBUF];
	uint64_t cut = 0;
	size_t n = read_all(a, 0, got, 16 * PER_SUBBUF, &cut);

	(void)state;
	assert_int_equal(cut, 0);
	assert_int_equal(fasttrace_arena_buffers(a), 2);
	assert_int_equal(got[0], 0);
	assert_int_equal(got[1], 1); /* the outer event */
	assert_int_equal(n, 4 * PER_SUBBUF);
	n += read_all(a, 1, got + n, 16 * PER_SUBBUF - n, &cut);
	assert_int_equal(got[n - 1], 2 + 8 * PER_SUBBUF);
	assert_int_equal(stats(a).lost_nested, 0);
	assert_int_equal(stats(a).begun, 3 + 8 * PER_SUBBUF);
	fasttrace_arena_close(a);
}

static void siglongjmp_out_of_an_event_loses_that_event_alone(void **state)
{
	struct fasttrace_arena *a = after_dot("escape");
	static uint64_t got[16 * PER_SUBBUF];
	uint64_t cut = 0, serial;
	size_t n;

	(void)state;
	fixture_say('x'); /* now it ends, and what it left is read as a dead writer's */
	while (fasttrace_arena_alive(a))
		usleep(1000);
	serial = fixture_owner(a, 0);
	assert_true(serial == 1);
	n = read_all(a, 0, got, 16 * PER_SUBBUF, &cut);
	n += read_all(a, 1, got + n, 16 * PER_SUBBUF - n, &cut);
	assert_int_equal(cut, 1);
	assert_int_equal(n, 1 + 6 * PER_SUBBUF);
	assert_int_equal(got[0], 0);
	for (size_t i = 1; i < n; i++)
		assert_int_equal(got[i], i + 1);
	assert_int_equal(stats(a).in_flight, 1);
	fasttrace_arena_close(a);
}

static void event_longer_than_a_subbuf_is_counted(void **state)
{
	static const uint64_t want[] = {0, 1};
	struct fasttrace_arena *a = after_dot("too_big");
	uint64_t got[64], cut = 0;

	(void)state;
	assert_numbers(got, read_all(a, 0, got, 64, &cut), want, 2);
	assert_int_equal(stats(a).lost_too_big, 1);
	assert_int_equal(stats(a).begun, 3);
	fasttrace_arena_close(a);
}

static void clock_step_closes_the_subbuf_and_a_step_back_begins_a_stream(void **state)
{
	static const uint64_t first[] = {0, 1, 2}, second[] = {3, 4};
	struct fasttrace_arena *a = after_dot("clock_steps");
	uint64_t got[64], cut = 0;

	(void)state;
	assert_int_equal(stats(a).clock_steps, 2);
	assert_int_equal(fasttrace_arena_buffers(a), 2);
	assert_numbers(got, read_all(a, 0, got, 64, &cut), first, 3);
	assert_numbers(got, read_all(a, 1, got, 64, &cut), second, 2);
	assert_int_equal(stats(a).subbufs_consumed, 3);
	fasttrace_arena_close(a);
}

static void clock_that_is_a_little_behind_is_waited_for(void **state)
{
	static const uint64_t want[] = {0, 1};
	struct fasttrace_arena *a = after_dot("clock_jitters");
	uint64_t got[64], cut = 0;

	(void)state;
	assert_int_equal(stats(a).clock_steps, 0);
	assert_int_equal(fasttrace_arena_buffers(a), 1);
	assert_numbers(got, read_all(a, 0, got, 64, &cut), want, 2);
	assert_int_equal(stats(a).subbufs_consumed, 1);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(handlers_events_survive_death_in_the_outer_event),
		TEST(handlers_events_survive_at_depth_two),
		TEST(handlers_events_survive_however_often_they_interrupt),
		TEST(handlers_last_event_survives_however_often_they_came_before),
		TEST(child_forked_inside_an_event_leaves_the_parents_ring_alone),
		TEST(outer_commit_takes_the_handlers_events_along),
		TEST(handler_that_laps_goes_to_another_buffer),
		TEST(siglongjmp_out_of_an_event_loses_that_event_alone),
		TEST(event_longer_than_a_subbuf_is_counted),
		TEST(clock_step_closes_the_subbuf_and_a_step_back_begins_a_stream),
		TEST(clock_that_is_a_little_behind_is_waited_for),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
