/* SPDX-License-Identifier: MIT */
/*
 * reserve.c - the event path where it is not straight: a thread's first event, the boundary of a
 * sub-buffer, a full ring, a clock that stepped, handlers that trace inside an event.
 */
#include "ft-tracer.h"
#include "ft-wait.h"

/* The counter steps back by less than this when it is read out of order: read it again. */
#define CLOCK_JITTER_TICKS (UINT64_C(1) << 20)

static unsigned char *event_lose(struct ft_buffer *b, enum ft_lost reason)
{
	ft_add_acq_rel(&b->lost[reason], 1); /* lose:W */
	FASTTRACE_POINT(lost);
	return NULL;
}

/* close:W came before this; the fence orders it with the look at waiters. */
static void reader_wake(const struct ft_end *end)
{
	struct ft_buffer *b = end->buffer;

	if (end->quiet)
		return; /* its request stands, for its next switch */
	ft_fence_full();
	if (ft_load_relaxed(&b->waiters) && /* wake:R */
	    ft_exchange(&b->waiters, 0))
		ft_wake_reader(ft_process_arena());
}

/* Close sub-buffer seq and open the next. 0: look again; otherwise why the event is lost. */
static int boundary_cross(const struct ft_end *end, uint64_t seq, uint64_t word)
{
	int err = ft_ring_close(&end->ring, seq, word);

	if (err == -EAGAIN)
		return 0;
	reader_wake(end);
	err = ft_ring_turn(&end->ring, end->buffer, seq);
	if (err == -EAGAIN)
		return ft_wait_room(end, seq);
	if (err == -EBUSY) /* an outer event, perhaps left for ever by siglongjmp: go elsewhere */
		return ft_buffer_attach(true) ? -EBUSY : 0;
	return err;
}

/* The clock stands 2^46 ticks or more after the newest event, or before it. */
static void clock_step(const struct ft_end *end, uint64_t seq, uint64_t word, uint64_t last,
		       uint64_t now)
{
	if (last - now < CLOCK_JITTER_TICKS)
		return;
	ft_add_relaxed(&end->buffer->steps, 1);
	FASTTRACE_POINT(stepped);
	if ((int64_t)(now - last) < 0 && !ft_buffer_attach(true))
		return; /* time went back: a stream of its own */
	ft_ring_close(&end->ring, seq, word);
	end->thread->last = now;
}

/*
 * From here on the straight path may go to this sub-buffer. A handler in between leaves it to us: what
 * it stored of its own would be of one sub-buffer, and what we store behind it of another.
 */
static void open_publish(struct fasttrace_thread *t, struct fasttrace_slot *slot,
			 unsigned char *page, uint64_t tag)
{
	if (ft_load_relaxed(&t->publishing))
		return;
	ft_store_relaxed(&t->publishing, 1);
	ft_fence_signal();
	ft_store_relaxed(&t->open, UINT64_MAX);
	ft_store_relaxed(&t->tag, UINT64_MAX);
	ft_fence_signal();
	ft_store_relaxed(&t->slot, slot);
	ft_store_relaxed(&t->page, page);
	ft_fence_signal();
	ft_store_relaxed(&t->tag, tag);
	ft_store_relaxed(&t->open, t->straight ? tag : UINT64_MAX);
	ft_fence_signal();
	ft_store_relaxed(&t->publishing, 0);
}

