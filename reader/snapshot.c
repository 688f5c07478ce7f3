/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - copies of everything unread, without consuming, switching or writing.
 *
 * A sub-buffer is copied where it stands, and then looked at again: if its page was claimed for
 * another lap meanwhile, the copy is torn and dropped, and what is older was overwritten before it.
 * What is not complete yet becomes a stream of its own, named after all that it depends on, for the
 * same packet will be seen again later, and longer.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ft-consume.h"
#include "ft-snapshot.h"
#include "ft-tsan.h"
#include "ft-walk.h"

#define LARGE_PAGE_BYTES ((size_t)2 << 20)
#define FIRST_BYTES	 ((size_t)64 << 20)

/* Memory that a stream's packets are collected in. */
struct memory {
	unsigned char *data;
	size_t used, room;
};

/* Packets of one stream, being collected. */
struct packets {
	void *stream; /* the sink's; NULL: not begun */
	size_t bytes;
	uint64_t events;
	uint64_t last; /* time of the newest event */
	uint64_t lost_before, lost;
};

/* A buffer being copied. */
struct source {
	struct fasttrace_arena *a;
	const struct ft_snapshot_sink *sink;
	struct ft_reader_buffer *b;
	struct fasttrace_buffer_info info;
	bool gone;
	struct packets packets;			/* of the complete sub-buffers */
	GArray *open;				/* streams of the others */
	uint64_t seen[FT_MAX_SUBBUFS / 64 + 1]; /* a bit for each page that was a piece */
};

/* A sub-buffer to be copied: its words, and what of it is written. */
struct piece {
	uint64_t seq;
	struct ft_subbuf words;
	struct ft_range ranges[FT_NESTED_RANGES + 1];
	unsigned nranges;
	uint64_t lost_before, lost;
	bool open; /* not complete, and its writer lives or may be flushed */
	bool held; /* swapped out by the reader */
};

/* Large pages are zeroed and found several times as fast. */
unsigned char *ft_large_alloc(size_t bytes)
{
	unsigned char *p;

	if (bytes < LARGE_PAGE_BYTES)
		return malloc(bytes);
	bytes = (bytes + LARGE_PAGE_BYTES - 1) & ~(LARGE_PAGE_BYTES - 1);
	p = aligned_alloc(LARGE_PAGE_BYTES, bytes);
	if (p)
		madvise(p, bytes, MADV_HUGEPAGE); /* or not: it is slower, no more */
	return p;
}

static void *memory_begin(void *arg)
{
	(void)arg;
	return calloc(1, sizeof(struct memory));
}

/* How large a ring says it is, is not to be believed at once. */
static unsigned char *memory_reserve(void *stream, size_t bytes, size_t most)
{
	struct memory *m = stream;
	size_t room = m->room ? 2 * m->room : MIN(most, FIRST_BYTES);
	unsigned char *grown;

	if (m->room - m->used >= bytes)
		return m->data + m->used;
	room = MAX(room, m->used + bytes);
	grown = m->room ? realloc(m->data, room) : ft_large_alloc(room);
	if (!grown)
		return NULL;
	m->data = grown;
	m->room = room;
	return m->data + m->used;
}

static void memory_commit(void *stream, size_t bytes)
{
	((struct memory *)stream)->used += bytes;
}

static void memory_drop(void *stream)
{
	((struct memory *)stream)->used = 0;
}

static void *memory_end(void *stream, bool any)
{
	struct memory *m = stream;
	void *data = any ? realloc(m->data, m->used) : NULL;

	if (!any)
		free(m->data);
	else if (!data)
		data = m->data; /* it did not shrink */
	free(m);
	return data;
}

