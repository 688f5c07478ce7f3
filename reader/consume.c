/* SPDX-License-Identifier: MIT */
/*
 * consume.c - get, swap, put.
 */
#include <stdlib.h>
#include <string.h>

#include "ft-consume.h"
#include "ft-walk.h"

/* Do these bytes, control block to last page, belong to a buffer that we have a view of? */
static bool view_shared(const struct fasttrace_arena *a, uint64_t offset, uint64_t end)
{
	for (unsigned i = 0; i < FT_MAX_BUFFERS; i++) {
		const struct ft_reader_buffer *b = a->buffers[i];
		const unsigned char *last;

		if (!b)
			continue;
		last = b->ring.pages + ((size_t)b->pages << b->ring.page_shift);
		if (a->map + offset < last && (unsigned char *)b->shared < a->map + end)
			return true;
	}
	return false;
}

/* Fill in our view of buffer `index` from its place, every number checked. */
static int view_make(struct fasttrace_arena *a, unsigned index, struct ft_reader_buffer *b)
{
	const struct ft_buffer_place *p =
		(const void *)(a->map + a->places_offset + index * sizeof(*p));
	uint64_t offset, pages_offset, n, control;
	struct ft_geometry g;

	if (!ft_load_acquire(&p->ready)) /* attach:R */
		return -ENOENT;
	offset = ft_load_relaxed(&p->offset); /* written once, before ready */
	pages_offset = ft_load_relaxed(&p->pages_offset);
	g.subbuf_shift = ft_load_relaxed(&p->subbuf_shift);
	g.subbufs_shift = ft_load_relaxed(&p->subbufs_shift);
	if (!ft_geometry_valid(g) || offset % 64 || pages_offset % 64 ||
	    (offset < a->buffers_offset && offset != a->marker_offset) || offset > a->size)
		return -EPROTO;
	n = UINT64_C(1) << g.subbufs_shift;
	b->pages = (uint32_t)n + (a->info.mode == FASTTRACE_OVERWRITE);
	control = sizeof(struct ft_buffer) + n * sizeof(struct fasttrace_slot);
	if (pages_offset < offset || pages_offset - offset < control || pages_offset > a->size ||
	    (uint64_t)b->pages << g.subbuf_shift > a->size - pages_offset)
		return -EPROTO;
	if (view_shared(a, offset, pages_offset + ((uint64_t)b->pages << g.subbuf_shift)))
		return -EPROTO;
	b->shared = (struct ft_buffer *)(void *)(a->map + offset);
	b->ring = (struct fasttrace_ring){
		.slots = (struct fasttrace_slot *)(b->shared + 1),
		.pages = a->map + pages_offset,
		.mask = n - 1,
		.units = UINT32_C(1) << (g.subbuf_shift - 3),
		.unit_bits = (uint8_t)(g.subbuf_shift - 2),
		.page_shift = (uint8_t)g.subbuf_shift,
		.overwrite = a->info.mode == FASTTRACE_OVERWRITE,
		.raw_clock = a->info.raw_clock,
		.fences = a->asymmetric,
	};
	return 0;
}

int ft_reader_buffer(struct fasttrace_arena *a, unsigned index, struct ft_reader_buffer **b)
{
	struct ft_reader_buffer made = {.taken = false}, *view;
	int err;

	if (a->broken)
		return -EPROTO;
	if (index >= fasttrace_arena_buffers(a))
		return -ENOENT;
	if (!a->buffers[index]) {
		err = view_make(a, index, &made);
		if (err)
			return err;
		view = malloc(sizeof(*view));
		if (!view)
			return -ENOMEM;
		*view = made;
		a->buffers[index] = view;
		if (a->consumer)
			ft_takeover(view);
	}
	*b = a->buffers[index];
	return 0;
}

int ft_reader_owner(struct fasttrace_arena *a, unsigned index, uint64_t serial,
		    struct ft_reader_buffer **b)
{
	int err = ft_reader_buffer(a, index, b);

	if (err)
		return err;
	ft_fence_acquire(); /* again:R, when this is a second look: what was read came before it */
	if (ft_load_acquire(&(*b)->shared->state) < FT_BUFFER_LIVE || /* attach:R */
	    ft_load_acquire(&(*b)->shared->serial) != serial)
		return -ENOENT;
	return 0;
}

