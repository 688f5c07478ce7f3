/* SPDX-License-Identifier: MIT */
/*
 * times.c - from when to when the events are that can be read, without taking any.
 *
 * The oldest stands in the first sub-buffer that has an event, the newest in the last. Each is
 * walked where it stands and then looked at again: if its page was claimed for another lap
 * meanwhile, what was read is worth nothing.
 */
#include "ft-clock.h"
#include "ft-consume.h"
#include "ft-tsan.h"
#include "ft-walk.h"

#define ANY UINT64_MAX

/* Its first and last time. @walk: events 0 if there is none. */
static int subbuf_walk(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t seq,
		       const struct ft_subbuf *s, bool gone, struct ft_walk *walk)
{
	const unsigned char *page = b->ring.pages + (ft_page_index(s->page) << b->ring.page_shift);
	struct ft_range ranges[FT_NESTED_RANGES + 1];
	unsigned n = ft_subbuf_ranges(b, seq, s, gone, ranges);
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
	if (ft_subbuf_ranges(b, seq, s, gone, ranges))
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
	uint64_t held, again;
	struct ft_subbuf s;
	int err;

	*walk = (struct ft_walk){0};
	if (!ft_hold_out(b, &held, &s) || (seq != ANY && seq != held))
		return 0;
	err = walker(a, b, held, &s, true, walk);
	ft_fence_acquire(); /* stand:R: the walk first */
	if (!ft_hold_out(b, &again, &s) || again != held)
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
		times->until_ns = fasttrace_arena_time_ns(a, fasttrace_arena_now(a));
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
