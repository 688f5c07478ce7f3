/* SPDX-License-Identifier: MIT */
/*
 * ft-wait.h - the only places where a writer enters the kernel: waking a reader that asked for it,
 * and waiting for room in block mode.
 */
#ifndef FT_WAIT_H
#define FT_WAIT_H

#include "ft-tracer.h"

/** ft_wake_reader() - a reader sleeps in fasttrace_arena_wait(): wake it. One system call. */
void ft_wake_reader(struct ft_arena *arena);

/**
 * ft_wait_room() - the ring is full: in block mode, wait until the sub-buffer after seq can open.
 * Waits while a daemon serves the directory or a consumer holds the arena, at most the block
 * timeout; then, and until there is room again, returns at once.
 * Return: 0 there is room, or a handler has forked, and we are the child: look again; -EAGAIN the
 * event is to be dropped, as a quiet thread's always is.
 */
int ft_wait_room(const struct ft_end *end, uint64_t seq);

/**
 * ft_wait_buffer() - all space is taken: in block mode, wait a little for an ended thread's ring to
 * be read to its end.
 * @since: CLOCK_MONOTONIC in ns when the wait began; 0: it begins now, and is set.
 * Return: whether to try again; false past the block timeout, in other modes, and with no reader.
 */
bool ft_wait_buffer(uint64_t *since);

#endif
