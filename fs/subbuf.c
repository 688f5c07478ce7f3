/* SPDX-License-Identifier: MIT */
/*
 * subbuf.c - sub-buffers as files: read to the end, they are consumed.
 *
 * The first read takes the sub-buffer and keeps its copy, so that what is open stays readable whatever
 * becomes of the ring. It is put once the answer with the last missing byte has arrived: should the
 * daemon die before, the next one serves it again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "ranges.h"

#define SEQ_DIGITS 20

struct subbuf_file {
	struct ft_file file;
	char *copy; /* of the whole packet, since the first read */
	size_t bytes;
	GArray *returned;
	struct ft_range answer; /* bytes in the answer that is being given */
	bool consumed;
};

static struct ft_thread *file_thread(struct ft_file *file)
{
	return file->node->thread;
}

static void file_unget(struct ft_file *file)
{
	struct ft_thread *thread = file_thread(file);

	if (thread->holder != file)
		return;
	ft_thread_unget(thread);
	thread->holder = NULL;
}

static int file_take(struct subbuf_file *f)
{
	struct ft_thread *thread = file_thread(&f->file);
	int err = ft_thread_take(thread, f, f->file.node->number);

	if (err || f->copy)
		return err;
	f->bytes = thread->packet.bytes;
	f->copy = fasttrace_packet_keep(&thread->packet);
	return 0;
}

static ssize_t subbuf_read(struct ft_file *file, struct ft_call *call)
{
	struct subbuf_file *f = (struct subbuf_file *)file;
	ssize_t n;
	int err;

	/* The read at the end, which must not take the right again. */
	if (f->copy && call->offset >= 0 && (uint64_t)call->offset >= f->bytes)
		return 0;
	if (!f->consumed && file_thread(file)->holder != f) {
		err = file_take(f);
		if (err)
			return err;
	}
	n = ft_text_slice(f->copy, f->bytes, call);
	if (n > 0)
		f->answer = (struct ft_range){(size_t)call->offset, (size_t)(call->offset + n)};
	return n;
}

static void subbuf_answered(struct ft_file *file, bool arrived)
{
	struct subbuf_file *f = (struct subbuf_file *)file;
	struct ft_thread *thread = file_thread(file);

	if (arrived)
		ft_ranges_add(f->returned, f->answer.from, f->answer.to);
	f->answer = (struct ft_range){0, 0};
	if (f->consumed || thread->holder != f || !ft_ranges_cover(f->returned, f->bytes))
		return;
	ft_thread_put(thread);
	thread->holder = NULL;
	f->consumed = true;
}

static void subbuf_release(struct ft_file *file)
{
	struct subbuf_file *f = (struct subbuf_file *)file;

	file_unget(file);
	g_array_free(f->returned, TRUE);
	free(f->copy);
	g_free(f);
}

/* A close is synchronous, a release is not: who opens it next must find it whole. */
static const struct ft_file_ops subbuf_ops = {
	.read = subbuf_read,
	.answered = subbuf_answered,
	.flush = file_unget,
	.release = subbuf_release,
};

int ft_subbuf_open(struct ft_node *node, struct ft_file **file)
{
	struct subbuf_file *f;
	off_t size;
	int err = ft_subbuf_size(node, &size);

	if (err)
		return err;
	f = g_new0(struct subbuf_file, 1);
	f->file.ops = &subbuf_ops;
	f->returned = ft_ranges_new();
	*file = &f->file;
	return 0;
}

/* Its size, if it is still readable. */
static int seq_find(struct ft_thread *thread, uint64_t wanted, size_t *bytes)
{
	uint64_t seq;
	int err = ft_thread_next(thread, wanted, &seq, bytes);

	if (err == -EAGAIN)
		return -ENOENT;
	return err || seq == wanted ? err : -ENOENT;
}

int ft_subbuf_size(struct ft_node *node, off_t *size)
{
	size_t bytes;
	int err = seq_find(node->thread, node->number, &bytes);

	if (!err)
		node->bytes = bytes;
	else if (err == -ENOENT && node->opens)
		err = 0;
	*size = (off_t)node->bytes;
	return err;
}

static bool seq_parse(const char *name, uint64_t *seq)
{
	char again[SEQ_DIGITS + 2];

	if (!g_ascii_isdigit(name[0]))
		return false;
	*seq = g_ascii_strtoull(name, NULL, 10);
	snprintf(again, sizeof(again), "%0*" PRIu64, SEQ_DIGITS, *seq);
	return !strcmp(again, name);
}

int ft_subbufs_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		      struct ft_node **child)
{
	uint64_t seq;
	size_t bytes;
	int err;

	(void)call;
	if (!seq_parse(name, &seq))
		return -ENOENT;
	err = seq_find(node->thread, seq, &bytes);
	if (err)
		return err;
	*child = ft_node_child(node, FT_SUBBUF, NULL, seq);
	(*child)->bytes = bytes;
	if (!(*child)->time_ns) /* else it is known, and may not be in the ring any more */
		fasttrace_buffer_begin(node->process->arena, node->thread->index,
				       node->thread->serial, seq, &(*child)->time_ns);
	return 0;
}

int ft_subbufs_list(struct ft_node *node, struct ft_call *call, GArray *entries)
{
	char name[SEQ_DIGITS + 2];
	uint64_t seq, from = 0;
	size_t bytes;
	int err = 0;

	(void)call;
	for (uint64_t n = 0; n < FT_THREAD_SUBBUFS; n++, from = seq + 1) {
		err = ft_thread_next(node->thread, from, &seq, &bytes);
		if (err || seq < from)
			break;
		snprintf(name, sizeof(name), "%0*" PRIu64, SEQ_DIGITS, seq);
		ft_entry_add(entries, node, FT_SUBBUF, NULL, seq, name);
	}
	return err == -EAGAIN ? 0 : err;
}

int ft_subbufs_remove(struct ft_node *node, const char *name, bool directory)
{
	struct ft_thread *thread = node->thread;
	uint64_t seq;
	size_t bytes;

	if (!seq_parse(name, &seq) || seq_find(thread, seq, &bytes))
		return -ENOENT;
	if (directory)
		return -ENOTDIR;
	return ft_thread_drop(thread, seq);
}
