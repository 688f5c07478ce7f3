/* SPDX-License-Identifier: MIT */
/*
 * export.h - events in the formats of other tools.
 *
 *   export.c    the command, its file
 *   tracks.c    spans, instants and counters, on the tracks of threads
 *   chrome.c    JSON of the Trace Event Format: chrome://tracing, Perfetto, speedscope, Firefox Profiler
 *   perfetto.c  protobuf of Perfetto
 *   csv.c       a table
 */
#ifndef FT_EXPORT_H
#define FT_EXPORT_H

#include "out.h"
#include "spans.h"

/* Where ids of processes and threads cannot be: they are 4194304 at most. */
#define FT_NO_ID 4194305

/* What an event is called without what it is: the same for all of that name. */
struct ft_name {
	const char *text; /* PROVIDER:EVENT; not ended by a zero byte */
	size_t bytes;
	size_t provider_bytes;
	const struct ft_name *begin; /* of a span: what its begins are called */
};

enum ft_kind { FT_INSTANT, FT_SPAN, FT_OPEN, FT_COUNTER, FT_LOST };

/* What is written. A span is when it has ended; one that is open has not. */
struct ft_item {
	enum ft_kind kind;
	const struct ft_name *name;
	int64_t ns, end_ns;	      /* end_ns: of a span */
	struct ft_ctf_value value;    /* of a counter: a number, and finite */
	const GString *data;	      /* of its begin, as the format keeps it; NULL: stream tells */
	struct ft_ctf_stream *stream; /* at the event, of a span its end; NULL: nowhere any more */
};

/* A thread's, or of those of its spans that do not nest with the others. */
struct ft_track {
	const struct ft_thread *thread;
	const struct ft_track *parent; /* NULL: the thread's own */
	int64_t tid;		       /* FT_NO_ID and above: made up; as is the process' id */
	uint64_t number;	       /* from 1 on */
};

struct ft_export;

struct ft_format {
	const char *name;
	void (*begin)(struct ft_export *export);
	/* What comes next, as it is. NULL: these instead. */
	void (*line)(struct ft_export *export, struct ft_ctf_stream *stream);
	/* Before the first item of a track, and of its process. */
	void (*process)(struct ft_export *export, const struct ft_process *process);
	void (*track)(struct ft_export *export, const struct ft_track *track);
	/* Keep what is to be known of a begin until its end. */
	void (*keep)(struct ft_export *export, GString *data, struct ft_ctf_stream *stream);
	void (*item)(struct ft_export *export, const struct ft_track *track,
		     const struct ft_item *item);
	void (*end)(struct ft_export *export);
};

struct ft_export {
	const struct ft_format *format;
	struct ft_out *out, cell; /* cell: memory */
	bool begun;
	int64_t begin_ns; /* of the first event */
	struct ft_threads threads;
	GHashTable *names; /* of struct ft_name */
	uint64_t tracks;   /* how many there are */
	int64_t ids;	   /* that were made up */
	uint64_t lone;	   /* begins and ends of spans */
	void *user;	   /* of the format */
};

extern const struct ft_format ft_format_chrome, ft_format_csv, ft_format_perfetto;

/* tracks.c */
void ft_tracks_init(struct ft_export *export);
/** ft_tracks_write() - what comes next of a stream, as format's items. */
void ft_tracks_write(struct ft_export *export, struct ft_ctf_stream *stream);
/** ft_tracks_end() - there is no more: spans that are open. */
void ft_tracks_end(struct ft_export *export);
void ft_tracks_clear(struct ft_export *export);
/** ft_process_name(), ft_track_name() - to be shown, and freed. NULL: not known. */
char *ft_process_name(const struct ft_process *process);
char *ft_track_name(const struct ft_track *track);

#endif
