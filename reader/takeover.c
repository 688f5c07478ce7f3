/* SPDX-License-Identifier: MIT */
/*
 * takeover.c - the reader's hold on a sub-buffer, and what a new reader makes of an old one's.
 *
 * get stores hold = HELD, then swaps the page. put stores PUT, then the counts, then clears hold.
 * Killed in between, a reader leaves one of:
 *
 *   HELD, the page stands in a slot   not swapped yet, or swapped back: clear hold
 *   HELD, the page is the spare       unread: swap it back; if the writer has claimed the slot, keep
 *                                     it aside: it is served from the spare
 *   PUT                               consumed: store the counts, which are absolute, again
 *
 * Killed in the middle of a marker, it leaves a reservation: as if it had never been.
 */
#include "ft-consume.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

int64_t ft_page_standing(const struct ft_reader_buffer *b, uint64_t page)
{
	for (uint64_t i = 0; i <= b->ring.mask; i++)
		if (ft_page_index(ft_load_acquire(&b->ring.slots[i].page)) == page)
			return (int64_t)i;
	return -1;
}

/* Sums do: the indices in the slots must be all but one of 0..pages - 1 (I4). */
int64_t ft_page_spare(const struct ft_reader_buffer *b)
{
	uint64_t missing = (uint64_t)b->pages * (b->pages - 1) / 2;

	for (uint64_t i = 0; i <= b->ring.mask; i++) {
		uint64_t index = ft_page_index(ft_load_acquire(&b->ring.slots[i].page));

		if (index >= b->pages)
			return -EPROTO;
		missing -= index;
	}
	return missing < b->pages && ft_page_standing(b, missing) < 0 ? (int64_t)missing : -EPROTO;
}

uint64_t ft_buffer_oldest(const struct ft_reader_buffer *b)
{
	uint64_t head = ft_load_acquire(&b->shared->head), oldest = head - b->ring.mask;
	uint64_t consumed = ft_load_acquire(&b->shared->consumed);
	uint64_t base = ft_load_acquire(&b->shared->base);

	if ((int64_t)(consumed - oldest) > 0)
		oldest = consumed;
	if ((int64_t)(base - oldest) > 0)
		oldest = base;
	return head - oldest > b->ring.mask ? head + 1 : oldest; /* nothing, or nonsense */
}

/*
 * Fields first, then the state that says they are there. While they are being written none is: what
 * was kept aside is given up before they name another, or they would be taken for a mix of both.
 */
void ft_hold_store(struct ft_reader_buffer *b, enum ft_hold_state state)
{
	struct ft_hold *shared = &b->shared->hold;
	uint64_t *to = (void *)shared, *from = (void *)&b->hold;

	ft_store_relaxed(&shared->state, FT_HOLD_NONE); /* drop:W */
	FASTTRACE_POINT(hold_dropped);
	ft_fence_release();
	b->hold.state = state;
	for (unsigned i = 1; i < sizeof(*shared) / sizeof(*to); i++)
		ft_store_relaxed(&to[i], from[i]);
	FASTTRACE_POINT(hold_filled);
	ft_store_release(&shared->state, state); /* hold:W */
	FASTTRACE_POINT(held);
}

void ft_hold_clear(struct ft_reader_buffer *b)
{
	b->hold.state = FT_HOLD_NONE;
	ft_store_release(&b->shared->hold.state, FT_HOLD_NONE); /* hold:W */
	FASTTRACE_POINT(hold_cleared);
}

int ft_hold_load(const struct ft_reader_buffer *b, struct ft_hold *hold)
{
	uint64_t state = ft_load_acquire(&b->shared->hold.state); /* takeover:R */

	const uint64_t *from = (const void *)&b->shared->hold;
	uint64_t *to = (void *)hold;

	hold->state = state;
	for (unsigned i = 1; i < sizeof(*hold) / sizeof(*to); i++)
		to[i] = ft_load_relaxed(&from[i]);
	ft_fence_acquire(); /* stand:R */
	return ft_load_acquire(&b->shared->hold.state) == state &&
			       ft_load_relaxed(&b->shared->hold.seq) == hold->seq &&
			       state <= FT_HOLD_PUT && hold->page < b->pages &&
			       ft_word_units(&b->ring, hold->word) <= b->ring.units
		       ? 0
		       : -EPROTO;
}

bool ft_hold_owned(const struct ft_reader_buffer *b, const struct ft_hold *hold)
{
	return (int64_t)(hold->seq - ft_load_relaxed(&b->shared->base)) >=
	       0; /* published by state */
}

