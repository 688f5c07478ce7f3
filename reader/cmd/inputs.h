/* SPDX-License-Identifier: MIT */
/*
 * inputs.h - the SOURCEs of a command line as one sequence of events.
 */
#ifndef FT_INPUTS_H
#define FT_INPUTS_H

#include "ft-ctf.h"

struct ft_out;

struct ft_inputs {
	struct ft_ctf_reader reader;
	GPtrArray *snapshots; /* of arenas, which the reader reads */
};

/**
 * ft_inputs_open() - processes are read as they are now; folders may hold several traces.
 * Signals are noted from here on.
 * @out: flushed before a complaint, so that what was read stands before it; NULL: none.
 * Return: EXIT_SUCCESS; EXIT_FAILURE: one could not be opened, and it was told why.
 */
int ft_inputs_open(struct ft_inputs *inputs, const GPtrArray *operands, struct ft_out *out);
void ft_inputs_close(struct ft_inputs *inputs);

/** ft_zstd_unpack() - as unpack of struct ft_ctf_reader: files of zstd's frames. */
bool ft_zstd_unpack(struct ft_ctf_reader *reader, struct ft_ctf_file *file);
/** ft_inputs_complain() - of @of, a struct ft_out or NULL, as complain of struct ft_ctf_reader. */
void ft_inputs_complain(void *of, const char *message);

#endif