/* Hand the packets over to a list of streams, if there is an event. */
static void packets_finish(const struct source *s, struct packets *p, GArray *streams)
{
	struct fasttrace_snapshot_stream stream = {
		.serial = s->info.serial,
		.tid = s->info.tid,
		.open = streams == s->open,
		.bytes = p->bytes,
		.events = p->events,
		.lost_before = p->lost_before,
		.lost = p->lost,
		.last = p->last,
	};

	if (p->stream)
		stream.data = s->sink->end(p->stream, p->events);
	if (!p->events)
		return;
	memcpy(stream.name, s->info.name, sizeof(stream.name));
	g_array_append_val(streams, stream);
}

/* A name for a packet that will be seen again, longer: never a serial, whose top bit is 0. */
static uint64_t open_instance(uint64_t serial, uint64_t seq, uint64_t committed)
{
	const uint64_t words[] = {serial, seq, committed};
	uint64_t hash = 0;

	for (unsigned i = 0; i < 3; i++) {
		hash = (hash ^ words[i]) + UINT64_C(0x9e3779b97f4a7c15);
		hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
		hash ^= hash >> 31;
	}
	return hash | UINT64_C(1) << 63;
}

static void piece_measure(const struct source *s, struct piece *p)
{
	uint64_t closed = ft_word_closed_bit(&s->b->ring);

	p->open = !(p->words.word & closed) ||
		  (p->words.committed != (p->words.word & ~closed) && !s->gone);
	p->nranges = ft_subbuf_ranges(s->b, p->seq, &p->words, s->gone, p->ranges);
}

/* Does the memory that was copied still belong to the piece? */
static bool piece_stands(const struct source *s, const struct piece *p)
{
	const struct ft_reader_buffer *b = s->b;
	const struct ft_hold *hold = &b->shared->hold;
	uint64_t page = ft_page_index(p->words.page);

	ft_fence_acquire(); /* stand:R: the copy first */
	/* The next owner settles what is in flight before it has a serial. */
	if (ft_load_acquire(&b->shared->state) < FT_BUFFER_LIVE || /* again:R */
	    ft_load_acquire(&b->shared->serial) != s->info.serial)
		return false;
	if (!p->held)
		return ft_load_acquire(&ft_ring_slot(&b->ring, p->seq)->page) == p->words.page;
	return ft_load_acquire(&hold->state) == FT_HOLD_HELD &&
	       ft_load_relaxed(&hold->seq) == p->seq && ft_load_relaxed(&hold->page) == page &&
	       ft_page_standing(b, page) < 0;
}

static size_t piece_bytes(const struct piece *p)
{
	size_t units = 0;

	for (unsigned i = 0; i < p->nranges; i++)
		units += p->ranges[i].to - p->ranges[i].from;
	return units * 8;
}

static void piece_copy(const struct source *s, const struct piece *p, unsigned char *to)
{
	const struct fasttrace_ring *ring = &s->b->ring;
	const unsigned char *page =
		ring->pages + (ft_page_index(p->words.page) << ring->page_shift);

	ft_tsan_race(true); /* until piece_stands() */
	for (unsigned i = 0; i < p->nranges; i++) {
		size_t bytes = 8 * (size_t)(p->ranges[i].to - p->ranges[i].from);

		memcpy(to, page + 8 * (size_t)p->ranges[i].from, bytes);
		to += bytes;
	}
	ft_tsan_race(false);
}

static void piece_header(const struct source *s, const struct piece *p, const struct ft_walk *walk,
			 uint8_t *out)
{
	struct ft_packet_fields f = {
		.instance = p->open ? open_instance(s->info.serial, p->seq, p->words.committed)
				    : s->info.serial,
		.begin = walk->first,
		.end = walk->last,
		.bytes = FASTTRACE_HEADER_BYTES + walk->bytes,
		.pad = walk->pad,
		.seq = p->open ? 0 : p->seq - s->info.base,
		.lost = p->open ? 0 : p->lost,
		.tid = s->info.tid,
	};

	ft_packet_header(s->a, &f, out);
}

/*
 * Append a piece as a packet.
 * Return: 0, also when nothing in it can be read; -ESTALE it was overwritten meanwhile; -ENOMEM.
 */
