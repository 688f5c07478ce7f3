/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - fasttrace snapshot: `snapshot` of a mount, without one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "files.h"

struct totals {
	unsigned processes, streams;
	uint64_t events, bytes;
};

static char *stream_name(const char *folder, const struct fasttrace_snapshot_stream *s)
{
	char nth[16] = "";

	if (s->nth)
		g_snprintf(nth, sizeof(nth), ".%u", s->nth);
	return g_strdup_printf("%s%" PRIu32 "%s%s", folder, s->tid, nth, s->open ? ".open" : "");
}

/* The streams are there: give them their names, and the trace its metadata. */
static int trace_finish(struct ft_files *files, const struct fasttrace_snapshot *snapshot,
			struct totals *totals)
{
	char *name = g_strconcat(files->folder, "metadata", NULL);
	int err = ft_outdir_file(files->out, name, snapshot->metadata, snapshot->metadata_bytes);

	g_free(name);
	for (unsigned i = 0; !err && i < snapshot->streams; i++) {
		const struct fasttrace_snapshot_stream *s = &snapshot->stream[i];

		name = stream_name(files->folder, s);
		err = ft_files_name(files, s->data, name);
		g_free(name);
		totals->streams++;
		totals->events += s->events;
		totals->bytes += s->bytes;
	}
	totals->processes++;
	return err ? err : ft_files_end(files);
}

/* @folder: "" or, with a slash behind it, where in @out. */
static int arena_write(struct ft_outdir *out, const char *folder, const char *path,
		       struct fasttrace_arena *arena, struct totals *totals)
{
	struct fasttrace_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	struct ft_files files;
	int err;

	ft_files_begin(&files, out, folder);
	err = snapshot ? ft_snapshot_fill(arena, &files.sink, snapshot) : -ENOMEM;
	ft_files_wait(&files);
	if (err)
		ft_report("%s: %s", path,
			  err == -EPROTO ? "contradicts itself: it was damaged, or is no arena"
					 : strerror(-err));
	else
		err = trace_finish(&files, snapshot, totals);
	fasttrace_snapshot_free(snapshot);
	return err;
}

static int one_write(struct ft_outdir *out, const struct ft_source *source, struct totals *totals)
{
	struct fasttrace_arena *arena;
	int err = ft_source_open(source, 0, &arena);

	if (err)
		return err;
	err = arena_write(out, "", source->arena, arena, totals);
	fasttrace_arena_close(arena);
	return err;
}

/* A folder for each: a trace is of one process. */
static int all_write(struct ft_outdir *out, const struct ft_source *source, struct totals *totals)
{
	GPtrArray *found = ft_arenas_list(source->dir, 0);
	int err = found && found->len ? 0 : -ENOENT;

	if (err)
		ft_report("%s: has no arena: expected a traced process in it", source->dir);
	for (guint i = 0; !err && i < found->len; i++) {
		const struct ft_found *f = found->pdata[i];
		char *base = g_path_get_basename(f->path), *folder;

		err = mkdirat(out->fd, base, 0777) ? -errno : 0;
		if (err)
			ft_report("%s/%s: %s", out->path, base, strerror(-err));
		folder = g_strconcat(base, "/", NULL);
		if (!err)
			err = arena_write(out, folder, f->path, f->arena, totals);
		g_free(folder);
		g_free(base);
	}
	if (found)
		g_ptr_array_unref(found);
	return err;
}

static int snapshot(const char *given, const char *to)
{
	struct totals totals = {.processes = 0};
	struct ft_source source;
	struct ft_outdir out;
	int err = ft_source_find(
		given, FT_SOURCE_ARENA | FT_SOURCE_PROCESS | FT_SOURCE_MOUNT | FT_SOURCE_ARENAS,
		&source);

	if (err)
		return EXIT_FAILURE;
	err = ft_outdir_begin(to, &out);
	if (!err) {
		err = source.arena ? one_write(&out, &source, &totals)
				   : all_write(&out, &source, &totals);
		if (!err && ft_interrupted())
			err = -EINTR;
		err = err ? (ft_outdir_end(&out, false), err) : ft_outdir_end(&out, true);
	}
	if (!err)
		fprintf(stderr, "%s: %" PRIu64 " events, %" PRIu64 " bytes, %u streams of %u %s\n",
			to, totals.events, totals.bytes, totals.streams, totals.processes,
			totals.processes == 1 ? "process" : "processes");
	ft_source_clear(&source);
	if (err == -EINTR && ft_interrupted())
		return 128 + ft_interrupted();
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int ft_snapshot(int argc, char **argv)
{
	char *to = NULL;
	const GOptionEntry entries[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &to, "the folder to be made", "DIR"},
		G_OPTION_ENTRY_NULL,
	};
	const struct ft_usage usage = {
		"snapshot", "SOURCE -o DIR", "Copy what is in memory into a CTF trace.",
		"\nSOURCE is a process id, the file of an arena, or the folder of a process in a "
		"mount;\nor the root of a mount or a directory of arenas, of which each process "
		"gets a folder\nin DIR. Nothing is consumed. DIR is complete, or not there.\n",
		entries};
	GPtrArray *operands = g_ptr_array_new();
	int status;

	if (!ft_usage_parse(&usage, argc, argv, operands, &status))
		goto out;
	if (!operands->len)
		status = ft_misused("SOURCE is missing: expected a process");
	else if (operands->len > 1)
		status = ft_misused("%s: expected one SOURCE", (char *)operands->pdata[1]);
	else if (!to || !*to)
		status = ft_misused("--output is missing: expected -o DIR, a folder to be made");
	else {
		ft_signals_catch();
		status = snapshot(operands->pdata[0], to);
	}
out:
	g_free(to);
	g_ptr_array_unref(operands);
	return status;
}
