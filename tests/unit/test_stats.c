/* SPDX-License-Identifier: MIT */
/*
 * test_stats.c - counts: they add up at any moment, each loss stands under its name, and a thread
 * that took over another one's buffer has counts of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "ft-tracer.h"
#include "fixture.h"

#define SMALL	   "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4"
#define TWO_RINGS  "FASTTRACE_MAX_MEMORY=64K" /* is room for two small ones */
#define PER_SUBBUF ((4096 - 88) / 16)	      /* events of 16 bytes */
#define SAMPLES	   1000

static char big_text[5000];
static pthread_barrier_t barrier;

static void numbers(unsigned count)
{
	for (uint64_t n = 0; n < count; n++)
		FASTTRACE(test, number, (n, n));
}

static void too_big(unsigned count)
{
	memset(big_text, 'x', sizeof(big_text) - 1);
	while (count--)
		FASTTRACE(test, big, (text, big_text));
}

/* The event that numbers() traces, reserved and left so. */
static void number_begin(struct fasttrace_reservation *r)
{
	uint64_t header, n = 0;

	memcpy(&header, fasttrace_self->ring.pages + 88, 8); /* of the first event in page 0 */
	memcpy(fasttrace_reserve(r, 2, (uint32_t)(header & 0xffff)) + 8, &n, 8);
}

static void thread_run(void *(*run)(void *))
{
	pthread_t id;

	if (pthread_create(&id, NULL, run, NULL) || pthread_join(id, NULL))
		_exit(4);
}

static void *thread_six_subbufs(void *arg)
{
	numbers(6 * PER_SUBBUF);
	return arg;
}

static void *thread_too_big(void *arg)
{
	numbers(5);
	too_big(3);
	return arg;
}

static void *thread_in_flight(void *arg)
{
	struct fasttrace_reservation r;

	numbers(5);
	number_begin(&r);
	return arg;
}

static void *thread_ten(void *arg)
{
	numbers(10);
	return arg;
}

/* Two threads end; then the main thread takes over the first one's buffer: 7 events, 1 too big. */
static void reuse(void *(*first)(void *))
{
	thread_run(first);
	thread_run(thread_ten);
	body_say('.');
	body_hear();
	numbers(7);
	too_big(1);
	body_say('.');
	body_hear();
}

static void body_reuse_six_subbufs(void)
{
	reuse(thread_six_subbufs);
}

static void body_reuse_too_big(void)
{
	reuse(thread_too_big);
}

static void body_reuse_in_flight(void)
{
	reuse(thread_in_flight);
}

static void body_flood(void)
{
	numbers(1);
	body_say('.');
	for (;;)
		numbers(1000);
}

static void body_flood_too_big(void)
{
	numbers(1);
	body_say('.');
	for (;;) {
		numbers(1);
		too_big(4);
	}
}

static void body_too_big(void)
{
	numbers(2);
	too_big(5);
	numbers(2);
	body_say('.');
	body_hear();
}

static void *thread_waits(void *arg)
{
	numbers(1);
	pthread_barrier_wait(&barrier);
	pause();
	return arg;
}

static void *thread_hundred(void *arg)
{
	numbers(100);
	return arg;
}

/* Both buffers belong to living threads: there is none for a third, nor for a handler that laps. */
static void two_rings_take(void)
{
	pthread_t id;

	pthread_barrier_init(&barrier, NULL, 2);
	numbers(1);
	if (pthread_create(&id, NULL, thread_waits, NULL))
		_exit(4);
	pthread_barrier_wait(&barrier);
}

static void body_no_buffer(void)
{
	two_rings_take();
	thread_run(thread_hundred);
	body_say('.');
	body_hear();
	_exit(0);
}

static void body_nested(void)
{
	struct fasttrace_reservation r;

	two_rings_take();
	number_begin(&r);
	numbers(10 * PER_SUBBUF); /* as a handler would */
	fasttrace_commit(&r);
	body_say('.');
	body_hear();
	_exit(0);
}

/* As if killed in commit, between its store and its second look. */
static void body_half_committed(void)
{
	struct fasttrace_reservation r;

	numbers(5);
	number_begin(&r);
	numbers(3); /* as a handler would */
	__atomic_store_n(&r.slot->committed, r.after, __ATOMIC_RELEASE);
	body_say('.');
	body_hear();
	_exit(0);
}

/* As if killed in the middle of taking over the ring of an ended thread. */
static void body_claimed(void)
{
	struct ft_arena *a;
	struct ft_buffer *b;

	thread_run(thread_ten);
	a = ft_process_arena();
	b = (void *)((char *)a +
		     ((struct ft_buffer_place *)((char *)a + a->places_offset))->offset);
	b->state = FT_BUFFER_CLAIMED;
	body_say('.');
	body_hear();
	_exit(0);
}

