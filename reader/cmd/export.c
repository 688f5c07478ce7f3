/* SPDX-License-Identifier: MIT */
/*
 * export.c - fasttrace export: traces for other tools.
 *
 * Their file is complete, or is not there: it is written beside its name, and renamed at the end.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "copy.h"
#include "export.h"
#include "filter.h"
#include "inputs.h"

static char *format_name, *file_name;

/* Where it goes: standard output, a file to be renamed, or what is there and is none, as a pipe. */
struct target {
	const char *name;
	char *temporary; /* NULL: it has its name already */
	int fd;
};

static void json_line(struct ft_export *x, struct ft_ctf_stream *s)
{
	ft_json_write(x->out, s);
}

static const struct ft_format format_json = {.name = "json", .line = json_line};

static const struct ft_format *const formats[] = {
	&ft_format_chrome,
	&ft_format_perfetto,
	&format_json,
	&ft_format_csv,
};

static const struct ft_format *format_find(const char *name)
{
	for (size_t i = 0; name && i < G_N_ELEMENTS(formats); i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}

static int target_open(struct target *to)
{
	struct stat st;
	int err;

	*to = (struct target){.name = "standard output", .fd = STDOUT_FILENO};
	if (!file_name || !strcmp(file_name, "-"))
		return 0;
	to->name = file_name;
	if (!stat(file_name, &st) && !S_ISREG(st.st_mode)) {
		to->fd = open(file_name, O_WRONLY | O_CLOEXEC);
	} else {
		to->temporary = g_strconcat(file_name, ".XXXXXX", NULL);
		to->fd = g_mkstemp_full(to->temporary, O_WRONLY | O_CLOEXEC, 0666);
	}
	if (to->fd >= 0)
		return 0;
	err = -errno;
	ft_report("%s: %s: expected the name of a file", file_name, strerror(-err));
	g_clear_pointer(&to->temporary, g_free);
	return err;
}

static int target_close(struct target *to, int err)
{
	if (to->fd != STDOUT_FILENO && close(to->fd) && !err)
		err = -errno;
	if (to->temporary && !err && rename(to->temporary, to->name))
		err = -errno;
	if (to->temporary && err)
		unlink(to->temporary);
	g_free(to->temporary);
	if (err && err != -EPIPE && err != -EINTR)
		ft_report("%s: %s", to->name, strerror(-err));
	return err;
}

static void events_write(struct ft_export *x, struct ft_ctf_reader *reader,
			 const struct ft_filter *filter)
{
	bool any = false;
	struct ft_ctf_stream *s;

	while (!x->out->error && !ft_interrupted() && (s = ft_ctf_reader_next(reader)) &&
	       s->ns <= filter->to_ns) {
		if (filter->any && !ft_filter_passes(filter, s))
			continue;
		if (!any)
			x->begin_ns = s->ns;
		any = true;
		if (x->format->line)
			x->format->line(x, s);
		else
			ft_tracks_write(x, s);
	}
}

static void lone_report(const struct ft_export *x)
{
	if (x->lone)
		ft_report("%" G_GUINT64_FORMAT " begins or ends of spans have no other side, or "
			  "events were lost between: they are instants",
			  x->lone);
}

/* Return: 0 or -errno. */
static int all_export(struct ft_export *x, struct ft_ctf_reader *reader, struct ft_filter *filter)
{
	int err;

	ft_tracks_init(x);
	ft_out_open(&x->cell, -1);
	ft_filter_begin(filter, reader);
	if (x->format->begin)
		x->format->begin(x);
	events_write(x, reader, filter);
	ft_tracks_end(x);
	if (x->format->end)
		x->format->end(x);
	err = ft_out_close(x->out);
	ft_out_close(&x->cell);
	ft_tracks_clear(x);
	if (ft_interrupted())
		return -EINTR;
	if (!err)
		lone_report(x);
	return err;
}

static int sources_export(const struct ft_format *format, const GPtrArray *operands)
{
	struct ft_inputs inputs;
	struct ft_out out;
	struct target to;
	struct ft_export x = {.format = format, .out = &out};
	int status = ft_inputs_open(&inputs, operands, NULL), err = -ENOENT;

	if (inputs.reader.traces && inputs.reader.traces->len && !target_open(&to)) {
		ft_out_open(&out, to.fd);
		err = all_export(&x, &inputs.reader, &ft_filter_options);
		err = target_close(&to, err);
	}
	if (err == -EINTR && ft_interrupted())
		status = 128 + ft_interrupted();
	else if (err || inputs.reader.complaints)
		status = EXIT_FAILURE;
	ft_inputs_close(&inputs);
	return status;
}

/* CTF is a folder, and the packets that there are. */
static int ctf_export(const GPtrArray *operands)
{
	if (!file_name || !*file_name || !strcmp(file_name, "-"))
		return ft_misused("--format=ctf: expected -o DIR, a folder to be made");
	return ft_copy_sources(operands, file_name, &ft_filter_options);
}

static int export_run(const GPtrArray *operands)
{
	bool is_ctf = !g_strcmp0(format_name, "ctf");
	const struct ft_format *format = format_find(format_name);
	GString *s;
	int status;

	if ((is_ctf || format) && !operands->len)
		return ft_misused("SOURCE is missing: expected a trace or a process");
	if (is_ctf)
		return ctf_export(operands);
	if (format)
		return sources_export(format, operands);
	s = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		g_string_append_printf(s, "%s, ", formats[i]->name);
	g_string_append(s, "ctf");
	status = format_name ? ft_misused("--format=%s: expected one of %s", format_name, s->str)
			     : ft_misused("--format is missing: expected one of %s", s->str);
	g_string_free(s, TRUE);
	return status;
}

int ft_export(int argc, char **argv)
{
	GOptionEntry entries[2 + FT_FILTER_ENTRIES] = {
		{"format", 'f', 0, G_OPTION_ARG_STRING, &format_name,
		 "chrome, perfetto, ctf, json or csv", "FORMAT"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &file_name,
		 "file to write, or folder; - or none: standard output", "FILE"},
	};
	const struct ft_usage usage = {
		"export", "SOURCE...", "Write the events of traces for other tools.",
		"\nA SOURCE is what `fasttrace read` takes. FILE is complete, or not there at "
		"all.\n",
		entries};
	GPtrArray *operands = g_ptr_array_new();
	int status;

	memcpy(entries + 2, ft_filter_entries(), FT_FILTER_ENTRIES * sizeof(*entries));
	if (ft_usage_parse(&usage, argc, argv, operands, &status)) {
		status = ft_filter_parse(&ft_filter_options);
		if (!status)
			status = export_run(operands);
	}
	ft_filter_clear(&ft_filter_options);
	g_free(format_name);
	g_free(file_name);
	g_ptr_array_unref(operands);
	return status;
}
