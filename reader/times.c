/* SPDX-License-Identifier: MIT */
/*
 * times.c - from when to when the events are that can be read, without taking any.
 *
 * The oldest stands in the first sub-buffer that has an event, the newest in the last. Each is
 * walked where it stands and then looked at again: if its page was claimed for another lap
 * meanwhile, what was read is worth nothing.
 */
#include <string.h>
#include <time.h>

#include "ft-clock.h"
#include "ft-consume.h"
#include "ft-tsan.h"
#include "ft-walk.h"

#define ANY UINT64_MAX

/* What is written of a sub-buffer. Return: how many ranges. */
static unsigned subbuf_ranges(const struct ft_reader_buffer *b, uint64_t seq,
			      const struct ft_subbuf *s, bool gone,
			      struct ft_range ranges[FT_NESTED_RANGES + 1])
{
	const struct fasttrace_ring *ring = &b->ring;
	uint64_t word = s->word & ~ft_word_closed_bit(ring);
	uint64_t units = ft_word_units(ring, s->committed);

	if (ft_page_index(s->page) >= b->pages || ft_word_units(ring, word) > ring->units ||
	    !ft_anchor_is(s->anchor, seq))
		return 0;
	if (gone && s->committed != word)
		return ft_recover_ranges(ring, seq, s->word, s->committed,
					 ring->pages + (ft_page_index(s->page) << ring->page_shift),
					 ranges);
	if (!ft_word_is(ring, s->committed, seq) || units > ft_word_units(ring, word) ||
	    units <= FASTTRACE_HEADER_UNITS)
		return 0;
	ranges[0] = (struct ft_range){.from = FASTTRACE_HEADER_UNITS, .to = (uint32_t)units};
	return 1;
}

/* Its first and last time. @walk: events 0 if there is none. */
static int subbuf_walk(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t seq,
		       const struct ft_subbuf *s, bool gone, struct ft_walk *walk)
{
	const unsigned char *page = b->ring.pages + (ft_page_index(s->page) << b->ring.page_shift);
	struct ft_range ranges[FT_NESTED_RANGES + 1];
	unsigned n = subbuf_ranges(b, seq, s, gone, ranges);
	uint64_t time = ft_anchor_time(s->anchor);
	struct ft_walk part;
	int err = 0;

	*walk = (struct ft_walk){0};
	ft_tsan_race(true); /* until the page is looked at again */
	for (unsigned i = 0; !err && i < n; i++) {
		err = ft_events_walk(a, page + 8 * (size_t)ranges[i].from,
				     8 * (size_t)(ranges[i].to - ranges[i].from), time, &part);
		if (err || !part.events)
			continue;
		walk->first = walk->events ? walk->first : part.first;
		walk->last = time = part.last;
		walk->events += part.events;
	}
	ft_tsan_race(false);
	return err;
}

/* As subbuf_walk(), of the first event alone. */
static int subbuf_begin(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t seq,
			const struct ft_subbuf *s, bool gone, struct ft_walk *walk)
{
	const unsigned char *page = b->ring.pages + (ft_page_index(s->page) << b->ring.page_shift);
	struct ft_range ranges[FT_NESTED_RANGES + 1];
	struct ft_event event;
	int got = 0;

	*walk = (struct ft_walk){0};
	ft_tsan_race(true); /* until the page is looked at again */
	if (subbuf_ranges(b, seq, s, gone, ranges))
		got = ft_event_next(a, page + 8 * (size_t)ranges[0].from,
				    8 * (size_t)(ranges[0].to - ranges[0].from),
				    ft_anchor_time(s->anchor), &event);
	ft_tsan_race(false);
	if (got > 0)
		*walk = (struct ft_walk){.events = 1, .first = event.time, .last = event.time};
	return got < 0 ? got : 0;
}

typedef int subbuf_walker(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t seq,
			  const struct ft_subbuf *s, bool gone, struct ft_walk *walk);

/* A sub-buffer in the ring. @walk: events 0 also when it was overwritten meanwhile. */
static int ring_walk(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t seq,
		     bool gone, subbuf_walker *walker, struct ft_walk *walk)
{
	struct ft_subbuf s;
	int err;

	*walk = (struct ft_walk){0};
	if (ft_subbuf_look(b, seq, gone, &s) == -ENOENT)
		return 0;
	err = walker(a, b, seq, &s, gone, walk);
	ft_fence_acquire(); /* stand:R: the walk first */
	if (ft_load_acquire(&ft_ring_slot(&b->ring, seq)->page) != s.page)
		walk->events = 0;
	return err;
}

