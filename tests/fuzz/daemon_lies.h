/* SPDX-License-Identifier: MIT */
/* daemon_lies.h - daemon.c's lies at rest: each makes of an honest arena one that claims what is not so. */
#ifndef DAEMON_LIES_H
#define DAEMON_LIES_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft-layout.h"

#define THREADS	   2
#define PAGE	   4096u
#define HUGE_BYTES (UINT64_C(1) << 40)

/* An arena, mapped. */
struct mapped {
	int fd;
	size_t size;
	unsigned char *map;
	struct ft_arena *arena;
};

static uint64_t state; /* of the random numbers: the same in each run */

static uint64_t any(void)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	return (state ^ state >> 31) * UINT64_C(0xbf58476d1ce4e5b9) >> 7;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void arena_map(const char *path, struct mapped *m)
{
	struct stat st;

	m->fd = open(path, O_RDWR | O_CLOEXEC);
	if (m->fd < 0 || fstat(m->fd, &st))
		fail(path);
	m->size = (size_t)st.st_size;
	m->map = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->map == MAP_FAILED)
		fail(path);
	m->arena = (struct ft_arena *)(void *)m->map;
}

static struct ft_buffer_place *place(const struct mapped *m, unsigned i)
{
	return (struct ft_buffer_place *)(void *)(m->map + m->arena->places_offset) + i;
}

static struct ft_buffer *buffer(const struct mapped *m, unsigned i)
{
	return (struct ft_buffer *)(void *)(m->map + place(m, i)->offset);
}

static struct fasttrace_slot *slots(const struct mapped *m, unsigned i)
{
	return (struct fasttrace_slot *)(buffer(m, i) + 1);
}

/* LIES. Each takes an honest arena of a dead process. */

static void lie_size(struct mapped *m)
{
	m->arena->size = INT64_MAX;
}

static void lie_offsets(struct mapped *m)
{
	m->arena->events_offset = m->size - 64;
	m->arena->events_bytes = UINT32_MAX;
	m->arena->exe_offset = UINT64_MAX;
}

/* Everything is where it was, in a file as large as the filesystem allows. */
static void lie_huge(struct mapped *m)
{
	if (ftruncate(m->fd, (off_t)HUGE_BYTES))
		fail("ftruncate");
	m->arena->size = HUGE_BYTES;
}

static void lie_counters(struct mapped *m)
{
	for (unsigned i = 0; i < THREADS; i++) {
		buffer(m, i)->head = i ? UINT64_MAX : UINT64_C(1) << 62;
		buffer(m, i)->consumed = i ? UINT64_MAX - 2 : 0;
		buffer(m, i)->base = i;
	}
	m->arena->buffers = UINT64_MAX;
}

/* All slots say that one page stands in them; all buffers, that they are the first one. */
static void lie_pages(struct mapped *m)
{
	unsigned n = 1u << place(m, 0)->subbufs_shift;

	for (unsigned i = 1; i < n; i++)
		slots(m, 0)[i].page =
			(slots(m, 0)[i].page & ~UINT64_C(0xffff)) | (slots(m, 0)[0].page & 0xffff);
	for (unsigned i = 1; i < FT_MAX_BUFFERS; i++)
		*place(m, i) = *place(m, 0);
	m->arena->buffers = FT_MAX_BUFFERS;
}

/* Page indices far outside; a sub-buffer that claims more than there is room for. */
static void lie_indices(struct mapped *m)
{
	for (unsigned i = 0; i < 1u << place(m, 0)->subbufs_shift; i++) {
		slots(m, 0)[i].page |= 0xfff0;
		slots(m, 1)[i].word |= (UINT64_C(1) << (place(m, 1)->subbuf_shift - 2)) - 1;
	}
	buffer(m, 1)->hold.state = FT_HOLD_HELD;
	buffer(m, 1)->hold.page = 0xffff;
	buffer(m, 1)->hold.seq = UINT64_MAX;
}

static struct ft_event_entry *entry(const struct mapped *m, uint32_t offset)
{
	return (struct ft_event_entry *)(void *)(m->map + offset);
}

/* A new event table; an entry each `step` bytes. Strings: of all their bytes, zeros too. */
static void table_add(struct mapped *m, uint32_t step, const char *strings, size_t bytes,
		      size_t provider_len)
{
	uint32_t at = (uint32_t)(m->arena->events_offset + m->arena->events_end);
	struct ft_event_entry *e = entry(m, at);

	memset(e, 0, sizeof(*e));
	memcpy(e->strings, strings, bytes);
	e->size = (uint32_t)(sizeof(*e) + bytes);
	e->id = (uint16_t)++m->arena->events_count;
	e->on = e->id;
	e->level = 6;
	e->provider_len = (uint16_t)provider_len;
	e->name_len = (uint16_t)strlen(strings + provider_len + 1);
	if (m->arena->events_first)
		entry(m, at - (uint32_t)m->arena->lost_no_event)->next = at;
	else
		m->arena->events_first = at;
	m->arena->lost_no_event = step;
	m->arena->events_end += step;
	m->arena->events_committed = m->arena->events_end;
}

static void table_begin(struct mapped *m)
{
	m->arena->events_first = m->arena->events_count = 0;
	m->arena->events_end = 0;
}

static void lie_cycle(struct mapped *m)
{
	uint32_t first = m->arena->events_first;

	entry(m, first)->next = first;
}

