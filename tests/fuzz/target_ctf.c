/* SPDX-License-Identifier: MIT */
/*
 * target_ctf.c - a trace from anywhere: its metadata and a file of packets, read as text, as JSON and
 * value by value.
 *
 * The first two bytes are the length of the metadata, which follows; the rest are the packets.
 */
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "common_check.h"
#include "common_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST UINT64_C(10000) /* events that are looked at */

static char last; /* byte that was written */

/* Where lines go: none surprises a terminal. */
int ft_write_all(int fd, const void *data, size_t bytes)
{
	const unsigned char *text = data;

	CHECK(fd == -1);
	for (size_t i = 0; i < bytes; i++)
		CHECK((text[i] >= ' ' && text[i] != 0x7f) || text[i] == '\n');
	if (bytes)
		last = (char)text[bytes - 1];
	return 0;
}

static void complain(void *of, const char *message)
{
	CHECK(!of && *message);
}

/* All values of a program, to the end of it. */
static void values_check(struct ft_ctf_cursor *c, const struct ft_ctf_program *program, uint64_t at)
{
	struct ft_ctf_values values;
	struct ft_ctf_value value;
	unsigned sum = 0;

	ft_ctf_values_at(c, program, at, &values);
	while (ft_ctf_value_next(&values, &value)) {
		CHECK(values.at <= values.end);
		if (value.op->code != FT_CTF_OP_STRING && value.op->code != FT_CTF_OP_TEXT)
			continue;
		for (size_t i = 0; i < value.bytes; i++)
			sum += (unsigned char)value.text[i];
	}
	CHECK(!values.wrong && sum <= UINT32_MAX);
}

static struct ft_ctf_trace *trace_open(struct ft_ctf_reader *reader, struct input metadata,
				       struct input packets)
{
	struct ft_ctf_trace *trace = ft_ctf_reader_memory(
		reader, "metadata", (const char *)metadata.data, metadata.size);
	struct ft_ctf_file *file;

	if (!trace || !packets.size)
		return trace;
	file = g_new0(struct ft_ctf_file, 1);
	file->path = g_strdup("packets");
	file->memory = g_malloc(packets.size); /* so that its end is guarded */
	memcpy(file->memory, packets.data, packets.size);
	file->data = file->memory;
	file->bytes = packets.size;
	ft_ctf_trace_add(trace, file);
	return trace;
}

/* What was found to be an event is one for whoever looks again. */
static uint64_t trace_read(struct input metadata, struct input packets,
			   void (*write)(struct ft_out *out, struct ft_ctf_stream *stream))
{
	struct ft_ctf_reader reader = {.complain = complain};
	struct ft_ctf_stream *s;
	struct ft_out out;
	uint64_t all = 0;

	trace_open(&reader, metadata, packets);
	ft_out_open(&out, -1);
	last = '\n';
	while ((s = ft_ctf_reader_next(&reader)) && all < MOST) {
		struct ft_ctf_cursor *c = &s->cursor;

		all++;
		write(&out, s);
		if (s->what != FT_CTF_EVENT)
			continue;
		values_check(c, &c->stream->context, c->context);
		values_check(c, &c->event->context, c->own);
		values_check(c, &c->event->fields, c->fields);
	}
	CHECK(!ft_out_close(&out) && last == '\n');
	ft_ctf_reader_clear(&reader);
	return all;
}

/* Events that are merely counted are as many. */
static uint64_t trace_count(struct input metadata, struct input packets)
{
	struct ft_ctf_reader reader = {.complain = complain};
	struct ft_ctf_trace *trace = trace_open(&reader, metadata, packets);
	uint64_t all = 0;

	for (guint i = 0; trace && i < trace->streams->len; i++) {
		struct ft_ctf_stream *s = trace->streams->pdata[i];

		while (all < MOST && ft_ctf_stream_next(s))
			all += 1 + (s->what == FT_CTF_EVENT ? ft_ctf_events_pass(&s->cursor) : 0);
	}
	ft_ctf_reader_clear(&reader);
	return MIN(all, MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size}, metadata;
	size_t bytes = input_u16(&in);
	uint64_t all;

	metadata = (struct input){in.data, bytes < in.size ? bytes : in.size};
	in.data += metadata.size;
	in.size -= metadata.size;
	all = trace_read(metadata, in, ft_line_write);
	CHECK(all == trace_read(metadata, in, ft_json_write));
	CHECK(all == trace_count(metadata, in));
	return 0;
}
