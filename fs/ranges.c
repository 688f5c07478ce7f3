/* SPDX-License-Identifier: MIT */
/*
 * ranges.c - a set of bytes, as sorted ranges.
 */
#include "ranges.h"

GArray *ft_ranges_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(struct ft_range));
}

void ft_ranges_add(GArray *ranges, size_t from, size_t to)
{
	struct ft_range new = {from, to};
	guint first = 0, past;

	if (from >= to)
		return;
	while (first < ranges->len && g_array_index(ranges, struct ft_range, first).to < from)
		first++;
	for (past = first; past < ranges->len; past++) {
		struct ft_range *r = &g_array_index(ranges, struct ft_range, past);

		if (r->from > to)
			break;
		new.from = MIN(new.from, r->from);
		new.to = MAX(new.to, r->to);
	}
	g_array_remove_range(ranges, first, past - first);
	g_array_insert_val(ranges, first, new);
}

bool ft_ranges_cover(GArray *ranges, size_t bytes)
{
	const struct ft_range *first;

	if (!bytes || !ranges->len)
		return !bytes;
	first = &g_array_index(ranges, struct ft_range, 0);
	return !first->from && first->to >= bytes;
}
