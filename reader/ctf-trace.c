/* SPDX-License-Identifier: MIT */
/*
 * ctf-trace.c - traces: files of packets, streams of files, and all events in the order
 * of time.
 *
 * Packets are looked at when their turn comes, and their pages are given back behind them: what is
 * in memory does not grow with the trace.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ft-ctf.h"

#define DROP_BYTES (UINT64_C(128) << 10)

void ft_ctf_complain(struct ft_ctf_reader *reader, const char *format, ...)
{
	va_list args;
	char *message;

	va_start(args, format);
	message = g_strdup_vprintf(format, args);
	va_end(args);
	reader->complaints++;
	if (reader->complain)
		reader->complain(reader->of, message);
	g_free(message);
}

void ft_ctf_file_free(gpointer file)
{
	struct ft_ctf_file *f = file;

	if (f->map) {
		ft_guard_remove(f->map);
		munmap(f->map, f->packed ? f->packed_bytes : f->bytes);
	}
	g_free(f->unpacked);
	g_free(f->memory);
	g_free(f->path);
	g_free(f);
}

/* Pages that will not be asked for again. */
static void file_drop(struct ft_ctf_file *f)
{
	uint64_t to = (f->packed ? f->packed_at : f->at) & ~(DROP_BYTES - 1);

	if (!f->map || to <= f->dropped)
		return;
	madvise((uint8_t *)f->map + f->dropped, to - f->dropped, MADV_DONTNEED);
	f->dropped = to;
}

static void cursor_complain(struct ft_ctf_trace *trace, const struct ft_ctf_file *f,
			    const struct ft_ctf_cursor *c)
{
	ft_ctf_complain(trace->reader, "%s: byte %" G_GUINT64_FORMAT "%s: expected %s", f->path,
			f->before + (guint64)(c->data - f->data) + c->wrong_at / 8,
			f->packed ? ", expanded" : "", c->wrong);
}

bool ft_ctf_file_more(struct ft_ctf_reader *reader, struct ft_ctf_file *f)
{
	while (!f->ended && f->at >= f->bytes)
		if (!f->packed || !reader->unpack(reader, f))
			return false;
	return !f->ended;
}

static bool file_enter(struct ft_ctf_trace *trace, struct ft_ctf_file *f, struct ft_ctf_cursor *c)
{
	if (!ft_ctf_file_more(trace->reader, f))
		return false;
	if (!ft_ctf_packet_enter(c, f->data + f->at, f->bytes - f->at) && c->packet_bytes)
		return true;
	if (!c->wrong)
		c->wrong = "a packet_size above 0";
	cursor_complain(trace, f, c);
	f->ended = true; /* where the next packet begins nobody knows */
	return false;
}

/* Among the files of a stream, by the begin of its next packet. */
static bool file_peek(struct ft_ctf_trace *trace, struct ft_ctf_file *f)
{
	struct ft_ctf_cursor c = {.meta = trace->meta};

	if (!file_enter(trace, f, &c))
		return false;
	f->source.time = c.slots[FT_CTF_BEGIN];
	return true;
}

/* The file that has the next packet; NULL: none. */
static struct ft_ctf_file *stream_file(struct ft_ctf_stream *s)
{
	struct ft_ctf_file *f = s->file;

	if (s->files->len == 1)
		return s->files->pdata[0];
	if (f && file_peek(s->trace, f))
		ft_merge_add(s->heap, &f->source);
	if (!s->heap->len)
		return NULL;
	f = (struct ft_ctf_file *)(void *)ft_merge_first(s->heap);
	ft_merge_drop(s->heap);
	return f;
}

/* Has the packet that was entered been read before, from another file? */
static bool packet_again(const struct ft_ctf_stream *s)
{
	const uint64_t *slots = s->cursor.slots;

	return s->any && s->files->len > 1 && slots[FT_CTF_SEQ] != UINT64_MAX &&
	       slots[FT_CTF_SEQ] == s->seq && slots[FT_CTF_BEGIN] == s->begin;
}

static bool tell_lost(struct ft_ctf_stream *s, enum ft_ctf_what what, uint64_t lost)
{
	s->what = what;
	s->lost = lost;
	return true;
}

/* Go behind the packet. Return: is there something to tell of what was lost in it? */
static bool packet_leave(struct ft_ctf_stream *s)
{
	struct ft_ctf_cursor *c = &s->cursor;
	struct ft_ctf_file *f = s->file;
	uint64_t before = s->discarded, now = c->slots[FT_CTF_DISCARDED];
	bool told = now > before && (s->any || !c->slots[FT_CTF_SEQ]);

	if (c->packet_bytes > f->bytes - f->at) {
		ft_ctf_complain(s->trace->reader,
				"%s: byte %" G_GUINT64_FORMAT
				"%s: expected the rest of a packet of %" G_GUINT64_FORMAT
				" bytes that begins at %" G_GUINT64_FORMAT,
				f->path, f->before + f->bytes, f->packed ? ", expanded" : "",
				c->packet_bytes, f->before + f->at);
		f->ended = true;
	} else {
		f->at += c->packet_bytes;
		file_drop(f);
	}
	s->discarded = now;
	s->seq = c->slots[FT_CTF_SEQ];
	s->begin = c->slots[FT_CTF_BEGIN];
	s->any = true;
	s->class = c->stream;
	c->stream = NULL;
	return told && tell_lost(s, FT_CTF_LOST_EVENTS, now - before);
}

