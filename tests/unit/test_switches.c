/* SPDX-License-Identifier: MIT */
/*
 * test_switches.c - what switching events does to the rules: kept, made useless, too many, lying.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "ft-walk.h"
#include "switches.h"
#include "table.h"

/* Old rules, a switch, new rules. */
static void rules_become(const char *old, const char *provider, const char *event, bool on,
			 const char *now)
{
	rules_set(old);
	assert_int_equal(turn(provider, event, on), 0);
	rules_are(now);
}

static void rules_are_kept_and_what_is_useless_is_dropped(void **state)
{
	(void)state;
	rules_become("", NULL, NULL, true, "*");
	rules_become("", NULL, NULL, false, "!*");
	rules_become("a,!b:c d", NULL, NULL, false, "!*");
	rules_become("a,!b:c d", "e", NULL, true, "a,!b:c,d,e");
	rules_become("a,!b:c d", "e", "f", false, "a,!b:c,d,!e:f");
	rules_become("a,b:c", "b", "c", false, "a,!b:c");
	rules_become("a,!b:c,b:cc,bb:c", "b", "c", true, "a,b:cc,bb:c,b:c");
	rules_become("a,b,!b:c,b:x*,bb:c,b*,*:c", "b", NULL, false, "a,bb:c,b*,*:c,!b");
	rules_become("a,b", "b", "c", false, "a,b,!b:c");
	rules_become("*,!b:c", "b", "c", true, "*,b:c");
	rules_become(" ,a , b\t", "c", NULL, true, "a,b,c");
}

static void events_that_no_rule_names_stay_as_they_were(void **state)
{
	(void)state;
	rules_become("", "b", "c", true, "*,b:c"); /* were on */
	rules_become("", "b", "c", false, "!b:c");
	rules_become("!b:c", "b", "c", true, "*,b:c");
	rules_become("!b:c,!d", "b", "c", true, "!d,b:c");
	rules_become("!b:c,d", "b", NULL, false, "*,d,!b");
	rules_become("b:c", "b", "c", false, "!*,!b:c"); /* were off */
	rules_become("b:c", "b", "c", true, "b:c");
	rules_become("b:c,!d", "b", NULL, true, "!*,!d,b");
}

/* Rules at random, of few names, so that they meet. */
static size_t rules_random(char *to)
{
	static const char *const parts[] = {"a", "b", "ab", "*", "a*", "?", "*b"};
	unsigned n = (unsigned)rand() % 5;
	char *p = to;

	for (*p = '\0'; n--; p = stpcpy(p, rand() % 3 ? "," : " ,\t")) {
		p = stpcpy(p, rand() % 2 ? "!" : "");
		p = stpcpy(p, parts[rand() % 7]);
		if (rand() % 3)
			p = stpcpy(stpcpy(p, ":"), parts[rand() % 7]);
	}
	return (size_t)(p - to);
}

/* What a switch concerns is as it says; all else is as it was, in entries and in rules. */
static void switch_says_what_is_on_and_nothing_else(void **state)
{
	static const char *const names[] = {"a", "b", "ab", "c"};
	char old[128];

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 16; i++)
		event_add(names[i / 4], names[i % 4]);
	for (unsigned round = 0; round < 20000; round++) {
		struct ft_span before = {old, rules_random(old)};
		const char *provider = rand() % 8 ? names[rand() % 4] : NULL;
		const char *event = provider && rand() % 3 ? names[rand() % 4] : NULL;
		bool on = rand() % 2, was[16];

		rules_set(old);
		for (unsigned i = 0; fasttrace_arena_events(traced) == 16 && i < 16; i++)
			was[i] = is_on(i + 1);
		assert_int_equal(turn(provider, event, on), 0);
		assert_true(ft_rules_valid(rules()));
		for (unsigned i = 0; i < 16; i++) {
			const char *p = names[i / 4], *n = names[i % 4];
			struct ft_span p_span = {p, strlen(p)}, n_span = {n, strlen(n)};
			bool mine = (!provider || !strcmp(provider, p)) &&
				    (!event || !strcmp(event, n));

			if (ft_rules_on(rules(), p_span, n_span) !=
			    (mine ? on : ft_rules_on(before, p_span, n_span)))
				fail_msg("%s + %s%s:%s = %.*s: %s:%s", old, on ? "" : "!", provider,
					 event ? event : "", (int)rules().len, rules().text, p, n);
			assert_int_equal(is_on(i + 1), mine ? on : was[i]);
		}
	}
}

