/* SPDX-License-Identifier: MIT */
/*
 * points-model.h - what there must be after a death: events one by one, and counts. A model of the
 * rings that knows no words and no orders, only which event stands in which sub-buffer.
 */
#ifndef POINTS_MODEL_H
#define POINTS_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fasttrace-reader.h"
#include "points.h"

enum fate { NONE, GIVEN_UP, CLAIMED, RESERVED, DONE, LOST, NO_ARENA };
enum taken { ASIDE = 1, USED, LEFT };

static const struct {
	const char *name;
	enum fate fate;
	unsigned taken;
	const char *reach[3]; /* by mode */
} table[POINTS] = {
	[POINT_none] = {.name = "no label"},
#define POINT(name, fate, taken, overwrite, discard, block) \
	[POINT_##name] = {#name, fate, taken, {overwrite, discard, block}},
#include "points-table.h"
#undef POINT
};

#define SUBBUF_BYTES  4096
#define POINT_BYTES   24
#define SUBBUF_EVENTS ((SUBBUF_BYTES - FASTTRACE_PACKET_HEADER_BYTES) / POINT_BYTES)
#define SUBBUFS	      2
#define MODEL_EVENTS  2000
#define MODEL_RINGS   4
#define LEVELS	      3 /* the program, a handler, and one that interrupts it */

struct model_event {
	uint64_t value; /* who << 32 | number */
	uint32_t seq;
	uint16_t ring;
	uint16_t state; /* RESERVED, DONE, CONSUMED */
};

struct model_ring {
	uint32_t first, head; /* seq of the oldest that is not overwritten, nor free again */
	uint32_t aside;	      /* 1 + seq of what a reader has swapped out and may not have read */
	unsigned used;	      /* events in head */
	bool closed, claimed;
};

struct model {
	enum fasttrace_buffer_mode mode;
	bool quiet; /* the thread gets no other ring */
	struct model_ring ring[MODEL_RINGS];
	unsigned rings;
	struct model_event event[MODEL_EVENTS];
	unsigned events;
	int under_way[LEVELS]; /* which of the events; -1: not reserved; or as below */
	uint64_t lost_full, lost_nested, lost_too_big, lost_no_buffer, lost_no_event, steps;
};

#define LOST_EVENT  (-2)
#define GIVEN_EVENT (-3) /* will be lost */
#define CONSUMED    99

static inline void model_start(struct model *m, enum fasttrace_buffer_mode mode)
{
	memset(m, 0, sizeof(*m));
	m->mode = mode;
	m->rings = 1;
	for (unsigned i = 0; i < LEVELS; i++)
		m->under_way[i] = -1;
}

static inline bool model_in_flight(const struct model *m, unsigned ring, uint32_t seq)
{
	for (unsigned i = 0; i < m->events; i++)
		if (m->event[i].ring == ring && m->event[i].seq == seq &&
		    m->event[i].state == RESERVED)
			return true;
	return false;
}

/* A ring of its own for what comes now. */
static inline struct model_ring *model_attach(struct model *m)
{
	return &m->ring[m->rings++];
}

/* Have room for an event, as far as `fate` goes. NULL: there is none; *lost counts why. */
static inline struct model_ring *model_room(struct model *m, enum fate fate, uint64_t **lost)
{
	struct model_ring *r = &m->ring[m->rings - 1];

	*lost = NULL;
	if (!r->closed && r->used < SUBBUF_EVENTS)
		return r;
	r->closed = true;
	if (fate < CLAIMED)
		return NULL;
	if (!r->claimed && r->head + 1 - r->first >= SUBBUFS) {
		if (model_in_flight(m, m->rings - 1, r->first)) {
			*lost = &m->lost_nested;
			return m->quiet ? NULL : model_attach(m);
		}
		*lost = &m->lost_full;
		if (m->mode != FASTTRACE_OVERWRITE)
			return NULL;
		r->first++;
	}
	r->claimed = true;
	if (fate == CLAIMED)
		return NULL;
	*r = (struct model_ring){.first = r->first, .head = r->head + 1, .aside = r->aside};
	return r;
}

/* The event of this level gets as far as `fate`; or further, if it was begun. */
static inline void model_event(struct model *m, unsigned level, uint64_t value, enum fate fate)
{
	int *at = &m->under_way[level];
	struct model_ring *r;
	uint64_t *lost;

	if (*at >= 0 && fate >= DONE && m->event[*at].state == RESERVED)
		m->event[*at].state = DONE;
	if (*at == GIVEN_EVENT && fate >= DONE) {
		m->lost_full++;
		*at = LOST_EVENT;
	}
	if (*at != -1 || fate == NO_ARENA)
		return;
	if (fate == GIVEN_UP)
		*at = GIVEN_EVENT;
	r = model_room(m, fate, &lost);
	if (!r && lost && fate >= DONE) {
		++*lost;
		*at = LOST_EVENT;
	}
	if (!r || fate < RESERVED)
		return;
	r->used++;
	*at = (int)m->events++;
	m->event[*at] = (struct model_event){value, r->head, (uint16_t)(m->rings - 1),
					     fate == RESERVED ? RESERVED : DONE};
}

/* An event that is through. */
static inline void model_events(struct model *m, unsigned level, uint64_t from, uint64_t to)
{
	for (; from < to; from++) {
		model_event(m, level, (uint64_t)level << 32 | from, DONE);
		m->under_way[level] = -1;
	}
}

/* It is in the ring, or aside. */
static inline bool model_stands(const struct model *m, const struct model_event *e)
{
	const struct model_ring *r = &m->ring[e->ring];

	return e->seq >= r->first || e->seq + 1 == r->aside;
}

/* The counts. */
static inline void model_stats(const struct model *m, struct fasttrace_stats *s)
{
	*s = (struct fasttrace_stats){.lost_full = m->lost_full,
				      .lost_nested = m->lost_nested,
				      .lost_too_big = m->lost_too_big,
				      .lost_no_buffer = m->lost_no_buffer,
				      .lost_no_event = m->lost_no_event,
				      .clock_steps = m->steps};
	for (unsigned i = 0; i < m->events; i++) {
		const struct model_event *e = &m->event[i];

		s->consumed += e->state == CONSUMED;
		s->overwritten += e->state == DONE && !model_stands(m, e);
		s->readable += e->state == DONE && model_stands(m, e);
		s->in_flight += e->state == RESERVED;
	}
	for (unsigned i = 0; i < m->rings; i++)
		for (uint32_t seq = 0; seq <= m->ring[i].head; seq++)
			s->corrupted += model_in_flight(m, i, seq);
	s->begun = m->events + s->lost_full + s->lost_nested + s->lost_too_big + s->lost_no_buffer +
		   s->lost_no_event;
}

#endif
