/* SPDX-License-Identifier: MIT */
/*
 * takeover.c - the reader's hold on a sub-buffer, and what a new reader makes of an old one's.
 *
 * get stores hold = HELD, then swaps the page. put stores PUT, then the counts, then clears hold.
 * Killed in between, a reader leaves one of:
 *
 *   HELD, the page stands in a slot        not swapped yet, or swapped back: clear hold
 *   HELD, the page is the spare            unread: swap it back; if the writer has claimed the
 * slot, keep it aside: it is served from the spare PUT                                    consumed:
 * store the counts, which are absolute, again
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
	uint64_t oldest = ft_load_acquire(&b->shared->head) - b->ring.mask;
	uint64_t consumed = ft_load_acquire(&b->shared->consumed);
	uint64_t base = ft_load_acquire(&b->shared->base);

	if ((int64_t)(consumed - oldest) > 0)
		oldest = consumed;
	return (int64_t)(base - oldest) > 0 ? base : oldest;
}

void ft_hold_clear(struct ft_reader_buffer *b)
{
	ft_store_release(&b->shared->hold.state, FT_HOLD_NONE); /* hold:W */
}

/* consumed moves over what is taken, and over what the writer has claimed. */
static void consumed_advance(struct ft_reader_buffer *b)
{
	uint64_t head = ft_load_acquire(&b->shared->head),
		 seq = ft_load_acquire(&b->shared->consumed);
	uint64_t base = ft_load_acquire(&b->shared->base);

	if ((int64_t)(head - b->ring.mask - seq) > 0)
		seq = head - b->ring.mask;
	if ((int64_t)(base - seq) > 0)
		seq = base; /* before it: an earlier owner's, given up */
	for (; (int64_t)(head - seq) >= 0; seq++) {
		uint64_t page = ft_load_acquire(&ft_ring_slot(&b->ring, seq)->page);

		if (ft_page_is(page, seq) && !(page & FT_PAGE_TAKEN))
			break;
	}
	ft_store_release(&b->shared->consumed, seq); /* put:W */
}

static void writer_wake(struct ft_reader_buffer *b)
{
	ft_add_acq_rel(&b->shared->room, 1);
	if (!b->ring.overwrite)
		syscall(SYS_futex, &b->shared->room, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Everything here may run twice: the counts are absolute, and a CAS marks a page once. */
void ft_hold_put(struct ft_reader_buffer *b)
{
	struct ft_buffer *shared = b->shared;
	struct ft_hold *hold = &shared->hold;

	ft_store_release(&hold->state, FT_HOLD_PUT);			   /* hold:W */
	ft_store_relaxed(&shared->consumed_events, hold->consumed_events); /* clear orders these */
	ft_store_relaxed(&shared->corrupted, hold->corrupted);
	ft_store_relaxed(&shared->in_flight, hold->in_flight);
	ft_store_relaxed(&shared->consumed_subbufs, hold->consumed_subbufs);
	if (!b->ring.overwrite) {
		uint64_t page = ft_page_word(hold->seq, 0, hold->page);

		ft_cas(&ft_ring_slot(&b->ring, hold->seq)->page, page, page | FT_PAGE_TAKEN);
	}
	ft_hold_clear(b);
	consumed_advance(b);
	writer_wake(b);
}

void ft_takeover(struct ft_reader_buffer *b)
{
	struct ft_hold *hold = &b->shared->hold;
	uint64_t state = ft_load_acquire(&hold->state); /* takeover:R */
	uint64_t page = hold->page, seq = hold->seq, now;
	struct fasttrace_slot *slot = ft_ring_slot(&b->ring, seq);

	if (state == FT_HOLD_PUT) {
		ft_hold_put(b);
		return;
	}
	if (state == FT_HOLD_NONE)
		goto advance;
	if (!b->ring.overwrite || page >= b->pages || ft_page_standing(b, page) >= 0) {
		ft_hold_clear(b);
		goto advance;
	}
	now = ft_load_acquire(&slot->page);
	if (ft_page_is(now, seq) && now & FT_PAGE_TAKEN &&
	    ft_cas(&slot->page, now, ft_page_word(seq, 0, page))) /* swap:W */
		ft_hold_clear(b);
advance:
	consumed_advance(b);
}
