/* SPDX-License-Identifier: MIT */
/*
 * spans.h - how long spans took: an end belongs to the innermost begin of its name in its thread.
 */
#ifndef FT_SPANS_H
#define FT_SPANS_H

#include "ft-ctf.h"
#include "histogram.h"

/* All of one name. */
struct ft_spans {
	struct ft_histogram durations;	 /* in ns */
	uint64_t lone_begins, lone_ends; /* without the other */
};

/** ft_threads_new() - whose spans are open. To be freed by g_hash_table_unref(). */
GHashTable *ft_threads_new(void);
/**
 * ft_span_begin(), ft_span_end() - in the thread of @stream, now.
 * A thread is known by its tid and its process' trace: it may go on in another ring or chunk.
 */
void ft_span_begin(GHashTable *threads, struct ft_ctf_stream *stream, struct ft_spans *spans);
void ft_span_end(GHashTable *threads, struct ft_ctf_stream *stream, struct ft_spans *spans);
/**
 * ft_spans_lost() - events of @stream are missing: begins and ends that follow could be of different
 * spans, so those that are open stay without end.
 */
void ft_spans_lost(GHashTable *threads, struct ft_ctf_stream *stream);
/** ft_spans_close() - there is no more: what is open stays so. */
void ft_spans_close(GHashTable *threads);

#endif
