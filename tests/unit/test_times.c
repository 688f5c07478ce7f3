/* SPDX-License-Identifier: MIT */
/*
 * test_times.c - the oldest and the newest event that can be read: of the living, of the dead, of
 * what is taken, of a ring that is being overwritten.
 */
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"

#define SMALL	   "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4"
#define PER_SUBBUF ((4096 - 88) / 16) /* events of 16 bytes */

static void numbers(unsigned count)
{
	for (uint64_t n = 0; n < count; n++)
		FASTTRACE(test, number, (n, n));
}

static void body_laps(void)
{
	numbers(10 * PER_SUBBUF + 7);
	body_say('.');
	while (body_hear() > 0) {
		numbers(1);
		body_say('.');
	}
}

/*
 * Two sizes at random, so that laps do not stand alike; and what a torn walk takes for an event's
 * header is one of far ahead.
 */
static void body_flood(void)
{
	uint64_t random = 1, ahead;

	numbers(1);
	ahead = (fasttrace_clock(&fasttrace_self->ring) + (UINT64_C(1) << 42)) << 16 | 1;
	body_say('.');
	for (;;) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (random >> 63)
			FASTTRACE(test, one, (n, ahead));
		else
			FASTTRACE(test, two, (n, ahead), (m, ahead));
	}
}

static const struct fixture_body bodies[] = {
	{"laps", body_laps}, {"flood", body_flood}, {NULL, NULL}};

static struct fasttrace_times times_of(struct fasttrace_arena *a)
{
	struct fasttrace_times t;

	assert_int_equal(fasttrace_buffer_times(a, 0, fixture_owner(a, 0), &t), 0);
	assert_true(t.oldest_ns <= t.newest_ns);
	return t;
}

static void times_are_those_of_the_first_packet_and_the_last(void **state)
{
	pid_t pid = fixture_spawn_env("laps", SMALL);
	struct fasttrace_arena *a;
	struct fasttrace_times all, now;
	struct fasttrace_packet p;
	uint64_t serial, seq, from = 0;
	unsigned packets = 0;
	int64_t begin, again;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	fixture_kill(pid);
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	serial = fixture_owner(a, 0);
	all = times_of(a);
	assert_int_equal(all.until_ns, all.newest_ns);
	assert_int_equal(fasttrace_buffer_switch(a, 0, serial, FASTTRACE_FLUSH), 0);
	while (!fasttrace_buffer_next(a, 0, serial, from, &seq, NULL)) {
		now = times_of(a);
		assert_int_equal(fasttrace_buffer_begin(a, 0, serial, seq, &begin), 0);
		assert_int_equal(fasttrace_buffer_get(a, 0, serial, seq, &p), 0);
		assert_int_equal(begin, fasttrace_arena_time_ns(a, p.begin));
		assert_int_equal(fasttrace_buffer_begin(a, 0, serial, seq, &again), 0);
		assert_int_equal(again, begin);
		assert_int_equal(now.oldest_ns, fasttrace_arena_time_ns(a, p.begin));
		assert_int_equal(times_of(a).oldest_ns,
				 now.oldest_ns); /* taken, and not consumed */
		assert_int_equal(now.newest_ns, all.newest_ns);
		if (!packets++)
			assert_int_equal(now.oldest_ns, all.oldest_ns);
		if (p.events == 7)
			assert_int_equal(fasttrace_arena_time_ns(a, p.end), all.newest_ns);
		fasttrace_buffer_put(a, 0, &p);
		assert_int_equal(fasttrace_buffer_begin(a, 0, serial, seq, &begin), -ENODATA);
		from = seq + 1;
	}
	assert_int_equal(packets, 4);
	assert_int_equal(fasttrace_buffer_times(a, 0, serial, &now), -ENODATA);
	assert_int_equal(fasttrace_buffer_times(a, 0, serial + 1, &now), -ENOENT);
	fasttrace_arena_close(a);
}

static void newest_of_the_living_is_what_it_has_just_written(void **state)
{
	pid_t pid = fixture_spawn_env("laps", SMALL);
	struct fasttrace_times before, after;
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	before = times_of(a);
	assert_true(before.until_ns > before.newest_ns);
	fixture_say('.');
	assert_int_equal(fixture_hear(), '.');
	after = times_of(a);
	assert_int_equal(after.oldest_ns, before.oldest_ns);
	assert_true(after.newest_ns > before.until_ns);
	assert_true(after.until_ns > after.newest_ns);
	fixture_kill(pid);
	fasttrace_arena_close(a);
}

static void times_of_a_ring_that_is_overwritten_go_on(void **state)
{
	cpu_set_t all, one;
	pid_t pid;
	struct fasttrace_times last = {0}, t;
	struct fasttrace_arena *a;
	unsigned seen = 0;
	int err;

	(void)state;
	/* On one processor: then we are stopped in the middle of a walk, for several laps. */
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	pid = fixture_spawn_env("flood", SMALL);
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	for (unsigned i = 0; i < 200000; i++) {
		err = fasttrace_buffer_times(a, 0, fixture_owner(a, 0), &t);
		if (err == -ENODATA) /* each was claimed while we looked */
			continue;
		assert_int_equal(err, 0);
		seen++;
		assert_true(t.oldest_ns >= last.oldest_ns && t.oldest_ns <= t.newest_ns);
		assert_true(t.newest_ns <= t.until_ns);
		last = t;
	}
	assert_true(seen > 100);
	sched_setaffinity(0, sizeof(all), &all);
	fixture_kill(pid);
	fasttrace_arena_close(a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(times_are_those_of_the_first_packet_and_the_last),
		TEST(newest_of_the_living_is_what_it_has_just_written),
		TEST(times_of_a_ring_that_is_overwritten_go_on),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
