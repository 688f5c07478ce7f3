/* SPDX-License-Identifier: MIT */
/*
 * points-read.h - read an arena to its end, and compare what comes with the model, event by event
 * and count by count.
 */
#ifndef POINTS_READ_H
#define POINTS_READ_H

#include <stdarg.h>

#include "points-model.h"
#include "program.h"

static char run_dir[200];

/* The arena that process has by now. */
static inline struct fasttrace_arena *arena_open_of(pid_t pid, unsigned flags)
{
	struct fasttrace_arena *a = NULL;
	DIR *d = opendir(run_dir);
	struct dirent *e;
	char part[32];

	snprintf(part, sizeof(part), "-%d-", (int)pid);
	while (d && !a && (e = readdir(d)))
		if (e->d_name[0] != '.' && strstr(e->d_name, part))
			fasttrace_arena_open(dirfd(d), e->d_name, flags, &a, NULL);
	if (d)
		closedir(d);
	return a;
}

static inline struct fasttrace_arena *arena_of(pid_t pid)
{
	return arena_open_of(pid, FASTTRACE_OPEN_CONSUME);
}

static uint64_t failures, comparisons;
static char what[256]; /* is being tried */

__attribute__((format(printf, 1, 2))) static inline bool differs(const char *format, ...)
{
	va_list args;

	if (failures++ >= 20)
		return false;
	fprintf(stderr, "%s: ", what);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return false;
}

static inline bool same(const char *name, uint64_t found, uint64_t expected)
{
	comparisons++;
	return found == expected ||
	       differs("%s: %llu, expected %llu", name, (unsigned long long)found,
		       (unsigned long long)expected);
}

static inline bool stats_same(struct fasttrace_arena *a, const struct fasttrace_stats *e,
			      const char *when)
{
	struct fasttrace_stats s;
	char name[64];
	bool ok = true;

	if (fasttrace_arena_stats(a, &s))
		return differs("no stats");
#define FIELD(f)                                          \
	snprintf(name, sizeof(name), "%s, %s", #f, when); \
	ok = same(name, s.f, e->f) && ok
	FIELD(begun);
	FIELD(consumed);
	FIELD(readable);
	FIELD(overwritten);
	FIELD(lost_full);
	FIELD(lost_too_big);
	FIELD(lost_nested);
	FIELD(lost_no_buffer);
	FIELD(lost_no_event);
	FIELD(in_flight);
	FIELD(corrupted);
	FIELD(clock_steps);
#undef FIELD
	return ok;
}

/* The next event that must come from this ring, behind *at. */
static inline const struct model_event *model_next(const struct model *m, unsigned ring,
						   unsigned *at)
{
	while (*at < m->events) {
		const struct model_event *e = &m->event[(*at)++];

		if (e->ring == ring && e->state == DONE && model_stands(m, e))
			return e;
	}
	return NULL;
}

static inline bool packet_same(const struct model *m, unsigned ring,
			       const struct fasttrace_packet *p, unsigned *at)
{
	const char *event = p->body;

	if (p->body_bytes != p->events * POINT_BYTES)
		return differs("a packet of %zu bytes with %llu events", p->body_bytes,
			       (unsigned long long)p->events);
	for (uint64_t i = 0; i < p->events; i++, event += POINT_BYTES) {
		const struct model_event *e = model_next(m, ring, at);
		uint64_t v[2];

		memcpy(v, event + 8, sizeof(v));
		if (v[1] != mix(v[0] >> 32, 0, (uint32_t)v[0]))
			return differs("torn: %llx %llx", (unsigned long long)v[0],
				       (unsigned long long)v[1]);
		if (!e || !same("event", v[0], e->value))
			return e ? false
				 : differs("one more than expected: %llx",
					   (unsigned long long)v[0]);
	}
	return true;
}

static inline bool buffer_same(struct fasttrace_arena *a, const struct model *m, unsigned ring)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	unsigned at = 0;
	uint64_t seq;
	bool ok = true;

	if (!fasttrace_buffer_get_info(a, ring, &info))
		while (ok && !fasttrace_buffer_next(a, ring, info.serial, 0, &seq, NULL)) {
			if (fasttrace_buffer_get(a, ring, info.serial, seq, &p))
				return differs("cannot take %llu", (unsigned long long)seq);
			ok = packet_same(m, ring, &p, &at);
			fasttrace_buffer_put(a, ring, &p);
		}
	comparisons++;
	return ok && (!model_next(m, ring, &at) || differs("events are missing"));
}

/* Of a process that is dead. Consumes it. */
static inline bool arena_same(struct fasttrace_arena *a, const struct model *m)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_stats e;
	bool ok;

	model_stats(m, &e);
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
		if (!fasttrace_buffer_get_info(a, i, &info))
			fasttrace_buffer_switch(a, i, info.serial, FASTTRACE_FLUSH);
	ok = stats_same(a, &e, "unread");
	for (unsigned i = 0; i < m->rings || i < fasttrace_arena_buffers(a); i++)
		ok = buffer_same(a, m, i) && ok;
	e.consumed += e.readable;
	e.readable = 0;
	return stats_same(a, &e, "read") && ok;
}

#endif