bool ft_reader_gone(struct fasttrace_arena *a, const struct ft_reader_buffer *b)
{
	uint32_t state = ft_load_acquire(&b->shared->state);

	return state == FT_BUFFER_DEAD || !fasttrace_arena_alive(a) ||
	       (state == FT_BUFFER_MARKER && !ft_arena_consumed(a));
}

int fasttrace_buffer_get_info(struct fasttrace_arena *a, unsigned index,
			      struct fasttrace_buffer_info *info)
{
	struct ft_reader_buffer *b;
	int err = ft_reader_buffer(a, index, &b);

	if (err)
		return err;
	if (ft_load_acquire(&b->shared->state) < FT_BUFFER_LIVE) /* attach:R */
		return -ENOENT;
	info->serial = ft_load_acquire(&b->shared->serial);
	info->tid = ft_load_relaxed(
		&b->shared->tid); /* published by state; serial is looked at again */
	info->base = ft_load_relaxed(&b->shared->base); /* the same */
	memcpy(info->name, b->shared->name, sizeof(info->name));
	info->name[sizeof(info->name) - 1] = '\0';
	info->subbuf_bytes = UINT64_C(1) << b->ring.page_shift;
	info->subbufs = (uint32_t)b->ring.mask + 1;
	info->live = !ft_reader_gone(a, b);
	return ft_reader_owner(a, index, info->serial, &b);
}

int ft_subbuf_look(const struct ft_reader_buffer *b, uint64_t seq, bool gone, struct ft_subbuf *s)
{
	const struct fasttrace_slot *slot = ft_ring_slot(&b->ring, seq);

	s->word = ft_load_acquire(&slot->word);
	s->committed = ft_load_acquire(&slot->committed); /* deliver:R */
	s->anchor = ft_load_acquire(&slot->anchor); /* set before the first event is reserved */
	s->page = ft_load_acquire(&slot->page); /* last: while it is seq's, so were the others */
	if (!ft_page_is(s->page, seq) || s->page & FT_PAGE_TAKEN ||
	    !ft_word_is(&b->ring, s->word, seq))
		return -ENOENT;
	if (!ft_word_closed(&b->ring, s->word))
		return -EAGAIN;
	if (ft_word_units(&b->ring, s->word) > b->ring.units ||
	    ft_word_units(&b->ring, s->word) < FASTTRACE_HEADER_UNITS ||
	    ft_page_index(s->page) >= b->pages)
		return -EPROTO;
	if (s->committed != (s->word & ~ft_word_closed_bit(&b->ring)) && !gone)
		return -EAGAIN;
	return 0;
}

static unsigned char *page_at(const struct ft_reader_buffer *b, uint64_t index)
{
	return b->ring.pages + (index << b->ring.page_shift);
}

/*
 * Swapped out, not consumed, and its slot is claimed: readable from the spare, under its seq. If
 * another owner came while we took it, it is nobody's: let go of it.
 */
static bool held_aside(struct ft_reader_buffer *b)
{
	if (!b->ring.overwrite || b->taken || b->hold.state != FT_HOLD_HELD)
		return false;
	if (ft_hold_owned(b, &b->hold))
		return true;
	ft_hold_clear(b);
	return false;
}

/* What of a sub-buffer was written: bytes of events, and how many. */
static size_t content(const struct ft_reader_buffer *b, uint64_t seq, uint64_t word,
		      uint64_t committed, uint64_t page, struct ft_range *ranges, unsigned *n)
{
	size_t units = 0;

	*n = ft_recover_ranges(&b->ring, seq, word, committed, page_at(b, page), ranges);
	for (unsigned i = 0; i < *n; i++)
		units += ranges[i].to - ranges[i].from;
	return units * 8;
}

static size_t subbuf_bytes(const struct ft_reader_buffer *b, uint64_t seq, uint64_t word,
			   uint64_t committed, uint64_t page)
{
	struct ft_range ranges[FT_NESTED_RANGES + 1];
	unsigned n;

	return FASTTRACE_HEADER_BYTES + content(b, seq, word, committed, page, ranges, &n);
}

