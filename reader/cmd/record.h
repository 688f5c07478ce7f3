/* SPDX-License-Identifier: MIT */
/*
 * record.h - the parts of `fasttrace record`.
 *
 *   record.c    the command: its options, who is recorded, progress, the summary
 *   tracee.c    one process: a thread of ours that takes its packets, from its arena
 *   mounted.c   the same from the `stream` files of the mount that serves it
 *   trace.c     its trace: chunks, metadata, which stream a packet belongs to
 *   stream.c    one stream file, readable whenever we die
 */
#ifndef FT_RECORD_H
#define FT_RECORD_H

#include <stdatomic.h>

#include "cmd.h"

/* What all share. Counts are of all processes. */
struct ft_record {
	const char *out;
	uint64_t max_bytes; /* of a chunk; 0: no chunks by size */
	int64_t max_ns;	    /* the same by time */
	bool zstd;
	_Atomic uint64_t events, bytes, streams, chunks;
	_Atomic bool stop;
	_Atomic bool failed;	 /* something could not be written: that ends all */
	_Atomic bool incomplete; /* some of a process could not be read; both were told */
};

/* stream.c */
struct ft_stream;

/**
 * ft_stream_new() - a stream file @name, in the folder @dirfd, which is not there before the first
 * packet is in it.
 * @zstd: one frame for each packet.
 */
struct ft_stream *ft_stream_new(struct fasttrace_arena *arena, int dirfd, const char *name,
				bool zstd);
/** ft_stream_write() - a packet; all of it, or nothing. Return: 0 or -errno. */
int ft_stream_write(struct ft_stream *stream, const void *packet, size_t bytes);
uint64_t ft_stream_bytes(const struct ft_stream *stream); /* of the file */
const char *ft_stream_name(const struct ft_stream *stream);
/** ft_stream_free() - the file ends behind its last packet. NULL is accepted. */
void ft_stream_free(struct ft_stream *stream);

/* trace.c */
struct ft_trace;

/** ft_trace_new() - in the folder @path, which is made. Return: NULL, and it was told why. */
struct ft_trace *ft_trace_new(struct ft_record *record, struct fasttrace_arena *arena,
			      const char *path);
/** ft_trace_write() - a packet of any stream. Return: 0; -errno, and it was told why. */
int ft_trace_write(struct ft_trace *trace, const void *packet, size_t bytes, uint64_t events);
/** ft_trace_done() - no packet of this stream will come. */
void ft_trace_done(struct ft_trace *trace, uint64_t serial);
/** ft_trace_free() - with the newest metadata. NULL is accepted. */
void ft_trace_free(struct ft_trace *trace);

/* tracee.c */
/* A process that is recorded. */
struct ft_tracee {
	struct ft_record *record;
	struct fasttrace_arena *arena;
	struct ft_trace *trace;
	char *path;   /* of the arena */
	char *folder; /* of the mount that serves it; NULL: we are the consumer */
	GThread *thread;
	_Atomic bool ended;
	bool drained;	       /* the process has ended, and all of it is written */
	_Atomic uint64_t lost; /* events lost or overwritten since we came */
	uint64_t lost_before;  /* and before */
};

/**
 * ft_tracee_new() - begin to record.
 * @arena: becomes the tracee's.
 * @folder: as in the struct; becomes the tracee's.
 * @out: folder of its trace. Return: NULL, and it was told why.
 */
struct ft_tracee *ft_tracee_new(struct ft_record *record, const char *path,
				struct fasttrace_arena *arena, char *folder, const char *out);
/** ft_tracee_wake() - it is to look at record->stop. */
void ft_tracee_wake(struct ft_tracee *tracee);
/** ft_tracee_free() - waits for it to end. */
void ft_tracee_free(struct ft_tracee *tracee);

/* mounted.c */
/** ft_mounted_run() - take packets from tracee->folder until the end. Return: 0 or -errno. */
int ft_mounted_run(struct ft_tracee *tracee);

#endif
