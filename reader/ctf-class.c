/* SPDX-License-Identifier: MIT */
/*
 * ctf-class.c - clocks, streams and events as they belong together.
 */
#include <string.h>

#include "ft-ctf-parse.h"

static const struct ft_ctf_clock *clock_find(const struct ft_ctf_meta *meta, const char *name)
{
	for (guint i = 0; i < meta->clocks->len; i++) {
		struct ft_ctf_clock *clock = meta->clocks->pdata[i];

		if (name && !strcmp(clock->name, name))
			return clock;
	}
	return NULL;
}

/* As babeltrace2: each part is rounded down. */
static void clocks_set(struct ft_ctf_meta *meta)
{
	for (guint i = 0; i < meta->clocks->len; i++) {
		struct ft_ctf_clock *clock = meta->clocks->pdata[i];
		int64_t seconds = clock->offset / (int64_t)MIN(clock->hz, INT64_MAX);
		int64_t rest = clock->offset % (int64_t)MIN(clock->hz, INT64_MAX);

		if (rest < 0) {
			seconds--;
			rest += (int64_t)clock->hz;
		}
		clock->base_ns =
			(int64_t)(((uint64_t)clock->offset_s + (uint64_t)seconds) * 1000000000);
		clock->base_ns = ft_ctf_clock_ns(clock, (uint64_t)rest);
	}
}

static bool stream_compile(struct ft_ctf_compiler *c, struct ft_ctf_stream_class *stream)
{
	c->nscopes = c->meta->packet.ops ? 1 : 0;
	c->clock = NULL;
	c->stream = stream;
	stream->slots = FT_CTF_STREAM_SLOTS;
	c->header = FT_CTF_PACKET_CONTEXT;
	if (!ft_ctf_program_make(c, stream->packet_type, "stream.packet.context", &stream->packet))
		return false;
	c->header = FT_CTF_EVENT_HEADER;
	if (!ft_ctf_program_make(c, stream->header_type, "stream.event.header", &stream->header))
		return false;
	c->header = FT_CTF_NO_HEADER;
	if (!ft_ctf_program_make(c, stream->context_type, "stream.event.context", &stream->context))
		return false;
	if (c->clock && !(stream->clock = clock_find(c->meta, c->clock)))
		return ft_ctf_compile_fail(
			c, stream->at, "clock.%s.value: expected a clock of that name", c->clock);
	return true;
}

static struct ft_ctf_stream_class *stream_find(const struct ft_ctf_meta *meta, uint64_t id)
{
	for (guint i = 0; i < meta->streams->len; i++) {
		struct ft_ctf_stream_class *stream = meta->streams->pdata[i];

		if (stream->id == id)
			return stream;
	}
	return NULL;
}

#define SPARSE_IDS 256

/* Ids that are far from those before are not worth an array up to them. */
static void event_add(struct ft_ctf_stream_class *stream, struct ft_ctf_event_class *event)
{
	if (event->id >= stream->by_id->len * UINT64_C(2) + SPARSE_IDS) {
		g_hash_table_insert(stream->others, &event->id, event);
		return;
	}
	if (event->id >= stream->by_id->len)
		g_ptr_array_set_size(stream->by_id, (gint)event->id + 1);
	stream->by_id->pdata[event->id] = event;
}

static bool event_compile(struct ft_ctf_compiler *c, struct ft_ctf_event_class *event)
{
	struct ft_ctf_stream_class *stream = stream_find(c->meta, event->stream_id);
	size_t where = event->at;
	struct ft_ctf_program *outer[] = {&c->meta->packet, stream ? &stream->packet : NULL,
					  stream ? &stream->header : NULL,
					  stream ? &stream->context : NULL};
	static const char *const names[] = {"trace.packet.header", "stream.packet.context",
					    "stream.event.header", "stream.event.context"};

	g_string_truncate(c->path, 0);
	if (!stream)
		return ft_ctf_compile_fail(
			c, where, "stream_id = %" G_GUINT64_FORMAT ": expected that of a stream",
			event->stream_id);
	if (ft_ctf_event_get(stream, event->id))
		return ft_ctf_compile_fail(c, where,
					   "id = %" G_GUINT64_FORMAT
					   ": expected one that no event of this stream has",
					   event->id);
	event_add(stream, event);
	c->stream = stream;
	c->nscopes = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(outer); i++) {
		c->scopes[c->nscopes].name = names[i];
		c->scopes[c->nscopes++].program = outer[i];
	}
	c->own_slots = FT_CTF_OWN_SLOTS;
	return ft_ctf_program_make(c, event->context_type, "event.context", &event->context) &&
	       ft_ctf_program_make(c, event->fields_type, "event.fields", &event->fields);
}

static bool all_compile(struct ft_ctf_compiler *c)
{
	struct ft_ctf_meta *meta = c->meta;
	GPtrArray *programs = meta->programs;

	c->header = FT_CTF_PACKET_HEADER;
	if (!ft_ctf_program_make(c, meta->packet_type, "trace.packet.header", &meta->packet))
		return false;
	for (guint i = 0; i < meta->streams->len; i++) {
		struct ft_ctf_stream_class *stream = meta->streams->pdata[i];
		size_t where = stream->at;

		if (stream_find(meta, stream->id) != stream)
			return ft_ctf_compile_fail(c, where,
						   "id = %" G_GUINT64_FORMAT
						   ": expected one that no other stream has",
						   stream->id);
		if (!stream_compile(c, stream))
			return false;
	}
	for (guint i = 0; i < meta->events->len; i++)
		if (!event_compile(c, meta->events->pdata[i]))
			return false;
	for (guint i = 0; i < programs->len; i++) {
		ft_ctf_program_fast(programs->pdata[i]);
	}
	for (guint i = 0; i < meta->streams->len; i++)
		ft_ctf_header_fast(meta->streams->pdata[i]);
	for (guint i = 0; i < meta->events->len; i++) {
		struct ft_ctf_event_class *event = meta->events->pdata[i];

		ft_ctf_event_fast(stream_find(meta, event->stream_id), event);
	}
	return true;
}

bool ft_ctf_compile(struct ft_ctf_meta *meta, const char *name, GError **error)
{
	struct ft_ctf_compiler c = {.meta = meta,
				    .name = name,
				    .path = g_string_new(NULL),
				    .header_slots = FT_CTF_HEADER_SLOTS,
				    .error = error};
	bool ok;

	clocks_set(meta);
	if (!meta->streams->len) { /* one that nobody needed to describe */
		struct ft_ctf_stream_class *stream = g_new0(struct ft_ctf_stream_class, 1);

		stream->by_id = g_ptr_array_new();
		stream->others = g_hash_table_new(g_int64_hash, g_int64_equal);
		g_ptr_array_add(meta->streams, stream);
	}
	ok = all_compile(&c);
	g_string_free(c.path, TRUE);
	return ok;
}
