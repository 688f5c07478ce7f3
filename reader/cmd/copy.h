/* SPDX-License-Identifier: MIT */
/*
 * copy.h - CTF to CTF: the packets of traces into a new folder, all or those that are wanted.
 */
#ifndef FT_COPY_H
#define FT_COPY_H

#include "cmd.h"
#include "filter.h"

struct ft_copy {
	struct ft_ctf_reader *reader;
	struct ft_outdir *out;
	const struct ft_filter *filter; /* NULL: all */
	uint64_t events;		/* that a filter let pass */
	uint64_t packets, bytes;
	uint64_t whole; /* packets that have more than was asked for */
	unsigned traces;
};

/** ft_copy_all() - Return: 0; -errno, and it was told why. */
int ft_copy_all(struct ft_copy *copy);

/* merge.c */
/**
 * ft_copy_sources() - the events of SOURCEs into a folder that is complete, or not there.
 * @filter: parsed; NULL: all. Return: exit status; what is wrong was told.
 */
int ft_copy_sources(const GPtrArray *operands, const char *folder, struct ft_filter *filter);

#endif
