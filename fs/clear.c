/* SPDX-License-Identifier: MIT */
/*
 * clear.c - dropping all that can be read, unread.
 */
#include <errno.h>

#include "registry.h"

int ft_thread_clear(struct ft_thread *t)
{
	uint64_t seq, last = 0, from = 0;
	int err = ft_thread_switch(t, FASTTRACE_FLUSH);

	/* An event in flight stays; and what comes later is not ours to drop. */
	if (!err || err == -EAGAIN)
		err = ft_thread_newest(t, &last);
	for (uint64_t n = 0; !err && n < FT_THREAD_SUBBUFS; n++) {
		err = fasttrace_buffer_next(t->process->arena, t->index, t->serial, from, &seq,
					    NULL);
		if (err || seq > last || seq < from)
			break;
		err = ft_thread_drop(t, seq);
		if (err == -ENOENT) /* overwritten meanwhile */
			err = 0;
		from = seq + 1;
	}
	return err == -EAGAIN || err == -ENOENT ? 0 : err;
}

int ft_process_clear(struct ft_process *p)
{
	unsigned n = fasttrace_arena_buffers(p->arena);
	struct fasttrace_buffer_info info;
	int err = 0, failed;

	for (unsigned i = 0; i < n; i++) {
		struct ft_thread *t;

		if (fasttrace_buffer_get_info(p->arena, i, &info))
			continue;
		t = ft_thread_obtain(p, i, info.serial);
		failed = ft_thread_clear(t);
		ft_thread_unref(t);
		err = err ? err : failed;
	}
	return err;
}