static int piece_append(const struct source *s, const struct piece *p, struct packets *packets)
{
	size_t bytes = piece_bytes(p), pieces = p->open ? 1 : s->b->pages;
	unsigned char *header;
	struct ft_walk walk;

	if (!packets->stream)
		packets->stream = s->sink->begin(s->sink->arg);
	header = packets->stream ? s->sink->reserve(packets->stream, FASTTRACE_HEADER_BYTES + bytes,
						    pieces << s->b->ring.page_shift)
				 : NULL;
	if (!header)
		return -ENOMEM;
	piece_copy(s, p, header + FASTTRACE_HEADER_BYTES);
	if (!piece_stands(s, p))
		return -ESTALE;
	if (ft_events_walk(s->a, header + FASTTRACE_HEADER_BYTES, bytes,
			   ft_anchor_time(p->words.anchor), &walk))
		return -ENOMEM;
	if (!walk.events || walk.first < packets->last)
		return 0;
	piece_header(s, p, &walk, header);
	s->sink->commit(packets->stream, FASTTRACE_HEADER_BYTES + walk.bytes);
	if (!packets->bytes)
		packets->lost_before = p->lost_before;
	packets->lost = p->lost;
	packets->bytes += FASTTRACE_HEADER_BYTES + walk.bytes;
	packets->events += walk.events;
	packets->last = walk.last;
	return 0;
}

/* What is older than an overwritten sub-buffer was overwritten before it. */
static void older_drop(struct source *s)
{
	if (s->packets.bytes)
		s->sink->drop(s->packets.stream);
	s->packets.bytes = 0;
	s->packets.events = 0;
}

/* Was its page another piece's? A ring has each once, so that a copy is no larger than the ring. */
static bool piece_again(struct source *s, const struct piece *p)
{
	uint64_t page = ft_page_index(p->words.page), bit = UINT64_C(1) << page % 64;
	bool again = s->seen[page / 64] & bit;

	s->seen[page / 64] |= bit;
	return again;
}

static int piece_take(struct source *s, struct piece *p)
{
	struct packets own = {0};
	int err;

	piece_measure(s, p);
	if (!p->nranges || piece_again(s, p))
		return 0;
	if (p->open) {
		err = piece_append(s, p, &own);
		packets_finish(s, &own, s->open);
		return err == -ESTALE ? 0 : err;
	}
	err = piece_append(s, p, &s->packets);
	if (err != -ESTALE)
		return err;
	older_drop(s);
	return 0;
}

/* The seq that the reader has swapped out, if there is one. */
static bool held_load(const struct source *s, struct piece *p)
{
	const struct ft_hold *hold = &s->b->shared->hold;
	uint64_t page;

	if (!s->b->ring.overwrite || ft_load_acquire(&hold->state) != FT_HOLD_HELD) /* takeover:R */
		return false;
	page = ft_load_relaxed(
		&hold->page); /* ordered by state, and looked at again by piece_stands() */
	p->held = true;
	p->seq = ft_load_relaxed(&hold->seq);
	p->lost = ft_load_relaxed(&hold->lost_after);
	p->lost_before = p->lost; /* what it was, nobody has noted */
	p->words = (struct ft_subbuf){
		.word = ft_load_relaxed(&hold->word),
		.committed = ft_load_relaxed(&hold->committed),
		.page = ft_page_word(p->seq, FT_PAGE_TAKEN, page & 0xffff),
		.anchor = ft_load_relaxed(&hold->anchor),
	};
	return page < s->b->pages && ft_word_is(&s->b->ring, p->words.word, p->seq) &&
	       ft_word_closed(&s->b->ring, p->words.word) && p->seq >= s->info.base;
}

static int subbuf_take(struct source *s, uint64_t seq)
{
	struct piece p = {.seq = seq}, held = {.seq = seq};
	int err = ft_subbuf_look(s->b, seq, s->gone, &p.words);

	if (err == -EPROTO)
		return 0;
	if (err != -ENOENT) {
		p.lost = ft_lost_after(s->b, seq);
		p.lost_before = ft_lost_before(s->b, seq);
		return piece_take(s, &p);
	}
	if (held_load(s, &held) && held.seq == seq)
		return piece_take(s, &held);
	if (!ft_page_is(p.words.page, seq))
		older_drop(s); /* else the reader has taken it */
	return 0;
}

