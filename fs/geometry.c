/* SPDX-License-Identifier: MIT */
/*
 * geometry.c - subbuf_size and subbufs: how large the rings of a process's threads to come are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "ft-geometry.h"
#include "node.h"

static ssize_t geometry_read(struct ft_file *file, struct ft_call *call)
{
	struct fasttrace_geometry g;
	int err = fasttrace_geometry_get(file->node->process->arena, &g), n;

	if (err)
		return err;
	n = snprintf(call->buffer, FT_BLOCK_BYTES, "%" PRIu64 "\n",
		     file->node->kind == FT_SUBBUF_SIZE ? g.subbuf_bytes : g.subbufs);
	return ft_text_slice(call->buffer, (size_t)n, call);
}

/* The one that the file is of becomes what is written. Return: 0, or -EINVAL. */
static int value_take(const struct ft_node *node, struct ft_call *call,
		      struct fasttrace_geometry *g)
{
	bool size = node->kind == FT_SUBBUF_SIZE;
	const char *text = call->data;
	size_t bytes = call->size;
	uint64_t n;

	ft_text_trim(&text, &bytes);
	if (!ft_number_parse(text, bytes, &n) || !(size ? ft_subbuf_valid : ft_subbufs_valid)(n))
		return ft_call_refuse(call, text, -EINVAL, "expected %s",
				      size ? FT_SUBBUF_ACCEPTED : FT_SUBBUFS_ACCEPTED);
	if (size)
		g->subbuf_bytes = n;
	else
		g->subbufs = (uint32_t)n;
	return 0;
}

static ssize_t geometry_write(struct ft_file *file, struct ft_call *call)
{
	struct fasttrace_arena *arena = file->node->process->arena;
	struct fasttrace_geometry g;
	int err = fasttrace_geometry_get(arena, &g);

	if (!err)
		err = value_take(file->node, call, &g);
	if (err)
		return err;
	if (!fasttrace_arena_alive(arena))
		return ft_call_refuse(call, NULL, -EINVAL,
				      "the process is dead: no thread of it is to come");
	err = fasttrace_geometry_set(arena, &g);
	if (ft_consume_again(arena, err))
		err = fasttrace_geometry_set(arena, &g);
	if (err == -ENOSPC)
		return ft_call_refuse(call, NULL, -EINVAL,
				      "%" PRIu32 " sub-buffers of %" PRIu64
				      " bytes: expected at most half of what all threads may "
				      "take, FASTTRACE_MAX_MEMORY",
				      g.subbufs, g.subbuf_bytes);
	return err ? err : (ssize_t)call->size;
}

const struct ft_file_ops ft_geometry_ops = {
	.read = geometry_read,
	.write = geometry_write,
};