bool ft_hold_out(const struct ft_reader_buffer *b, uint64_t *seq, struct ft_subbuf *s)
{
	struct ft_hold hold;
	uint64_t page;

	if (ft_hold_load(b, &hold) || hold.state != FT_HOLD_HELD || !ft_hold_owned(b, &hold))
		return false;
	page = ft_load_acquire(&ft_ring_slot(&b->ring, hold.seq)->page);
	if (ft_page_is(page, hold.seq) && !(page & FT_PAGE_TAKEN))
		return false; /* it stands in the ring */
	*seq = hold.seq;
	*s = (struct ft_subbuf){.word = hold.word,
				.committed = hold.committed,
				.page = hold.page,
				.anchor = hold.anchor};
	return true;
}

/* consumed moves over what is taken, and over what the writer has claimed. */
static void consumed_advance(struct ft_reader_buffer *b)
{
	uint64_t head = ft_load_acquire(&b->shared->head);
	uint64_t consumed = ft_load_acquire(&b->shared->consumed), seq = ft_buffer_oldest(b);

	for (; head - seq <= b->ring.mask; seq++) {
		uint64_t page = ft_load_acquire(&ft_ring_slot(&b->ring, seq)->page);

		if (ft_page_is(page, seq) && !(page & FT_PAGE_TAKEN))
			break;
	}
	if ((int64_t)(seq - consumed) > 0) {
		ft_store_release(&b->shared->consumed, seq); /* put:W */
		FASTTRACE_POINT(consumed);
	}
}

static void writer_wake(struct ft_reader_buffer *b)
{
	ft_add_acq_rel(&b->shared->room, 1); /* room:W */
	FASTTRACE_POINT(room_counted);
	if (!b->ring.overwrite)
		syscall(SYS_futex, &b->shared->room, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	FASTTRACE_POINT(room_called);
}

/* Everything here may run twice: the counts are absolute, and a CAS marks a page once. */
void ft_hold_put(struct ft_reader_buffer *b)
{
	struct ft_buffer *shared = b->shared;
	const struct ft_hold *hold = &b->hold;

	ft_store_release(&shared->hold.state, FT_HOLD_PUT); /* hold:W */
	FASTTRACE_POINT(put_begun);
	ft_store_relaxed(&shared->consumed_events, hold->consumed_events); /* clear orders these */
	FASTTRACE_POINT(put_events);
	ft_store_relaxed(&shared->corrupted, hold->corrupted);
	FASTTRACE_POINT(put_corrupted);
	ft_store_relaxed(&shared->in_flight, hold->in_flight);
	FASTTRACE_POINT(put_in_flight);
	ft_store_relaxed(&shared->consumed_subbufs, hold->consumed_subbufs);
	ft_store_relaxed(&shared->put_begun, hold->put_begun);
	ft_store_relaxed(&shared->put_lost, hold->put_lost);
	FASTTRACE_POINT(put_subbufs);
	if (!b->ring.overwrite) {
		uint64_t page = ft_page_word(hold->seq, 0, hold->page);

		ft_cas(&ft_ring_slot(&b->ring, hold->seq)->page, page, page | FT_PAGE_TAKEN);
		FASTTRACE_POINT(put_page);
	}
	ft_hold_clear(b);
	consumed_advance(b);
	writer_wake(b);
}

/* Is it back in the ring, or was it never swapped out? */
static bool hold_undo(struct ft_reader_buffer *b)
{
	struct fasttrace_slot *slot = ft_ring_slot(&b->ring, b->hold.seq);
	uint64_t now = ft_load_acquire(&slot->page);

	if (!b->ring.overwrite || ft_page_standing(b, b->hold.page) >= 0)
		return true;
	if (!ft_page_is(now, b->hold.seq) || !(now & FT_PAGE_TAKEN) ||
	    !ft_cas(&slot->page, now, ft_page_word(b->hold.seq, 0, b->hold.page))) /* swap:W */
		return false;
	FASTTRACE_POINT(swapped_back);
	return true;
}

void ft_hold_return(struct ft_reader_buffer *b)
{
	if (b->hold.state == FT_HOLD_PUT)
		ft_hold_put(b);
	else if (b->hold.state == FT_HOLD_HELD && hold_undo(b))
		ft_hold_clear(b);
	consumed_advance(b);
}

/* What the consumer before us had reserved for a marker, and not committed. */
static void marker_undo(struct ft_reader_buffer *b)
{
	uint64_t head = ft_load_acquire(&b->shared->head);
	struct fasttrace_slot *slot = ft_ring_slot(&b->ring, head);
	uint64_t word = ft_load_acquire(&slot->word), committed = ft_load_acquire(&slot->committed);

	if (ft_load_acquire(&b->shared->state) != FT_BUFFER_MARKER ||
	    !ft_word_is(&b->ring, word, head) || ft_word_closed(&b->ring, word) ||
	    !ft_word_is(&b->ring, committed, head) || committed >= word)
		return;
	ft_cas(&slot->word, word, committed);
	FASTTRACE_POINT(marker_undone);
}

void ft_takeover(struct ft_reader_buffer *b)
{
	marker_undo(b);
	if (ft_hold_load(b, &b->hold))
		ft_hold_clear(b);
	ft_hold_return(b);
}
