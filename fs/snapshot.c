/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - the files of a snapshot: `metadata`, and one for each stream.
 */
#include <errno.h>

#include "node.h"

static const char *file_data(const struct ft_node *node, size_t *bytes)
{
	const struct fasttrace_snapshot *data = node->generation->data;

	if (!node->number) { /* as in generation->names */
		*bytes = data->metadata_bytes;
		return data->metadata;
	}
	*bytes = data->stream[node->number - 1].bytes;
	return data->stream[node->number - 1].data;
}

int ft_snapshot_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		       struct ft_node **child)
{
	struct ft_generation *g;
	gpointer number;
	int err = ft_generation_obtain(node->process, call->tid, &g);

	if (err)
		return err;
	if (!g_hash_table_lookup_extended(g->numbers, name, NULL, &number))
		return -ENOENT;
	*child = ft_node_child(node, FT_SNAPSHOT_FILE, g, GPOINTER_TO_UINT(number));
	return 0;
}

int ft_snapshot_list(struct ft_node *node, struct ft_call *call, GArray *entries)
{
	struct ft_generation *g;
	int err = ft_generation_obtain(node->process, call->tid, &g);

	if (err)
		return err;
	for (guint i = 0; i < g->names->len; i++)
		ft_entry_add(entries, node, FT_SNAPSHOT_FILE, g, i, g->names->pdata[i]);
	return 0;
}

int ft_snapshot_size(struct ft_node *node, off_t *size)
{
	size_t bytes;

	if (!node->generation->data)
		return -ENOENT;
	node->generation->used_ns = ft_now_ns();
	file_data(node, &bytes);
	*size = (off_t)bytes;
	return 0;
}

int64_t ft_snapshot_time_ns(struct ft_node *node)
{
	const struct fasttrace_snapshot *data = node->generation->data;

	if (!data || !node->number)
		return 0;
	return fasttrace_arena_time_ns(node->process->arena, data->stream[node->number - 1].last);
}

static ssize_t snapshot_read(struct ft_file *file, struct ft_call *call)
{
	struct ft_generation *g = file->node->generation;
	const char *data;
	size_t bytes;

	if (!g->data)
		return -ENOENT;
	g->used_ns = ft_now_ns();
	data = file_data(file->node, &bytes);
	return ft_text_slice(data, bytes, call);
}

static void snapshot_release(struct ft_file *file)
{
	ft_generation_close(file->node->generation);
	g_free(file);
}

static const struct ft_file_ops snapshot_ops = {
	.read = snapshot_read,
	.release = snapshot_release,
};

int ft_snapshot_open(struct ft_node *node, struct ft_file **file)
{
	ft_generation_open(node->generation);
	*file = g_new0(struct ft_file, 1);
	(*file)->ops = &snapshot_ops;
	return 0;
}
