/* SPDX-License-Identifier: MIT */
/*
 * switch.c - the switches that a reader forces, and its asking to be told of the writer's own.
 */
#include "ft-consume.h"

int fasttrace_buffer_settled(struct fasttrace_arena *a, unsigned index, uint64_t serial)
{
	struct ft_reader_buffer *b;
	int err = ft_reader_owner(a, index, serial, &b);
	struct ft_subbuf s;
	uint64_t head;

	if (err)
		return err;
	if (ft_load_acquire(&b->shared->state) != FT_BUFFER_LIVE || ft_reader_gone(a, b))
		return 0;
	head = ft_load_acquire(&b->shared->head);
	for (uint64_t seq = head - b->ring.mask; seq != head + 1; seq++)
		if (ft_subbuf_look(b, seq, false, &s) == -EAGAIN &&
		    ft_word_closed(&b->ring, s.word))
			return -EAGAIN;
	return 0;
}

/* ACTIVE would have to overwrite what nobody has read. */
static bool ring_full(const struct ft_reader_buffer *b, uint64_t head)
{
	return !b->ring.overwrite &&
	       (int64_t)(ft_load_acquire(&b->shared->consumed) - (head - b->ring.mask)) <= 0;
}

static int switch_try(struct ft_reader_buffer *b, enum fasttrace_switch how)
{
	uint64_t head = ft_load_acquire(&b->shared->head); /* open:R */
	uint64_t word = ft_load_acquire(&ft_ring_slot(&b->ring, head)->word);
	int err;

	if (!ft_word_is(&b->ring, word, head))
		return -EINTR; /* head was moved on */
	if (how == FASTTRACE_ACTIVE &&
	    (ft_word_closed(&b->ring, word) || ft_word_count(&b->ring, word)) && ring_full(b, head))
		return -EAGAIN;
	err = ft_ring_close(&b->ring, head, word);
	if (err == -EAGAIN)
		return -EINTR;
	if (err == -ENODATA)
		return 0;
	if (how == FASTTRACE_FLUSH)
		return 0;
	err = ft_ring_turn(&b->ring, b->shared, head);
	if (!err && ft_load_acquire(&b->shared->head) == head)
		return -EINTR;
	return err == -EBUSY ? -EAGAIN : err;
}

int fasttrace_buffer_switch(struct fasttrace_arena *a, unsigned index, uint64_t serial,
			    enum fasttrace_switch how)
{
	struct ft_reader_buffer *b;
	int err = ft_reader_owner(a, index, serial, &b);
	bool gone;

	if (err)
		return err;
	if (!a->consumer)
		return -EBUSY;
	gone = ft_reader_gone(a, b);
	if (how == FASTTRACE_ACTIVE && gone)
		return -EINVAL;
	if (a->asymmetric && !a->fences && !gone)
		return -EOPNOTSUPP;
	for (int tries = 0; tries < 1000; tries++) { /* each failure is progress of the writer */
		err = switch_try(b, how);
		if (err != -EINTR)
			break;
	}
	if (err)
		return err == -EINTR ? -EAGAIN : err;
	return fasttrace_buffer_settled(a, index, serial);
}

void fasttrace_buffer_watch(struct fasttrace_arena *a, unsigned index)
{
	struct ft_reader_buffer *b;

	if (ft_reader_buffer(a, index, &b) || !a->consumer)
		return;
	ft_store_relaxed(&b->shared->waiters, 1); /* sleep:W */
	FASTTRACE_POINT(watched);
	ft_fence_full();
}