int fasttrace_buffer_next(struct fasttrace_arena *a, unsigned index, uint64_t serial, uint64_t from,
			  uint64_t *seq, size_t *bytes)
{
	struct ft_reader_buffer *b;
	int err = ft_reader_owner(a, index, serial, &b);
	const struct ft_hold *hold;
	uint64_t at, head;
	struct ft_subbuf s;
	bool gone;

	if (err)
		return err;
	hold = &b->hold;
	if (held_aside(b) && hold->seq >= from) {
		*seq = hold->seq;
		if (bytes)
			*bytes =
				subbuf_bytes(b, hold->seq, hold->word, hold->committed, hold->page);
		return 0;
	}
	gone = ft_reader_gone(a, b);
	head = ft_load_acquire(&b->shared->head);
	at = ft_buffer_oldest(b);
	if (from > at)
		at = from;
	for (uint64_t tries = 0; at <= head && tries <= b->ring.mask; at++, tries++) {
		err = ft_subbuf_look(b, at, gone, &s);
		if (err == -ENOENT)
			continue;
		if (err) /* -EAGAIN: an event in flight; what follows it waits its turn */
			return err;
		*seq = at;
		if (bytes)
			*bytes = subbuf_bytes(b, at, s.word, s.committed, ft_page_index(s.page));
		return 0;
	}
	return -EAGAIN;
}

/* What others had lost in this ring when its owner came. */
static uint64_t lost_base(const struct ft_reader_buffer *b)
{
	uint64_t base = 0;

	for (int i = 0; i < FT_LOST_REASONS; i++)
		base += ft_load_relaxed(&b->shared->base_lost[i]); /* published by state */
	return base;
}

uint64_t ft_lost_before(const struct ft_reader_buffer *b, uint64_t seq)
{
	uint64_t lost = ft_load_acquire(&ft_ring_slot(&b->ring, seq)->lost), base = lost_base(b);

	return lost > base ? lost - base : 0;
}

uint64_t ft_lost_after(const struct ft_reader_buffer *b, uint64_t seq)
{
	const struct fasttrace_slot *next = ft_ring_slot(&b->ring, seq + 1);
	uint64_t own = ft_load_acquire(&ft_ring_slot(&b->ring, seq)->lost), base = lost_base(b);
	uint64_t lost = ft_buffer_lost(b->shared);

	if (ft_load_acquire(&b->shared->head) == seq)
		return lost - base; /* counted while it was the newest */
	/* Opened: the next one's, if word is that before, and it is not on its way to the next lap. */
	if (ft_word_is(&b->ring, ft_load_acquire(&next->word), seq + 1)) {
		lost = ft_load_acquire(&next->lost);
		if (ft_page_is(ft_load_acquire(&next->page), seq + 1))
			return lost - base;
	}
	return own - base;
}

/* Write down what we are about to take. */
static void hold_fill(struct ft_reader_buffer *b, uint64_t seq, const struct ft_subbuf *s)
{
	b->hold = (struct ft_hold){.seq = seq,
				   .page = ft_page_index(s->page),
				   .word = s->word,
				   .committed = s->committed,
				   .anchor = s->anchor,
				   .lost_after = ft_lost_after(b, seq),
				   .begun = ft_load_acquire(&ft_ring_slot(&b->ring, seq)->begun)};
	ft_hold_store(b, FT_HOLD_HELD);
}

