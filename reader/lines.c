/* SPDX-License-Identifier: MIT */
/*
 * lines.c - a snapshot, or packets as they come, as lines of text, made as they are read: a line is
 * in memory at a time.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ft-clock.h"
#include "ft-lines.h"

#define NS_PER_S UINT64_C(1000000000)

/* Where we are in a stream of packets. */
struct cursor {
	struct ft_merge_source source;
	const struct fasttrace_snapshot_stream *stream;
	size_t at, end;	 /* of the next event, and of its packet's content */
	uint64_t lost;	 /* told of */
	uint64_t behind; /* lost up to the end of the packet */
	uint64_t before; /* overwritten before the first packet, not told of yet */
	struct ft_event event;
	char *who; /* what its lines begin with */
};

struct fasttrace_lines {
	struct ft_decoder *decoder;
	const struct fasttrace_snapshot *snapshot; /* NULL: packets are added as they come */
	struct ft_clock clock;
	GPtrArray *cursors; /* for each stream */
	unsigned added;
	GPtrArray *heap;
	char *head;
	GString *line;
	size_t given; /* bytes of it */
};

static const unsigned char *cursor_data(const struct cursor *c)
{
	return (const unsigned char *)c->stream->data + c->at;
}

/* Step into the packet that follows. False: there is none. */
static bool packet_enter(struct cursor *c)
{
	size_t bytes = c->stream->bytes;
	struct ft_packet_fields f;

	c->at = (c->end + 7) & ~(size_t)7;
	if (c->at >= bytes)
		return false;
	ft_packet_parse(cursor_data(c), &f);
	c->end = c->at + f.bytes - f.pad;
	c->at += FASTTRACE_HEADER_BYTES;
	c->source.time = f.begin;
	/* Of a sub-buffer that is being written, the packet does not tell it. */
	c->behind = c->stream->open ? c->stream->lost : f.lost;
	return true;
}

/*
 * Go to what comes next: what was overwritten, an event, or what was lost behind the last one of a
 * packet.
 * Return: false at the stream's end.
 */
static bool cursor_seek(struct fasttrace_lines *lines, struct cursor *c)
{
	do {
		c->event.bytes = 0;
		if (c->end && c->before)
			return true;
		if (c->at < c->end && ft_event_next(lines->decoder->arena, cursor_data(c),
						    ((c->end + 7) & ~(size_t)7) - c->at,
						    c->source.time, &c->event) > 0) {
			c->source.time = c->event.time;
			return true;
		}
		if (c->behind > c->lost)
			return true;
	} while (packet_enter(c));
	return false;
}

static void append_time(struct fasttrace_lines *lines, uint64_t ticks)
{
	const struct ft_clock *clock = &lines->clock;
	unsigned __int128 since = (unsigned __int128)clock->offset + ticks;
	uint64_t seconds = (uint64_t)(since / clock->hz), rest = (uint64_t)(since % clock->hz);

	ft_append_u64(lines->line, (uint64_t)clock->offset_s + seconds, 1);
	g_string_append_c(lines->line, '.');
	ft_append_u64(lines->line, (uint64_t)((unsigned __int128)rest * NS_PER_S / clock->hz), 9);
	g_string_append_len(lines->line, ": ", 2);
}

/* Of whom what comes next comes first; NULL: nobody has anything. */
static struct cursor *cursor_first(const struct fasttrace_lines *lines)
{
	return (struct cursor *)(void *)ft_merge_first(lines->heap);
}

static void append_lost(struct fasttrace_lines *lines, uint64_t events)
{
	g_string_append_printf(lines->line, "LOST %" PRIu64 " EVENTS", events);
}

/* The line for what comes next of @c, the first one. Return: is there more of it? */
static bool line_make(struct fasttrace_lines *lines, struct cursor *c)
{
	g_string_assign(lines->line, c->who);
	append_time(lines, c->source.time);
	if (c->event.bytes) {
		ft_decode(lines->decoder, c->event.id, cursor_data(c) + 8, lines->line);
		c->at += (c->event.bytes + 7) & ~(size_t)7;
	} else if (c->before) {
		append_lost(lines, c->before);
		c->before = 0;
	} else {
		append_lost(lines, c->behind - c->lost);
		c->lost = c->behind;
	}
	g_string_append_c(lines->line, '\n');
	if (cursor_seek(lines, c)) {
		ft_merge_next(lines->heap);
		return true;
	}
	ft_merge_drop(lines->heap);
	return false;
}

size_t fasttrace_lines_read(struct fasttrace_lines *lines, char *to, size_t size)
{
	struct cursor *c;
	size_t done = 0, n;

	while (done < size) {
		if (lines->given == lines->line->len) {
			lines->given = 0;
			g_string_truncate(lines->line, 0);
			c = cursor_first(lines);
			if (!c)
				break;
			line_make(lines, c);
		}
		n = MIN(size - done, lines->line->len - lines->given);
		memcpy(to + done, lines->line->str + lines->given, n);
		lines->given += n;
		done += n;
	}
	return done;
}

