/* SPDX-License-Identifier: MIT */
/* test_takeover.c - a new reader finds what a killed one left, in each state of its hold. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-consume.h"

#define PER_SUBBUF ((4096 - 88) / 16)

static void *numbers(void *count)
{
	static uint64_t n;

	for (uintptr_t i = (uintptr_t)count; i; i--) {
		FASTTRACE(test, number, (n, n));
		n++;
	}
	return NULL;
}

/* 'a': one number; 'b': a sub-buffer's; 'c': ten rings' worth; 't': a ring's, of a thread that ends. */
static void body_numbers(void)
{
	pthread_t id;
	int c;

	while ((c = body_hear()) >= 0) {
		if (c == 't') {
			pthread_create(&id, NULL, numbers, (void *)(4 * PER_SUBBUF));
			pthread_join(id, NULL);
		} else {
			numbers((void *)(uintptr_t)(c == 'a'   ? 1
						    : c == 'b' ? PER_SUBBUF
							       : 40 * PER_SUBBUF));
		}
		body_say('.');
	}
}

static const struct fixture_body bodies[] = {{"numbers", body_numbers}, {NULL, NULL}};
static pid_t writer;

static void tell(char what)
{
	fixture_say(what);
	assert_int_equal(fixture_hear(), '.');
}

static struct fasttrace_arena *start(const char *mode)
{
	writer = fixture_spawn_env("numbers", "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4",
				   mode);
	tell('b');
	tell('b');
	tell('b');
	return fixture_open(writer, FASTTRACE_OPEN_CONSUME);
}

/* Give up the right and come again, as another process would after a kill. */
static struct fasttrace_arena *again(struct fasttrace_arena *a)
{
	fasttrace_arena_close(a);
	return fixture_open(writer, FASTTRACE_OPEN_CONSUME);
}

static void read_whole(struct fasttrace_arena *a, uint64_t seq)
{
	static uint64_t values[PER_SUBBUF];
	struct fasttrace_packet p;

	assert_int_equal(fasttrace_buffer_get(a, 0, 1, seq, &p), 0);
	assert_int_equal(fixture_values(&p, values, PER_SUBBUF), PER_SUBBUF);
	for (size_t i = 0; i < PER_SUBBUF; i++)
		assert_int_equal(values[i], seq * PER_SUBBUF + i);
	fasttrace_buffer_put(a, 0, &p);
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, seq, &p), -ENOENT);
}

static void assert_consumed(struct fasttrace_arena *a, uint64_t begun, uint64_t consumed)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.begun, begun);
	assert_int_equal(s.consumed, consumed);
	assert_int_equal(s.begun,
			 s.consumed + s.readable + s.overwritten + s.lost_full + s.in_flight);
}

static const char *const modes[] = {"FASTTRACE_MODE=overwrite", "FASTTRACE_MODE=discard",
				    "FASTTRACE_MODE=block"};

/* Of a process that will be killed: what it has in memory goes with it. */
static void take_to_die(struct fasttrace_arena *a, uint64_t seq)
{
	struct fasttrace_packet p;

	assert_int_equal(fasttrace_buffer_get(a, 0, 1, seq, &p), 0);
	free(fasttrace_packet_keep(&p));
}

static void killed_between_get_and_put_nothing_is_lost(void **state)
{
	(void)state;
	for (int m = 0; m < 3; m++) {
		struct fasttrace_arena *a = start(modes[m]);

		for (uint64_t seq = 0; seq < 2; seq++) {
			take_to_die(a, seq);
			a = again(a);
			read_whole(a, seq);
			assert_consumed(a, 3 * PER_SUBBUF, (seq + 1) * PER_SUBBUF);
		}
		fasttrace_arena_close(a);
		fixture_kill(writer);
	}
}

static void killed_with_a_page_whose_slot_was_claimed(void **state)
{
	struct fasttrace_arena *a = start(modes[0]);
	uint64_t seq;

	(void)state;
	take_to_die(a, 1);
	tell('c');
	a = again(a);
	assert_int_equal(fasttrace_buffer_next(a, 0, 1, 0, &seq, NULL), 0);
	assert_int_equal(seq, 1);
	assert_consumed(a, 43 * PER_SUBBUF, 0);
	a = again(a); /* and once more, unread */
	read_whole(a, 1);
	assert_consumed(a, 43 * PER_SUBBUF, PER_SUBBUF);
	fasttrace_arena_close(a);
}