/* Reserve in the open sub-buffer seq, where there is room. NULL: look again. */
static unsigned char *event_place(struct fasttrace_reservation *r, const struct ft_end *end,
				  uint64_t seq, uint64_t word, uint32_t units, uint32_t id)
{
	const struct fasttrace_ring *ring = &end->ring;
	struct fasttrace_thread *t = end->thread;
	struct fasttrace_slot *slot = ft_ring_slot(ring, seq);
	uint64_t anchor = ft_load_relaxed(&slot->anchor); /* the CAS below decides */
	/* Before the clock: a handler in between, however long it takes, is no step back. */
	uint64_t last = ft_load_relaxed(&t->last);
	uint64_t after = word + units + (UINT64_C(1) << ring->unit_bits), now, header;
	unsigned char *p;

	ft_fence_signal();
	now = fasttrace_clock(ring);
	header = fasttrace_event_header(now, id);
	if (ft_end_wiped(end))
		return NULL;
	if ((now - last) >> FASTTRACE_STEP_BITS) {
		clock_step(end, seq, word, last, now);
		return NULL;
	}
	/* A handler may have lapped the ring before `anchor` was loaded: that lap's anchor stays. */
	if (!ft_word_count(ring, word) && !ft_anchor_after(anchor, seq))
		ft_cas(&slot->anchor, anchor, ft_anchor(seq, now));
	FASTTRACE_POINT(anchored);
	ft_store_relaxed(&t->last, now);
	if (!ft_cas(&slot->word, word, after)) /* reserve:R */
		return NULL;
	ft_fence_release(); /* lap:W, before this thread's first byte of this lap */
	FASTTRACE_POINT(reserved_slow);
	p = ring->pages + (ft_page_index(ft_load_relaxed(&slot->page)) << ring->page_shift);
	open_publish(t, slot, p, ft_word_tag(ring, seq));
	*r = (struct fasttrace_reservation){t, slot, word, after};
	p += ft_word_units(ring, word) * 8;
	__builtin_memcpy(p, &header, sizeof(header));
	FASTTRACE_POINT(stamped_slow);
	return p;
}

static unsigned char *event_reserve(struct fasttrace_reservation *r, uint32_t units, uint32_t id)
{
	for (;;) {
		struct ft_end end;
		uint64_t seq, word;
		unsigned char *p;

		if (!ft_end_take(&end, fasttrace_self)) {
			if (ft_buffer_equip())
				continue;
			ft_process_lost(1);
			return NULL;
		}
		if (units > end.ring.units - FASTTRACE_HEADER_UNITS)
			return event_lose(end.buffer, FT_LOST_TOO_BIG);
		seq = ft_load_acquire(&end.buffer->head);		     /* open:R */
		word = ft_load_acquire(&ft_ring_slot(&end.ring, seq)->word); /* reserve:R */
		if (!ft_word_is(&end.ring, word, seq))
			continue; /* head was moved on */
		if (ft_word_closed(&end.ring, word) ||
		    ft_word_units(&end.ring, word) + units > end.ring.units) {
			int err = boundary_cross(&end, seq, word);

			if (err && !ft_end_wiped(&end))
				return event_lose(end.buffer,
						  err == -EBUSY ? FT_LOST_NESTED : FT_LOST_FULL);
			continue;
		}
		p = event_place(r, &end, seq, word, units, id);
		if (p)
			return p;
	}
}

/*
 * The straight path again, of a thread that must lock the word, or has another clock.
 * NULL: nothing is reserved.
 */
static unsigned char *event_locked(struct fasttrace_reservation *r, struct fasttrace_thread *t,
				   uint32_t units, uint32_t id)
{
	uint64_t tag = t->tag, word, after, now, header;
	struct fasttrace_slot *slot;
	unsigned char *p;

	ft_fence_signal();
	slot = t->slot;
	p = t->page;
	ft_fence_signal();
	if (!slot)
		return NULL;
	word = ft_load_acquire(&slot->word); /* reserve:R */
	after = word + units + t->event;
	if ((word ^ tag) >= t->closed || (word & (t->event - 1)) + units > t->units)
		return NULL;
	now = fasttrace_clock(&t->ring);
	if ((now - t->last) >> FASTTRACE_STEP_BITS)
		return NULL;
	t->last = now;
	if (!ft_cas(&slot->word, word, after))
		return NULL;
	*r = (struct fasttrace_reservation){t, slot, word, after};
	p += (word & (t->event - 1)) * 8;
	header = fasttrace_event_header(now, id);
	__builtin_memcpy(p, &header, sizeof(header));
	return p;
}

unsigned char *fasttrace_reserve_slow(struct fasttrace_reservation *r, uint32_t units, uint32_t id)
{
	struct fasttrace_thread *t = fasttrace_self;
	unsigned char *p = t->straight ? NULL : event_locked(r, t, units, id);
	struct ft_cancel cancel;
	int saved_errno = errno;

	if (p)
		return p;
	cancel = ft_cancel_hold(); /* no event is a cancellation point */
	p = event_reserve(r, units, id);
	ft_cancel_restore(cancel);
	errno = saved_errno;
	return p;
}

