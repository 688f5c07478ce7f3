/* SPDX-License-Identifier: MIT */
/*
 * recover.c - what a writer that is gone had written into a sub-buffer: everything before
 * `committed`, and what its handlers committed behind an event that will never be finished.
 */
#include "ft-consume.h"

/* A nested range, if both its words are of this sub-buffer and inside what was reserved. */
static bool range_load(const struct fasttrace_ring *ring, uint64_t seq, uint64_t word,
		       const uint64_t *pair, struct ft_range *out)
{
	uint64_t before = ft_load_acquire(&pair[0]), after = ft_load_acquire(&pair[1]);
	uint64_t from = ft_word_units(ring, before), to = ft_word_units(ring, after);
	uint64_t first = ft_word_count(ring, before), last = ft_word_count(ring, after);

	if (!ft_word_is(ring, before, seq) || !ft_word_is(ring, after, seq) ||
	    from < FASTTRACE_HEADER_UNITS || from >= to || to > ft_word_units(ring, word) ||
	    first >= last)
		return false;
	*out = (struct ft_range){(uint32_t)from, (uint32_t)to, (uint32_t)first,
				 (uint32_t)(last - first)};
	return true;
}

static unsigned range_insert(struct ft_range *ranges, unsigned n, struct ft_range r)
{
	unsigned at = n;

	while (at && ranges[at - 1].from > r.from) {
		ranges[at] = ranges[at - 1];
		at--;
	}
	ranges[at] = r;
	return n + 1;
}

/*
 * Keep of each range what no earlier one has. They do overlap: a range that began behind an event
 * in flight is extended until that event's commit has caught up.
 */
static unsigned ranges_clip(struct ft_range *ranges, unsigned n)
{
	uint32_t end = FASTTRACE_HEADER_UNITS, first = 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		struct ft_range r = ranges[i];
		uint32_t last = r.first + r.events;

		if (r.to <= end || last <= first)
			continue;
		if (r.from < end)
			r = (struct ft_range){end, r.to, first, last - first};
		ranges[kept++] = r;
		end = r.to;
		first = last;
	}
	return kept;
}

unsigned ft_recover_ranges(const struct fasttrace_ring *ring, uint64_t seq, uint64_t word,
			   uint64_t committed, const unsigned char *page,
			   struct ft_range ranges[FT_NESTED_RANGES + 1])
{
	const uint64_t *pairs = (const void *)page;
	uint64_t units = ft_word_units(ring, committed), all = ft_word_units(ring, word);
	struct ft_range r;
	unsigned n = 0;

	if (all > ring->units)
		return 0;
	if (ft_word_is(ring, committed, seq) && units > FASTTRACE_HEADER_UNITS && units <= all)
		n = range_insert(ranges, n,
				 (struct ft_range){FASTTRACE_HEADER_UNITS, (uint32_t)units, 0,
						   (uint32_t)ft_word_count(ring, committed)});
	if (units < all)
		for (unsigned i = 0; i < FT_NESTED_RANGES; i++)
			if (range_load(ring, seq, word, &pairs[2 * i], &r))
				n = range_insert(ranges, n, r);
	return ranges_clip(ranges, n);
}

unsigned ft_subbuf_ranges(const struct ft_reader_buffer *b, uint64_t seq, const struct ft_subbuf *s,
			  bool gone, struct ft_range ranges[FT_NESTED_RANGES + 1])
{
	const struct fasttrace_ring *ring = &b->ring;
	uint64_t word = s->word & ~ft_word_closed_bit(ring), page = ft_page_index(s->page);
	uint64_t units = ft_word_units(ring, s->committed);

	if (page >= b->pages || ft_word_units(ring, word) > ring->units ||
	    !ft_anchor_is(s->anchor, seq))
		return 0;
	if (gone && s->committed != word)
		return ft_recover_ranges(ring, seq, s->word, s->committed,
					 ring->pages + (page << ring->page_shift), ranges);
	if (!ft_word_is(ring, s->committed, seq) || units > ft_word_units(ring, word) ||
	    units <= FASTTRACE_HEADER_UNITS)
		return 0;
	ranges[0] = (struct ft_range){.from = FASTTRACE_HEADER_UNITS, .to = (uint32_t)units};
	return 1;
}
