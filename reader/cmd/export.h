/* SPDX-License-Identifier: MIT */
/*
 * export.h - events in the formats of other tools.
 *
 *   export.c    the command, its file
 *   spans.c     threads, and spans that nest in them
 *   chrome.c    JSON of the Trace Event Format: chrome://tracing, Perfetto, speedscope, Firefox Profiler
 *   perfetto.c  protobuf of Perfetto
 *   csv.c       a table
 */
#ifndef FT_EXPORT_H
#define FT_EXPORT_H

#include "out.h"

enum ft_kind { FT_INSTANT, FT_BEGIN, FT_END, FT_COUNTER, FT_LOST };

/* What is written: an event, a loss, or the end of a span that was never told. */
struct ft_item {
	enum ft_kind kind;
	const char *name; /* PROVIDER:EVENT; not ended by a zero byte */
	size_t bytes;
	size_t provider_bytes;
	int64_t ns;
	struct ft_ctf_stream *stream; /* NULL: nothing is known but the above */
};

/* One of the threads whose events there are. */
struct ft_thread {
	int64_t pid, tid; /* pid 0: not known; of a thread that is not known, tid is a CPU */
	const char *process;
	char *name;
	bool is_cpu, first; /* first: of its process */
	uint64_t number;    /* from 1 on */
	GArray *open;	    /* of struct ft_item: spans, innermost last */
};

struct ft_export;

struct ft_format {
	const char *name;
	void (*begin)(struct ft_export *export);
	/* What comes next, as it is. NULL: these two instead. */
	void (*line)(struct ft_export *export, struct ft_ctf_stream *stream);
	void (*thread)(struct ft_export *export, const struct ft_thread *thread);
	void (*item)(struct ft_export *export, const struct ft_thread *thread,
		     const struct ft_item *item);
	void (*end)(struct ft_export *export);
};

struct ft_export {
	const struct ft_format *format;
	struct ft_out *out, cell; /* cell: memory */
	bool begun;
	int64_t begin_ns;    /* of the first event */
	GHashTable *threads; /* of struct ft_thread */
	GHashTable *pids;    /* that were told of */
	uint64_t unmatched;  /* ends without a begin */
	void *user;	     /* of the format */
	uint64_t closed;     /* spans that were ended by one around them */
};

extern const struct ft_format ft_format_chrome, ft_format_csv, ft_format_perfetto;

/** ft_spans_write() - what comes next of a stream, as format's items. */
void ft_spans_write(struct ft_export *export, struct ft_ctf_stream *stream);
/** ft_thread_free() - @thread: struct ft_thread. */
void ft_thread_free(gpointer thread);
guint ft_thread_hash(gconstpointer thread);
gboolean ft_thread_equal(gconstpointer a, gconstpointer b);

#endif
