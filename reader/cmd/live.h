/* SPDX-License-Identifier: MIT */
/*
 * live.h - arenas that are being written, as one sequence of events, as these come.
 */
#ifndef FT_LIVE_H
#define FT_LIVE_H

#include "ft-ctf.h"

struct ft_live; /* an arena */

struct ft_lives {
	struct ft_ctf_reader reader; /* has a trace for each */
	GPtrArray *all;
	GPtrArray *heap; /* streams of which something is in hand */
	unsigned streams;
	uint64_t in_hand; /* bytes */
	int64_t until;	  /* up to then everything is in hand, in ns since 1970 */
	bool more;	  /* others may come that we have not found yet */
	bool hurry, idle; /* as in struct ft_follow, of any and of all */
	/* What a trace declares is new to whoever asks: at first, and whenever there is more. */
	void (*declared)(struct ft_ctf_trace *trace, void *arg);
	void *arg;
};

/** ft_lives_init() - @complain, @of: as in struct ft_ctf_reader. */
void ft_lives_init(struct ft_lives *lives, void (*complain)(void *of, const char *message),
		   void *of);
/**
 * ft_lives_add() - one more.
 * @arena: becomes ours. @is_new: what was overwritten in it before we came counts, too.
 * Return: 0; -errno, and it was told why.
 */
int ft_lives_add(struct ft_lives *lives, const char *path, struct fasttrace_arena *arena,
		 bool is_new);
/** ft_lives_look() - take what came. Those that have ended are no more in lives->all. */
void ft_lives_look(struct ft_lives *lives);
/** ft_lives_first() - what is next, of what is not later than @until; NULL: nothing. */
struct ft_ctf_stream *ft_lives_first(struct ft_lives *lives, int64_t until);
/** ft_lives_next() - it was used. */
void ft_lives_next(struct ft_lives *lives);
void ft_lives_clear(struct ft_lives *lives);

#endif
