/* SPDX-License-Identifier: MIT */
/*
 * test_ctf_race.c - whose turn it is, of any number of sequences, against a sort.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ft-ctf.h"

#define MOST 70

/* Times of each, ascending; equal ones too. */
static uint64_t times[MOST][50];
static unsigned counts[MOST], at[MOST];

static void go_on(struct ft_ctf_race *race, unsigned n, unsigned i)
{
	if (at[i] < counts[i])
		ft_ctf_race_set(race, n, i, times[i][at[i]++]);
	else
		ft_ctf_race_end(race, n, i);
}

static void run(GRand *dice, unsigned n)
{
	struct ft_ctf_race *race = ft_ctf_race_new(n);
	uint64_t before = 0, all = 0, seen = 0, last = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t time = (UINT64_C(1) << 63) + g_rand_int(dice) % 3;

		counts[i] = g_rand_int(dice) % G_N_ELEMENTS(times[i]);
		at[i] = 0;
		all += counts[i];
		for (unsigned k = 0; k < counts[i]; k++)
			times[i][k] = time += g_rand_int(dice) % 4;
	}
	for (unsigned i = n; i--;)
		go_on(race, n, i);
	for (; race->who < n; seen++) {
		assert_true(race->time > before || (race->time == before && race->who >= last));
		before = race->time;
		last = race->who;
		go_on(race, n, (unsigned)race->who);
	}
	assert_int_equal(seen, all);
	g_free(race);
}

static void the_earliest_is_first_and_all_have_their_turn(void **state)
{
	GRand *dice = g_rand_new_with_seed(7);

	(void)state;
	for (unsigned n = 0; n <= MOST; n++)
		for (unsigned i = 0; i < 20; i++)
			run(dice, n);
	g_rand_free(dice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_earliest_is_first_and_all_have_their_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
