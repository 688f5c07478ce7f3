/* SPDX-License-Identifier: MIT */
/*
 * test_rules.c - globs, and which rule decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ft-rules.h"

static struct ft_span span(const char *text)
{
	return (struct ft_span){text, strlen(text)};
}

static bool glob(const char *pattern, const char *name)
{
	return ft_glob_match(span(pattern), span(name));
}

static bool on(const char *rules, const char *provider, const char *event)
{
	return ft_rules_on(span(rules), span(provider), span(event));
}

static bool valid(const char *rules)
{
	return ft_rules_valid(span(rules));
}

static void globs(void **state)
{
	(void)state;
	assert_true(glob("", ""));
	assert_false(glob("", "a"));
	assert_true(glob("*", ""));
	assert_true(glob("*", "anything"));
	assert_true(glob("a*", "a"));
	assert_false(glob("a*", "ba"));
	assert_true(glob("*a", "bca"));
	assert_true(glob("*ab*ab", "aababab"));
	assert_false(glob("*ab*ab*ab", "ababa"));
	assert_true(glob("?b?", "abc"));
	assert_false(glob("?", ""));
	assert_false(glob("ab", "a"));
	assert_false(glob("a", "ab"));
	assert_true(glob("a**b", "ab"));
	/* Back to the last star only: not exponential. */
	assert_false(glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
			  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void last_rule_that_matches_decides(void **state)
{
	(void)state;
	assert_true(on("", "p", "e"));
	assert_true(on(" , ", "p", "e"));
	assert_true(on("*", "p", "e"));
	assert_true(on("p", "p", "e"));
	assert_false(on("p", "q", "e"));
	assert_true(on("p:e", "p", "e"));
	assert_false(on("p:e", "p", "f"));
	assert_false(on("!p:e", "p", "e"));
	assert_true(on("!p:e", "p", "f")); /* only what is excluded is off */
	assert_true(on("p:*,!p:e", "p", "f"));
	assert_false(on("p:*,!p:e", "p", "e"));
	assert_false(on("p:* !p:e", "q", "e"));
	assert_true(on("!p:e,p", "p", "e"));
	assert_false(on("!*", "p", "e"));
	assert_true(on("!* , p:?", "p", "e"));
	assert_false(on("!*\n", "p", "e"));
}

static void what_is_no_rule_is_told(void **state)
{
	(void)state;
	assert_true(valid(""));
	assert_true(valid("a:b,!c:*, d? gr\xc3\xb6n:x"));
	assert_false(valid("!"));
	assert_false(valid("a:b:c"));
	assert_false(valid("a/b"));
	assert_false(valid("!!a"));
	assert_false(valid("a,[ab]:c"));
	assert_false(valid("a;b"));
}

static void word_holds_half_and_bytes(void **state)
{
	uint64_t word = ft_rules_word(0, 1, 65536);

	(void)state;
	assert_int_equal(ft_rules_half(word), 1);
	assert_int_equal(ft_rules_bytes(word), 65536);
	assert_int_not_equal(ft_rules_word(word, 1, 65536), word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs),
		cmocka_unit_test(last_rule_that_matches_decides),
		cmocka_unit_test(what_is_no_rule_is_told),
		cmocka_unit_test(word_holds_half_and_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
