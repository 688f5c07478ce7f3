/* SPDX-License-Identifier: MIT */
/*
 * stats.c - exact counts, from the words themselves.
 *
 * What was recorded is in the words: begun of the current sub-buffer + its events. What was
 * consumed is counted by put, once. What is readable and in flight is summed over the ring. What
 * remains was overwritten: so there is no second counter to keep in step.
 */
#include <string.h>

#include "ft-consume.h"

/* One sub-buffer's events, and those of them that are not committed. */
static void subbuf_sum(const struct ft_reader_buffer *b, uint64_t seq, const struct ft_subbuf *sub,
		       bool gone, struct fasttrace_stats *s)
{
	uint64_t events = ft_word_count(&b->ring, sub->word), done = 0;
	struct ft_range ranges[FT_NESTED_RANGES + 1];
	unsigned n;

	if (ft_word_is(&b->ring, sub->committed, seq))
		done = ft_word_count(&b->ring, sub->committed);
	if (gone && done < events) {
		n = ft_recover_ranges(
			&b->ring, seq, sub->word, sub->committed,
			b->ring.pages + (ft_page_index(sub->page) << b->ring.page_shift), ranges);
		done = 0;
		for (unsigned i = 0; i < n; i++)
			done += ranges[i].events;
		s->corrupted += done < events;
	}
	if (done > events)
		done = events; /* committed was loaded later */
	s->readable += done;
	s->in_flight += events - done;
	s->bytes_readable += FASTTRACE_HEADER_BYTES +
			     8 * (ft_word_units(&b->ring, sub->word) - FASTTRACE_HEADER_UNITS);
}

/* What stands in the ring unread. @word: head's, as it was when the total was taken. */
static uint64_t ring_sum(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t head,
			 uint64_t word, struct fasttrace_stats *s)
{
	bool gone = ft_reader_gone(a, b);
	uint64_t subbufs = 0;

	for (uint64_t seq = ft_buffer_oldest(b); head - seq <= b->ring.mask; seq++) {
		struct ft_subbuf sub;

		if (ft_subbuf_look(b, seq, gone, &sub) == -ENOENT)
			continue;
		if (seq == head)
			sub.word = word;
		if (ft_page_index(sub.page) >= b->pages || !ft_word_count(&b->ring, sub.word))
			continue;
		subbuf_sum(b, seq, &sub, gone, s);
		subbufs += ft_word_closed(&b->ring, sub.word);
	}
	return subbufs;
}

/* What the reader has swapped out and not put. */
static uint64_t hold_sum(const struct ft_reader_buffer *b, struct fasttrace_stats *s)
{
	struct ft_subbuf sub;
	uint64_t seq;

	if (!ft_hold_out(b, &seq, &sub))
		return 0;
	subbuf_sum(b, seq, &sub, true, s);
	return 1;
}

/* The running count and word of head's sub-buffer, of one moment: its page is no later lap's. */
static uint64_t total_take(const struct ft_reader_buffer *b, uint64_t *head, uint64_t *word)
{
	uint64_t begun;

	for (int tries = 0; tries < 1000; tries++) {
		const struct fasttrace_slot *slot;

		*head = ft_load_acquire(&b->shared->head);
		slot = ft_ring_slot(&b->ring, *head);
		begun = ft_load_acquire(&slot->begun);
		*word = ft_load_acquire(&slot->word);
		if (ft_word_is(&b->ring, *word, *head) &&
		    ft_page_is(ft_load_acquire(&slot->page), *head))
			return begun + ft_word_count(&b->ring, *word);
	}
	*word = 0;
	return 0; /* contradicts the protocol */
}

/* A counter, less what it was when this owner came: published by state, as all base_. */
static uint64_t counted(const uint64_t *count, const uint64_t *base, bool whole)
{
	return ft_load_relaxed(count) - (whole ? 0 : ft_load_relaxed(base));
}