static const struct fixture_body bodies[] = {{"reuse_six_subbufs", body_reuse_six_subbufs},
					     {"reuse_too_big", body_reuse_too_big},
					     {"reuse_in_flight", body_reuse_in_flight},
					     {"flood", body_flood},
					     {"flood_too_big", body_flood_too_big},
					     {"too_big", body_too_big},
					     {"no_buffer", body_no_buffer},
					     {"nested", body_nested},
					     {"half_committed", body_half_committed},
					     {"claimed", body_claimed},
					     {NULL, NULL}};

static struct fasttrace_arena *start(const char *body, const char *mode)
{
	pid_t pid = fixture_spawn_env(body, SMALL, TWO_RINGS, mode);

	assert_int_equal(fixture_hear(), '.');
	return fixture_open(pid, FASTTRACE_OPEN_CONSUME);
}

static void go_on(void)
{
	fixture_say('x');
	assert_int_equal(fixture_hear(), '.');
}

static void assert_adds_up(const struct fasttrace_stats *s)
{
	assert_int_equal(s->begun, s->consumed + s->readable + s->overwritten + s->lost_full +
					   s->lost_too_big + s->lost_nested + s->lost_no_buffer +
					   s->lost_no_event + s->in_flight);
	/* each is a part of the whole: none wrapped round below zero */
	assert_true(s->consumed <= s->begun && s->readable <= s->begun);
	assert_true(s->overwritten <= s->begun && s->in_flight <= s->begun);
	assert_true(s->lost_full <= s->begun && s->lost_too_big <= s->begun);
	assert_true(s->lost_nested <= s->begun && s->lost_no_buffer <= s->begun);
	assert_true(s->subbufs_produced >= s->subbufs_consumed + s->subbufs_overwritten);
}

static struct fasttrace_stats arena_stats(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_adds_up(&s);
	return s;
}

static struct fasttrace_stats buffer_stats(struct fasttrace_arena *a, unsigned index)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_buffer_stats(a, index, fixture_owner(a, index), &s), 0);
	assert_adds_up(&s);
	return s;
}

/* Of the oldest that can be had; how many sub-buffers of how many were read. */
static unsigned consume(struct fasttrace_arena *a, unsigned index, unsigned most)
{
	uint64_t serial = fixture_owner(a, index), seq;
	struct fasttrace_packet p;
	unsigned n = 0;

	for (; n < most && !fasttrace_buffer_next(a, index, serial, 0, &seq, NULL); n++) {
		if (fasttrace_buffer_get(a, index, serial, seq, &p))
			break; /* overwritten meanwhile */
		fasttrace_buffer_put(a, index, &p);
	}
	return n;
}

/* What the main thread did in the buffer it took over, and nothing else. */
static void assert_only_the_new_owners(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_arena_buffers(a), 2);
	assert_int_equal(fixture_owner(a, 0), 3);
	assert_int_equal(fasttrace_buffer_stats(a, 0, 3, &s), 0);
	assert_int_equal(s.begun, 8);
	assert_int_equal(s.readable, 7);
	assert_int_equal(s.lost_too_big, 1);
	assert_int_equal(s.lost_full, 0);
	assert_int_equal(s.lost_nested, 0);
	assert_int_equal(s.consumed, 0);
	assert_int_equal(s.overwritten, 0);
	assert_int_equal(s.in_flight, 0);
	assert_int_equal(s.corrupted, 0);
	assert_int_equal(s.clock_steps, 0);
	assert_int_equal(s.subbufs_produced, 0);
	assert_int_equal(s.subbufs_consumed, 0);
	assert_int_equal(s.subbufs_overwritten, 0);
	assert_adds_up(&s);
}

static void new_owner_of_a_buffer_starts_from_zero(void **state)
{
	struct fasttrace_arena *a = start("reuse_six_subbufs", "FASTTRACE_MODE=overwrite");
	struct fasttrace_stats s = buffer_stats(a, 0);

	(void)state;
	assert_int_equal(s.begun, 6 * PER_SUBBUF);
	assert_int_equal(s.overwritten, 2 * PER_SUBBUF);
	assert_int_equal(consume(a, 0, 2), 2);
	s = buffer_stats(a, 0);
	assert_int_equal(s.consumed, 2 * PER_SUBBUF);
	assert_int_equal(s.subbufs_consumed, 2);
	assert_int_equal(s.readable, 2 * PER_SUBBUF);
	go_on();
	assert_only_the_new_owners(a);
	s = arena_stats(a);
	assert_int_equal(s.begun, 6 * PER_SUBBUF + 10 + 8);
	assert_int_equal(s.consumed, 2 * PER_SUBBUF);
	assert_int_equal(s.readable, 10 + 7);
	assert_int_equal(s.overwritten, 4 * PER_SUBBUF); /* with what the reuse threw away */
	assert_int_equal(s.lost_too_big, 1);
	fasttrace_arena_close(a);
}