/* Return: 1 entered; 2 and something was lost before it; 0 there is none. */
static int packet_next(struct ft_ctf_stream *s)
{
	uint64_t seq;

	do {
		if (s->file && s->cursor.stream && packet_again(s))
			s->file->at += s->cursor.packet_bytes;
		s->file = stream_file(s);
		if (!s->file || !file_enter(s->trace, s->file, &s->cursor))
			return 0;
	} while (packet_again(s));
	seq = s->cursor.slots[FT_CTF_SEQ];
	if (!s->any || seq == UINT64_MAX || seq <= s->seq + 1)
		return 1;
	tell_lost(s, FT_CTF_LOST_PACKETS, seq - s->seq - 1);
	return 2;
}

void ft_ctf_stream_stamp(struct ft_ctf_stream *s)
{
	const struct ft_ctf_cursor *c = &s->cursor;
	const struct ft_ctf_stream_class *class = c->stream ? c->stream : s->class;

	if (class && class->clock)
		s->ns = ft_ctf_clock_ns(class->clock, c->clock);
}

/* When the packet that was entered ends; INT64_MAX: it does not say. */
static int64_t packet_end_ns(const struct ft_ctf_cursor *c)
{
	if (!c->stream->clock || !c->slots[FT_CTF_STREAM_END])
		return INT64_MAX;
	return ft_ctf_clock_ns(c->stream->clock, c->slots[FT_CTF_STREAM_END]);
}

bool ft_ctf_stream_next(struct ft_ctf_stream *s)
{
	struct ft_ctf_cursor *c = &s->cursor;
	int found;

	for (;;) {
		if (c->stream) {
			found = ft_ctf_event_next(c);
			if (found > 0) {
				s->what = FT_CTF_EVENT;
				return true;
			}
			/* Of a packet that is cut off, the cut is told of. */
			if (found < 0 && c->packet_bytes <= c->bytes)
				cursor_complain(s->trace, s->file, c);
			if (packet_leave(s))
				return true;
		}
		found = packet_next(s);
		if (!found)
			return false;
		if (found == 2)
			return true;
		if (s->trace->reader->from_ns && packet_end_ns(c) < s->trace->reader->from_ns)
			c->next = c->end;
	}
}

struct ft_ctf_stream *ft_ctf_stream_new(struct ft_ctf_trace *trace)
{
	struct ft_ctf_stream *s = g_new0(struct ft_ctf_stream, 1);

	s->trace = trace;
	s->cursor.meta = trace->meta;
	s->files = g_ptr_array_new_with_free_func(ft_ctf_file_free);
	s->heap = g_ptr_array_new();
	g_ptr_array_add(trace->streams, s);
	return s;
}

static void stream_free(gpointer stream)
{
	struct ft_ctf_stream *s = stream;

	g_ptr_array_unref(s->heap);
	g_ptr_array_unref(s->files);
	g_free(s->user);
	g_free(s);
}

/* Files of one stream say so by its class and instance; else each is one. */
static struct ft_ctf_stream *stream_of(struct ft_ctf_trace *trace, const struct ft_ctf_cursor *c)
{
	struct ft_ctf_stream *s;
	char *key;

	if (c->slots[FT_CTF_INSTANCE] == UINT64_MAX)
		return ft_ctf_stream_new(trace);
	key = g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, c->stream->id,
			      c->slots[FT_CTF_INSTANCE]);
	s = g_hash_table_lookup(trace->by_instance, key);
	if (s) {
		g_free(key);
		return s;
	}
	s = ft_ctf_stream_new(trace);
	g_hash_table_insert(trace->by_instance, key, s);
	return s;
}

static bool is_compressed(const struct ft_ctf_file *f)
{
	static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd};

	return f->bytes >= sizeof(zstd) && !memcmp(f->data, zstd, sizeof(zstd));
}

struct ft_ctf_stream *ft_ctf_trace_add(struct ft_ctf_trace *trace, struct ft_ctf_file *f)
{
	struct ft_ctf_cursor c = {.meta = trace->meta};
	struct ft_ctf_stream *s;

	if (is_compressed(f) && trace->reader->unpack) {
		f->packed = f->data;
		f->packed_bytes = f->bytes;
		f->bytes = 0;
	} else if (is_compressed(f)) {
		ft_ctf_complain(trace->reader,
				"%s: is compressed: expected packets, as zstd -d makes them",
				f->path);
		f->ended = true;
	}
	if (!file_enter(trace, f, &c)) {
		ft_ctf_file_free(f);
		return NULL;
	}
	s = stream_of(trace, &c);
	f->source.time = c.slots[FT_CTF_BEGIN];
	f->source.order = s->files->len;
	g_ptr_array_add(s->files, f);
	ft_merge_add(s->heap, &f->source);
	return s;
}