static void losses_sum(const struct ft_buffer *b, bool whole, struct fasttrace_stats *s)
{
	uint64_t *const into[] = {[FT_LOST_FULL] = &s->lost_full,
				  [FT_LOST_TOO_BIG] = &s->lost_too_big,
				  [FT_LOST_NESTED] = &s->lost_nested};

	for (int i = 0; i <= FT_LOST_NESTED; i++)
		*into[i] = counted(&b->lost[i], &b->base_lost[i], whole);
}

/*
 * @whole: with all the owners there have been. The total is taken at one moment; what the writer
 * overwrites while we go round the ring is found missing there, and so counted as overwritten.
 */
static void buffer_stats(struct fasttrace_arena *a, const struct ft_reader_buffer *b, bool whole,
			 struct fasttrace_stats *s)
{
	const struct ft_buffer *o = b->shared;
	uint64_t head, word, total = total_take(b, &head, &word), sum, standing = 0;
	uint64_t base =
		whole ? 0 : ft_load_relaxed(&o->base); /* published by state, as all base_ */

	memset(s, 0, sizeof(*s));
	s->consumed = counted(&o->consumed_events, &o->base_consumed_events, whole);
	s->in_flight = counted(&o->in_flight, &o->base_in_flight, whole);
	s->corrupted = counted(&o->corrupted, &o->base_corrupted, whole);
	s->subbufs_consumed = counted(&o->consumed_subbufs, &o->base_consumed_subbufs, whole);
	/* Between two owners, the old one's cannot be read any more: overwritten. */
	if (ft_load_acquire(&o->state) >= FT_BUFFER_LIVE) /* attach:R */
		standing = ring_sum(a, b, head, word, s) + hold_sum(b, s);
	total -= whole ? 0 : ft_load_relaxed(&o->base_begun);
	sum = s->consumed + s->readable + s->in_flight;
	s->overwritten = total > sum ? total - sum : 0;
	losses_sum(o, whole, s);
	s->begun = total + s->lost_full + s->lost_too_big + s->lost_nested;
	s->clock_steps = counted(&o->steps, &o->base_steps, whole);
	s->subbufs_produced = head + ft_word_closed(&b->ring, word) - base;
	s->bytes_produced = ((head - base) << b->ring.page_shift) +
			    8 * (ft_word_units(&b->ring, word) - FASTTRACE_HEADER_UNITS);
	sum = s->subbufs_consumed + standing;
	s->subbufs_overwritten = s->subbufs_produced > sum ? s->subbufs_produced - sum : 0;
}

int fasttrace_buffer_stats(struct fasttrace_arena *a, unsigned index, uint64_t serial,
			   struct fasttrace_stats *s)
{
	struct ft_reader_buffer *b;
	int err = ft_reader_owner(a, index, serial, &b);

	if (err)
		return err;
	buffer_stats(a, b, false, s);
	err = ft_reader_owner(a, index, serial, &b); /* of one owner, from begin to end */
	return err ? err : fasttrace_arena_broken(a);
}

int fasttrace_arena_stats(struct fasttrace_arena *a, struct fasttrace_stats *sum)
{
	unsigned n = fasttrace_arena_buffers(a);

	memset(sum, 0, sizeof(*sum));
	if (a->broken)
		return -EPROTO;
	for (unsigned i = 0; i < n; i++) {
		struct ft_reader_buffer *b;
		struct fasttrace_stats s;

		if (ft_reader_buffer(a, i, &b))
			continue;
		buffer_stats(a, b, true, &s);
		for (unsigned j = 0; j < sizeof(s) / sizeof(uint64_t); j++)
			((uint64_t *)(void *)sum)[j] += ((uint64_t *)(void *)&s)[j];
	}
	sum->lost_no_buffer = ft_load_relaxed(&a->shared->lost_no_buffer);
	sum->lost_no_event = ft_load_relaxed(&a->shared->lost_no_event);
	sum->begun += sum->lost_no_buffer + sum->lost_no_event;
	return fasttrace_arena_broken(a);
}
