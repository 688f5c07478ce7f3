/* SPDX-License-Identifier: MIT */
/*
 * spans.h - whose events are, and which end belongs to which begin.
 *
 * An end belongs to the innermost open begin of its name in its thread. Where events of a thread were
 * lost, its open spans are given up: the ends that follow could be of others. So are the oldest of a
 * thread in which too many are open. What is left without the other side is lone.
 */
#ifndef FT_SPANS_H
#define FT_SPANS_H

#include "ft-ctf.h"

#define FT_SPANS_OPEN  4096 /* in a thread */
#define FT_SPANS_LANES 64

/* One that has begun. Of its thread, spans of one lane nest: lane 0 has all but those that do not. */
struct ft_span {
	void *name;	  /* the same for all of that name */
	int64_t ns;	  /* when it began */
	uint64_t crossed; /* bits: lanes in which one has ended that began before it */
	unsigned lane;
	GString *data; /* of whoever keeps something: empty at first */
};

struct ft_process {
	int64_t pid; /* 0, or less: not known */
	const char *name;
	unsigned number;  /* from 0 on */
	bool has_own_pid; /* no other before it has that pid */
	int64_t id;	  /* of whoever writes them: 0 at first */
};

struct ft_thread {
	struct ft_process *process;
	enum { FT_THREAD_TID, FT_THREAD_CPU, FT_THREAD_STREAM } kind;
	uint64_t id; /* of that kind: a tid, a CPU; of streams any */
	char *name;  /* NULL: not known */
	struct ft_span *open;
	unsigned count, room;
	GPtrArray *tracks; /* of whoever writes them; NULL at first */
};

/* All there are. */
struct ft_threads {
	GHashTable *processes, *pids, *set;
	GPtrArray *all; /* of struct ft_thread, in the order of their first events */
	/* Told of a begin that is given up; @span is valid until it returns. */
	void (*lone)(void *of, struct ft_thread *thread, struct ft_span *span);
	void *of;
};

/**
 * ft_event_is() - is an event's name PROVIDER:EVENT and then @suffix, as ":begin"?
 * Other tracers have no second colon. @bytes: of PROVIDER:EVENT.
 */
bool ft_event_is(const char *name, const char *suffix, size_t *bytes);

void ft_threads_init(struct ft_threads *threads);
void ft_threads_clear(struct ft_threads *threads);
/**
 * ft_thread_of() - whose is what comes next of a stream.
 * By its tid and its process' trace: a thread may go on in another ring or chunk, or on another CPU;
 * processes that have a pid one after another, or each in its container, are different ones.
 */
struct ft_thread *ft_thread_of(struct ft_threads *threads, struct ft_ctf_stream *stream);

/** ft_span_begin() - Return: the span, for its data: valid until the next call. */
struct ft_span *ft_span_begin(struct ft_threads *threads, struct ft_thread *thread, void *name,
			      int64_t ns);
/** ft_span_end() - Return: what ends, valid until the next begin; NULL: the end is lone. */
struct ft_span *ft_span_end(struct ft_thread *thread, const void *name);
/** ft_span_took() - how long, if it ends then. Clocks may step back. */
static inline int64_t ft_span_took(const struct ft_span *span, int64_t ns)
{
	return ns > span->ns ? ns - span->ns : 0;
}

/** ft_spans_lost() - events of @stream are missing: of its thread, or of any of the process. */
void ft_spans_lost(struct ft_threads *threads, struct ft_ctf_stream *stream);
/** ft_spans_each() - those that are still open, from the outermost of each thread on. */
void ft_spans_each(struct ft_threads *threads,
		   void (*each)(void *of, struct ft_thread *thread, struct ft_span *span));

#endif
