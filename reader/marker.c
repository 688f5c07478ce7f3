/* SPDX-License-Identifier: MIT */
/*
 * marker.c - events of a process that its consumer records: what a shell writes.
 *
 * Told in ft-layout.h, MARKERS. We are the ring's only writer, so a CAS that fails, or a word that is
 * not as we left it, is the work of a program that breaks the protocol.
 */
#include <string.h>

#include "ft-walk.h"

#define TID	      0
#define JITTER_TICKS  (UINT64_C(1) << 20) /* as in reserve.c: no step back */
#define CLASS_STRINGS "fasttrace\0marker\0text"
#define CLASS_BYTES   (sizeof(struct ft_event_entry) + sizeof(CLASS_STRINGS))
#define CLASS_ROOM    ((CLASS_BYTES + 7) & ~(size_t)7)
#define TURNS	      8 /* to find room: one, and what a dead consumer left half done */

/* Our event's id, or 0: it is not in the table, of which all is known. */
static unsigned class_find(struct fasttrace_arena *a)
{
	for (unsigned i = 0; !a->marker_id && i < a->nclasses; i++)
		if (a->classes[i].kind == FASTTRACE_KIND_MARKER && a->classes[i].nfields == 1 &&
		    a->classes[i].types[0] == FASTTRACE_TYPE_STRING)
			a->marker_id = i + 1;
	return a->marker_id;
}

/* Space of the event table for it, as a thread of the process takes it. */
static int class_space(const struct fasttrace_arena *a, uint32_t *offset)
{
	uint64_t end;
	int err;

	do {
		end = ft_load_acquire(&a->shared->events_end);
		if (end > a->events_bytes || CLASS_ROOM > a->events_bytes - end)
			return -ENOSPC;
		if (end % 8)
			return -EPROTO;
		err = ft_arena_back(a, a->events_offset + end, CLASS_ROOM);
		if (err)
			return err;
		FASTTRACE_POINT(class_backed);
	} while (!ft_cas(&a->shared->events_end, end, end + CLASS_ROOM));
	FASTTRACE_POINT(class_claimed);
	*offset = (uint32_t)(a->events_offset + end);
	return 0;
}

static void class_fill(struct ft_event_entry *e)
{
	*e = (struct ft_event_entry){
		.size = CLASS_BYTES,
		.level = FASTTRACE_INFO,
		.nfields = 1,
		.types = {FASTTRACE_TYPE_STRING},
		.provider_len = sizeof("fasttrace") - 1,
		.name_len = sizeof("marker") - 1,
		.kind = FASTTRACE_KIND_MARKER,
	};
	memcpy(e->strings, CLASS_STRINGS, sizeof(CLASS_STRINGS));
	FASTTRACE_POINT(class_filled);
}

/* Behind the last entry, which the process's threads may be doing as well. */
static int class_link(struct fasttrace_arena *a, struct ft_event_entry *e, uint32_t offset)
{
	uint32_t *link = &a->shared->events_first;
	int err;

	for (unsigned tries = 0; tries <= FT_MAX_EVENTS; tries++) {
		err = ft_classes_refresh(a);
		if (err)
			return err;
		if (a->nclasses >= FT_MAX_EVENTS)
			return -ENOSPC;
		e->id = (uint16_t)(a->nclasses + 1);
		e->on = e->id;
		if (a->classes_last)
			link = &((struct ft_event_entry *)(void *)(a->map + a->classes_last))->next;
		FASTTRACE_POINT(class_numbered);
		if (!ft_cas(link, 0, offset)) /* event:W */
			continue;
		FASTTRACE_POINT(class_linked);
		ft_add_relaxed(&a->shared->events_count, 1);
		FASTTRACE_POINT(class_counted);
		return ft_classes_refresh(a);
	}
	return -EPROTO;
}

static int class_get(struct fasttrace_arena *a)
{
	uint32_t offset;
	int err;

	if (a->marker_id)
		return 0;
	err = ft_classes_refresh(a);
	if (class_find(a) || err)
		return a->marker_id ? 0 : err;
	err = class_space(a, &offset);
	if (err)
		return err;
	class_fill((void *)(a->map + offset));
	err = class_link(a, (void *)(a->map + offset), offset);
	return class_find(a) ? 0 : err ? err : -EPROTO;
}

static struct ft_buffer_place *place_of(const struct fasttrace_arena *a, unsigned index)
{
	return (struct ft_buffer_place *)(void *)(a->map + a->places_offset) + index;
}

/* The next place, and memory for it. */
static int place_take(struct fasttrace_arena *a, unsigned *index)
{
	uint64_t bytes = sizeof(struct ft_buffer_place), count;
	int err;

	do {
		count = ft_load_acquire(&a->shared->buffers);
		if (count >= FT_MAX_BUFFERS)
			return -ENOSPC;
		err = ft_arena_back(a, a->places_offset + count * bytes, bytes);
		if (err)
			return err;
		FASTTRACE_POINT(marker_fits);
	} while (!ft_cas(&a->shared->buffers, count, count + 1));
	FASTTRACE_POINT(marker_counted);
	*index = (unsigned)count;
	return 0;
}

