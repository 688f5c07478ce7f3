/* SPDX-License-Identifier: MIT */
/*
 * common_fence.h - makes a fault of each look at what no part of an arena has.
 *
 * The file is mapped whole, so a read beyond a part meets another one and nobody sees it. With the
 * address sanitizer, all but the parts that were checked is poisoned; without, nothing happens.
 */
#ifndef COMMON_FENCE_H
#define COMMON_FENCE_H

#include "ft-reader.h"

/** fence() - anew, for the buffers that there are by now. */
void fence(struct fasttrace_arena *a);

/** fence_end() - before the arena is closed. */
void fence_end(const struct fasttrace_arena *a);

#endif
