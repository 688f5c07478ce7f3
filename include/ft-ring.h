/* SPDX-License-Identifier: MIT */
/*
 * ft-ring.h - words of the ring, and the two steps that both sides may take: close and turn.
 *
 * The protocol is told in ft-layout.h. Everything here is lock-free and async-signal-safe, takes a
 * struct fasttrace_ring that its caller has checked, and touches nothing else but shared words.
 */
#ifndef FT_RING_H
#define FT_RING_H

#include <errno.h>
#include <stdbool.h>

#include "ft-atomic.h"
#include "ft-barrier.h"
#include "ft-layout.h"

/** ft_ring_bytes() - of a ring, in whole pages; of them @control before its first sub-buffer. */
static inline uint64_t ft_ring_bytes(enum ft_mode mode, struct ft_geometry g, uint64_t *control)
{
	uint64_t n = UINT64_C(1) << g.subbufs_shift, spare = mode == FT_OVERWRITE;

	*control = (sizeof(struct ft_buffer) + n * sizeof(struct fasttrace_slot) + 4095) &
		   ~UINT64_C(4095);
	return *control + ((n + spare) << g.subbuf_shift);
}

/**
 * ft_geometry_fits() - would a ring that ends at @end of @space be one of this geometry?
 * Past half of the space rings are small, those but that are no larger.
 */
static inline bool ft_geometry_fits(enum ft_mode mode, struct ft_geometry g, uint64_t end,
				    uint64_t space)
{
	uint64_t control, least = ft_ring_bytes(mode, FT_GEOMETRY_SMALL, &control);

	return end <= space / 2 || (end <= space && ft_ring_bytes(mode, g, &control) <= least);
}

#define FT_FENCE_TRIES 64

static inline uint64_t ft_word_units(const struct fasttrace_ring *r, uint64_t word)
{
	return word & ((UINT64_C(1) << r->unit_bits) - 1);
}

static inline uint64_t ft_word_count(const struct fasttrace_ring *r, uint64_t word)
{
	return (word >> r->unit_bits) & ((UINT64_C(1) << r->unit_bits) - 1);
}

static inline uint64_t ft_word_closed_bit(const struct fasttrace_ring *r)
{
	return UINT64_C(1) << (2 * r->unit_bits);
}

static inline bool ft_word_closed(const struct fasttrace_ring *r, uint64_t word)
{
	return word & ft_word_closed_bit(r);
}

/* The word of sub-buffer seq with nothing in it, not even the header. */
static inline uint64_t ft_word_tag(const struct fasttrace_ring *r, uint64_t seq)
{
	return seq << (2 * r->unit_bits + 1);
}

static inline bool ft_word_is(const struct fasttrace_ring *r, uint64_t word, uint64_t seq)
{
	return !((word ^ ft_word_tag(r, seq)) >> (2 * r->unit_bits + 1));
}

static inline uint64_t ft_word_fresh(const struct fasttrace_ring *r, uint64_t seq)
{
	return ft_word_tag(r, seq) | FASTTRACE_HEADER_UNITS;
}

#define FT_PAGE_TAKEN UINT64_C(0x10000)

static inline uint64_t ft_page_word(uint64_t seq, uint64_t taken, uint64_t index)
{
	return seq << 17 | taken | index;
}

static inline uint64_t ft_page_index(uint64_t page)
{
	return page & 0xffff;
}

static inline bool ft_page_is(uint64_t page, uint64_t seq)
{
	return page >> 17 == (seq << 17) >> 17;
}

static inline uint64_t ft_anchor(uint64_t seq, uint64_t now)
{
	return seq << 24 | now >> 40;
}

/* Half a step of the anchor at most from the time of the sub-buffer's first event. */
static inline uint64_t ft_anchor_time(uint64_t anchor)
{
	return (anchor & 0xffffff) << 40 | UINT64_C(1) << 39;
}

static inline bool ft_anchor_is(uint64_t anchor, uint64_t seq)
{
	return anchor >> 24 == (seq << 24) >> 24;
}