static void old_owner_of_a_reused_buffer_is_gone(void **state)
{
	struct fasttrace_arena *a = start("reuse_six_subbufs", "FASTTRACE_MODE=overwrite");
	uint64_t serial = fixture_owner(a, 0);
	struct fasttrace_stats s;

	(void)state;
	go_on();
	assert_int_equal(fasttrace_buffer_stats(a, 0, serial, &s), -ENOENT);
	fasttrace_arena_close(a);
}

static void new_owner_has_not_lost_what_the_old_one_found_no_room_for(void **state)
{
	struct fasttrace_arena *a = start("reuse_six_subbufs", "FASTTRACE_MODE=discard");
	struct fasttrace_stats s = buffer_stats(a, 0);

	(void)state;
	assert_int_equal(s.lost_full, 2 * PER_SUBBUF);
	assert_int_equal(consume(a, 0, 9), 4); /* drained: may be reused */
	go_on();
	s = buffer_stats(a, fasttrace_arena_buffers(a) - 2);
	assert_int_equal(s.lost_full, 0);
	assert_int_equal(s.consumed, 0);
	s = arena_stats(a);
	assert_int_equal(s.lost_full, 2 * PER_SUBBUF);
	assert_int_equal(s.consumed, 4 * PER_SUBBUF);
	assert_int_equal(s.begun, 6 * PER_SUBBUF + 10 + 8);
	fasttrace_arena_close(a);
}

static void new_owner_has_not_lost_what_was_too_big_for_the_old_one(void **state)
{
	struct fasttrace_arena *a = start("reuse_too_big", "FASTTRACE_MODE=overwrite");
	struct fasttrace_stats s = buffer_stats(a, 0);

	(void)state;
	assert_int_equal(s.lost_too_big, 3);
	go_on();
	s = arena_stats(a);
	assert_int_equal(s.lost_too_big, 4);
	assert_int_equal(s.begun, 5 + 3 + 10 + 8);
	assert_only_the_new_owners(a);
	fasttrace_arena_close(a);
}

static void new_owner_has_nothing_in_flight_of_the_old_one(void **state)
{
	struct fasttrace_arena *a = start("reuse_in_flight", "FASTTRACE_MODE=overwrite");
	struct fasttrace_stats s = buffer_stats(a, 0);

	(void)state;
	assert_int_equal(s.begun, 6);
	assert_int_equal(s.in_flight, 1);
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), 0);
	assert_int_equal(consume(a, 0, 9), 1);
	s = buffer_stats(a, 0);
	assert_int_equal(s.consumed, 5);
	assert_int_equal(s.in_flight, 1);
	assert_int_equal(s.corrupted, 1);
	go_on();
	assert_only_the_new_owners(a);
	s = arena_stats(a);
	assert_int_equal(s.begun, 6 + 10 + 8);
	assert_int_equal(s.in_flight, 1);
	assert_int_equal(s.corrupted, 1);
	fasttrace_arena_close(a);
}

static void in_flight_that_nobody_read_is_overwritten_by_the_new_owner(void **state)
{
	struct fasttrace_arena *a = start("reuse_in_flight", "FASTTRACE_MODE=overwrite");
	struct fasttrace_stats s;

	(void)state;
	go_on();
	assert_only_the_new_owners(a);
	s = arena_stats(a);
	assert_int_equal(s.begun, 6 + 10 + 8);
	assert_int_equal(s.overwritten, 6);
	fasttrace_arena_close(a);
}

/*
 * A thousand samples between each of which the writer went on, the buffer's and the arena's by
 * turns, with a reader in between.
 */
static void sample(struct fasttrace_arena *a, bool full_is_possible)
{
	uint64_t begun = 0;
	time_t end = time(NULL) + 60;

	for (int i = 0; i < SAMPLES;) {
		struct fasttrace_stats s = i % 2 ? arena_stats(a) : buffer_stats(a, 0);

		assert_true(s.begun >= begun);
		assert_true(full_is_possible || !s.lost_full);
		assert_int_equal(s.lost_nested + s.lost_no_buffer + s.lost_no_event, 0);
		assert_true(time(NULL) < end); /* the writer does go on */
		if (i % 3 == 0)
			consume(a, 0, 2);
		i += s.begun > begun;
		begun = s.begun;
	}
}

static void counts_add_up_while_the_writer_laps(void **state)
{
	struct fasttrace_arena *a = start("flood", "FASTTRACE_MODE=overwrite");

	(void)state;
	sample(a, false);
	fasttrace_arena_close(a);
}

static void counts_add_up_while_the_writer_discards(void **state)
{
	struct fasttrace_arena *a = start("flood", "FASTTRACE_MODE=discard");

	(void)state;
	sample(a, true);
	fasttrace_arena_close(a);
}

