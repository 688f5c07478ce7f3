/* SPDX-License-Identifier: MIT */
/*
 * read.c - fasttrace read: traces as text.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "filter.h"
#include "follow.h"
#include "inputs.h"
#include "out.h"
#include "pager.h"

#define LOOKS 4096 /* events between two looks for a signal: a power of two */

static gboolean as_json, only_count, utc, follow, no_pager;
static char *fields, *colour;

/* Order does not matter: each stream for itself. */
static uint64_t events_count(struct ft_ctf_reader *reader)
{
	uint64_t events = 0;

	for (guint i = 0; reader->traces && i < reader->traces->len; i++) {
		struct ft_ctf_trace *trace = reader->traces->pdata[i];

		for (guint j = 0; j < trace->streams->len; j++) {
			struct ft_ctf_stream *s = trace->streams->pdata[j];

			while (ft_ctf_stream_next(s))
				if (s->what == FT_CTF_EVENT)
					events += 1 + ft_ctf_events_pass(&s->cursor);
		}
	}
	return events;
}

/* What is wanted: counted, and written. */
struct writing {
	struct ft_out *out;
	uint64_t events;
};

static inline void event_put(struct writing *w, struct ft_ctf_stream *s)
{
	w->events += s->what == FT_CTF_EVENT;
	if (only_count)
		return;
	if (as_json)
		ft_json_write(w->out, s);
	else
		ft_line_write(w->out, s);
}

static void follow_put(struct ft_ctf_stream *s, void *arg)
{
	event_put(arg, s);
}

static void events_write(struct ft_ctf_reader *reader, struct writing *w,
			 const struct ft_filter *filter)
{
	struct ft_ctf_stream *s;
	unsigned n = 0;

	while (!w->out->error && (s = ft_ctf_reader_next(reader)) && s->ns <= filter->to_ns) {
		if (G_UNLIKELY(!(++n % LOOKS)) && ft_interrupted())
			break;
		if (!filter->any || ft_filter_passes(filter, s))
			event_put(w, s);
	}
}

static int all_read(const GPtrArray *operands, struct writing *w, struct ft_filter *filter)
{
	struct ft_inputs inputs;
	int status = ft_inputs_open(&inputs, operands, w->out);

	if (fields && ft_fields_only(&inputs.reader, fields))
		status = EXIT_FAILURE;
	ft_filter_begin(filter, &inputs.reader);
	if (only_count && !filter->any)
		w->events = events_count(&inputs.reader);
	else
		events_write(&inputs.reader, w, filter);
	if (inputs.reader.complaints)
		status = EXIT_FAILURE;
	ft_inputs_close(&inputs);
	return ft_interrupted() ? 128 + ft_interrupted() : status;
}

static int all_follow(const GPtrArray *operands, struct writing *w, struct ft_filter *filter)
{
	const struct ft_following following = {w->out, filter, fields, follow_put, w};

	return ft_following_run(&following, operands);
}

static int sources_read(const GPtrArray *operands)
{
	struct ft_pager pager = {0, STDOUT_FILENO};
	struct ft_out out;
	struct writing w = {&out, 0};
	char count[32];
	int status, err;

	if (!follow && !only_count && !no_pager)
		ft_pager_begin(&pager);
	ft_out_open(&out, pager.fd);
	out.utc = utc;
	out.colour = ft_colour_wanted(colour);
	status = (follow ? all_follow : all_read)(operands, &w, &ft_filter_options);
	g_snprintf(count, sizeof(count), "%" G_GUINT64_FORMAT "\n", w.events);
	if (only_count)
		ft_out_bytes(&out, count, strlen(count));
	err = ft_out_close(&out);
	ft_pager_end(&pager);
	if (err && err != -EPIPE) /* whoever reads us has had enough */
		ft_report("standard output: %s", strerror(-err));
	return !err || (err == -EPIPE && pager.fd != STDOUT_FILENO) ? status : EXIT_FAILURE;
}

static int options_check(void)
{
	int status = ft_filter_parse(&ft_filter_options);

	if (!status && colour && strcmp(colour, "auto") && strcmp(colour, "always") &&
	    strcmp(colour, "never"))
		status = ft_misused("--color=%s: expected auto, always or never", colour);
	return status;
}

int ft_read(int argc, char **argv)
{
	GOptionEntry entries[7 + FT_FILTER_ENTRIES] = {
		{"follow", 'F', 0, G_OPTION_ARG_NONE, &follow,
		 "go on, as events come, until all processes have ended", NULL},
		{"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "an object of JSON on each line",
		 NULL},
		{"utc", 'u', 0, G_OPTION_ARG_NONE, &utc, "times as dates, of UTC", NULL},
		{"count", 'c', 0, G_OPTION_ARG_NONE, &only_count, "print how many events there are",
		 NULL},
		{"fields", 'f', 0, G_OPTION_ARG_FILENAME, &fields,
		 "print these fields alone, with commas between", "NAMES"},
		{"color", 0, 0, G_OPTION_ARG_STRING, &colour,
		 "always, never, or auto: on a terminal", "WHEN"},
		{"no-pager", 0, 0, G_OPTION_ARG_NONE, &no_pager,
		 "do not page what is longer than the terminal", NULL},
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
		"read is told of; the rest is printed, and the status is 1. --follow takes "
		"processes,\n"
		"and the root of a mount or a directory of arenas, with the processes to come.\n",
		entries};
	GPtrArray *operands = g_ptr_array_new();
	int status;

	memcpy(entries + 7, ft_filter_entries(), FT_FILTER_ENTRIES * sizeof(*entries));
	if (ft_usage_parse(&usage, argc, argv, operands, &status)) {
		status = options_check();
		if (operands->len && !status)
			status = sources_read(operands);
		else if (!status)
			status = ft_misused("SOURCE is missing: expected a trace or a process");
	}
	g_free(fields);
	g_free(colour);
	ft_filter_clear(&ft_filter_options);
	g_ptr_array_unref(operands);
	return status;
}