static inline bool ft_anchor_after(uint64_t anchor, uint64_t seq)
{
	return (int64_t)((anchor & ~UINT64_C(0xffffff)) - (seq << 24)) > 0;
}

static inline struct fasttrace_slot *ft_ring_slot(const struct fasttrace_ring *r, uint64_t seq)
{
	return &r->slots[seq & r->mask];
}

static inline uint64_t ft_buffer_lost(const struct ft_buffer *b)
{
	uint64_t n = 0;

	for (int i = 0; i < FT_LOST_REASONS; i++)
		n += ft_load_acquire(&b->lost[i]); /* lose:R, before what is looked at next */
	return n;
}

/*
 * The word that a CAS of ours gave to a slot, once it stands. Behind the fence the owner has
 * stored what it had loaded of the word before that CAS, if it was about to.
 */
static inline uint64_t ft_word_fenced(const struct fasttrace_slot *slot)
{
	ft_barrier();
	return ft_load_acquire(&slot->word);
}

/**
 * ft_ring_close() - freeze sub-buffer seq's length, unless it is empty.
 * @word: its word as loaded; must carry seq.
 * Return: 0 closed, by us or before; -EAGAIN somebody changed word: look again; -ENODATA empty.
 */
static inline int ft_ring_close(const struct fasttrace_ring *r, uint64_t seq, uint64_t word)
{
	struct fasttrace_slot *slot = ft_ring_slot(r, seq);

	if (ft_word_closed(r, word))
		return 0;
	if (!ft_word_count(r, word))
		return -ENODATA;
	if (!ft_cas(&slot->word, word, word | ft_word_closed_bit(r))) /* close:W */
		return -EAGAIN;
	FASTTRACE_POINT(closed);
	if (r->fences) {
		word = ft_word_fenced(slot);
		if (ft_word_is(r, word, seq) && !ft_word_closed(r, word))
			return -EAGAIN; /* the owner's store came behind ours */
	}
	return 0;
}

/**
 * ft_ring_turn() - open the sub-buffer after seq, which must be head and closed.
 * Any number of openers may be at it; each CAS that fails was done by another one.
 * Return: 0 opened, or somebody was ahead of us: look at head again.
 *         -EAGAIN the ring is full (discard, block); -EBUSY the oldest sub-buffer has an event in
 *         flight of the owner thread itself; -EPROTO the words contradict the protocol.
 */