static void rules_do_not_grow_with_the_times_they_change(void **state)
{
	static const char *const names[] = {"a", "b", "ab", "c"};

	(void)state;
	srand(2);
	for (unsigned round = 0; round < 20000; round++) {
		assert_int_equal(
			turn(names[rand() % 4], rand() % 4 ? names[rand() % 4] : NULL, rand() % 2),
			0);
		assert_true(rules().len <= 3 + 4 * 4 + 16 * 7); /* one for each, and the first */
	}
}

static void halves_take_turns(void **state)
{
	const char *half[2] = {(char *)traced->map + TABLE_RULES_OFFSET,
			       (char *)traced->map + TABLE_RULES_OFFSET + FT_RULES_BYTES};

	(void)state;
	rules_set("first");
	traced->shared->rules |= UINT64_C(0x7fffffff) << 32; /* a generation before the wrap */
	assert_int_equal(turn("second", NULL, true), 0);
	assert_int_equal(traced->shared->rules >> 32, 0);
	assert_int_equal(ft_rules_half(traced->shared->rules), 1);
	assert_memory_equal(half[0], "first", 5); /* a process may be reading it */
	assert_memory_equal(half[1], "first,second", 12);
	assert_int_equal(turn("third", NULL, true), 0);
	assert_int_equal(traced->shared->rules >> 32, 1);
	assert_int_equal(ft_rules_half(traced->shared->rules), 0);
	assert_memory_equal(half[1], "first,second", 12);
	rules_are("first,second,third");
}

static void rules_that_are_none_are_taken_as_empty(void **state)
{
	static const char *const bad[] = {"a,b:c:d", "a-b", "a,!", "a/b", "a\x1b", ":a:"};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		rules_become(bad[i], "p", NULL, false, "!p");
	rules_set("a,b");
	traced->shared->rules++; /* with the zero byte */
	assert_int_equal(turn("p", NULL, false), 0);
	rules_are("!p");
	traced->shared->rules = FT_RULES_BYTES + 1; /* they would end in the other half */
	assert_int_equal(turn("p", NULL, true), 0);
	rules_are("*,p");
	traced->shared->rules = UINT64_MAX; /* or far behind the file's end */
	assert_int_equal(turn("p", NULL, false), 0);
	rules_are("!p");
}

static void rules_that_do_not_fit_are_not_remembered(void **state)
{
	char *half = (char *)traced->map + TABLE_RULES_OFFSET;
	uint64_t word = ft_rules_word(0, 0, FT_RULES_BYTES - 3);

	(void)state;
	event_add("p", "a");
	event_add("q", "a");
	memset(half, 'x', FT_RULES_BYTES);
	traced->shared->rules = word;
	assert_int_equal(turn("pp", NULL, true), 0);
	assert_int_equal(ft_rules_bytes(traced->shared->rules), FT_RULES_BYTES); /* it just fits */
	traced->shared->rules = word;
	assert_int_equal(turn("p", "a", false), 0);
	assert_int_equal(traced->shared->rules, word);
	assert_true(!is_on(1) && is_on(2));
	assert_int_equal(turn(NULL, NULL, true), 0);
	rules_are("*");
	assert_true(is_on(1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, switches_setup, switches_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rules_are_kept_and_what_is_useless_is_dropped),
		TEST(events_that_no_rule_names_stay_as_they_were),
		TEST(switch_says_what_is_on_and_nothing_else),
		TEST(rules_do_not_grow_with_the_times_they_change),
		TEST(halves_take_turns),
		TEST(rules_that_are_none_are_taken_as_empty),
		TEST(rules_that_do_not_fit_are_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
