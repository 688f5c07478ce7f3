/* SPDX-License-Identifier: MIT */
/*
 * merge.c - fasttrace merge, fasttrace cut: new CTF traces of those there are.
 */
#include <inttypes.h>
#include <stdio.h>

#include "copy.h"
#include "filter.h"
#include "inputs.h"

static char *folder;

static void copy_tell(const struct ft_copy *copy, const char *to)
{
	fprintf(stderr, "%s: %" PRIu64 " packets, %" PRIu64 " bytes, %u %s\n", to, copy->packets,
		copy->bytes, copy->traces, copy->traces == 1 ? "trace" : "traces");
	if (copy->whole)
		ft_report("%" PRIu64 " packets are copied whole, with events of other times: those "
			  "of fasttrace alone can be cut",
			  copy->whole);
}

static int copy_run(struct ft_copy *copy, const char *to)
{
	struct ft_outdir out;
	int err = ft_outdir_begin(to, &out);

	if (err)
		return err;
	copy->out = &out;
	err = ft_copy_all(copy);
	if (!err && ft_interrupted())
		err = -EINTR;
	if (!err && !(copy->filter ? copy->events : copy->packets)) {
		ft_report("%s: no event is left: it is not made", to);
		err = -ENODATA;
	}
	return err ? (ft_outdir_end(&out, false), err) : ft_outdir_end(&out, true);
}

int ft_copy_sources(const GPtrArray *operands, const char *to, struct ft_filter *filter)
{
	struct ft_inputs inputs;
	int status = ft_inputs_open(&inputs, operands, NULL), err;
	struct ft_copy copy = {.reader = &inputs.reader,
			       .filter = filter && filter->any ? filter : NULL};

	if (!status) {
		if (filter)
			ft_filter_begin(filter, &inputs.reader);
		err = copy_run(&copy, to);
		if (!err)
			copy_tell(&copy, to);
		if (err == -EINTR && ft_interrupted())
			status = 128 + ft_interrupted();
		else if (err || inputs.reader.complaints)
			status = EXIT_FAILURE;
	}
	ft_inputs_close(&inputs);
	return status;
}

static int operands_check(const GPtrArray *operands)
{
	if (!operands->len)
		return ft_misused("SOURCE is missing: expected a trace or a process");
	if (!folder || !*folder)
		return ft_misused("--output is missing: expected -o DIR, a folder to be made");
	return EXIT_SUCCESS;
}

int ft_merge(int argc, char **argv)
{
	const GOptionEntry entries[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &folder, "the folder to be made", "DIR"},
		G_OPTION_ENTRY_NULL,
	};
	const struct ft_usage usage = {
		"merge", "SOURCE... -o DIR", "Copy traces into one CTF folder.",
		"\nA SOURCE is what `fasttrace read` takes. Chunks of one recording become one "
		"trace;\nof several processes each gets a folder in DIR. DIR is complete, or not "
		"there.\n",
		entries};
	GPtrArray *operands = g_ptr_array_new();
	int status;

	if (ft_usage_parse(&usage, argc, argv, operands, &status)) {
		status = operands_check(operands);
		if (!status)
			status = ft_copy_sources(operands, folder, NULL);
	}
	g_free(folder);
	g_ptr_array_unref(operands);
	return status;
}

int ft_cut(int argc, char **argv)
{
	GOptionEntry entries[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &folder, "the folder to be made", "DIR"},
		ft_filter_entries()[0], /* --from, --to, --last */
		ft_filter_entries()[1],
		ft_filter_entries()[2],
		G_OPTION_ENTRY_NULL,
	};
	const struct ft_usage usage = {
		"cut", "SOURCE... -o DIR", "Copy the events of a time into a CTF folder.",
		"\nA SOURCE is what `fasttrace read` takes. Of other tracers packets are copied "
		"whole\nthat have an event of that time. DIR is complete, or not there.\n",
		entries};
	struct ft_filter *filter = &ft_filter_options;
	GPtrArray *operands = g_ptr_array_new();
	int status;

	if (ft_usage_parse(&usage, argc, argv, operands, &status)) {
		status = ft_filter_parse(filter);
		if (!status)
			status = operands_check(operands);
		if (!status && !filter->any)
			status = ft_misused("which time is missing: expected --from, --to or "
					    "--last");
		if (!status)
			status = ft_copy_sources(operands, folder, filter);
	}
	ft_filter_clear(filter);
	g_free(folder);
	g_ptr_array_unref(operands);
	return status;
}
