/* SPDX-License-Identifier: MIT */
/*
 * test_tracing.c - stopping and starting tracing as a whole: the switches, and the rules that say
 * what they are afterwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "ft-walk.h"
#include "switches.h"
#include "table.h"

#define EVENTS 9u

static const char *const names[] = {"a", "b", "ab"};
static struct ft_event_entry *entries[EVENTS];

static void events_make(void)
{
	for (unsigned i = 0; i < EVENTS; i++)
		entries[i] = event_add(names[i / 3], names[i % 3]);
	assert_int_equal(fasttrace_arena_events(traced), EVENTS);
}

static bool ruled_on(unsigned i)
{
	return ft_rules_on(rules(), (struct ft_span){names[i / 3], strlen(names[i / 3])},
			   (struct ft_span){names[i % 3], strlen(names[i % 3])});
}

static void switches_are(bool stopped)
{
	assert_int_equal(fasttrace_tracing_is_on(traced), !stopped);
	for (unsigned i = 0; i < EVENTS; i++) {
		assert_int_equal(entries[i]->on, !stopped && ruled_on(i) ? i + 1 : 0);
		assert_int_equal(is_on(i + 1), ruled_on(i));
	}
}

static void stop_turns_all_off_and_start_brings_back_what_the_rules_say(void **state)
{
	(void)state;
	events_make();
	srand(4);
	for (unsigned round = 0; round < 5000; round++) {
		bool stop = rand() % 2;
		const char *provider = rand() % 8 ? names[rand() % 3] : NULL;
		const char *event = provider && rand() % 3 ? names[rand() % 3] : NULL;

		assert_int_equal(fasttrace_tracing_switch(traced, !stop), 0);
		switches_are(stop);
		assert_int_equal(turn(provider, event, rand() % 2), 0);
		switches_are(stop); /* what was switched meanwhile is remembered, and waits */
	}
}

static void an_event_that_is_met_while_stopped_starts_with_the_others(void **state)
{
	(void)state;
	rules_set("!b");
	assert_int_equal(fasttrace_tracing_switch(traced, false), 0);
	events_make(); /* of a process that has not looked at the rules yet: on */
	assert_int_equal(fasttrace_tracing_switch(traced, false), 0);
	switches_are(true);
	assert_int_equal(fasttrace_tracing_switch(traced, true), 0);
	switches_are(false);
}

static void a_successor_finishes_a_stop(void **state)
{
	(void)state;
	events_make();
	traced->shared->rules = ft_rules_stop(traced->shared->rules, true); /* and it was killed */
	assert_int_equal(entries[0]->on, 1);
	for (unsigned i = 0; i < EVENTS; i++) /* in the file: its mapping goes */
		entries[i] = (void *)((unsigned char *)entries[i] - traced->map);
	fasttrace_arena_close(traced);
	traced = arena_open(FASTTRACE_OPEN_CONSUME);
	for (unsigned i = 0; i < EVENTS; i++)
		entries[i] = (void *)(traced->map + (uintptr_t)entries[i]);
	assert_int_equal(fasttrace_arena_events(traced), EVENTS);
	switches_are(true);
}

static void what_no_rule_remembers_is_kept_by_a_start_that_changes_nothing(void **state)
{
	char *half = (char *)traced->map + TABLE_RULES_OFFSET;

	(void)state;
	events_make();
	memset(half, 'x', FT_RULES_BYTES);
	traced->shared->rules = ft_rules_word(0, 0, FT_RULES_BYTES - 2);
	assert_int_equal(turn("ab", NULL, true), 0); /* does not fit */
	assert_int_equal(fasttrace_tracing_switch(traced, true), 0);
	assert_true(is_on(7));
	assert_int_equal(fasttrace_tracing_switch(traced, false), 0);
	assert_false(is_on(7));
	assert_int_equal(turn("ab", NULL, true), -ENOSPC);
	assert_int_equal(turn(NULL, NULL, true), 0); /* takes the place of all */
	switches_are(true);
}

static void who_does_not_consume_may_not_stop(void **state)
{
	struct fasttrace_arena *other = arena_open(0);

	(void)state;
	assert_int_equal(fasttrace_tracing_switch(other, false), -EBUSY);
	assert_int_equal(fasttrace_tracing_switch(traced, false), 0);
	assert_false(fasttrace_tracing_is_on(other));
	fasttrace_arena_close(other);
}

static void generations_leave_the_bit_alone(void **state)
{
	uint64_t last = UINT64_C(0x7fffffff) << 32;

	(void)state;
	assert_int_equal(ft_rules_word(last, 0, 5), 5);
	assert_int_equal(ft_rules_word(last | FT_RULES_STOPPED, 1, 5),
			 FT_RULES_STOPPED | UINT64_C(1) << 31 | 5);
	assert_int_equal(ft_rules_stop(last | UINT64_C(1) << 31 | 5, true),
			 FT_RULES_STOPPED | UINT64_C(1) << 31 | 5);
	assert_int_equal(ft_rules_stop(FT_RULES_STOPPED | 5, false), UINT64_C(1) << 32 | 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, switches_setup, switches_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stop_turns_all_off_and_start_brings_back_what_the_rules_say),
		TEST(an_event_that_is_met_while_stopped_starts_with_the_others),
		TEST(a_successor_finishes_a_stop),
		TEST(what_no_rule_remembers_is_kept_by_a_start_that_changes_nothing),
		TEST(who_does_not_consume_may_not_stop),
		TEST(generations_leave_the_bit_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
