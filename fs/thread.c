/* SPDX-License-Identifier: MIT */
/*
 * thread.c - owners of buffers, and the one consumer that each may have.
 */
#include <errno.h>

#include "registry.h"

struct ft_thread *ft_thread_obtain(struct ft_process *process, unsigned index, uint64_t serial)
{
	struct ft_thread *thread = g_hash_table_lookup(process->threads, &serial);

	if (thread)
		return ft_thread_ref(thread);
	thread = g_new0(struct ft_thread, 1);
	thread->refs = 1;
	thread->process = ft_process_ref(process);
	thread->index = index;
	thread->serial = serial;
	g_hash_table_insert(process->threads, &thread->serial, thread);
	return thread;
}

struct ft_thread *ft_thread_ref(struct ft_thread *thread)
{
	thread->refs++;
	return thread;
}

void ft_thread_unref(struct ft_thread *thread)
{
	if (!thread || --thread->refs)
		return;
	ft_thread_unget(thread);
	g_hash_table_remove(thread->process->threads, &thread->serial);
	ft_process_unref(thread->process);
	g_free(thread);
}

int ft_thread_info(struct ft_thread *thread, struct fasttrace_buffer_info *info)
{
	struct fasttrace_arena *arena = thread->process->arena;
	int err = arena ? fasttrace_buffer_get_info(arena, thread->index, info) : -ENOENT;

	if (!err && info->serial != thread->serial)
		return -ENOENT;
	return err;
}

bool ft_thread_live(struct ft_thread *thread)
{
	struct fasttrace_buffer_info info;

	return !ft_thread_info(thread, &info) && info.live &&
	       fasttrace_arena_alive(thread->process->arena);
}

bool ft_consume_again(struct fasttrace_arena *arena, int err)
{
	return err == -EBUSY && !fasttrace_arena_consume(arena);
}

int ft_thread_take(struct ft_thread *thread, const void *holder, uint64_t seq)
{
	struct fasttrace_arena *arena = thread->process->arena;
	int err;

	if (!arena)
		return -ENOENT;
	if (thread->held || (thread->holder && thread->holder != holder))
		return -EBUSY;
	err = fasttrace_buffer_get(arena, thread->index, thread->serial, seq, &thread->packet);
	if (ft_consume_again(arena, err))
		err = fasttrace_buffer_get(arena, thread->index, thread->serial, seq,
					   &thread->packet);
	if (err)
		return err;
	thread->held = true;
	thread->holder = holder;
	return 0;
}

int ft_thread_drop(struct ft_thread *thread, uint64_t seq)
{
	struct fasttrace_arena *arena = thread->process->arena;
	int err;

	if (thread->holder)
		return -EBUSY;
	err = fasttrace_buffer_drop(arena, thread->index, thread->serial, seq);
	if (ft_consume_again(arena, err))
		err = fasttrace_buffer_drop(arena, thread->index, thread->serial, seq);
	return err;
}

int ft_thread_switch(struct ft_thread *thread, enum fasttrace_switch how)
{
	struct fasttrace_arena *arena = thread->process->arena;
	int err = fasttrace_buffer_switch(arena, thread->index, thread->serial, how);

	if (ft_consume_again(arena, err))
		err = fasttrace_buffer_switch(arena, thread->index, thread->serial, how);
	return err;
}

void ft_thread_put(struct ft_thread *thread)
{
	if (thread->held)
		fasttrace_buffer_put(thread->process->arena, thread->index, &thread->packet);
	thread->held = false;
}

void ft_thread_unget(struct ft_thread *thread)
{
	if (thread->held)
		fasttrace_buffer_unget(thread->process->arena, thread->index, &thread->packet);
	thread->held = false;
}

int ft_thread_next(struct ft_thread *thread, uint64_t from, uint64_t *seq, size_t *bytes)
{
	struct fasttrace_arena *arena = thread->process->arena;
	const struct fasttrace_packet *taken = thread->held ? &thread->packet : NULL;
	int err;

	if (!arena)
		return -ENOENT;
	err = fasttrace_buffer_next(arena, thread->index, thread->serial, from, seq, bytes);
	if (taken && taken->seq >= from && (err == -EAGAIN || (!err && taken->seq < *seq))) {
		*seq = taken->seq;
		*bytes = FASTTRACE_PACKET_HEADER_BYTES + taken->body_bytes;
		return 0;
	}
	return err;
}

int ft_thread_newest(struct ft_thread *thread, uint64_t *newest)
{
	uint64_t seq, from = 0;
	size_t bytes;
	int err = 0;

	for (uint64_t n = 0; n < FT_THREAD_SUBBUFS; n++, from = seq + 1) {
		err = ft_thread_next(thread, from, &seq, &bytes);
		if (err || seq < from)
			break;
		*newest = seq;
	}
	return from && err == -EAGAIN ? 0 : err;
}

static gint entry_compare(gconstpointer a, gconstpointer b)
{
	const struct fasttrace_buffer_info *x = &((const struct ft_thread_entry *)a)->info;
	const struct fasttrace_buffer_info *y = &((const struct ft_thread_entry *)b)->info;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->live != y->live)
		return x->live ? -1 : 1;
	return x->serial > y->serial ? -1 : 1;
}

GArray *ft_thread_sorted(struct ft_process *process)
{
	unsigned n = process->arena ? fasttrace_arena_buffers(process->arena) : 0;
	GArray *entries = g_array_sized_new(FALSE, FALSE, sizeof(struct ft_thread_entry), n);
	struct ft_thread_entry e;

	for (e.index = 0; e.index < n; e.index++)
		if (!fasttrace_buffer_get_info(process->arena, e.index, &e.info))
			g_array_append_val(entries, e);
	g_array_sort(entries, entry_compare);
	return entries;
}
