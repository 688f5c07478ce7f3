/* SPDX-License-Identifier: MIT */
/*
 * ranges.h - which bytes of a file have been returned to its reader.
 */
#ifndef FT_FS_RANGES_H
#define FT_FS_RANGES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* A GArray of ranges, sorted, with gaps between them. */
struct ft_range {
	size_t from, to;
};

GArray *ft_ranges_new(void);
void ft_ranges_add(GArray *ranges, size_t from, size_t to);
/** ft_ranges_cover() - are all bytes below @bytes in? */
bool ft_ranges_cover(GArray *ranges, size_t bytes);

#endif
