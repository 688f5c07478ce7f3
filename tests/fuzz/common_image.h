/* SPDX-License-Identifier: MIT */
/*
 * common_image.h - the file of a sound arena, small and quickly made again, for inputs to spoil.
 *
 * One process, whose buffers are: one that has wrapped, with sub-buffers taken; one of a dead thread
 * with events in flight and nested ranges; one from which a killed reader had swapped out a page;
 * one that nobody has owned yet. The writer's steps are those of the protocol (ft-ring.h).
 */
#ifndef COMMON_IMAGE_H
#define COMMON_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ft-layout.h"

#define IMAGE_BUFFERS	 4u
#define IMAGE_PLACES	 UINT64_C(0x1000)
#define IMAGE_PATHS	 UINT64_C(0x21000)
#define IMAGE_RULES	 UINT64_C(0x23000)
#define IMAGE_EVENTS	 UINT64_C(0x43000)
#define IMAGE_EVENTS_END UINT64_C(0x83000)
#define IMAGE_RINGS	 IMAGE_EVENTS_END
#define IMAGE_RING_BYTES UINT64_C(0x10000) /* control block in the first page, then pages */
#define IMAGE_MARKER	 (IMAGE_RINGS + IMAGE_BUFFERS * IMAGE_RING_BYTES)
#define IMAGE_SIZE	 (IMAGE_MARKER + FT_MARKER_BYTES)

/* Parts of the file that an input can name. */
enum image_part {
	IMAGE_HEADER,
	IMAGE_PLACE,  /* of a buffer */
	IMAGE_EVENT,  /* the event table */
	IMAGE_RULE,   /* the rules, both halves */
	IMAGE_BUFFER, /* a buffer's control block */
	IMAGE_SLOT,   /* its slots */
	IMAGE_PAGE,   /* its pages */
	IMAGE_PATH,   /* exe and command line */
	IMAGE_PARTS
};

/** image_path() - the file; made at the first call, removed at exit. */
const char *image_path(void);

/** image_fd() - a descriptor of it, for reading and writing. */
int image_fd(void);

/** image_make() - the file anew, as a process in this mode left it. */
void image_make(unsigned mode);

/** image_raw() - the file anew: these bytes, then a hole up to `size`. */
void image_raw(const void *data, size_t bytes, uint64_t size);

/** image_alive() - hold the writer's lock, or let it go. */
void image_alive(bool alive);

/** image_at() - where a part of buffer `index` begins, and its bytes. */
uint64_t image_at(enum image_part part, unsigned index, uint64_t *bytes);

/** image_put(), image_get() - write to the file, read from it (zeros, where there is nothing). */
void image_put(uint64_t offset, const void *data, size_t bytes);
uint64_t image_get(uint64_t offset);

#endif
