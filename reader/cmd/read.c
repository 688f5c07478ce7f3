/* SPDX-License-Identifier: MIT */
/*
 * read.c - fasttrace read: traces as text.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "filter.h"
#include "inputs.h"
#include "out.h"

static gboolean as_json, only_count, utc;
static char *fields;

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

static int sources_read(const GPtrArray *operands)
{
	struct ft_inputs inputs;
	struct ft_out out;
	int status;

	ft_out_open(&out, STDOUT_FILENO);
	out.utc = utc;
	status = ft_inputs_open(&inputs, operands, &out);
	if (fields && ft_fields_only(&inputs.reader, fields))
		status = EXIT_FAILURE;
	if (all_read(&inputs.reader, &out, &ft_filter_options) || inputs.reader.complaints)
		status = EXIT_FAILURE;
	ft_inputs_close(&inputs);
	return status;
}

int ft_read(int argc, char **argv)
{
	GOptionEntry entries[4 + FT_FILTER_ENTRIES] = {
		{"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "an object of JSON on each line",
		 NULL},
		{"utc", 'u', 0, G_OPTION_ARG_NONE, &utc, "times as dates, of UTC", NULL},
		{"count", 'c', 0, G_OPTION_ARG_NONE, &only_count, "print how many events there are",
		 NULL},
		{"fields", 'f', 0, G_OPTION_ARG_FILENAME, &fields,
		 "print these fields alone, with commas between", "NAMES"},
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

	memcpy(entries + 4, ft_filter_entries(), FT_FILTER_ENTRIES * sizeof(*entries));
	if (ft_usage_parse(&usage, argc, argv, operands, &status)) {
		status = ft_filter_parse(&ft_filter_options);
		if (operands->len && !status)
			status = sources_read(operands);
		else if (!status)
			status = ft_misused("SOURCE is missing: expected a trace or a process");
	}
	g_free(fields);
	ft_filter_clear(&ft_filter_options);
	g_ptr_array_unref(operands);
	return status;
}