static void counts_add_up_while_events_are_too_big(void **state)
{
	struct fasttrace_arena *a = start("flood_too_big", "FASTTRACE_MODE=overwrite");

	(void)state;
	for (int i = 0; i < 30; i++) /* two looks at one counter are nanoseconds apart */
		sample(a, false);
	fasttrace_arena_close(a);
}

static void events_that_are_too_big_stand_under_their_name(void **state)
{
	struct fasttrace_arena *a = start("too_big", "FASTTRACE_MODE=overwrite");
	struct fasttrace_stats all = arena_stats(a), s = buffer_stats(a, 0);

	(void)state;
	assert_int_equal(s.begun, 9);
	assert_int_equal(s.readable, 4);
	assert_int_equal(s.lost_too_big, 5);
	assert_int_equal(all.lost_too_big, 5);
	assert_int_equal(all.lost_full + all.lost_nested + all.lost_no_buffer, 0);
	fasttrace_arena_close(a);
}

static void events_of_a_thread_without_a_buffer_stand_under_their_name(void **state)
{
	struct fasttrace_arena *a = start("no_buffer", "FASTTRACE_MODE=overwrite");
	struct fasttrace_stats all = arena_stats(a), s = buffer_stats(a, 0);

	(void)state;
	assert_int_equal(fasttrace_arena_buffers(a), 2);
	assert_int_equal(all.lost_no_buffer, 100);
	assert_int_equal(all.begun, 102);
	assert_int_equal(all.readable, 2);
	assert_int_equal(all.lost_full + all.lost_nested + all.lost_too_big, 0);
	assert_int_equal(s.begun, 1);
	assert_int_equal(s.lost_no_buffer, 0);
	fasttrace_arena_close(a);
}

static void nested_events_that_find_no_room_stand_under_their_name(void **state)
{
	struct fasttrace_arena *a = start("nested", "FASTTRACE_MODE=overwrite");
	struct fasttrace_stats all = arena_stats(a), s = buffer_stats(a, 0);

	(void)state;
	assert_int_equal(fasttrace_arena_buffers(a), 2);
	assert_int_equal(s.begun, 2 + 10 * PER_SUBBUF);
	assert_int_equal(s.readable, 4 * PER_SUBBUF); /* the ring's first lap */
	assert_int_equal(s.lost_nested, 2 + 6 * PER_SUBBUF);
	assert_int_equal(s.in_flight, 0);
	assert_int_equal(all.lost_nested, s.lost_nested);
	assert_int_equal(all.lost_full + all.lost_too_big + all.lost_no_buffer, 0);
	fasttrace_arena_close(a);
}

static void sub_buffer_in_which_nothing_was_in_flight_is_not_corrupted(void **state)
{
	pid_t pid = fixture_spawn_env("half_committed", SMALL, "FASTTRACE_MODE=overwrite");
	struct fasttrace_arena *a;
	struct fasttrace_stats s;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	fixture_kill(pid);
	s = buffer_stats(a, 0);
	assert_int_equal(s.readable, 9);
	assert_int_equal(s.in_flight, 0);
	assert_int_equal(s.corrupted, 0);
	fasttrace_arena_close(a);
}

static void buffer_between_two_owners_has_nothing_to_read(void **state)
{
	struct fasttrace_arena *a = start("claimed", "FASTTRACE_MODE=overwrite");
	struct fasttrace_buffer_info info;
	struct fasttrace_stats s = arena_stats(a);

	(void)state;
	assert_int_equal(fasttrace_buffer_get_info(a, 0, &info), -ENOENT);
	assert_int_equal(s.begun, 10);
	assert_int_equal(s.readable, 0);
	assert_int_equal(s.overwritten, 10);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(new_owner_of_a_buffer_starts_from_zero),
		TEST(old_owner_of_a_reused_buffer_is_gone),
		TEST(new_owner_has_not_lost_what_the_old_one_found_no_room_for),
		TEST(new_owner_has_not_lost_what_was_too_big_for_the_old_one),
		TEST(new_owner_has_nothing_in_flight_of_the_old_one),
		TEST(in_flight_that_nobody_read_is_overwritten_by_the_new_owner),
		TEST(counts_add_up_while_the_writer_laps),
		TEST(counts_add_up_while_the_writer_discards),
		TEST(counts_add_up_while_events_are_too_big),
		TEST(events_that_are_too_big_stand_under_their_name),
		TEST(events_of_a_thread_without_a_buffer_stand_under_their_name),
		TEST(nested_events_that_find_no_room_stand_under_their_name),
		TEST(sub_buffer_in_which_nothing_was_in_flight_is_not_corrupted),
		TEST(buffer_between_two_owners_has_nothing_to_read),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
