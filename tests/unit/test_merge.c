/* SPDX-License-Identifier: MIT */
/*
 * test_merge.c - sorted sequences become one: in order, all of each, whoever ends first.
 */
#include <stdlib.h>

#include "fixture.h"
#include "ft-lines.h"

#define MAX_SOURCES 40
#define MAX_ITEMS   50

struct sequence {
	struct ft_merge_source source;
	uint64_t times[MAX_ITEMS];
	unsigned items, at;
};

static struct sequence sequences[MAX_SOURCES];
static GPtrArray *heap;

static int setup(void **state)
{
	(void)state;
	heap = g_ptr_array_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	g_ptr_array_free(heap, TRUE);
	return 0;
}

static void sequence_add(unsigned n, unsigned items, uint64_t most)
{
	struct sequence *s = &sequences[n];
	uint64_t time = 0;

	*s = (struct sequence){.items = items, .source.order = n};
	for (unsigned i = 0; i < items; i++)
		s->times[i] = time += (uint64_t)rand() % (most + 1);
	s->source.time = s->times[0];
	if (items)
		ft_merge_add(heap, &s->source);
}

/* Take all there is. Return: how many; each of each sequence, in the order of time and number. */
static unsigned merge_check(void)
{
	uint64_t time = 0;
	unsigned order = 0, count = 0;
	struct sequence *s;

	for (; (s = (void *)ft_merge_first(heap)); count++) {
		assert_true(s->source.time > time ||
			    (s->source.time == time && s->source.order >= order));
		time = s->source.time;
		order = s->source.order;
		assert_int_equal(time, s->times[s->at]);
		if (++s->at == s->items) {
			ft_merge_drop(heap);
			continue;
		}
		s->source.time = s->times[s->at];
		ft_merge_next(heap);
	}
	return count;
}

static void nothing_is_merged_to_nothing(void **state)
{
	(void)state;
	assert_null(ft_merge_first(heap));
	sequence_add(0, 0, 1);
	assert_int_equal(merge_check(), 0);
}

static void one_sequence_stays_as_it_is(void **state)
{
	(void)state;
	sequence_add(0, MAX_ITEMS, 5);
	assert_int_equal(merge_check(), MAX_ITEMS);
}

static void sequences_of_any_length_become_one_in_order(void **state)
{
	(void)state;
	srand(7);
	for (unsigned round = 0; round < 2000; round++) {
		unsigned n = 1 + (unsigned)rand() % MAX_SOURCES, sum = 0;
		uint64_t most = (uint64_t)1 << rand() % 20; /* ties often, or hardly ever */

		for (unsigned i = 0; i < n; i++) {
			sequence_add(i, (unsigned)rand() % (MAX_ITEMS + 1), most);
			sum += sequences[i].items;
		}
		assert_int_equal(merge_check(), sum);
	}
}

static void at_the_same_time_the_order_decides(void **state)
{
	(void)state;
	for (unsigned i = 8; i--;)
		sequence_add(i, 3, 0);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(ft_merge_first(heap)->order, i);
		ft_merge_drop(heap);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_merged_to_nothing),
		TEST(one_sequence_stays_as_it_is),
		TEST(sequences_of_any_length_become_one_in_order),
		TEST(at_the_same_time_the_order_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
