/* SPDX-License-Identifier: MIT */
/*
 * follow.c - what comes into an arena, as it comes.
 *
 * Each look copies of each ring what was committed behind the place where the look before had ended.
 * It is a reader beside the consumer: it takes no page, asks for no wake-up and stores nothing.
 *
 * INVARIANTS
 *
 *   F1  Each event once. A place is {seq, units}: what stands before it was taken, or told of as
 *       missed. It only goes on, and only over what was copied while it stood (piece_stands()).
 *   F2  Nothing is missed in silence. `count` is the number of the next event in the ring's own
 *       running count. What follows says its own number, begun + events before it: if that is more,
 *       the difference was missed, overwritten or taken by the consumer. What discard mode drops
 *       is in the ring's `lost`. So taken + missed = recorded + lost, of each owner, whenever it
 *       has ended; but what was in flight when its writer died was never recorded. What threads
 *       lost that have no ring is told of in a stream of the process's.
 *   F3  In a stream times never decrease, for the ring has them so (I8). An event that is not
 *       committed stops its stream there, with what handlers committed inside of it.
 *   F4  What a stream has yet to show is not older than `settled`: the newest event of one that is
 *       stopped, else the moment of the look, less what passes between a stamp and its reserve.
 *   F5  Nobody stops a stream for ever. What is in flight for longer than LATE_NS holds nobody else
 *       back, and once its thread has gone on behind that sub-buffer, it is passed and counts as
 *       missed.
 *   F6  Another owner's ring is another stream. The first one ends with the counts of that moment.
 *
 * In overwrite mode what a consumer takes between two looks is missed. In the other modes it
 * stands until its slot turns, and is copied nevertheless.
 */
#include <stdlib.h>
#include <string.h>

#include "ft-consume.h"
#include "ft-follow.h"
#include "ft-tsan.h"
#include "ft-walk.h"

#define LATE_NS (400 * INT64_C(1000000))
#define TELL_NS INT64_C(1000000000) /* between two that tell of nothing but losses */

/* A sub-buffer that is looked at. */
struct piece {
	struct ft_subbuf words;
	uint64_t begun;
	struct ft_range ranges[FT_NESTED_RANGES + 1];
	unsigned nranges;
	uint64_t events; /* in ranges, those behind our place alone */
	bool gone;	 /* its writer is */
	bool whole;	 /* nothing more will come into it */
};

static uint64_t lost_since(const struct ft_follow_stream *s, const struct ft_buffer *shared)
{
	uint64_t lost = ft_buffer_lost(shared);

	return lost > s->base_lost ? lost - s->base_lost : 0;
}

/* @data: room for its header, then @walk's events. */
static void packet_give(struct ft_follow *f, struct ft_follow_stream *s, unsigned char *data,
			const struct ft_walk *walk)
{
	struct ft_packet_fields fields = {
		.instance = s->serial,
		.begin = walk->first,
		.end = walk->last,
		.bytes = FASTTRACE_HEADER_BYTES + walk->bytes,
		.pad = walk->pad,
		.seq = s->packets++,
		.lost = s->missed,
		.tid = s->tid,
	};

	ft_packet_header(f->arena, &fields, data);
	f->room -= MIN(f->room, fields.bytes);
	s->last = walk->last;
	s->told = s->missed;
	f->take(s, data, fields.bytes, f->arg);
}

/* What was missed until @time, 0: until now: a packet without events says it. */
static int gap_give(struct ft_follow *f, struct ft_follow_stream *s, uint64_t time)
{
	unsigned char *data = malloc(FASTTRACE_HEADER_BYTES);
	struct ft_walk none;

	if (!data)
		return -ENOMEM;
	if (!time)
		time = s->last ? s->last : fasttrace_arena_now(f->arena);
	none = (struct ft_walk){.first = time, .last = time};
	packet_give(f, s, data, &none);
	return 0;
}

/* The ring's count has come to @begun, and its losses to @lost. */
static void counts_pass(struct ft_follow_stream *s, uint64_t begun, uint64_t lost)
{
	if (s->count != UINT64_MAX && begun > s->count) {
		s->missed += begun - s->count;
		s->count = begun;
	}
	if (s->count != UINT64_MAX && lost > s->lost) {
		s->missed += lost - s->lost;
		s->lost = lost;
	}
}

