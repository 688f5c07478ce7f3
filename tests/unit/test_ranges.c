/* SPDX-License-Identifier: MIT */
/* test_ranges.c - which bytes of a file have been returned, in whatever order. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "ranges.h"

#define BYTES 200

static int ranges_new(void **state)
{
	*state = ft_ranges_new();
	return 0;
}

static int ranges_free(void **state)
{
	g_array_free(*state, TRUE);
	return 0;
}

static void assert_range(GArray *ranges, unsigned i, size_t from, size_t to)
{
	assert_true(i < ranges->len);
	assert_int_equal(g_array_index(ranges, struct ft_range, i).from, from);
	assert_int_equal(g_array_index(ranges, struct ft_range, i).to, to);
}

static void nothing_covers_only_nothing(void **state)
{
	GArray *r = *state;

	assert_true(ft_ranges_cover(r, 0));
	assert_false(ft_ranges_cover(r, 1));
}

static void empty_and_reversed_ranges_are_ignored(void **state)
{
	GArray *r = *state;

	ft_ranges_add(r, 0, 0);
	ft_ranges_add(r, 7, 7);
	ft_ranges_add(r, 9, 3);
	assert_int_equal(r->len, 0);
	ft_ranges_add(r, 3, 9);
	ft_ranges_add(r, 5, 5);
	assert_int_equal(r->len, 1);
	assert_range(r, 0, 3, 9);
}

static void bytes_read_in_order_become_one_range(void **state)
{
	GArray *r = *state;

	for (size_t at = 0; at < 100; at += 10) {
		assert_false(ft_ranges_cover(r, 100));
		ft_ranges_add(r, at, at + 10);
		assert_int_equal(r->len, 1);
	}
	assert_true(ft_ranges_cover(r, 100));
	assert_false(ft_ranges_cover(r, 101));
}

static void bytes_read_backwards_become_one_range(void **state)
{
	GArray *r = *state;

	for (size_t at = 100; at > 0; at -= 10) {
		assert_false(ft_ranges_cover(r, 100));
		ft_ranges_add(r, at - 10, at);
		assert_int_equal(r->len, 1);
	}
	assert_true(ft_ranges_cover(r, 100));
}

static void end_without_beginning_covers_nothing(void **state)
{
	GArray *r = *state;

	ft_ranges_add(r, 1, 100);
	assert_false(ft_ranges_cover(r, 1));
	assert_false(ft_ranges_cover(r, 100));
	ft_ranges_add(r, 0, 1);
	assert_true(ft_ranges_cover(r, 100));
}

static void gap_is_not_covered_until_it_is_filled(void **state)
{
	GArray *r = *state;

	ft_ranges_add(r, 20, 30);
	ft_ranges_add(r, 0, 10);
	assert_int_equal(r->len, 2);
	assert_range(r, 0, 0, 10);
	assert_range(r, 1, 20, 30);
	assert_true(ft_ranges_cover(r, 10));
	assert_false(ft_ranges_cover(r, 11));
	ft_ranges_add(r, 11, 20);
	assert_false(ft_ranges_cover(r, 30)); /* byte 10 is missing */
	ft_ranges_add(r, 10, 11);
	assert_int_equal(r->len, 1);
	assert_range(r, 0, 0, 30);
	assert_true(ft_ranges_cover(r, 30));
}

static void range_swallows_all_that_it_touches(void **state)
{
	GArray *r = *state;

	for (size_t at = 0; at < 100; at += 20)
		ft_ranges_add(r, at, at + 10);
	assert_int_equal(r->len, 5);
	ft_ranges_add(r, 30, 60); /* touches 20..30, contains 40..50, touches 60..70 */
	assert_int_equal(r->len, 3);
	assert_range(r, 0, 0, 10);
	assert_range(r, 1, 20, 70);
	assert_range(r, 2, 80, 90);
	ft_ranges_add(r, 40, 50); /* again */
	assert_int_equal(r->len, 3);
	ft_ranges_add(r, 5, 85);
	assert_int_equal(r->len, 1);
	assert_range(r, 0, 0, 90);
}

/* The same in a map of bytes, which is easy to believe. */
static void assert_same(GArray *r, const char *map)
{
	size_t prefix = strspn(map, "x"), gaps = 0;

	for (unsigned i = 0; i < r->len; i++) {
		struct ft_range *range = &g_array_index(r, struct ft_range, i);

		assert_true(range->from < range->to && range->to <= BYTES);
		assert_true(i == 0 || g_array_index(r, struct ft_range, i - 1).to < range->from);
		for (size_t at = range->from; at < range->to; at++)
			assert_int_equal(map[at], 'x');
		gaps += range->to - range->from;
	}
	for (size_t at = 0; at < BYTES; at++)
		gaps -= map[at] == 'x';
	assert_int_equal(gaps, 0);
	assert_true(ft_ranges_cover(r, prefix));
	assert_false(ft_ranges_cover(r, prefix + 1));
}

static void any_order_gives_the_same_set(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		GArray *r = ft_ranges_new();
		char map[BYTES + 1];

		memset(map, '.', BYTES);
		map[BYTES] = '\0';
		for (int i = 0; i < 30; i++) {
			size_t from = (size_t)rand_r(&seed) % BYTES;
			size_t to = from + (size_t)rand_r(&seed) % 20;

			to = to > BYTES ? BYTES : to;
			ft_ranges_add(r, from, to);
			memset(map + from, 'x', to - from);
			assert_same(r, map);
		}
		g_array_free(r, TRUE);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ranges_new, ranges_free)
	const struct CMUnitTest tests[] = {
		TEST(nothing_covers_only_nothing),
		TEST(empty_and_reversed_ranges_are_ignored),
		TEST(bytes_read_in_order_become_one_range),
		TEST(bytes_read_backwards_become_one_range),
		TEST(end_without_beginning_covers_nothing),
		TEST(gap_is_not_covered_until_it_is_filled),
		TEST(range_swallows_all_that_it_touches),
		TEST(any_order_gives_the_same_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