static inline int ft_ring_turn(const struct fasttrace_ring *r, struct ft_buffer *b, uint64_t seq)
{
	struct fasttrace_slot *prev = ft_ring_slot(r, seq), *slot = ft_ring_slot(r, seq + 1);
	uint64_t next = seq + 1, old = next - (r->mask + 1), fresh = ft_word_fresh(r, next);
	uint64_t begun_prev =
		ft_load_acquire(&prev->begun); /* valid if word, loaded later, is seq's */
	uint64_t word_prev = ft_load_acquire(&prev->word);
	uint64_t begun_old = ft_load_acquire(&slot->begun), lost_old = ft_load_acquire(&slot->lost);
	uint64_t lost = ft_buffer_lost(b); /* valid if word is old's: nothing lost in next */
	uint64_t page = ft_load_acquire(&slot->page);
	uint64_t committed = ft_load_acquire(&slot->committed); /* deliver:R */
	uint64_t word =
		ft_load_acquire(&slot->word); /* last: while it is old's, next is not open */

	if (!ft_word_is(r, word_prev, seq))
		return 0;
	if (!ft_word_closed(r, word_prev))
		return -EPROTO;
	if (ft_word_is(r, word, next)) {
		ft_cas(&b->head, seq, next); /* turned, but for head: open:W */
		FASTTRACE_POINT(turn_helped);
		return 0;
	}
	if (!ft_word_is(r, word, old))
		return 0;
	if (!ft_word_closed(r, word))
		return -EPROTO;
	if (committed != fresh && committed != (word & ~ft_word_closed_bit(r)))
		return ft_word_is(r, committed, old) ? -EBUSY : 0;
	if (!r->overwrite && (int64_t)(ft_load_acquire(&b->consumed) - old) <= 0) /* full:R */
		return -EAGAIN;
	if (!ft_page_is(page, next) && /* turn:R, turn:W; I3 from here on */
	    (!ft_page_is(page, old) ||
	     !ft_cas(&slot->page, page, ft_page_word(next, 0, ft_page_index(page)))))
		return 0;
	FASTTRACE_POINT(turn_page);
	ft_cas(&slot->begun, begun_old, begun_prev + ft_word_count(r, word_prev));
	FASTTRACE_POINT(turn_begun);
	ft_cas(&slot->lost, lost_old, lost);
	FASTTRACE_POINT(turn_lost);
	ft_cas(&slot->committed, word & ~ft_word_closed_bit(r), fresh);
	FASTTRACE_POINT(turn_committed);
	for (int tries = 0;; tries++) {
		ft_cas(&slot->word, word, fresh); /* turn:W */
		FASTTRACE_POINT(turn_word);
		if (!r->fences || ft_word_fenced(slot) != word)
			break; /* else the owner's CAS, which failed, has stored what it found */
		if (tries == FT_FENCE_TRIES)
			return 0; /* as nested as no handlers are: nonsense */
	}
	ft_cas(&b->head, seq, next); /* open:W */
	FASTTRACE_POINT(turn_head);
	return 0;
}

/**
 * ft_ring_lay() - a ring that nobody knows yet, in memory of zeros, with `first` to be written.
 */
static inline void ft_ring_lay(const struct fasttrace_ring *r, struct ft_buffer *b, uint64_t first)
{
	uint64_t n = r->mask + 1;

	for (uint64_t seq = first; seq != first + n; seq++) {
		struct fasttrace_slot *slot = ft_ring_slot(r, seq);
		bool open = seq == first;
		uint64_t tag = open ? seq : seq - n;

		slot->committed = ft_word_fresh(r, tag);
		slot->word = slot->committed | (open ? 0 : ft_word_closed_bit(r));
		slot->page = ft_page_word(tag, 0, seq & r->mask);
		FASTTRACE_POINT(slot_laid);
	}
	b->head = b->consumed = b->base = first;
	FASTTRACE_POINT(ring_laid);
}

/** ft_buffer_own() - from here on it is `tid`'s. For its caller: its name, and state (attach:W). */
static inline void ft_buffer_own(struct ft_arena *a, struct ft_buffer *b,
				 const struct fasttrace_ring *r, uint32_t tid)
{
	uint64_t head = ft_load_acquire(&b->head);

	ft_fence_release(); /* claim:W: who reads what follows sees, looking again, that we came */
	ft_store_relaxed(&b->tid, tid);
	ft_store_relaxed(&b->serial, ft_add_relaxed(&a->serials, 1) + 1);
	FASTTRACE_POINT(owner_numbered);
	ft_store_relaxed(&b->base, head);
	FASTTRACE_POINT(owner_based);
	ft_store_relaxed(&b->base_begun, ft_load_acquire(&ft_ring_slot(r, head)->begun));
	for (int i = 0; i < FT_LOST_REASONS; i++)
		ft_store_relaxed(&b->base_lost[i], ft_load_acquire(&b->lost[i]));
	ft_store_relaxed(&b->base_steps, ft_load_acquire(&b->steps));
	ft_store_relaxed(&b->base_consumed_events, ft_load_acquire(&b->consumed_events));
	ft_store_relaxed(&b->base_in_flight, ft_load_acquire(&b->in_flight));
	ft_store_relaxed(&b->base_corrupted, ft_load_acquire(&b->corrupted));
	ft_store_relaxed(&b->base_consumed_subbufs, ft_load_acquire(&b->consumed_subbufs));
}

#endif