/* Does the memory that was copied still belong to the piece? */
static bool piece_stands(const struct ft_reader_buffer *b, const struct ft_follow_stream *s,
			 const struct piece *p)
{
	uint64_t page;

	ft_fence_acquire();					   /* stand:R: the copy first */
	if (ft_load_acquire(&b->shared->state) < FT_BUFFER_LIVE || /* again:R */
	    ft_load_acquire(&b->shared->serial) != s->serial)
		return false;
	page = ft_load_acquire(&ft_ring_slot(&b->ring, s->seq)->page);
	/* Where pages are not swapped, one that was consumed meanwhile is as it was. */
	return ft_page_is(page, s->seq) && ft_page_index(page) == ft_page_index(p->words.page);
}

/* Return: false: there is no such sub-buffer any more, or it is the consumer's. */
static bool piece_load(const struct ft_reader_buffer *b, const struct ft_follow_stream *s,
		       struct piece *p)
{
	const struct fasttrace_ring *ring = &b->ring;
	uint64_t before = s->count, open;
	int err = ft_subbuf_look(b, s->seq, p->gone, &p->words);

	if (err == -EPROTO || !ft_word_is(ring, p->words.word, s->seq) ||
	    !ft_page_is(p->words.page, s->seq) ||
	    (ring->overwrite && p->words.page & FT_PAGE_TAKEN))
		return false;
	open = p->words.word & ~ft_word_closed_bit(ring);
	p->begun = ft_load_acquire(&ft_ring_slot(ring, s->seq)->begun); /* valid if it stands */
	p->nranges = ft_subbuf_ranges(b, s->seq, &p->words, p->gone, p->ranges);
	p->whole = p->gone || (open != p->words.word && p->words.committed == open);
	/* The first range is the committed prefix, which alone we can have a part of. */
	if (s->units == FASTTRACE_HEADER_UNITS)
		before = p->begun;
	if (p->nranges && p->ranges[0].from == FASTTRACE_HEADER_UNITS)
		p->events = p->begun + ft_word_count(ring, p->words.committed) - before;
	if (p->events > ring->units)
		return false; /* the words contradict themselves */
	for (unsigned i = 0; i < p->nranges; i++) {
		struct ft_range *r = &p->ranges[i];

		if (r->from > FASTTRACE_HEADER_UNITS)
			p->events += r->events;
		r->from = MAX(r->from, (uint32_t)s->units);
		r->to = MAX(r->from, r->to);
	}
	return true;
}

static size_t piece_bytes(const struct piece *p)
{
	size_t units = 0;

	for (unsigned i = 0; i < p->nranges; i++)
		units += p->ranges[i].to - p->ranges[i].from;
	return units * 8;
}

static void piece_copy(const struct ft_reader_buffer *b, const struct piece *p, unsigned char *to)
{
	const unsigned char *page =
		b->ring.pages + (ft_page_index(p->words.page) << b->ring.page_shift);

	ft_tsan_race(true); /* until piece_stands() */
	for (unsigned i = 0; i < p->nranges; i++) {
		size_t bytes = 8 * (size_t)(p->ranges[i].to - p->ranges[i].from);

		memcpy(to, page + 8 * (size_t)p->ranges[i].from, bytes);
		to += bytes;
	}
	ft_tsan_race(false);
}

/* It was copied and stood: F1, F2. */
static int piece_give(struct ft_follow *f, const struct ft_reader_buffer *b,
		      struct ft_follow_stream *s, const struct piece *p, unsigned char *data)
{
	uint64_t count = p->gone ? ft_word_count(&b->ring, p->words.word)
				 : ft_word_count(&b->ring, p->words.committed);
	uint64_t lost = p->whole ? ft_lost_after(b, s->seq) : ft_lost_before(b, s->seq);
	struct ft_walk walk;
	int err = ft_events_walk(f->arena, data + FASTTRACE_HEADER_BYTES, piece_bytes(p),
				 ft_anchor_time(p->words.anchor), &walk);

	if (s->count == UINT64_MAX) { /* what was before us is nobody's to tell */
		s->count = p->begun;
		s->lost = ft_lost_before(b, s->seq);
	}
	if (s->units == FASTTRACE_HEADER_UNITS)
		counts_pass(s, p->begun, 0);
	if (!err && s->missed > s->told)
		err = gap_give(f, s, walk.events ? walk.first : 0);
	if (p->events > walk.events) /* these are no events */
		s->missed += p->events - walk.events;
	counts_pass(s, 0, lost);
	s->count = p->begun + count;
	s->units = p->nranges ? p->ranges[p->nranges - 1].to : s->units;
	if (err || !walk.events) {
		free(data);
		return err;
	}
	packet_give(f, s, data, &walk);
	return 0;
}