static const struct ft_hold *watched;
static uint64_t aside_seq, aside_word, steps, mixed;

/* At each instruction: is what a new reader would find held one sub-buffer? */
static void step_look(int sig)
{
	(void)sig;
	steps++;
	if (ft_load_acquire(&watched->state) == FT_HOLD_HELD)
		mixed += (watched->seq == aside_seq) != (watched->word == aside_word);
}

#ifdef __x86_64__
static bool single_step(bool on)
{
	if (on)
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" : : : "memory", "cc");
	else
		__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" : : : "memory", "cc");
	return true;
}
#else
static bool single_step(bool on)
{
	(void)on;
	return false; /* not known */
}
#endif

static void killed_in_get_with_another_one_kept_aside(void **state)
{
	struct fasttrace_packet p;
	struct fasttrace_arena *a = start(modes[0]);
	struct ft_reader_buffer *b;
	uint64_t seq;
	int err;

	(void)state;
	take_to_die(a, 1);
	tell('c');
	a = again(a);
	assert_int_equal(fasttrace_buffer_next(a, 0, 1, 2, &seq, NULL), 0);
	assert_int_equal(ft_reader_buffer(a, 0, &b), 0);
	watched = &b->shared->hold;
	aside_seq = watched->seq;
	aside_word = watched->word;
	assert_int_equal(aside_seq, 1);
	signal(SIGTRAP, step_look);
	if (!single_step(true))
		skip();
	err = fasttrace_buffer_get(a, 0, 1, seq, &p);
	single_step(false);
	signal(SIGTRAP, SIG_DFL);
	assert_int_equal(err, 0);
	assert_true(steps > 100);
	assert_int_equal(mixed, 0);
	assert_int_equal(watched->seq, seq);
	fasttrace_buffer_put(a, 0, &p);
	fasttrace_arena_close(a);
}

static struct ft_reader_buffer *view;
static uint64_t claim_at, taken_at; /* instructions */
static uint64_t owners;		    /* how often another owner came in between */

/* The next owner comes at one instruction, and laps the ring once a page of it is taken. */
static void step_change_owner(int sig)
{
	(void)sig;
	if (++steps == claim_at)
		tell('a');
	if (!(ft_ring_slot(&view->ring, 1)->page & FT_PAGE_TAKEN))
		return;
	if (!taken_at)
		taken_at = steps;
	if (steps < claim_at || view->shared->serial != 3 || view->shared->head > 10)
		return;
	tell('c');
	owners++;
}

/* All that the third thread's buffer has is its own; and nothing is held for nobody. */
static void assert_new_owner_reads_its_own(struct fasttrace_arena *a, unsigned index)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	struct fasttrace_stats s;
	uint64_t seq;

	assert_int_equal(fasttrace_buffer_get_info(a, index, &info), 0);
	assert_int_equal(fasttrace_buffer_stats(a, index, 3, &s), 0);
	assert_true(s.readable <= 3 * PER_SUBBUF + 1); /* and one slot's is begun */
	assert_int_equal(fasttrace_buffer_switch(a, index, 3, FASTTRACE_FLUSH), 0);
	while (!fasttrace_buffer_next(a, index, 3, 0, &seq, NULL)) {
		assert_true(seq >= info.base);
		assert_int_equal(fasttrace_buffer_get(a, index, 3, seq, &p), 0);
		fasttrace_buffer_put(a, index, &p);
	}
	assert_int_equal(fasttrace_buffer_stats(a, index, 3, &s), 0);
	assert_int_equal(s.begun, s.consumed + s.overwritten);
}

