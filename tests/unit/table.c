/* SPDX-License-Identifier: MIT */
/*
 * table.c - an arena that has nothing but an event table.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "ft-walk.h"
#include "table.h"

struct fasttrace_arena *table_new(void)
{
	struct fasttrace_arena *a = calloc(1, sizeof(*a));

	a->size = TABLE_EVENTS_OFFSET + TABLE_EVENTS_BYTES;
	a->map = aligned_alloc(4096, a->size);
	memset(a->map, 0, a->size);
	a->shared = (struct ft_arena *)(void *)a->map;
	a->events_offset = TABLE_EVENTS_OFFSET;
	a->events_bytes = TABLE_EVENTS_BYTES;
	a->info.pid = 4711;
	strcpy(a->info.comm, "table");
	for (unsigned i = 0; i < 16; i++)
		a->info.uuid[i] = (uint8_t)(0xa0 + i);
	a->shared->clock_ticks = 1000;
	a->shared->clock_realtime_ns = UINT64_C(1700000000000000000) + 1000;
	return a;
}

void table_free(struct fasttrace_arena *a)
{
	ft_walk_free(a);
	free(a->metadata);
	free(a->map);
	free(a);
}

void table_file(const char *path)
{
	struct ft_arena h = {
		.magic = FT_ARENA_MAGIC,
		.abi = FASTTRACE_ABI,
		.header_bytes = sizeof(h),
		.pid = 4711,
		.comm = "table",
		.geometry = ft_geometry_word((struct ft_geometry){12, 1}),
		.events_offset = TABLE_EVENTS_OFFSET,
		.events_bytes = TABLE_EVENTS_BYTES,
		.rules_offset = TABLE_RULES_OFFSET,
		.places_offset = TABLE_RULES_OFFSET + 2 * FT_RULES_BYTES,
	};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	h.exe_offset = h.places_offset + FT_MAX_BUFFERS * sizeof(struct ft_buffer_place);
	h.cmdline_offset = h.exe_offset + FT_PATH_BYTES;
	h.buffers_offset = h.size = h.cmdline_offset + FT_PATH_BYTES;
	assert_int_equal(write(fd, &h, sizeof(h)), sizeof(h));
	assert_int_equal(ftruncate(fd, (off_t)h.size), 0);
	close(fd);
}

/* Where the next entry is linked. */
static uint32_t *table_tail(struct fasttrace_arena *a, unsigned *count)
{
	uint32_t *link = &a->shared->events_first;

	for (*count = 0; *link; (*count)++)
		link = &((struct ft_event_entry *)(void *)(a->map + *link))->next;
	return link;
}

struct ft_event_entry *table_add(struct fasttrace_arena *a, unsigned nfields, const uint8_t *types,
				 const char *const *names)
{
	uint32_t offset = (uint32_t)(TABLE_EVENTS_OFFSET + a->shared->events_end);
	struct ft_event_entry *e = (void *)(a->map + offset);
	unsigned count;
	uint32_t *link = table_tail(a, &count);
	char *s = e->strings;

	for (unsigned i = 0; i < 2 + nfields; i++)
		s = stpcpy(s, names[i]) + 1;
	e->size = (uint32_t)(s - (char *)e);
	e->id = (uint16_t)(count + 1);
	e->on = e->id;
	e->level = FASTTRACE_INFO;
	e->nfields = (uint8_t)nfields;
	if (nfields)
		memcpy(e->types, types, nfields);
	e->provider_len = (uint16_t)strlen(names[0]);
	e->name_len = (uint16_t)strlen(names[1]);
	a->shared->events_end += (e->size + 7) & ~7u;
	ft_store_release(link, offset); /* event:W */
	return e;
}

unsigned char *table_event(unsigned char *to, uint64_t time, unsigned id)
{
	uint64_t header = time << 16 | id;

	memcpy(to, &header, 8);
	return to + 8;
}
