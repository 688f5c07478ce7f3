/* SPDX-License-Identifier: MIT */
/* common_fence.c - see common_fence.h. */
#include "common_fence.h"

#define MAX_BYTES (UINT64_C(4) << 20) /* of an arena: what is told of each byte is memory as well */

extern void __asan_poison_memory_region(const volatile void *, size_t) __attribute__((weak));
extern void __asan_unpoison_memory_region(const volatile void *, size_t) __attribute__((weak));

static bool fenced(const struct fasttrace_arena *a)
{
	return __asan_poison_memory_region && a->size <= MAX_BYTES;
}

static void part(const struct fasttrace_arena *a, uint64_t offset, uint64_t bytes)
{
	__asan_unpoison_memory_region(a->map + offset, bytes);
}

void fence(struct fasttrace_arena *a)
{
	struct ft_reader_buffer *b;

	if (!fenced(a))
		return;
	fence_end(a);
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
		ft_reader_buffer(a, i, &b);
	__asan_poison_memory_region(a->map, a->size);
	part(a, 0, sizeof(struct ft_arena));
	part(a, a->places_offset, FT_MAX_BUFFERS * sizeof(struct ft_buffer_place));
	part(a, a->events_offset, a->events_bytes);
	part(a, a->rules_offset, 2 * FT_RULES_BYTES);
	if (a->marker_offset)
		part(a, a->marker_offset, FT_MARKER_BYTES);
	for (unsigned i = 0; i < FT_MAX_BUFFERS; i++) {
		b = a->buffers[i];
		if (!b)
			continue;
		part(a, (uint64_t)((unsigned char *)b->shared - a->map),
		     sizeof(*b->shared) + (b->ring.mask + 1) * sizeof(*b->ring.slots));
		part(a, (uint64_t)(b->ring.pages - a->map),
		     (uint64_t)b->pages << b->ring.page_shift);
	}
}

void fence_end(const struct fasttrace_arena *a)
{
	if (fenced(a))
		part(a, 0, a->size);
}
