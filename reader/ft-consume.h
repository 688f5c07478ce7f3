/* SPDX-License-Identifier: MIT */
/*
 * ft-consume.h - the reader's hold on a sub-buffer: what the files share that look at rings.
 */
#ifndef FT_CONSUME_H
#define FT_CONSUME_H

#include "ft-reader.h"

/** ft_takeover() - finish, or undo, what a killed reader had begun in this buffer. Consumer only.
 */
void ft_takeover(struct ft_reader_buffer *b);

/** ft_hold_return() - what is held is unread: put it back, or keep it aside if the slot is claimed.
 */
void ft_hold_return(struct ft_reader_buffer *b);

/** ft_hold_store() - write down b->hold, then that it is held. hold:W */
void ft_hold_store(struct ft_reader_buffer *b, enum ft_hold_state state);

/**
 * ft_hold_load() - what shared memory says is held, checked.
 * Return: 0; -EPROTO it contradicts itself, or the consumer was changing it.
 */
int ft_hold_load(const struct ft_reader_buffer *b, struct ft_hold *hold);

/** ft_hold_owned() - is it of the buffer's present owner? */
bool ft_hold_owned(const struct ft_reader_buffer *b, const struct ft_hold *hold);

/** ft_hold_clear() - nothing is held. hold:W */
void ft_hold_clear(struct ft_reader_buffer *b);

/** ft_hold_put() - what is held is consumed: store its counts, give its memory back, advance. */
void ft_hold_put(struct ft_reader_buffer *b);

/** ft_page_standing() - the slot in which page stands, or -1: it is the spare. */
int64_t ft_page_standing(const struct ft_reader_buffer *b, uint64_t page);

/** ft_page_spare() - the index that stands in no slot. Return: -EPROTO if not just one does. */
int64_t ft_page_spare(const struct ft_reader_buffer *b);

/** ft_buffer_oldest() - the first seq that may still be in the ring, for this owner. */
uint64_t ft_buffer_oldest(const struct ft_reader_buffer *b);

/* One sub-buffer's words, loaded together. */
struct ft_subbuf {
	uint64_t word, committed, page, anchor;
};

/**
 * ft_subbuf_look() - load sub-buffer seq's words and check them.
 * @gone: its writer is.
 * Return: 0 readable; -EAGAIN not delivered yet; -ENOENT gone or taken; -EPROTO.
 */
int ft_subbuf_look(const struct ft_reader_buffer *b, uint64_t seq, bool gone, struct ft_subbuf *s);

/**
 * ft_subbuf_ranges() - what of sub-buffer seq is written.
 * @s: its words, of which only the seq was checked.
 * @gone: its writer is: with what it left between reserve and commit (ft_recover_ranges()).
 * Return: how many ranges; 0: there is nothing, or the words contradict themselves.
 */
unsigned ft_subbuf_ranges(const struct ft_reader_buffer *b, uint64_t seq, const struct ft_subbuf *s,
			  bool gone, struct ft_range ranges[FT_NESTED_RANGES + 1]);

/**
 * ft_hold_out() - what is held and stands in no slot: it is older than all in the ring.
 * @s: its words; page is the index alone.
 * Return: false: nothing of the buffer's present owner is.
 */
bool ft_hold_out(const struct ft_reader_buffer *b, uint64_t *seq, struct ft_subbuf *s);

/** ft_lost_after() - events that this owner lost up to the end of seq: till now, if seq is head. */
uint64_t ft_lost_after(const struct ft_reader_buffer *b, uint64_t seq);

/** ft_lost_before() - and those before seq was opened. True if seq stands in its slot afterwards. */
uint64_t ft_lost_before(const struct ft_reader_buffer *b, uint64_t seq);

#endif
