/* SPDX-License-Identifier: MIT */
/*
 * ctf-race.c - whose turn it is: a tree of losers.
 *
 * Node k has what node k / 2 is to be compared with: the loser of the match that was played there.
 * Who is at leaf i plays at (n + i) / 2, and upwards.
 */
#include "ft-ctf.h"

static void play(struct ft_ctf_race *race, unsigned n, unsigned i, struct ft_ctf_race now)
{
	for (unsigned node = (n + i) / 2; node; node /= 2) {
		struct ft_ctf_race other = race[node];
		bool wins = other.time < now.time;

		/* Of streams in turns nobody can guess who wins: no branch but this one. */
		if (G_UNLIKELY(other.time == now.time))
			wins = other.who < now.who;
		race[node].time = wins ? now.time : other.time;
		race[node].who = wins ? now.who : other.who;
		now.time = wins ? other.time : now.time;
		now.who = wins ? other.who : now.who;
	}
	race[0] = now;
}

struct ft_ctf_race *ft_ctf_race_new(unsigned n)
{
	struct ft_ctf_race *race = g_new(struct ft_ctf_race, MAX(n, 1u));

	/* Before all: each real one pushes such a one out, at the top. */
	for (unsigned i = 0; i < MAX(n, 1u); i++)
		race[i] = (struct ft_ctf_race){0, 0};
	race[0].who = n;
	return race;
}

void ft_ctf_race_set(struct ft_ctf_race *race, unsigned n, unsigned i, uint64_t time)
{
	play(race, n, i, (struct ft_ctf_race){time, i});
}

void ft_ctf_race_end(struct ft_ctf_race *race, unsigned n, unsigned i)
{
	play(race, n, i, (struct ft_ctf_race){UINT64_MAX, (uint64_t)n + i});
}
