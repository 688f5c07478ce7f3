/* SPDX-License-Identifier: MIT */
/*
 * common_ops.h - all that a reader can do with an arena, in the order that an input wants.
 */
#ifndef COMMON_OPS_H
#define COMMON_OPS_H

#include "common_check.h"
#include "common_image.h"
#include "common_input.h"

struct ops {
	struct fasttrace_arena *a;
	bool still;  /* nobody writes to the arena meanwhile */
	bool fenced; /* nobody writes to its header and places */
	struct fasttrace_packet packet[IMAGE_BUFFERS];
	bool taken[IMAGE_BUFFERS];
	uint64_t seq[IMAGE_BUFFERS]; /* what next() said last */
	char *metadata;		     /* as it was last; it only grows */
};

/** ops_open() - the image's file. False: it was refused. */
bool ops_open(struct ops *o, bool consume);

/** ops_step() - one call. @op: below SPOIL_FIRST; the rest it takes from `in`. */
void ops_step(struct ops *o, struct input *in, uint8_t op);

/** ops_sweep() - each call there is on everything there is. */
void ops_sweep(struct ops *o);

/** ops_close() - what is taken is given back, or left to the next reader. */
void ops_close(struct ops *o);

#endif