/* For the first time, or because time went back. */
static void ring_own(struct fasttrace_arena *a, const struct fasttrace_ring *ring,
		     struct ft_buffer *b)
{
	ft_buffer_own(a->shared, b, ring, TID);
	memcpy(b->name, "marker", sizeof("marker"));
	FASTTRACE_POINT(marker_named);
	ft_store_release(&b->state, FT_BUFFER_MARKER); /* attach:W */
	FASTTRACE_POINT(marker_told);
	a->marker_last = 0;
}

/* Who died at it before us left nothing but what is written here. */
static int ring_make(struct fasttrace_arena *a, unsigned *index)
{
	struct ft_buffer *b = (struct ft_buffer *)(void *)(a->map + a->marker_offset);
	const struct fasttrace_ring ring = {
		.slots = (struct fasttrace_slot *)(b + 1),
		.mask = (UINT64_C(1) << FT_MARKER_N_SHIFT) - 1,
		.units = UINT32_C(1) << (FT_MARKER_SHIFT - 3),
		.unit_bits = FT_MARKER_SHIFT - 2,
	};
	struct ft_buffer_place *place;
	int err = ft_arena_back(a, a->marker_offset, FT_MARKER_BYTES);

	if (err)
		return err;
	FASTTRACE_POINT(marker_backed);
	ft_ring_lay(&ring, b, 0);
	ring_own(a, &ring, b);
	err = place_take(a, index);
	if (err)
		return err;
	place = place_of(a, *index);
	place->offset = a->marker_offset;
	place->pages_offset = a->marker_offset + FT_MARKER_PAGES_OFFSET;
	place->subbuf_shift = FT_MARKER_SHIFT;
	place->subbufs_shift = FT_MARKER_N_SHIFT;
	FASTTRACE_POINT(marker_placed);
	ft_store_release(&place->ready, 1); /* attach:W */
	FASTTRACE_POINT(marker_ready);
	return 0;
}

/* The one that a consumer before us has made. */
static bool ring_find(struct fasttrace_arena *a, unsigned *index)
{
	unsigned n = fasttrace_arena_buffers(a);

	for (*index = 0; *index < n; ++*index)
		if (ft_load_acquire(&place_of(a, *index)->ready) && /* attach:R */
		    ft_load_relaxed(&place_of(a, *index)->offset) == a->marker_offset)
			return true; /* offset: written once, before ready */
	return false;
}

static int ring_get(struct fasttrace_arena *a)
{
	struct ft_reader_buffer *b;
	uint64_t first, last;
	unsigned index;
	int err = 0;

	if (a->marker)
		return 0;
	if (!a->marker_offset)
		return -ENOTSUP;
	if (!ring_find(a, &index))
		err = ring_make(a, &index);
	if (!err)
		err = ft_reader_buffer(a, index, &b);
	if (err)
		return err;
	if (ft_load_acquire(&b->shared->state) == FT_BUFFER_CLAIMED)
		ring_own(a, &b->ring, b->shared);
	if (ft_load_acquire(&b->shared->state) != FT_BUFFER_MARKER) /* attach:R */
		return -EPROTO;
	err = ft_buffer_span(a, b, &first, &last);
	if (err && err != -ENODATA)
		return err;
	a->marker_last = err ? 0 : last;
	a->marker = b;
	return 0;
}

/* Close sub-buffer seq, in which there is something, and open the next. */
static int ring_turn(struct fasttrace_arena *a, uint64_t seq, uint64_t word)
{
	struct ft_reader_buffer *b = a->marker;
	int err = ft_ring_close(&b->ring, seq, word);

	if (err)
		return -EPROTO;
	ft_fence_full();
	if (ft_load_relaxed(&b->shared->waiters) &&
	    ft_exchange(&b->shared->waiters, 0)) /* wake:R */
		fasttrace_arena_interrupt(a);
	err = ft_ring_turn(&b->ring, b->shared, seq);
	return err == -EBUSY ? -EPROTO : err;
}

/* The open sub-buffer, checked. */
static int ring_look(const struct ft_reader_buffer *b, uint64_t *seq, uint64_t *word)
{
	const struct fasttrace_slot *slot;

	*seq = ft_load_acquire(&b->shared->head); /* open:R */
	slot = ft_ring_slot(&b->ring, *seq);
	*word = ft_load_acquire(&slot->word);
	if (!ft_word_is(&b->ring, *word, *seq) || ft_word_units(&b->ring, *word) > b->ring.units ||
	    ft_word_units(&b->ring, *word) < FASTTRACE_HEADER_UNITS ||
	    ft_load_acquire(&slot->committed) != (*word & ~ft_word_closed_bit(&b->ring)))
		return -EPROTO;
	return 0;
}