/* The committed part of what is held, with room for the header in front of it. */
static int body_copy(struct ft_reader_buffer *b, struct fasttrace_packet *p)
{
	const struct ft_hold *hold = &b->hold;
	struct ft_range ranges[FT_NESTED_RANGES + 1];
	const unsigned char *page = page_at(b, hold->page);
	unsigned char *to;
	unsigned n;

	p->body_bytes = content(b, p->seq, hold->word, hold->committed, hold->page, ranges, &n);
	p->data = p->copy = malloc(FASTTRACE_HEADER_BYTES + p->body_bytes);
	if (!p->copy)
		return -ENOMEM;
	p->body = to = (unsigned char *)p->copy + FASTTRACE_HEADER_BYTES;
	for (unsigned i = 0; i < n; i++) {
		size_t bytes = 8 * (size_t)(ranges[i].to - ranges[i].from);

		memcpy(to, page + 8 * (size_t)ranges[i].from, bytes);
		to += bytes;
	}
	return 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * What put is to store: absolute, so that it may be stored twice (takeover.c). Nobody asks for it
 * before put says so (hold:W).
 */
static void hold_count(struct ft_reader_buffer *b, const struct fasttrace_packet *p)
{
	struct ft_buffer *shared = b->shared;
	struct ft_hold *hold = &b->hold;

	hold->consumed_events = ft_load_relaxed(&shared->consumed_events) + p->events; /* ours */
	hold->corrupted = ft_load_relaxed(&shared->corrupted) + (p->cut_short != 0);
	hold->in_flight = ft_load_relaxed(&shared->in_flight) + p->cut_short;
	hold->consumed_subbufs = ft_load_relaxed(&shared->consumed_subbufs) + 1;
	hold->put_begun = larger(ft_load_relaxed(&shared->put_begun),
				 hold->begun + ft_word_count(&b->ring, hold->word));
	hold->put_lost =
		larger(ft_load_relaxed(&shared->put_lost), hold->lost_after + lost_base(b));
	ft_store_relaxed(&shared->hold.consumed_events, hold->consumed_events);
	ft_store_relaxed(&shared->hold.corrupted, hold->corrupted);
	ft_store_relaxed(&shared->hold.in_flight, hold->in_flight);
	ft_store_relaxed(&shared->hold.consumed_subbufs, hold->consumed_subbufs);
	ft_store_relaxed(&shared->hold.put_begun, hold->put_begun);
	ft_store_relaxed(&shared->hold.put_lost, hold->put_lost);
	FASTTRACE_POINT(hold_counted);
}

/* What went between what was put last and this. Another owner's does not count. */
static void gap_fill(const struct ft_reader_buffer *b, struct fasttrace_packet *p)
{
	uint64_t lost = lost_base(b);
	uint64_t put = larger(ft_load_relaxed(&b->shared->put_begun),	/* ours */
			      ft_load_relaxed(&b->shared->base_begun)); /* published by state */

	p->overwritten_before = larger(b->hold.begun, put) - put;
	p->lost_before = larger(ft_load_relaxed(&b->shared->put_lost), lost) - lost;
}

/*
 * Make the packet of what is held: only whole, declared events in order of time are handed out. What is
 * checked is the copy: memory that was not touched lately is read once, and a writer that does not keep
 * to the protocol changes nothing behind our back.
 */
static int packet_fill(struct fasttrace_arena *a, struct ft_reader_buffer *b,
		       struct fasttrace_packet *p)
{
	const struct ft_hold *hold = &b->hold;
	uint64_t anchor = ft_anchor_time(hold->anchor), begun = ft_word_count(&b->ring, hold->word);
	struct ft_packet_fields f = {.instance = p->serial};
	struct ft_walk walk;
	int err = body_copy(b, p);

	if (err)
		return err;
	if (ft_events_walk(a, p->body, p->body_bytes, anchor, &walk))
		walk = (struct ft_walk){.first = anchor, .last = anchor};
	p->body_bytes = walk.bytes;
	p->events = walk.events;
	p->begin = f.begin = walk.first;
	p->end = f.end = walk.last;
	p->lost = f.lost = hold->lost_after;
	p->cut_short = begun > walk.events ? begun - walk.events : 0;
	p->bytes = f.bytes = FASTTRACE_HEADER_BYTES + p->body_bytes;
	f.pad = walk.pad;
	f.seq = p->seq - ft_load_relaxed(&b->shared->base); /* published by state */
	f.tid = ft_load_relaxed(&b->shared->tid);	    /* the same */
	ft_packet_header(a, &f, p->copy);
	gap_fill(b, p);
	hold_count(b, p);
	return 0;
}

/* Take a page out of the ring, the spare in its place. -ENOENT: the writer was first. */
static int subbuf_swap(struct ft_reader_buffer *b, uint64_t seq, const struct ft_subbuf *s)
{
	int64_t spare = ft_page_spare(b);
	struct ft_hold aside = b->hold;

	if (spare < 0)
		return (int)spare;
	hold_fill(b, seq, s);
	if (ft_cas(&ft_ring_slot(&b->ring, seq)->page, s->page,
		   ft_page_word(seq, FT_PAGE_TAKEN, (uint64_t)spare))) { /* swap:R, swap:W */
		FASTTRACE_POINT(swapped);
		return 0;
	}
	b->hold = aside;
	ft_hold_store(b, (enum ft_hold_state)aside.state);
	FASTTRACE_POINT(swap_failed);
	return -ENOENT;
}

static int subbuf_take(struct fasttrace_arena *a, struct ft_reader_buffer *b, uint64_t seq)
{
	struct ft_subbuf s;
	int err;

	if (held_aside(b) && b->hold.seq == seq)
		return 0;
	if ((int64_t)(seq - ft_buffer_oldest(b)) < 0 ||
	    (int64_t)(ft_load_acquire(&b->shared->head) - seq) < 0)
		return -ENOENT;
	err = ft_subbuf_look(b, seq, ft_reader_gone(a, b), &s);
	if (err)
		return err == -EAGAIN ? -ENOENT : err;
	if (!ft_anchor_is(s.anchor, seq))
		return -EPROTO;
	if (b->ring.overwrite)
		return subbuf_swap(b, seq,
				   &s); /* what was aside counts as overwritten from now on */
	hold_fill(b, seq, &s);
	return 0;
}

int fasttrace_buffer_get(struct fasttrace_arena *a, unsigned index, uint64_t serial, uint64_t seq,
			 struct fasttrace_packet *p)
{
	struct ft_reader_buffer *b;
	int err = ft_reader_owner(a, index, serial, &b);

	if (!err && (!a->consumer || b->taken))
		err = -EBUSY;
	if (!err)
		err = subbuf_take(a, b, seq);
	if (err)
		return err;
	*p = (struct fasttrace_packet){.seq = seq, .serial = serial};
	b->taken = true;
	err = packet_fill(a, b, p);
	ft_fence_full(); /* held:W, before we look */
	/* Of this owner still, when its tid and base were read? */
	if (!err)
		err = ft_reader_owner(a, index, serial, &b);
	if (err)
		fasttrace_buffer_unget(a, index, p);
	return err;
}

void *fasttrace_packet_keep(struct fasttrace_packet *p)
{
	void *copy = p->copy;

	p->copy = NULL;
	return copy;
}

static struct ft_reader_buffer *packet_end(struct fasttrace_arena *a, unsigned index,
					   struct fasttrace_packet *p)
{
	struct ft_reader_buffer *b = a->buffers[index];

	free(p->copy);
	p->data = p->body = p->copy = NULL;
	if (!b->taken)
		return NULL;
	b->taken = false;
	return b;
}

void fasttrace_buffer_put(struct fasttrace_arena *a, unsigned index, struct fasttrace_packet *p)
{
	struct ft_reader_buffer *b = packet_end(a, index, p);

	if (b)
		ft_hold_put(b);
}

void fasttrace_buffer_unget(struct fasttrace_arena *a, unsigned index, struct fasttrace_packet *p)
{
	struct ft_reader_buffer *b = packet_end(a, index, p);

	if (b)
		ft_hold_return(b);
}

int fasttrace_buffer_drop(struct fasttrace_arena *a, unsigned index, uint64_t serial, uint64_t seq)
{
	struct fasttrace_packet p;
	int err = fasttrace_buffer_get(a, index, serial, seq, &p);

	if (!err)
		fasttrace_buffer_put(a, index, &p);
	return err;
}

bool fasttrace_buffer_drained(struct fasttrace_arena *a, unsigned index, uint64_t serial)
{
	struct ft_reader_buffer *b;
	uint64_t seq, head, word;

	if (ft_reader_owner(a, index, serial, &b))
		return true;
	if (!ft_reader_gone(a, b) || b->taken ||
	    fasttrace_buffer_next(a, index, serial, 0, &seq, NULL) != -EAGAIN)
		return false;
	head = ft_load_acquire(&b->shared->head);
	word = ft_load_acquire(&ft_ring_slot(&b->ring, head)->word);
	return ft_word_closed(&b->ring, word) || !ft_word_count(&b->ring, word);
}
