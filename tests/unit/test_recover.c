/* SPDX-License-Identifier: MIT */
/* test_recover.c - the committed prefix and the nested ranges of a dead writer, also lying ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ft-reader.h"

#define SEQ UINT64_C(77)

static const struct fasttrace_ring ring = {.mask = 3, .units = 512, .unit_bits = 10};
static uint64_t page[512];
static struct ft_range ranges[FT_NESTED_RANGES + 1];

static uint64_t word(uint64_t seq, uint64_t events, uint64_t units)
{
	return ft_word_tag(&ring, seq) | events << ring.unit_bits | units;
}

static void pair(unsigned i, uint64_t before, uint64_t after)
{
	page[2 * i] = before;
	page[2 * i + 1] = after;
}

static unsigned recover(uint64_t reserved, uint64_t committed)
{
	return ft_recover_ranges(&ring, SEQ, reserved, committed, (const unsigned char *)page,
				 ranges);
}

static int setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	return 0;
}

static void assert_range(unsigned i, uint32_t from, uint32_t to, uint32_t events)
{
	assert_int_equal(ranges[i].from, from);
	assert_int_equal(ranges[i].to, to);
	assert_int_equal(ranges[i].events, events);
}

static void all_of_a_committed_subbuf(void **state)
{
	(void)state;
	pair(0, word(SEQ, 2, 20), word(SEQ, 3, 22)); /* of a handler long ago */
	assert_int_equal(recover(word(SEQ, 5, 31), word(SEQ, 5, 31)), 1);
	assert_range(0, FASTTRACE_HEADER_UNITS, 31, 5);
}

static void nothing_of_an_empty_one(void **state)
{
	(void)state;
	assert_int_equal(recover(word(SEQ, 1, 13), word(SEQ, 0, 11)), 0);
	assert_int_equal(recover(word(SEQ, 0, 11), word(SEQ, 0, 11)), 0);
}

static void prefix_and_what_handlers_committed_behind_it(void **state)
{
	(void)state;
	pair(0, word(SEQ, 8, 40), word(SEQ, 9, 42));
	pair(1, word(SEQ, 4, 24), word(SEQ, 6, 30));
	assert_int_equal(recover(word(SEQ, 10, 50), word(SEQ, 3, 20)), 3);
	assert_range(0, FASTTRACE_HEADER_UNITS, 20, 3);
	assert_range(1, 24, 30, 2);
	assert_range(2, 40, 42, 1);
}

static void range_that_the_prefix_has_partly_caught_up_with(void **state)
{
	(void)state;
	pair(0, word(SEQ, 4, 24), word(SEQ, 9, 44));
	assert_int_equal(recover(word(SEQ, 9, 44), word(SEQ, 6, 32)), 2);
	assert_range(0, FASTTRACE_HEADER_UNITS, 32, 6);
	assert_range(1, 32, 44, 3);
}

static void range_inside_another_is_taken_once(void **state)
{
	(void)state;
	pair(0, word(SEQ, 4, 24), word(SEQ, 9, 44));
	pair(1, word(SEQ, 5, 28), word(SEQ, 6, 32));
	assert_int_equal(recover(word(SEQ, 10, 50), word(SEQ, 3, 20)), 2);
	assert_range(1, 24, 44, 5);
}

static void ranges_of_another_lap_or_half_written_are_not_believed(void **state)
{
	(void)state;
	pair(0, word(SEQ - 4, 4, 24), word(SEQ - 4, 5, 28));
	pair(1, word(SEQ, 4, 24), word(SEQ - 4, 5, 28));
	pair(2, 0, 0);
	assert_int_equal(recover(word(SEQ, 10, 50), word(SEQ, 3, 20)), 1);
}

static void lying_ranges_are_not_believed(void **state)
{
	(void)state;
	pair(0, word(SEQ, 4, 5), word(SEQ, 5, 28));   /* begins in the header */
	pair(1, word(SEQ, 4, 24), word(SEQ, 5, 500)); /* ends behind what was reserved */
	pair(2, word(SEQ, 4, 28), word(SEQ, 5, 24));  /* backwards */
	pair(3, word(SEQ, 5, 24), word(SEQ, 5, 28));  /* no event */
	assert_int_equal(recover(word(SEQ, 10, 50), word(SEQ, 3, 20)), 1);
	assert_int_equal(recover(word(SEQ, 10, 1000), word(SEQ, 3, 20)),
			 0); /* longer than a page */
	assert_int_equal(recover(word(SEQ, 3, 20), word(SEQ, 10, 50)), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(all_of_a_committed_subbuf),
		TEST(nothing_of_an_empty_one),
		TEST(prefix_and_what_handlers_committed_behind_it),
		TEST(range_that_the_prefix_has_partly_caught_up_with),
		TEST(range_inside_another_is_taken_once),
		TEST(ranges_of_another_lap_or_half_written_are_not_believed),
		TEST(lying_ranges_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