static void get_while_owner_changes(void)
{
	struct fasttrace_packet p;
	struct fasttrace_arena *a;

	writer = fixture_spawn_env("numbers", "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4",
				   "FASTTRACE_MAX_MEMORY=64K");
	tell('t');
	tell('t');
	a = fixture_open(writer, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(ft_reader_buffer(a, 0, &view), 0);
	steps = 0;
	signal(SIGTRAP, step_change_owner);
	if (!single_step(true))
		skip();
	if (!fasttrace_buffer_get(a, 0, 1, 1, &p))
		fasttrace_buffer_put(a, 0, &p);
	single_step(false);
	signal(SIGTRAP, SIG_DFL);
	if (claim_at != UINT64_MAX) {
		assert_new_owner_reads_its_own(a, view->shared->serial != 3);
		assert_int_equal(view->shared->hold.state, FT_HOLD_NONE);
	}
	fasttrace_arena_close(a);
	fixture_kill(writer);
}

static void owner_that_comes_during_get_is_not_given_the_last_ones(void **state)
{
	uint64_t before;

	(void)state;
	owners = taken_at = 0;
	claim_at = UINT64_MAX;
	get_while_owner_changes();
	before = taken_at;
	for (unsigned i = 0; i < 10; i++) {
		claim_at = 1 + before * i / 10;
		get_while_owner_changes();
	}
	assert_true(owners > 0);
}

static void killed_before_the_swap(void **state)
{
	struct fasttrace_arena *a = start(modes[0]);
	struct ft_reader_buffer *b;

	(void)state;
	assert_int_equal(ft_reader_buffer(a, 0, &b), 0);
	b->shared->hold.seq = 0;
	b->shared->hold.page = 0;
	b->shared->hold.state = FT_HOLD_HELD;
	a = again(a);
	assert_int_equal(ft_reader_buffer(a, 0, &b), 0);
	assert_int_equal(b->shared->hold.state, FT_HOLD_NONE);
	read_whole(a, 0);
	read_whole(a, 1);
	assert_consumed(a, 3 * PER_SUBBUF, 2 * PER_SUBBUF);
	fasttrace_arena_close(a);
}

static void killed_in_put_is_consumed_once(void **state)
{
	(void)state;
	for (int m = 0; m < 3; m++)
		for (int stored = 0; stored < 2; stored++) {
			struct fasttrace_packet p;
			struct fasttrace_arena *a = start(modes[m]);
			struct ft_reader_buffer *b;

			take_to_die(a, 0);
			assert_int_equal(ft_reader_buffer(a, 0, &b), 0);
			b->shared->hold.state = FT_HOLD_PUT;
			if (stored)
				b->shared->consumed_events = b->shared->hold.consumed_events;
			a = again(a);
			assert_int_equal(ft_reader_buffer(a, 0, &b), 0);
			assert_int_equal(fasttrace_buffer_get(a, 0, 1, 0, &p), -ENOENT);
			assert_consumed(a, 3 * PER_SUBBUF, PER_SUBBUF);
			assert_int_equal(b->shared->consumed, 1);
			read_whole(a, 1);
			fasttrace_arena_close(a);
			fixture_kill(writer);
		}
}

static void spare_is_derived_and_must_be_one(void **state)
{
	struct fasttrace_arena *a = start(modes[0]);
	struct fasttrace_packet p;
	struct ft_reader_buffer *b;
	uint64_t page;

	(void)state;
	assert_int_equal(ft_reader_buffer(a, 0, &b), 0);
	assert_int_equal(ft_page_spare(b), 4);
	page = b->ring.slots[2].page;
	b->ring.slots[2].page = page ^ 1; /* now 3 stands twice and 2 nowhere */
	assert_int_equal(ft_page_spare(b), -EPROTO);
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, 0, &p), -EPROTO);
	b->ring.slots[2].page = page | 0xffff;
	assert_int_equal(ft_page_spare(b), -EPROTO);
	b->ring.slots[2].page = page;
	read_whole(a, 0);
	assert_int_equal(ft_page_spare(b), 0);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(killed_between_get_and_put_nothing_is_lost),
		TEST(killed_with_a_page_whose_slot_was_claimed),
		TEST(killed_in_get_with_another_one_kept_aside),
		TEST(owner_that_comes_during_get_is_not_given_the_last_ones),
		TEST(killed_before_the_swap),
		TEST(killed_in_put_is_consumed_once),
		TEST(spare_is_derived_and_must_be_one),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