/* Is an event in flight? Since when, and is that too long to wait for? F5 */
static bool piece_late(struct ft_follow_stream *s, const struct piece *p, uint64_t closed,
		       int64_t now_ns)
{
	if (p->whole || p->words.committed == (p->words.word & ~closed)) {
		s->flight = 0;
		return false;
	}
	if (s->flight != p->words.committed) {
		s->flight = p->words.committed;
		s->flight_ns = now_ns;
	}
	if (now_ns - s->flight_ns < LATE_NS) {
		s->settled = s->last;
		return false;
	}
	return true;
}

/* Return: 1: on to the next one; 0: there is no more for now; -errno. */
static int piece_take(struct ft_follow *f, const struct ft_reader_buffer *b,
		      struct ft_follow_stream *s, bool gone, int64_t now_ns)
{
	struct piece p = {.gone = gone};
	unsigned char *data;
	size_t bytes;
	bool late;
	int err;

	if (!piece_load(b, s, &p))
		return 1;
	bytes = piece_bytes(&p);
	if (bytes > f->room && s->in_hand) {
		s->settled = s->last;
		return 0;
	}
	if (bytes || p.whole) {
		data = malloc(FASTTRACE_HEADER_BYTES + bytes);
		if (!data)
			return -ENOMEM;
		piece_copy(b, &p, data + FASTTRACE_HEADER_BYTES);
		if (!piece_stands(b, s, &p)) {
			free(data);
			return ft_load_acquire(&b->shared->serial) == s->serial;
		}
		err = piece_give(f, b, s, &p, data);
		if (err)
			return err;
	}
	late = piece_late(s, &p, ft_word_closed_bit(&b->ring), now_ns);
	return p.whole || (late && s->seq < ft_load_acquire(&b->shared->head));
}

/* All that the ring tells was taken: what its counts say beyond that was missed. */
static int stream_settle(struct ft_follow *f, struct ft_reader_buffer *b,
			 struct ft_follow_stream *s, bool gone)
{
	uint64_t head = ft_load_acquire(&b->shared->head), lost = lost_since(s, b->shared);
	const struct fasttrace_slot *slot = ft_ring_slot(&b->ring, head);
	uint64_t begun = ft_load_acquire(&slot->begun), word = ft_load_acquire(&slot->word);

	if (ft_reader_owner(f->arena, s->index, s->serial, &b))
		return 0; /* they may be another one's: it is dealt with when we come to that */
	if (gone && ft_word_is(&b->ring, word, head))
		begun += ft_word_count(&b->ring, word);
	counts_pass(s, gone ? begun : 0, lost);
	return s->missed > s->told ? gap_give(f, s, 0) : 0;
}

static int stream_look(struct ft_follow *f, struct ft_reader_buffer *b, struct ft_follow_stream *s,
		       bool gone, int64_t now_ns)
{
	uint64_t head = ft_load_acquire(&b->shared->head), before = s->seq; /* open:R */
	uint64_t n = b->ring.mask + 1, oldest = head >= n ? head - n + 1 : 0, missed = s->missed;
	int err = 1;

	s->settled = UINT64_MAX;
	if (s->seq < oldest) {
		s->seq = oldest;
		s->units = FASTTRACE_HEADER_UNITS;
	}
	for (uint64_t tries = 0; tries < n && s->seq <= head; tries++) {
		err = piece_take(f, b, s, gone, now_ns);
		if (err <= 0)
			break;
		s->seq++;
		s->units = FASTTRACE_HEADER_UNITS;
	}
	f->hurry |= s->seq - before >= MAX(n / 4, 1) || s->missed > missed;
	f->idle &= s->seq == before;
	if (err < 0)
		return err;
	if (gone)
		return s->seq > head ? stream_settle(f, b, s, true) : 0;
	if (now_ns - s->lost_ns < TELL_NS)
		return 0;
	s->lost_ns = now_ns;
	return stream_settle(f, b, s, false);
}

/* @next: the owner that has come, whose counts begin where the last one's end: F6. */
static int stream_leave(struct ft_follow *f, struct ft_follow_stream *s,
			const struct ft_follow_stream *next)
{
	uint64_t lost = next->base_lost;
	int err = 0;

	counts_pass(s, next->count, lost > s->base_lost ? lost - s->base_lost : 0);
	if (s->missed > s->told)
		err = gap_give(f, s, 0);
	f->take(s, NULL, 0, f->arg);
	g_free(s);
	return err;
}

