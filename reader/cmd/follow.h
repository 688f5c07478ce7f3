/* SPDX-License-Identifier: MIT */
/*
 * follow.h - the events of processes as they come.
 */
#ifndef FT_FOLLOW_CMD_H
#define FT_FOLLOW_CMD_H

#include "filter.h"
#include "out.h"

struct ft_following {
	struct ft_out *out;
	struct ft_filter *filter;
	const char *fields;				      /* NULL: all */
	void (*put)(struct ft_ctf_stream *stream, void *arg); /* one that is wanted, into out */
	void *arg;
};

/**
 * ft_following_run() - until all of @operands have ended, a signal comes, nobody reads, or time is
 * behind filter->to_ns. Directories of arenas do not end.
 * Return: exit status; what failed was told.
 */
int ft_following_run(const struct ft_following *following, const GPtrArray *operands);

#endif