/* Return: is there anything in it? */
static bool cursor_begin(struct fasttrace_lines *lines, struct cursor *c, unsigned order)
{
	c->source = (struct ft_merge_source){.order = order};
	c->at = c->end = 0;
	c->lost = c->behind = c->stream->lost_before;
	c->before = c->stream->overwritten_before;
	if (!cursor_seek(lines, c))
		return false;
	ft_merge_add(lines->heap, &c->source);
	return true;
}

void fasttrace_lines_rewind(struct fasttrace_lines *lines)
{
	g_ptr_array_set_size(lines->heap, 0);
	for (guint i = 0; i < lines->cursors->len; i++)
		cursor_begin(lines, lines->cursors->pdata[i], i);
	g_string_assign(lines->line, lines->head);
	lines->given = 0;
}

static char *head_make(struct fasttrace_arena *a, const struct fasttrace_snapshot *snapshot,
		       const struct fasttrace_stats *s)
{
	GString *text = g_string_new("# trace of ");
	uint64_t events = 0;

	for (unsigned i = 0; i < snapshot->streams; i++)
		events += snapshot->stream[i].events;
	ft_append_escaped(text, a->info.comm, strlen(a->info.comm), '\\');
	g_string_append_printf(
		text,
		", process %u\n"
		"# events: %" PRIu64 " below, %" PRIu64 " overwritten, %" PRIu64 " lost, %" PRIu64
		" consumed, %" PRIu64 " in flight\n#\n"
		"#    THREAD-TID     SECONDS.NANOSECONDS: PROVIDER:EVENT: FIELD=VALUE ...\n",
		a->info.pid, events, s->overwritten,
		s->lost_full + s->lost_too_big + s->lost_nested + s->lost_no_buffer +
			s->lost_no_event,
		s->consumed, s->in_flight);
	return g_string_free(text, FALSE);
}

static char *who_make(const struct fasttrace_snapshot_stream *stream)
{
	GString *name = g_string_new(NULL);
	char *who;

	ft_append_escaped(name, stream->name, strlen(stream->name), '\\');
	who = g_strdup_printf("%16s-%-7u ", name->str, stream->tid);
	g_string_free(name, TRUE);
	return who;
}

static void cursor_free(gpointer cursor)
{
	g_free(((struct cursor *)cursor)->who);
	g_free(cursor);
}

static struct cursor *cursor_new(struct fasttrace_lines *lines,
				 const struct fasttrace_snapshot_stream *stream)
{
	struct cursor *c = g_new0(struct cursor, 1);

	c->stream = stream;
	c->who = who_make(stream);
	g_ptr_array_add(lines->cursors, c);
	return c;
}

static struct fasttrace_lines *lines_new(struct fasttrace_arena *a)
{
	struct fasttrace_lines *lines = g_new0(struct fasttrace_lines, 1);

	lines->decoder = ft_decoder_new(a);
	ft_clock_again(a, &lines->clock);
	lines->cursors = g_ptr_array_new_with_free_func(cursor_free);
	lines->heap = g_ptr_array_new();
	lines->line = g_string_new(NULL);
	return lines;
}

int fasttrace_lines_open(struct fasttrace_arena *a, const struct fasttrace_snapshot *snapshot,
			 struct fasttrace_lines **lines)
{
	struct fasttrace_stats stats;
	int err = fasttrace_arena_stats(a, &stats);

	if (err)
		return err;
	*lines = lines_new(a);
	(*lines)->snapshot = snapshot;
	for (unsigned i = 0; i < snapshot->streams; i++)
		cursor_new(*lines, &snapshot->stream[i]);
	(*lines)->head = head_make(a, snapshot, &stats);
	fasttrace_lines_rewind(*lines);
	return 0;
}

int fasttrace_lines_new(struct fasttrace_arena *a, struct fasttrace_lines **lines)
{
	char *metadata;
	size_t len;
	int err = fasttrace_arena_metadata(a, &metadata, &len); /* gets the clock */

	if (err)
		return err;
	free(metadata);
	*lines = lines_new(a);
	return 0;
}

bool fasttrace_lines_add(struct fasttrace_lines *lines,
			 const struct fasttrace_snapshot_stream *stream)
{
	struct cursor *c = cursor_new(lines, stream);

	if (cursor_begin(lines, c, lines->added++))
		return true;
	g_ptr_array_remove_fast(lines->cursors, c);
	return false;
}

bool fasttrace_lines_next(struct fasttrace_lines *lines, uint64_t until, const char **line,
			  size_t *bytes, const struct fasttrace_snapshot_stream **ended)
{
	struct cursor *c = cursor_first(lines);

	if (!c || c->source.time > until)
		return false;
	*ended = NULL;
	if (!line_make(lines, c)) {
		*ended = c->stream;
		g_ptr_array_remove_fast(lines->cursors, c);
	}
	*line = lines->line->str;
	*bytes = lines->line->len;
	return true;
}

void fasttrace_lines_free(struct fasttrace_lines *lines)
{
	if (!lines)
		return;
	g_ptr_array_free(lines->cursors, TRUE);
	g_ptr_array_free(lines->heap, TRUE);
	ft_decoder_free(lines->decoder);
	g_string_free(lines->line, TRUE);
	g_free(lines->head);
	g_free(lines);
}