static struct ft_follow_stream *stream_new(struct ft_follow *f, const struct ft_reader_buffer *b,
					   unsigned index)
{
	struct fasttrace_buffer_info info;
	struct ft_follow_stream *s;

	if (fasttrace_buffer_get_info(f->arena, index, &info))
		return NULL; /* nobody's, for now */
	s = g_new0(struct ft_follow_stream, 1);
	s->index = index;
	s->serial = info.serial;
	s->tid = info.tid;
	memcpy(s->name, info.name, sizeof(s->name));
	s->base = s->seq = info.base;
	s->units = FASTTRACE_HEADER_UNITS;
	s->count = f->all ? ft_load_relaxed(&b->shared->base_begun) : UINT64_MAX;
	for (int i = 0; i < FT_LOST_REASONS; i++)
		s->base_lost += ft_load_relaxed(&b->shared->base_lost[i]);
	if (ft_reader_owner(f->arena, index, s->serial, &(struct ft_reader_buffer *){NULL})) {
		g_free(s); /* they were another one's: again:R */
		return NULL;
	}
	return s;
}

/* Return: 0; 1 there is more; -errno. */
static int buffer_look(struct ft_follow *f, unsigned index, bool alive, int64_t now_ns)
{
	struct ft_follow_stream *s = f->streams->pdata[index], *next;
	struct ft_reader_buffer *b;
	uint32_t state;
	int err = ft_reader_buffer(f->arena, index, &b);

	if (err) /* not ready, or it contradicts the protocol: nothing of it is looked at */
		return err == -ENOMEM ? err : 0;
	state = ft_load_acquire(&b->shared->state); /* attach:R */
	if (state < FT_BUFFER_LIVE)
		return 0;
	if (!s || ft_load_acquire(&b->shared->serial) != s->serial) {
		next = stream_new(f, b, index);
		if (!next)
			return 0;
		f->streams->pdata[index] = next;
		if (s)
			err = stream_leave(f, s, next);
		else if (f->all) /* other owners may have come and gone */
			next->missed = next->count + next->base_lost;
		s = next;
	}
	if (err)
		return err;
	err = stream_look(f, b, s, !alive || state == FT_BUFFER_DEAD, now_ns);
	return err ? err : s->seq <= ft_load_acquire(&b->shared->head);
}

/* Events of threads that have no ring, and of no class. */
static int nobody_look(struct ft_follow *f, int64_t now_ns)
{
	const struct ft_arena *shared = f->arena->shared;
	struct ft_follow_stream *s = &f->nobody;
	uint64_t lost =
		ft_load_relaxed(&shared->lost_no_buffer) + ft_load_relaxed(&shared->lost_no_event);

	if (!f->all)
		s->base_lost = lost;
	if (lost <= s->base_lost + s->lost || (!f->ended && now_ns - s->lost_ns < TELL_NS))
		return 0;
	s->lost_ns = now_ns;
	counts_pass(s, 0, lost - s->base_lost);
	return gap_give(f, s, fasttrace_arena_now(f->arena));
}

int ft_follow_look(struct ft_follow *f, int64_t now_ns)
{
	bool alive = fasttrace_arena_alive(f->arena), more = false; /* before we look */
	unsigned n = fasttrace_arena_buffers(f->arena);
	int err;

	f->hurry = false;
	f->idle = true;
	if (n > f->streams->len)
		g_ptr_array_set_size(f->streams, (gint)n);
	for (unsigned i = 0; i < n; i++) {
		int got = buffer_look(f, i, alive, now_ns);

		if (got < 0)
			return got;
		more |= got;
	}
	f->ended = !alive && !more;
	err = nobody_look(f, now_ns);
	f->all = true; /* who comes from now on is new */
	return err ? err : fasttrace_arena_broken(f->arena);
}

struct ft_follow *ft_follow_new(struct fasttrace_arena *arena, bool all, ft_follow_take *take,
				void *arg)
{
	struct ft_follow *f = g_new0(struct ft_follow, 1);

	f->arena = arena;
	f->all = all;
	f->take = take;
	f->arg = arg;
	f->streams = g_ptr_array_new();
	f->nobody.tid = arena->info.pid;
	memcpy(f->nobody.name, arena->info.comm, sizeof(f->nobody.name));
	return f;
}

void ft_follow_free(struct ft_follow *f)
{
	if (!f)
		return;
	f->take(&f->nobody, NULL, 0, f->arg);
	for (guint i = 0; i < f->streams->len; i++)
		if (f->streams->pdata[i])
			f->take(f->streams->pdata[i], NULL, 0, f->arg);
	for (guint i = 0; i < f->streams->len; i++)
		g_free(f->streams->pdata[i]);
	g_ptr_array_unref(f->streams);
	g_free(f);
}