static int source_copy(struct source *s, GArray *streams)
{
	uint64_t head = ft_load_acquire(&s->b->shared->head), seq = ft_buffer_oldest(s->b);
	struct piece held = {0};
	int err = 0;

	if (held_load(s, &held) && held.seq < seq)
		err = piece_take(s, &held);
	for (uint64_t n = 0; !err && n <= s->b->ring.mask && seq <= head; n++, seq++)
		err = subbuf_take(s, seq);
	packets_finish(s, &s->packets, streams);
	return err;
}

/* A buffer that contradicts the protocol is left out. */
static int buffer_copy(struct fasttrace_arena *a, unsigned index,
		       const struct ft_snapshot_sink *sink, GArray *streams)
{
	struct source s = {.a = a, .sink = sink};
	int err = fasttrace_buffer_get_info(a, index, &s.info);

	if (!err)
		err = ft_reader_owner(a, index, s.info.serial, &s.b);
	if (err)
		return err == -ENOMEM ? err : 0;
	s.gone = !s.info.live;
	s.open = g_array_new(FALSE, FALSE, sizeof(struct fasttrace_snapshot_stream));
	err = source_copy(&s, streams);
	g_array_append_vals(streams, s.open->data, s.open->len);
	g_array_free(s.open, TRUE);
	return err;
}

static void streams_number(struct fasttrace_snapshot *snapshot)
{
	GHashTable *seen = g_hash_table_new(g_direct_hash, g_direct_equal);

	for (unsigned i = 0; i < snapshot->streams; i++) {
		gpointer tid = GUINT_TO_POINTER(snapshot->stream[i].tid);
		unsigned nth = GPOINTER_TO_UINT(g_hash_table_lookup(seen, tid));

		snapshot->stream[i].nth = nth;
		snapshot->bytes += snapshot->stream[i].bytes;
		g_hash_table_insert(seen, tid, GUINT_TO_POINTER(nth + 1));
	}
	g_hash_table_destroy(seen);
}

int ft_snapshot_fill(struct fasttrace_arena *a, const struct ft_snapshot_sink *sink,
		     struct fasttrace_snapshot *snapshot)
{
	GArray *streams = g_array_new(FALSE, FALSE, sizeof(*snapshot->stream));
	unsigned buffers = fasttrace_arena_buffers(a);
	int err = 0;

	for (unsigned i = 0; !err && i < buffers; i++)
		err = buffer_copy(a, i, sink, streams);
	snapshot->streams = streams->len;
	snapshot->stream = (void *)g_array_free(streams, FALSE);
	/* After the data: so it declares every event in it. Also says if the arena was truncated.
	 */
	if (!err)
		err = fasttrace_arena_metadata(a, &snapshot->metadata, &snapshot->metadata_bytes);
	streams_number(snapshot);
	return err;
}

int fasttrace_snapshot_take(struct fasttrace_arena *a, struct fasttrace_snapshot **snapshot)
{
	static const struct ft_snapshot_sink sink = {.begin = memory_begin,
						     .reserve = memory_reserve,
						     .commit = memory_commit,
						     .drop = memory_drop,
						     .end = memory_end};
	struct fasttrace_snapshot *made = calloc(1, sizeof(*made));
	int err = made ? ft_snapshot_fill(a, &sink, made) : -ENOMEM;

	if (err)
		fasttrace_snapshot_free(made);
	else
		*snapshot = made;
	return err;
}

void fasttrace_snapshot_free(struct fasttrace_snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (unsigned i = 0; i < snapshot->streams; i++)
		free((void *)snapshot->stream[i].data);
	g_free(snapshot->stream);
	free(snapshot->metadata);
	free(snapshot);
}