/* Our store of committed may be behind a handler's reservation that saw it too early (I5). */
void fasttrace_commit_again(struct fasttrace_thread *thread, struct fasttrace_slot *slot,
			    uint64_t after)
{
	uint64_t closed = thread->closed, stored = after, word;

	for (;;) {
		word = ft_load_relaxed(&slot->word) & ~closed; /* own thread's handlers only */
		ft_fence_signal();
		if (word == stored || ft_load_relaxed(&slot->committed) != stored)
			return; /* all of it, or a handler took over: even the slot may have turned
				 */
		ft_store_release(&slot->committed, word); /* commit:W */
		FASTTRACE_POINT(committed_again);
		ft_fence_signal();
		stored = word;
	}
}

/*
 * Nested ranges. A pair's `after` tells what it is: of another seq, with 0 units, or not beyond what
 * is committed by now: free; with 1 unit: being filled in; else valid. Neighbours are merged, so
 * there are no more ranges than events in flight, and one for each handler that noted its own while
 * we were between looking for neighbours and noting ours. Handlers may do all this in the middle of
 * it: they only touch ranges that end where their own began, which is behind all that we know; so
 * every CAS below that fails leaves an overlap, which recovery clips, and no gap.
 */
static bool nested_valid(const struct fasttrace_ring *ring, const uint64_t *pair, uint64_t seq)
{
	uint64_t before = ft_load_relaxed(&pair[0]),
		 after = ft_load_relaxed(&pair[1]); /* as above */

	return ft_word_is(ring, before, seq) && ft_word_is(ring, after, seq) &&
	       ft_word_units(ring, after) > FASTTRACE_HEADER_UNITS;
}

/* The events before the one in flight are committed: their ranges, if any, have served. */
static bool nested_free(const struct fasttrace_ring *ring, const struct fasttrace_reservation *r,
			uint64_t after, uint64_t seq)
{
	uint64_t units = ft_word_units(ring, after);

	if (!ft_word_is(ring, after, seq) || !units)
		return true;
	return units > FASTTRACE_HEADER_UNITS &&
	       after <= ft_load_relaxed(&r->slot->committed); /* own: it waits for us */
}

static bool nested_add(const struct fasttrace_ring *ring, uint64_t *pair,
		       const struct fasttrace_reservation *r, uint64_t seq)
{
	uint64_t after = ft_load_relaxed(&pair[1]);

	if (!nested_free(ring, r, after, seq))
		return false;
	if (!ft_cas(&pair[1], after, ft_word_tag(ring, seq) | 1))
		return false;
	FASTTRACE_POINT(nested_claimed);
	ft_store_release(&pair[0], r->before);
	FASTTRACE_POINT(nested_began);
	ft_store_release(&pair[1], r->after);
	FASTTRACE_POINT(nested_noted);
	return true;
}

void fasttrace_commit_nested(struct fasttrace_thread *thread, struct fasttrace_slot *slot,
			     uint64_t before, uint64_t after)
{
	const struct fasttrace_reservation *r =
		&(struct fasttrace_reservation){thread, slot, before, after};
	uint64_t seq, end = r->after, *pairs, *low = NULL, *high = NULL;
	const struct fasttrace_ring *ring;
	struct ft_end own;

	if (!ft_end_take(&own, r->thread))
		return; /* forked inside the event: it is the parent's to finish */
	ring = &own.ring;
	seq = r->before >> (2 * ring->unit_bits + 1);
	pairs = (void *)(ring->pages + (ft_page_index(ft_load_relaxed(&r->slot->page)) /* I2 */
					<< ring->page_shift));
	for (uint64_t *pair = pairs; pair < pairs + 2 * FT_NESTED_RANGES; pair += 2) {
		if (!nested_valid(ring, pair, seq))
			continue;
		if (ft_load_relaxed(&pair[1]) == r->before)
			low = pair;
		if (ft_load_relaxed(&pair[0]) == r->after)
			high = pair;
	}
	if (low) {
		if (high)
			end = ft_load_relaxed(&high[1]);
		if (ft_cas(&low[1], r->before, end) && high) {
			FASTTRACE_POINT(nested_joined);
			ft_cas(&high[1], end, ft_word_tag(ring, seq));
		}
		FASTTRACE_POINT(nested_longer);
		return;
	}
	if (high && ft_cas(&high[0], r->after, r->before)) {
		FASTTRACE_POINT(nested_sooner);
		return;
	}
	for (uint64_t *pair = pairs; pair < pairs + 2 * FT_NESTED_RANGES; pair += 2)
		if (nested_add(ring, pair, r, seq))
			return;
}
