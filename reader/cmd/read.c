/* SPDX-License-Identifier: MIT */
/*
 * read.c - fasttrace read: traces as text.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "filter.h"
#include "out.h"

static gboolean as_json, only_count, utc;

static void complain(void *of, const char *message)
{
	char *safe = ft_safe_text(message, strlen(message));

	/* What was read before stands before it. */
	if (of)
		ft_out_flush(of);
	ft_report("%s", safe);
	g_free(safe);
}

/* What is in an arena's memory. */
static int arena_add(struct ft_ctf_reader *reader, const struct ft_source *source,
		     struct fasttrace_snapshot **snapshot)
{
	struct fasttrace_arena *arena;
	struct ft_ctf_trace *trace;
	int err = ft_source_open(source, 0, &arena);

	if (err)
		return err;
	err = fasttrace_snapshot_take(arena, snapshot);
	fasttrace_arena_close(arena);
	if (err) {
		ft_report("%s: %s", source->arena,
			  err == -EPROTO ? "contradicts itself: it was damaged, or is no arena"
					 : strerror(-err));
		return err;
	}
	trace = ft_ctf_reader_memory(reader, source->arena, (*snapshot)->metadata,
				     (*snapshot)->metadata_bytes);
	for (unsigned i = 0; trace && i < (*snapshot)->streams; i++) {
		struct fasttrace_snapshot_stream *from = &(*snapshot)->stream[i];
		struct ft_ctf_file *file = g_new0(struct ft_ctf_file, 1);
		struct ft_ctf_stream *stream;

		file->path = g_strdup(source->arena);
		file->data = from->data;
		file->bytes = from->bytes;
		stream = ft_ctf_trace_add(trace, file);
		if (stream)
			stream->comm = from->name;
	}
	return trace ? 0 : -EPROTO;
}

static int source_add(struct ft_ctf_reader *reader, const char *given, GPtrArray *snapshots)
{
	struct fasttrace_snapshot *snapshot = NULL;
	struct ft_source source;
	int err = ft_source_find(
		given, FT_SOURCE_ARENA | FT_SOURCE_PROCESS | FT_SOURCE_CTF | FT_SOURCE_ARENAS,
		&source);

	if (err)
		return err;
	if (source.kind == FT_SOURCE_CTF || source.kind == FT_SOURCE_ARENAS)
		err = ft_ctf_reader_folder(reader, source.path) ? 0 : -ENOENT;
	else
		err = arena_add(reader, &source, &snapshot);
	if (snapshot)
		g_ptr_array_add(snapshots, snapshot);
	ft_source_clear(&source);
	return err;
}

/* Order does not matter: each stream for itself. */
static uint64_t events_count(struct ft_ctf_reader *reader)
{
	uint64_t events = 0;

	for (guint i = 0; reader->traces && i < reader->traces->len; i++) {
		struct ft_ctf_trace *trace = reader->traces->pdata[i];

		for (guint j = 0; j < trace->streams->len; j++) {
			struct ft_ctf_stream *s = trace->streams->pdata[j];

			while (ft_ctf_stream_next(s))
				events += s->what == FT_CTF_EVENT;
		}
	}
	return events;
}

/* Return: how many events of those that are wanted. */
static uint64_t events_write(struct ft_ctf_reader *reader, struct ft_out *out,
			     const struct ft_filter *filter)
{
	struct ft_ctf_stream *s;
	uint64_t events = 0;

	while (!out->error && (s = ft_ctf_reader_next(reader)) && s->ns <= filter->to_ns) {
		if (filter->any && !ft_filter_passes(filter, s))
			continue;
		events += s->what == FT_CTF_EVENT;
		if (only_count)
			continue;
		if (as_json)
			ft_json_write(out, s);
		else
			ft_line_write(out, s);
	}
	return events;
}

static int all_read(struct ft_ctf_reader *reader, struct ft_out *out, struct ft_filter *filter)
{
	char count[32];
	uint64_t events;
	int err;

	ft_filter_begin(filter, reader);
	if (only_count && !filter->any)
		events = events_count(reader);
	else
		events = events_write(reader, out, filter);
	g_snprintf(count, sizeof(count), "%" G_GUINT64_FORMAT "\n", events);
	if (only_count)
		ft_out_bytes(out, count, strlen(count));
	err = ft_out_close(out);
	if (err && err != -EPIPE) /* whoever reads us has had enough */
		ft_report("standard output: %s", strerror(-err));
	return err;
}

static void snapshot_free(gpointer snapshot)
{
	fasttrace_snapshot_free(snapshot);
}

static int sources_read(const GPtrArray *operands)
{
	GPtrArray *snapshots = g_ptr_array_new_with_free_func(snapshot_free);
	struct ft_out out;
	struct ft_ctf_reader reader = {.complain = complain, .of = &out};
	int status = EXIT_SUCCESS;

	fasttrace_reader_guard();
	ft_signals_catch();
	ft_out_open(&out, STDOUT_FILENO);
	out.utc = utc;
	for (guint i = 0; i < operands->len; i++)
		if (source_add(&reader, operands->pdata[i], snapshots))
			status = EXIT_FAILURE;
	if (all_read(&reader, &out, &ft_filter_options) || reader.complaints)
		status = EXIT_FAILURE;
	ft_ctf_reader_clear(&reader);
	g_ptr_array_unref(snapshots);
	return status;
}

int ft_read(int argc, char **argv)
{
	GOptionEntry entries[16] = {
		{"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "an object of JSON on each line",
		 NULL},
		{"utc", 'u', 0, G_OPTION_ARG_NONE, &utc, "times as dates, of UTC", NULL},
		{"count", 'c', 0, G_OPTION_ARG_NONE, &only_count, "print how many events there are",
		 NULL},
	};
	const struct ft_usage usage = {
		"read", "SOURCE...",
		"Print the events of traces, in the order of time, a line each:\n"
		"\n"
		"  NAME-TID SECONDS.NANOSECONDS: PROVIDER:EVENT: FIELD=VALUE ...",
		"\nA SOURCE is a folder with CTF traces, of any tracer; a process id; the file of "
		"an\n"
		"arena; or the folder of a process in a mount. Nothing is consumed. What cannot "
		"be\n"
		"read is told of; the rest is printed, and the status is 1.\n",
		entries};
	GPtrArray *operands = g_ptr_array_new();
	int status;

	for (size_t i = 3; i < G_N_ELEMENTS(entries) - 1; i++) {
		entries[i] = ft_filter_entries()[i - 3];
		if (!entries[i].long_name)
			break;
	}

	if (ft_usage_parse(&usage, argc, argv, operands, &status)) {
		status = ft_filter_parse(&ft_filter_options);
		if (operands->len && !status)
			status = sources_read(operands);
		else if (!status)
			status = ft_misused("SOURCE is missing: expected a trace or a process");
	}
	ft_filter_clear(&ft_filter_options);
	g_ptr_array_unref(operands);
	return status;
}
