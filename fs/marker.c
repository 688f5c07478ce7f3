/* SPDX-License-Identifier: MIT */
/*
 * marker.c - `marker`: what is written becomes an event of the process's trace.
 *
 * As in tracefs, a write is one event, whatever is in it, and the newline that ends it is not; it is
 * refused while nothing is recorded, with the same number. What is too long is refused as a whole, where
 * tracefs would cut it. And to be read it is empty, so that who copies or searches a folder goes on.
 */
#include <errno.h>

#include "node.h"

static ssize_t marker_read(struct ft_file *file, struct ft_call *call)
{
	(void)file, (void)call;
	return 0;
}

static ssize_t marker_refuse(struct ft_call *call, size_t bytes, int err)
{
	switch (err) {
	case -EMSGSIZE:
		return ft_call_refuse(call, NULL, err,
				      "%zu bytes: a marker has %d at most, without its newline",
				      bytes, FASTTRACE_MARKER_BYTES);
	case -ESRCH:
		return ft_call_refuse(call, NULL, err,
				      "the process has ended, and its trace with it");
	case -EBADF:
		return ft_call_refuse(call, NULL, err, "tracing_on is 0: nothing is recorded");
	case -EAGAIN:
		return ft_call_refuse(call, NULL, err,
				      "threads/0 is full of markers that nobody has read: read or "
				      "clear them");
	case -ENOSPC:
		return ft_call_refuse(
			call, NULL, err,
			"there is no memory for a marker, or too many events and threads");
	case -ENOTSUP:
		return ft_call_refuse(call, NULL, err,
				      "the process's libfasttrace is older than markers");
	}
	return err;
}

static ssize_t marker_write(struct ft_file *file, struct ft_call *call)
{
	struct fasttrace_arena *arena = file->node->process->arena;
	size_t bytes = call->size;
	int err;

	if (bytes && call->data[bytes - 1] == '\n')
		bytes--;
	err = fasttrace_marker_write(arena, call->data, bytes);
	if (ft_consume_again(arena, err))
		err = fasttrace_marker_write(arena, call->data, bytes);
	return err ? marker_refuse(call, bytes, err) : (ssize_t)call->size;
}

const struct ft_file_ops ft_marker_ops = {
	.read = marker_read,
	.write = marker_write,
};
