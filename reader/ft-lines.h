/* SPDX-License-Identifier: MIT */
/*
 * ft-lines.h - events as text: decode.c writes one, merge.c says whose turn it is.
 */
#ifndef FT_LINES_H
#define FT_LINES_H

#include <glib.h>

#include "ft-walk.h"

/* What the classes of an arena are called in text, made as they are met. */
struct ft_decoder {
	struct fasttrace_arena *arena;
	GPtrArray *names; /* by id - 1: NULL, or a string vector: the event's, then its fields' */
};

struct ft_decoder *ft_decoder_new(struct fasttrace_arena *a);
void ft_decoder_free(struct ft_decoder *decoder);

/**
 * ft_decode() - append "provider:event: name=value name=value".
 * @id:      of a class that is known.
 * @payload: private memory in which ft_event_next() has found an event of that class: what stands
 *           behind its header.
 */
void ft_decode(struct ft_decoder *decoder, unsigned id, const unsigned char *payload, GString *to);

/** ft_append_escaped() - append text so that it stays in its line, with \quote and \\ as in C. */
void ft_append_escaped(GString *to, const char *text, size_t bytes, char quote);

/** ft_append_u64() - append a number, with zeros before it if it has fewer digits. */
void ft_append_u64(GString *to, uint64_t value, unsigned digits);

/* One of many sorted sequences, as the merge sees it. */
struct ft_merge_source {
	uint64_t time;	/* of what comes next */
	unsigned order; /* at the same time, the smaller one's turn is first */
};

/** ft_merge_add() - a source that has something. @heap: of pointers to sources. */
void ft_merge_add(GPtrArray *heap, struct ft_merge_source *source);
/** ft_merge_first() - whose turn it is; NULL: nobody has anything. */
struct ft_merge_source *ft_merge_first(const GPtrArray *heap);
/** ft_merge_next() - the first one has gone on, its time is not smaller than before. */
void ft_merge_next(GPtrArray *heap);
/** ft_merge_drop() - the first one has nothing any more. */
void ft_merge_drop(GPtrArray *heap);

#endif