/* What the reader has swapped out and not put: it is older than all in the ring. Is it @seq, or ANY? */
static int hold_walk(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t seq,
		     subbuf_walker *walker, struct ft_walk *walk)
{
	struct ft_hold hold, again;
	struct ft_subbuf s;
	uint64_t page;
	int err;

	*walk = (struct ft_walk){0};
	if (ft_hold_load(b, &hold) || hold.state != FT_HOLD_HELD || !ft_hold_owned(b, &hold) ||
	    (seq != ANY && seq != hold.seq))
		return 0;
	page = ft_load_acquire(&ft_ring_slot(&b->ring, hold.seq)->page);
	if (ft_page_is(page, hold.seq) && !(page & FT_PAGE_TAKEN))
		return 0; /* it stands in the ring */
	s = (struct ft_subbuf){.word = hold.word,
			       .committed = hold.committed,
			       .page = hold.page,
			       .anchor = hold.anchor};
	err = walker(a, b, hold.seq, &s, true, walk);
	ft_fence_acquire(); /* stand:R: the walk first */
	if (ft_hold_load(b, &again) || again.state != FT_HOLD_HELD || again.seq != hold.seq)
		walk->events = 0;
	return err;
}

int ft_buffer_span(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t *first,
		   uint64_t *last)
{
	uint64_t head = ft_load_acquire(&b->shared->head), seq = ft_buffer_oldest(b), oldest = seq;
	bool gone = ft_reader_gone(a, b);
	struct ft_walk held, walk;
	int err = hold_walk(a, b, ANY, subbuf_walk, &held);

	walk = held;
	for (; !err && !walk.events && head - seq <= b->ring.mask; seq++)
		err = ring_walk(a, b, seq, gone, subbuf_walk, &walk);
	if (err || !walk.events)
		return err ? err : -ENODATA;
	*first = walk.first;
	*last = walk.last;
	walk.events = 0;
	for (seq = head; !err && !walk.events && seq - oldest <= b->ring.mask; seq--)
		err = ring_walk(a, b, seq, gone, subbuf_walk, &walk);
	if (walk.events && walk.last > *last)
		*last = walk.last;
	return err;
}

static uint64_t now_ticks(const struct fasttrace_arena *a)
{
	struct timespec ts;

	if (a->info.raw_clock)
		return fasttrace_clock_cycles();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

int64_t fasttrace_arena_time_ns(struct fasttrace_arena *a, uint64_t ticks)
{
	struct ft_clock clock;

	ft_clock_get(a, &clock);
	return ft_clock_ns(&clock, ticks);
}

int fasttrace_buffer_times(struct fasttrace_arena *a, unsigned index, uint64_t serial,
			   struct fasttrace_times *times)
{
	struct ft_reader_buffer *b;
	uint64_t first, last;
	int err = ft_reader_owner(a, index, serial, &b);

	if (!err)
		err = ft_buffer_span(a, b, &first, &last);
	if (err)
		return err;
	err = ft_reader_owner(a, index, serial, &b); /* of one owner, from begin to end */
	if (err)
		return err;
	times->oldest_ns = fasttrace_arena_time_ns(a, first);
	times->newest_ns = fasttrace_arena_time_ns(a, last);
	times->until_ns = times->newest_ns;
	if (!ft_reader_gone(a, b))
		times->until_ns = fasttrace_arena_time_ns(a, now_ticks(a));
	return fasttrace_arena_broken(a);
}

int fasttrace_buffer_begin(struct fasttrace_arena *a, unsigned index, uint64_t serial, uint64_t seq,
			   int64_t *begin_ns)
{
	struct ft_reader_buffer *b;
	struct ft_walk walk;
	int err = ft_reader_owner(a, index, serial, &b);

	if (!err)
		err = ring_walk(a, b, seq, ft_reader_gone(a, b), subbuf_begin, &walk);
	if (!err && !walk.events)
		err = hold_walk(a, b, seq, subbuf_begin, &walk);
	if (err || !walk.events)
		return err ? err : -ENODATA;
	err = ft_reader_owner(a, index, serial, &b);
	if (!err)
		*begin_ns = fasttrace_arena_time_ns(a, walk.first);
	return err;
}
