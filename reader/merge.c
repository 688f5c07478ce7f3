/* SPDX-License-Identifier: MIT */
/*
 * merge.c - many sequences, each in the order of time, as one: a heap of what each has next.
 */
#include "ft-lines.h"

static bool comes_before(const struct ft_merge_source *a, const struct ft_merge_source *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void heap_swap(GPtrArray *heap, guint i, guint j)
{
	gpointer moved = heap->pdata[i];

	heap->pdata[i] = heap->pdata[j];
	heap->pdata[j] = moved;
}

void ft_merge_add(GPtrArray *heap, struct ft_merge_source *source)
{
	guint i = heap->len, up;

	for (g_ptr_array_add(heap, source); i; i = up) {
		up = (i - 1) / 2;
		if (!comes_before(heap->pdata[i], heap->pdata[up]))
			return;
		heap_swap(heap, i, up);
	}
}

struct ft_merge_source *ft_merge_first(const GPtrArray *heap)
{
	return heap->len ? heap->pdata[0] : NULL;
}

void ft_merge_next(GPtrArray *heap)
{
	guint i = 0, least, child;

	for (;; i = least) {
		least = i;
		for (child = 2 * i + 1; child <= 2 * i + 2 && child < heap->len; child++)
			if (comes_before(heap->pdata[child], heap->pdata[least]))
				least = child;
		if (least == i)
			return;
		heap_swap(heap, i, least);
	}
}

void ft_merge_drop(GPtrArray *heap)
{
	g_ptr_array_remove_index_fast(heap, 0);
	ft_merge_next(heap);
}
