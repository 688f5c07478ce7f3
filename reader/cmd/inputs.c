/* SPDX-License-Identifier: MIT */
/*
 * inputs.c - what SOURCEs hold, for commands that read events.
 */
#include "cmd.h"
#include "inputs.h"
#include "out.h"

void ft_inputs_complain(void *of, const char *message)
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

static void snapshot_free(gpointer snapshot)
{
	fasttrace_snapshot_free(snapshot);
}

int ft_inputs_open(struct ft_inputs *inputs, const GPtrArray *operands, struct ft_out *out)
{
	int status = EXIT_SUCCESS;

	*inputs = (struct ft_inputs){
		.reader = {.unpack = ft_zstd_unpack, .complain = ft_inputs_complain, .of = out}};
	inputs->snapshots = g_ptr_array_new_with_free_func(snapshot_free);
	fasttrace_reader_guard();
	ft_signals_catch();
	for (guint i = 0; i < operands->len; i++)
		if (source_add(&inputs->reader, operands->pdata[i], inputs->snapshots))
			status = EXIT_FAILURE;
	return status;
}

void ft_inputs_close(struct ft_inputs *inputs)
{
	ft_ctf_reader_clear(&inputs->reader);
	g_ptr_array_unref(inputs->snapshots);
}
