/* SPDX-License-Identifier: MIT */
/*
 * copy.h - CTF to CTF: the packets of traces into a new folder, all or those of a time.
 */
#ifndef FT_COPY_H
#define FT_COPY_H

#include "cmd.h"
#include "ft-ctf.h"

struct ft_copy {
	struct ft_ctf_reader *reader;
	struct ft_outdir *out;
	int64_t from_ns, to_ns; /* INT64_MIN, INT64_MAX: all */
	uint64_t packets, bytes;
	uint64_t whole; /* packets that have more than was asked for */
	unsigned traces;
};

/** ft_copy_all() - Return: 0; -errno, and it was told why. */
int ft_copy_all(struct ft_copy *copy);

#endif