/* Have room for `units` in an open sub-buffer; `fresh`: in one without events. */
static int ring_room(struct fasttrace_arena *a, uint32_t units, bool fresh, uint64_t *seq,
		     uint64_t *word)
{
	const struct fasttrace_ring *ring = &a->marker->ring;
	int err;

	for (unsigned turns = 0; turns < TURNS; turns++) {
		err = ring_look(a->marker, seq, word);
		if (err)
			return err;
		if (!ft_word_closed(ring, *word) &&
		    ft_word_units(ring, *word) + units <= ring->units &&
		    !(fresh && ft_word_count(ring, *word)))
			return 0;
		err = ring_turn(a, *seq, *word);
		if (err)
			return err;
	}
	return -EPROTO;
}

/* Time went back: a stream of its own. What was in the ring counts as overwritten. */
static int ring_disown(struct fasttrace_arena *a)
{
	struct ft_reader_buffer *b = a->marker;
	uint64_t seq, word;
	int err;

	if (b->taken || b->hold.state)
		return -EAGAIN;
	err = ring_room(a, 0, true, &seq, &word);
	if (err)
		return err;
	ft_store_release(&b->shared->state, FT_BUFFER_CLAIMED);
	FASTTRACE_POINT(marker_disowned);
	ring_own(a, &b->ring, b->shared);
	return 0;
}

/* A stamp that is not before the newest. `step`: it needs a sub-buffer of its own. */
static int stamp_take(struct fasttrace_arena *a, uint64_t *now, bool *step)
{
	uint64_t last = a->marker_last;

	*now = fasttrace_arena_now(a);
	*step = false;
	if (!last)
		return 0;
	if (*now - last > UINT64_MAX - JITTER_TICKS)
		*now = last;
	*step = (*now - last) >> FASTTRACE_STEP_BITS;
	if (!*step)
		return 0;
	ft_add_relaxed(&a->marker->shared->steps, 1);
	FASTTRACE_POINT(marker_stepped);
	return (int64_t)(*now - last) < 0 ? ring_disown(a) : 0;
}

/* All at once for who looks: committed is what tells of it. */
static int event_write(struct fasttrace_arena *a, uint64_t now, uint64_t seq, uint64_t word,
		       const char *text, size_t bytes)
{
	const struct fasttrace_ring *ring = &a->marker->ring;
	struct fasttrace_slot *slot = ft_ring_slot(ring, seq);
	uint32_t units = (uint32_t)(8 + bytes + 1 + 7) / 8;
	uint64_t header = fasttrace_event_header(now, a->marker_id);
	uint64_t after = word + units + (UINT64_C(1) << ring->unit_bits);
	uint64_t page = ft_page_index(ft_load_acquire(&slot->page));
	unsigned char *to =
		ring->pages + (page << ring->page_shift) + ft_word_units(ring, word) * 8;

	if (page >= a->marker->pages)
		return -EPROTO;
	if (!ft_word_count(ring, word))
		ft_store_release(&slot->anchor, ft_anchor(seq, now));
	FASTTRACE_POINT(marker_anchored);
	if (!ft_cas(&slot->word, word, after)) /* reserve:R */
		return -EPROTO;
	ft_fence_release(); /* lap:W */
	FASTTRACE_POINT(marker_reserved);
	memcpy(to, &header, sizeof(header));
	for (size_t i = 0; i < bytes; i++)
		to[sizeof(header) + i] = (unsigned char)(text[i] ? text[i] : '?');
	to[sizeof(header) + bytes] = '\0';
	FASTTRACE_POINT(marker_written);
	ft_store_release(&slot->committed, after); /* commit:W */
	FASTTRACE_POINT(marker_committed);
	a->marker_last = now;
	return 0;
}

int fasttrace_marker_write(struct fasttrace_arena *a, const char *text, size_t bytes)
{
	uint64_t now, seq, word;
	bool step;
	int err;

	if (bytes > FASTTRACE_MARKER_BYTES)
		return -EMSGSIZE;
	if (!a->consumer)
		return -EBUSY;
	if (a->broken)
		return -EPROTO;
	if (!fasttrace_arena_alive(a))
		return -ESRCH;
	if (!fasttrace_tracing_is_on(a))
		return -EBADF;
	err = class_get(a);
	if (!err)
		err = ring_get(a);
	if (err == -ENOENT)
		return -EPROTO; /* what was there goes from one look to the next */
	if (!err)
		err = stamp_take(a, &now, &step);
	if (!err)
		err = ring_room(a, (uint32_t)(8 + bytes + 1 + 7) / 8, step, &seq, &word);
	return err ? err : event_write(a, now, seq, word, text, bytes);
}