static void trace_free(gpointer trace)
{
	struct ft_ctf_trace *t = trace;

	g_ptr_array_unref(t->streams);
	g_hash_table_destroy(t->by_instance);
	ft_ctf_meta_free(t->meta);
	g_free(t->path);
	g_free(t);
}

struct ft_ctf_trace *ft_ctf_reader_memory(struct ft_ctf_reader *reader, const char *path,
					  const char *metadata, size_t bytes)
{
	GError *error = NULL;
	struct ft_ctf_meta *meta = ft_ctf_meta_new(metadata, bytes, path, &error);
	struct ft_ctf_trace *trace;

	if (!meta) {
		ft_ctf_complain(reader, "%s", error->message);
		g_error_free(error);
		return NULL;
	}
	trace = g_new0(struct ft_ctf_trace, 1);
	trace->reader = reader;
	trace->meta = meta;
	trace->path = g_strdup(path);
	trace->procname = ft_ctf_env_text(meta, "procname");
	trace->vpid = ft_ctf_env_number(meta, "vpid", -1);
	trace->streams = g_ptr_array_new_with_free_func(stream_free);
	trace->by_instance = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!reader->traces)
		reader->traces = g_ptr_array_new_with_free_func(trace_free);
	g_ptr_array_add(reader->traces, trace);
	return trace;
}

/* A file's packets, one after the other, from its header on. Nobody is told: they will be read. */
static int64_t file_end(struct ft_ctf_trace *trace, const struct ft_ctf_file *file)
{
	struct ft_ctf_reader mute = {.unpack = trace->reader->unpack};
	struct ft_ctf_file f = *file;
	struct ft_ctf_cursor c = {.meta = trace->meta};
	int64_t newest = INT64_MIN, ns;

	f.unpacked = NULL;
	f.room = 0;
	for (; ft_ctf_file_more(&mute, &f); f.at += c.packet_bytes) {
		if (ft_ctf_packet_enter(&c, f.data + f.at, f.bytes - f.at) || !c.packet_bytes)
			break;
		ns = packet_end_ns(&c);
		if (ns != INT64_MAX)
			newest = MAX(newest, ns);
		if (c.packet_bytes > f.bytes - f.at)
			break;
	}
	g_free(f.unpacked);
	return newest;
}

int64_t ft_ctf_reader_end(struct ft_ctf_reader *reader)
{
	int64_t newest = 0;

	for (guint i = 0; reader->traces && i < reader->traces->len; i++) {
		struct ft_ctf_trace *trace = reader->traces->pdata[i];

		for (guint j = 0; j < trace->streams->len; j++) {
			struct ft_ctf_stream *s = trace->streams->pdata[j];

			for (guint k = 0; k < s->files->len; k++)
				newest = MAX(newest, file_end(trace, s->files->pdata[k]));
		}
	}
	return newest;
}

static void reader_begin(struct ft_ctf_reader *reader)
{
	reader->all = g_ptr_array_new();
	for (guint i = 0; reader->traces && i < reader->traces->len; i++) {
		struct ft_ctf_trace *trace = reader->traces->pdata[i];

		for (guint j = 0; j < trace->streams->len; j++)
			g_ptr_array_add(reader->all, trace->streams->pdata[j]);
	}
	reader->race = ft_ctf_race_new(reader->all->len);
}

/* The stream goes on. */
static void stream_race(struct ft_ctf_reader *reader, unsigned i)
{
	struct ft_ctf_stream *s = reader->all->pdata[i];

	if (!ft_ctf_stream_next(s)) {
		ft_ctf_race_end(reader->race, reader->all->len, i);
		return;
	}
	ft_ctf_stream_stamp(s);
	ft_ctf_race_set(reader->race, reader->all->len, i, (uint64_t)s->ns ^ UINT64_C(1) << 63);
}

struct ft_ctf_stream *ft_ctf_reader_next(struct ft_ctf_reader *reader)
{
	unsigned first;

	if (!reader->all) {
		reader_begin(reader);
		for (unsigned i = reader->all->len; i--;)
			stream_race(reader, i);
	} else if (reader->race->who < reader->all->len) {
		stream_race(reader, reader->race->who);
	}
	first = reader->race->who;
	return first < reader->all->len ? reader->all->pdata[first] : NULL;
}

void ft_ctf_reader_clear(struct ft_ctf_reader *reader)
{
	if (reader->traces)
		g_ptr_array_unref(reader->traces);
	if (reader->all)
		g_ptr_array_unref(reader->all);
	g_free(reader->race);
	reader->traces = reader->all = NULL;
	reader->race = NULL;
}
