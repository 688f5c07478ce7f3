/* SPDX-License-Identifier: MIT */
/*
 * trace.c - `trace`: the events of a process as text, and clearing them.
 *
 * What is shown is what there was at the first read of the open file. The text is made as it is
 * read, forward. Who seeks back has it made again from its beginning; who seeks far ahead has it
 * made in parts, so that others are served between them.
 */
#include <errno.h>

#include "node.h"

#define SKIP_BYTES (4 * FT_BLOCK_BYTES) /* of text to make for one who waits, in one go */

struct trace_file {
	struct ft_file file;
	struct fasttrace_snapshot *data; /* NULL: nothing was read yet */
	struct fasttrace_lines *lines;
	off_t at; /* where lines goes on */
};

static int trace_take(struct trace_file *f)
{
	struct ft_process *p = f->file.node->process;
	int err = f->data ? 0 : ft_process_snapshot(p, &f->data);

	if (err || f->lines)
		return err;
	err = fasttrace_lines_open(p->arena, f->data, &f->lines);
	if (err) {
		ft_process_snapshot_free(p, f->data);
		f->data = NULL;
	}
	return err;
}

/* Go on to @offset. Return: 0 there, or at the end; -EINPROGRESS it takes longer. */
static int trace_skip(struct trace_file *f, struct ft_call *call)
{
	if (call->offset < f->at) {
		fasttrace_lines_rewind(f->lines);
		f->at = 0;
	}
	for (off_t made = 0; f->at < call->offset && made < SKIP_BYTES;) {
		size_t want = (size_t)MIN(call->offset - f->at, FT_BLOCK_BYTES), got;

		got = fasttrace_lines_read(f->lines, call->buffer, want);
		f->at += (off_t)got;
		made += (off_t)got;
		if (got < want)
			return 0;
	}
	if (f->at == call->offset)
		return 0;
	call->deadline_ns = INT64_MAX;
	return -EINPROGRESS;
}

static ssize_t trace_read(struct ft_file *file, struct ft_call *call)
{
	struct trace_file *f = (struct trace_file *)file;
	int err = trace_take(f);
	size_t n;

	if (call->offset < 0)
		return 0;
	if (!err)
		err = trace_skip(f, call);
	if (err)
		return err;
	n = fasttrace_lines_read(f->lines, call->buffer, MIN(call->size, FT_BLOCK_BYTES));
	f->at += (off_t)n;
	call->data = call->buffer;
	return (ssize_t)n;
}

/* `echo > trace` has cleared it by opening it. What is written is nothing, as in tracefs. */
static ssize_t trace_write(struct ft_file *file, struct ft_call *call)
{
	(void)file;
	return (ssize_t)call->size;
}

static void trace_release(struct ft_file *file)
{
	struct trace_file *f = (struct trace_file *)file;

	fasttrace_lines_free(f->lines);
	if (f->data)
		ft_process_snapshot_free(file->node->process, f->data);
	g_free(f);
}

static const struct ft_file_ops trace_ops = {
	.read = trace_read,
	.write = trace_write,
	.release = trace_release,
};

int ft_trace_open(struct ft_node *node, struct ft_file **file)
{
	struct trace_file *f = g_new0(struct trace_file, 1);

	(void)node;
	f->file.ops = &trace_ops;
	*file = &f->file;
	return 0;
}

int ft_trace_truncate(struct ft_node *node)
{
	return ft_process_clear(node->process);
}
