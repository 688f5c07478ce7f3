/* SPDX-License-Identifier: MIT */
/*
 * lines.c - a snapshot as lines of text, made as they are read: a line at a time is in memory.
 */
#include <inttypes.h>
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
	struct ft_event event;
	char *who; /* what its lines begin with */
};

struct fasttrace_lines {
	struct ft_decoder *decoder;
	const struct fasttrace_snapshot *snapshot;
	struct ft_clock clock;
	struct cursor *cursors; /* for each stream */
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
 * Go to what comes next: an event, or what was lost behind the last one of a packet.
 * Return: false at the stream's end.
 */
static bool cursor_seek(struct fasttrace_lines *lines, struct cursor *c)
{
	do {
		c->event.bytes = 0;
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

/* The line for what comes next, of whom it comes first. False: nothing does. */
static bool line_make(struct fasttrace_lines *lines)
{
	struct cursor *c = (struct cursor *)(void *)ft_merge_first(lines->heap);

	if (!c)
		return false;
	g_string_assign(lines->line, c->who);
	append_time(lines, c->source.time);
	if (c->event.bytes) {
		ft_decode(lines->decoder, c->event.id, cursor_data(c) + 8, lines->line);
		c->at += (c->event.bytes + 7) & ~(size_t)7;
	} else {
		g_string_append_printf(lines->line, "LOST %" PRIu64 " EVENTS", c->behind - c->lost);
		c->lost = c->behind;
	}
	g_string_append_c(lines->line, '\n');
	if (cursor_seek(lines, c))
		ft_merge_next(lines->heap);
	else
		ft_merge_drop(lines->heap);
	return true;
}

size_t fasttrace_lines_read(struct fasttrace_lines *lines, char *to, size_t size)
{
	size_t done = 0, n;

	while (done < size) {
		if (lines->given == lines->line->len) {
			lines->given = 0;
			if (!line_make(lines)) {
				g_string_truncate(lines->line, 0);
				break;
			}
		}
		n = MIN(size - done, lines->line->len - lines->given);
		memcpy(to + done, lines->line->str + lines->given, n);
		lines->given += n;
		done += n;
	}
	return done;
}

void fasttrace_lines_rewind(struct fasttrace_lines *lines)
{
	g_ptr_array_set_size(lines->heap, 0);
	for (unsigned i = 0; i < lines->snapshot->streams; i++) {
		struct cursor *c = &lines->cursors[i];

		c->source = (struct ft_merge_source){.order = i};
		c->at = c->end = 0;
		c->lost = c->behind = c->stream->lost_before;
		if (cursor_seek(lines, c))
			ft_merge_add(lines->heap, &c->source);
	}
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

int fasttrace_lines_open(struct fasttrace_arena *a, const struct fasttrace_snapshot *snapshot,
			 struct fasttrace_lines **lines)
{
	struct fasttrace_lines *made;
	struct fasttrace_stats stats;
	int err = fasttrace_arena_stats(a, &stats);

	if (err)
		return err;
	made = g_new0(struct fasttrace_lines, 1);
	made->decoder = ft_decoder_new(a);
	made->snapshot = snapshot;
	ft_clock_again(a, &made->clock);
	made->cursors = g_new0(struct cursor, snapshot->streams);
	for (unsigned i = 0; i < snapshot->streams; i++) {
		made->cursors[i].stream = &snapshot->stream[i];
		made->cursors[i].who = who_make(&snapshot->stream[i]);
	}
	made->heap = g_ptr_array_new();
	made->head = head_make(a, snapshot, &stats);
	made->line = g_string_new(NULL);
	fasttrace_lines_rewind(made);
	*lines = made;
	return 0;
}

void fasttrace_lines_free(struct fasttrace_lines *lines)
{
	if (!lines)
		return;
	for (unsigned i = 0; i < lines->snapshot->streams; i++)
		g_free(lines->cursors[i].who);
	g_free(lines->cursors);
	g_ptr_array_free(lines->heap, TRUE);
	ft_decoder_free(lines->decoder);
	g_string_free(lines->line, TRUE);
	g_free(lines->head);
	g_free(lines);
}