/* As many events as there can be, each of a provider of its own. */
static void lie_providers(struct mapped *m)
{
	char strings[32];

	table_begin(m);
	for (unsigned i = 0; i < FT_MAX_EVENTS; i++) {
		snprintf(strings, sizeof(strings), "p%05u", i);
		memcpy(strings + 7, "e", 2);
		table_add(m, 56, strings, 9, 6);
	}
}

/* Names that are none. */
static void lie_names(struct mapped *m)
{
	static const char *const names[] = {
		"..",	   ".",	       "",	 "/",	       "../../etc", "a\nb",
		"\033[2J", "\xff\xfe", "enable", "\xc2\x9b",   "a\x7f",	    "%s%n",
		"-rf",	   "~",	       "\t",	 "name:\nID:", "..\xc0\xaf"};
	char strings[600];

	table_begin(m);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (unsigned j = 0; j < sizeof(names) / sizeof(*names); j++) {
			size_t p = strlen(names[i]), n = strlen(names[j]);

			memcpy(strings, names[i], p + 1);
			memcpy(strings + p + 1, names[j], n + 1);
			table_add(m, 96, strings, p + n + 2, p);
		}
	memset(strings, 'x', sizeof(strings));
	strings[255] = strings[511] = '\0';
	table_add(m, 640, strings, 512, 255);
}

/* A name of a megabyte, as far as the table goes. */
static void lie_long(struct mapped *m)
{
	struct ft_event_entry *e = entry(m, m->arena->events_first);

	e->size = 1 << 20;
	e->provider_len = UINT16_MAX;
	e->nfields = 255;
	memset(e->strings, 'y', 1 << 20);
	m->arena->events_end = 2 << 20;
}

/* Sub-buffers of 16 MB, 4096 of them, that all are one page, full of events of one time. */
static void lie_bomb(struct mapped *m)
{
	struct ft_buffer_place *p = place(m, 0);
	uint64_t pages = p->pages_offset, bytes = UINT64_C(1) << 24, event;
	unsigned n = 1u << 12, bits = 24 - 2;
	uint64_t control = (sizeof(struct ft_buffer) + n * sizeof(struct fasttrace_slot));
	uint32_t units = 1 << 17; /* a megabyte of them is real */

	pages = (p->offset + control + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	if (ftruncate(m->fd, (off_t)(pages + (n + 1) * bytes)))
		fail("ftruncate");
	m->size = pages + (n + 1) * bytes;
	m->map = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->fd, 0);
	if (m->map == MAP_FAILED)
		fail("mmap");
	m->arena = (struct ft_arena *)(void *)m->map;
	m->arena->size = m->size;
	m->arena->buffers = 1;
	p = place(m, 0);
	p->pages_offset = pages;
	p->subbuf_shift = 24;
	p->subbufs_shift = 12;
	buffer(m, 0)->head = n - 1;
	buffer(m, 0)->consumed = buffer(m, 0)->base = 0;
	memcpy(&event, m->map + place(m, 1)->pages_offset + FASTTRACE_HEADER_BYTES, 8);
	for (uint64_t seq = 0; seq < n; seq++) {
		struct fasttrace_slot *s = &slots(m, 0)[seq];
		uint64_t count = units - FASTTRACE_HEADER_UNITS;

		s->committed = seq << (2 * bits + 1) | count << bits | units;
		s->word = s->committed | UINT64_C(1) << (2 * bits);
		s->page = seq << 17;
		s->anchor = seq << 24;
	}
	event = m->arena->events_count ? 1 : event; /* of id 1, which has no field, at time 0 */
	for (uint64_t i = FASTTRACE_HEADER_UNITS; i < units; i++)
		memcpy(m->map + pages + 8 * i, &event, 8);
}

static void lie_words(struct mapped *m)
{
	const uint64_t regions[] = {0, m->arena->places_offset, m->arena->events_offset,
				    place(m, 0)->offset, place(m, 1)->offset};
	const uint64_t magic = m->arena->magic;

	for (unsigned i = 0; i < 60; i++) {
		uint64_t word = any() & 1 ? any() : UINT64_C(1) << any() % 64;
		uint64_t offset = regions[any() % 5] + any() % 700 / 8 * 8;

		memcpy(m->map + offset, &word, 8);
	}
	m->arena->magic = magic;
	m->arena->abi = FASTTRACE_ABI;
}

static void lie_clock(struct mapped *m)
{
	m->arena->clock_hz = 1;
	m->arena->clock_ticks = UINT64_MAX;
	m->arena->clock_realtime_ns = UINT64_MAX;
	m->arena->start_time = 1;
	memset(m->arena->comm, '\033', sizeof(m->arena->comm));
	memset(m->map + m->arena->cmdline_offset, '\n', FT_PATH_BYTES);
	m->arena->cmdline_bytes = FT_PATH_BYTES;
}

static void lie_none(struct mapped *m)
{
	m->arena->end_state = UINT64_MAX;
}

static const struct {
	const char *name;
	void (*tell)(struct mapped *m);
} lies[] = {
	{"size", lie_size},	  {"offsets", lie_offsets},   {"huge", lie_huge},
	{"words", lie_words},	  {"counters", lie_counters}, {"pages", lie_pages},
	{"indices", lie_indices}, {"cycle", lie_cycle},	      {"providers", lie_providers},
	{"names", lie_names},	  {"long", lie_long},	      {"bomb", lie_bomb},
	{"clock", lie_clock},	  {"none", lie_none},
};

#endif
