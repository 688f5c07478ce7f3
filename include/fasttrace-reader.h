/* SPDX-License-Identifier: MIT */
/*
 * fasttrace-reader.h - read the arenas that libfasttrace writes: get, put, switch, snapshot.
 *
 * An arena is one file per traced process. Any number of readers may open it; the first to do so
 * with FASTTRACE_OPEN_CONSUME becomes its consumer, until it closes it or dies.
 *
 * Nothing in an arena is trusted: what contradicts the protocol gives -EPROTO for that buffer or
 * arena and nothing else. A file that is truncated while mapped raises SIGBUS, which
 * fasttrace_reader_guard() turns into -EPROTO as well.
 *
 * Errors are negative errno values. Calls on one arena from several threads need a lock of the
 * caller's; calls on different arenas do not. No call blocks, but where it says so. Nothing here
 * is async-signal-safe.
 */
#ifndef FASTTRACE_READER_H
#define FASTTRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FASTTRACE_READER_API	      __attribute__((visibility("default")))
#define FASTTRACE_PACKET_HEADER_BYTES 88

struct fasttrace_arena;

enum fasttrace_open_flags {
	FASTTRACE_OPEN_CONSUME = 1, /* become the consumer if nobody is; else as without */
};

enum fasttrace_end {
	FASTTRACE_RUNNING,
	FASTTRACE_EXITED,   /* code: the exit status; -1: not known */
	FASTTRACE_KILLED,   /* code: the signal */
	FASTTRACE_REPLACED, /* by exec */
	FASTTRACE_ENDED,    /* gone, nobody knows how */
};

enum fasttrace_buffer_mode { FASTTRACE_OVERWRITE, FASTTRACE_DISCARD, FASTTRACE_BLOCK };

/* What an arena says of itself; strings are valid until the arena is closed, checked and ended. */
struct fasttrace_process_info {
	uint32_t pid;
	uint32_t uid;
	uint64_t pid_ns;     /* inode number of its pid namespace */
	uint64_t start_time; /* clock ticks after boot: /proc/PID/stat's, out of time namespaces */
	uint8_t uuid[16];
	uint8_t boot_id[16];
	char comm[16];
	const char *exe;
	const char *cmdline; /* arguments, each ended by a zero byte */
	size_t cmdline_bytes;
	enum fasttrace_buffer_mode mode;
	bool raw_clock;	       /* the cycle counter; else CLOCK_MONOTONIC */
	const char *clock_why; /* why this one, in words */
	uint64_t clock_hz;
	uint64_t created_realtime_ns;
};

/* How large a buffer is. */
struct fasttrace_geometry {
	uint64_t subbuf_bytes; /* a power of two from 4K to 16M */
	uint32_t subbufs;      /* a power of two from 2 to 4096 */
};

/* Who owns a buffer now. */
struct fasttrace_buffer_info {
	uint64_t serial; /* never used again in this arena: names this owner's stream */
	uint32_t tid;
	bool live;     /* its thread can still write */
	char name[16]; /* of the thread, when it began to trace */
	uint64_t subbuf_bytes;
	uint32_t subbufs;
	uint64_t base; /* seq of this owner's first sub-buffer */
};

/* Counts of events, exact: begun = consumed + readable + overwritten + lost + in_flight. */
struct fasttrace_stats {
	uint64_t begun;
	uint64_t consumed;
	uint64_t readable;
	uint64_t overwritten;
	uint64_t lost_full;
	uint64_t lost_too_big;
	uint64_t lost_nested;
	uint64_t lost_no_buffer; /* an arena's only */
	uint64_t lost_no_event;	 /* an arena's only */
	uint64_t in_flight;	 /* being written, or cut short by the writer's death */
	uint64_t corrupted;	 /* sub-buffers in which an event was cut short by death */
	uint64_t clock_steps;
	uint64_t subbufs_produced;
	uint64_t subbufs_consumed;
	uint64_t subbufs_overwritten;
	uint64_t bytes_readable; /* as read, packet headers included */
	uint64_t bytes_produced; /* of ring gone through, unused ends of sub-buffers included */
};

/* When events were that can be read now, in ns since 1970: as fasttrace_arena_time_ns(). */
struct fasttrace_times {
	int64_t oldest_ns;
	int64_t newest_ns;
	int64_t until_ns; /* now; of a writer that is gone, newest_ns */
};

/*
 * A complete CTF packet: a copy, which nobody else changes, until put or unget frees it; or
 * fasttrace_packet_keep().
 */
struct fasttrace_packet {
	uint64_t seq;
	uint64_t serial;
	uint64_t events;
	uint64_t begin, end;	     /* time stamps of the first and last event, in clock ticks */
	uint64_t lost;		     /* events lost in this stream up to the end of this packet */
	uint64_t lost_before;	     /* up to the end of the newest one that was put before */
	uint64_t overwritten_before; /* events behind that one that were overwritten before this */
	uint64_t cut_short;	     /* events that the writer's death cut short in this packet */
	const void *data;	     /* FASTTRACE_PACKET_HEADER_BYTES of header, then the body */
	size_t bytes;
	const void *body; /* where it stands in data: the events */
	size_t body_bytes;
	void *copy; /* the library's own */
};

/** fasttrace_reader_version() - "MAJOR.MINOR.PATCH" of the library. */
FASTTRACE_READER_API const char *fasttrace_reader_version(void);

/**
 * fasttrace_reader_guard() - survive arenas that are truncated while they are mapped.
 * Installs a SIGBUS handler that replaces the lost pages of an arena by zeros and marks it broken;
 * other faults go to the handler there was. Call once, before the first open; optional.
 */
FASTTRACE_READER_API int fasttrace_reader_guard(void);

/**
 * fasttrace_arena_open() - map an arena and check it.
 * @dirfd, @path: as openat(2). Never follows a symlink; takes regular files only.
 * @flags: of enum fasttrace_open_flags.
 * @why:   if not NULL, on error what is wrong, in words, a static string; else NULL.
 * Return: 0; -EPROTO no arena, or one that contradicts itself; -ENOTSUP one of a newer version;
 *         or open(2)'s and mmap(2)'s.
 */
FASTTRACE_READER_API int fasttrace_arena_open(int dirfd, const char *path, unsigned flags,
					      struct fasttrace_arena **arena, const char **why);

/** fasttrace_arena_close() - give up the consumer's right, unmap. NULL is accepted. */
FASTTRACE_READER_API void fasttrace_arena_close(struct fasttrace_arena *arena);

/** fasttrace_arena_consume() - become the consumer now. Return: 0, or -EBUSY another process is. */
FASTTRACE_READER_API int fasttrace_arena_consume(struct fasttrace_arena *arena);

/** fasttrace_arena_info() - who was traced. Borrowed until the arena is closed. */
FASTTRACE_READER_API const struct fasttrace_process_info *
fasttrace_arena_info(const struct fasttrace_arena *arena);

/** fasttrace_arena_broken() - 0, or -EPROTO once the file was found truncated under the mapping. */
FASTTRACE_READER_API int fasttrace_arena_broken(const struct fasttrace_arena *arena);

/**
 * fasttrace_arena_alive() - does a process still hold the arena as its writer?
 * The kernel's word: the writer's lock. Once false, it stays so.
 */
FASTTRACE_READER_API bool fasttrace_arena_alive(struct fasttrace_arena *arena);

/**
 * fasttrace_arena_end() - how the process ended.
 * @code: exit status or signal; -1 where there is none or nobody knows.
 */
FASTTRACE_READER_API enum fasttrace_end fasttrace_arena_end(struct fasttrace_arena *arena,
							    int *code);

/**
 * fasttrace_arena_set_end() - note in the arena what the kernel told of its end.
 * For the consumer. Return: 0; -EBUSY the writer lives, or we are not the consumer.
 */
FASTTRACE_READER_API int fasttrace_arena_set_end(struct fasttrace_arena *arena,
						 enum fasttrace_end end, int code);

/**
 * fasttrace_arena_metadata() - the trace's TSDL.
 * @text: on success, to be freed with free(); @len bytes and a zero.
 * Later calls return the same text with new event classes appended.
 * Context: may sleep up to 50 ms, once, to learn the clock's frequency.
 */
FASTTRACE_READER_API int fasttrace_arena_metadata(struct fasttrace_arena *arena, char **text,
						  size_t *len);

/*
 * The event table. An event is what has a provider and a name. Call sites of one event that differ
 * in fields, level or kind are classes of it, each with an id of its own.
 */
enum fasttrace_event_kind {
	FASTTRACE_EVENT_PLAIN,
	FASTTRACE_EVENT_BEGIN,
	FASTTRACE_EVENT_END,
	FASTTRACE_EVENT_COUNTER,
	FASTTRACE_EVENT_GUARD, /* FASTTRACE_ENABLED(): a switch; is never recorded */
	FASTTRACE_EVENT_MARKER /* fasttrace_marker_write(): has no switch, and is always on */
};

struct fasttrace_event_info {
	unsigned id; /* in the trace */
	const char *provider;
	const char *name;
	enum fasttrace_event_kind kind;
	unsigned level; /* syslog's */
	bool on;
	unsigned nfields;
	struct {
		const char *name;
		/* i8 to i64, u8 to u64, hex8 to hex64, bool, char, float, double, string or
		 * pointer; of an array with "[]" behind it */
		const char *type;
		unsigned bytes; /* of a value, or of an array's element; 0: a string */
	} field[16];
};

/** fasttrace_arena_events() - classes there are by now; their ids are 1 to that. Or -EPROTO. */
FASTTRACE_READER_API int fasttrace_arena_events(struct fasttrace_arena *arena);

/**
 * fasttrace_event_get_info() - what class @id is. Strings are borrowed until the arena is closed;
 * they may hold anything but control characters and slashes. None is empty, and `provider` and
 * `name` are neither "." nor "..": folders may be called so.
 * Return: 0; -ENOENT no such class, as of the last fasttrace_arena_events().
 */
FASTTRACE_READER_API int fasttrace_event_get_info(struct fasttrace_arena *arena, unsigned id,
						  struct fasttrace_event_info *info);

/**
 * fasttrace_events_switch() - turn events on or off, in all threads, at once.
 * @provider, @event: NULL means every one, also those that the process meets later.
 * Neither need be known yet. A name is an identifier, which may hold UTF-8.
 * What it says is remembered beside what FASTTRACE_EVENTS said: the last one decides. There is room
 * for 64 KiB of such rules; one that does not fit switches the events there are, and no later ones.
 * Return: 0; -EINVAL a name that is not one, or @event without @provider; -EBUSY not the consumer;
 *         -ENOSPC no memory for the rule: nothing was switched; -EPROTO, where a part of the event
 *         table is sound, that was switched; -ENOMEM.
 */
FASTTRACE_READER_API int fasttrace_events_switch(struct fasttrace_arena *arena,
						 const char *provider, const char *event, bool on);

/**
 * fasttrace_tracing_switch() - stop tracing as a whole, or start it again, at once.
 * While it is stopped every event costs what one costs that is off; those the process meets later
 * are off as well. What fasttrace_event_get_info() tells, and what fasttrace_events_switch() does, is
 * of the rules, which say again what is on once it is started. A switch whose rule had not fitted
 * is forgotten by then, and is refused, with -ENOSPC, in between.
 * It stands in the arena; a forked child begins as its parent is.
 * Return: 0; -EBUSY not the consumer; -EPROTO, where a part of the event table is sound, that was
 *         switched; -ENOMEM.
 */
FASTTRACE_READER_API int fasttrace_tracing_switch(struct fasttrace_arena *arena, bool on);
FASTTRACE_READER_API bool fasttrace_tracing_is_on(const struct fasttrace_arena *arena);

#define FASTTRACE_MARKER_BYTES 4096

/**
 * fasttrace_marker_write() - record an event `fasttrace:marker` of the process, stamped now.
 * @text: @bytes of it, FASTTRACE_MARKER_BYTES at most, for its one field `text`; a zero byte becomes
 *        a question mark.
 * The first one makes a buffer for them, whose tid is 0 and whose name is "marker". It is the
 * consumer's, whoever that is; of 64 KiB, whatever the process's are of.
 * Return: 0 it is recorded; -EMSGSIZE it is longer; -EBUSY not the consumer; -ESRCH the process has
 *         ended; -EBADF tracing is stopped; -EAGAIN discard and block mode: the buffer is full of
 *         what nobody has read; -ENOSPC no memory, or no room in the event table; -ENOTSUP an arena
 *         without room for markers; -EPROTO; -ENOMEM. What is refused is not counted as lost.
 */
FASTTRACE_READER_API int fasttrace_marker_write(struct fasttrace_arena *arena, const char *text,
						size_t bytes);

/**
 * fasttrace_geometry_get(), fasttrace_geometry_set() - how large the buffers of threads to come are.
 * Those there are stay as they are. A thread that begins meanwhile gets the old size and number, or
 * the new ones. It stands in the arena; a forked child begins with what its parent has.
 * Where memory is short a thread gets less: fasttrace_buffer_get_info() tells what it got.
 * Return: 0; -EINVAL out of bounds; -ENOSPC such a buffer would take more than half of what the
 *         process may take for all of them, and so be had by no thread; -EBUSY not the consumer;
 *         -EPROTO what stands in the arena is out of bounds, or somebody else writes it.
 */
FASTTRACE_READER_API int fasttrace_geometry_get(const struct fasttrace_arena *arena,
						struct fasttrace_geometry *geometry);
FASTTRACE_READER_API int fasttrace_geometry_set(struct fasttrace_arena *arena,
						const struct fasttrace_geometry *geometry);

/** fasttrace_arena_buffers() - number of buffers; they are indexed from 0 and only ever added. */
FASTTRACE_READER_API unsigned fasttrace_arena_buffers(struct fasttrace_arena *arena);

/** fasttrace_arena_stats() - the counts of all buffers, with all their owners, together. */
FASTTRACE_READER_API int fasttrace_arena_stats(struct fasttrace_arena *arena,
					       struct fasttrace_stats *stats);

/**
 * fasttrace_arena_time_ns() - a time stamp of the arena as ns since 1970, as its metadata has it.
 * Context: may sleep up to 50 ms, once, to learn the clock's frequency.
 */
FASTTRACE_READER_API int64_t fasttrace_arena_time_ns(struct fasttrace_arena *arena, uint64_t ticks);

/**
 * fasttrace_arena_wait() - sleep until a writer ends a sub-buffer that fasttrace_buffer_watch()
 * asked to hear of.
 * @ticket:  from fasttrace_arena_ticket(), taken before the last look.
 * Return: 0 something ended, -ETIMEDOUT, -EINTR.
 * Context: blocks; may run beside any other call on the arena but close.
 */
FASTTRACE_READER_API uint32_t fasttrace_arena_ticket(const struct fasttrace_arena *arena);
FASTTRACE_READER_API int fasttrace_arena_wait(const struct fasttrace_arena *arena, uint32_t ticket,
					      uint64_t timeout_ns);
/** fasttrace_arena_interrupt() - make fasttrace_arena_wait() of this process return. */
FASTTRACE_READER_API void fasttrace_arena_interrupt(const struct fasttrace_arena *arena);

/**
 * fasttrace_buffer_get_info() - who owns buffer `index`.
 * Return: 0; -ENOENT no such buffer, or none owns it yet; -EPROTO.
 */
FASTTRACE_READER_API int fasttrace_buffer_get_info(struct fasttrace_arena *arena, unsigned index,
						   struct fasttrace_buffer_info *info);

/*
 * The calls below take @serial: if the buffer has another owner by now, they return -ENOENT.
 */

/** fasttrace_buffer_stats() - the counts of this owner. */
FASTTRACE_READER_API int fasttrace_buffer_stats(struct fasttrace_arena *arena, unsigned index,
						uint64_t serial, struct fasttrace_stats *stats);

/**
 * fasttrace_buffer_times() - when this owner's events were that can be read, read or not closed yet.
 * Consumes nothing and writes nothing.
 * Context: walks two sub-buffers; otherwise as fasttrace_arena_time_ns().
 * Return: 0; -ENODATA there is none; -ENOENT; -ENOMEM; -EPROTO.
 */
FASTTRACE_READER_API int fasttrace_buffer_times(struct fasttrace_arena *arena, unsigned index,
						uint64_t serial, struct fasttrace_times *times);

/**
 * fasttrace_buffer_begin() - when the first event of sub-buffer @seq was, in ns since 1970.
 * Consumes nothing and writes nothing.
 * Context: as fasttrace_arena_time_ns().
 * Return: 0; -ENODATA it has none, or is gone; -ENOENT; -ENOMEM; -EPROTO.
 */
FASTTRACE_READER_API int fasttrace_buffer_begin(struct fasttrace_arena *arena, unsigned index,
						uint64_t serial, uint64_t seq, int64_t *begin_ns);

/**
 * fasttrace_buffer_next() - the oldest readable sub-buffer with a seq of @from or more.
 * @bytes: if not NULL, its size as a packet.
 * Readable: delivered and not taken; of a writer that is dead, also what it left half done, once
 * switched by flush. Its size does not change. In order: what follows a sub-buffer in which an
 * event is in flight is not told of before that event is through.
 * Return: 0; -EAGAIN none; -ENOENT; -EPROTO.
 */
FASTTRACE_READER_API int fasttrace_buffer_next(struct fasttrace_arena *arena, unsigned index,
					       uint64_t serial, uint64_t from, uint64_t *seq,
					       size_t *bytes);

/**
 * fasttrace_buffer_get() - take sub-buffer @seq; in overwrite mode, swap it out of the ring.
 * @packet: filled in; borrowed until fasttrace_buffer_put() or _unget(). One at a time per buffer.
 * Return: 0; -ENOENT not readable, or overwritten; -EBUSY another one is taken, or we are not the
 *         consumer; -EPROTO.
 */
FASTTRACE_READER_API int fasttrace_buffer_get(struct fasttrace_arena *arena, unsigned index,
					      uint64_t serial, uint64_t seq,
					      struct fasttrace_packet *packet);

/** fasttrace_buffer_put() - it is consumed: give its memory back and wake a waiting writer. */
FASTTRACE_READER_API void fasttrace_buffer_put(struct fasttrace_arena *arena, unsigned index,
					       struct fasttrace_packet *packet);

/**
 * fasttrace_packet_keep() - the packet's data is the caller's, also behind put: free() it.
 * Return: the data.
 */
FASTTRACE_READER_API void *fasttrace_packet_keep(struct fasttrace_packet *packet);

/**
 * fasttrace_buffer_unget() - it was not read to its end: make it readable again.
 * If the writer has claimed its slot meanwhile it is kept aside, readable under its seq, until
 * another one is taken.
 */
FASTTRACE_READER_API void fasttrace_buffer_unget(struct fasttrace_arena *arena, unsigned index,
						 struct fasttrace_packet *packet);

/** fasttrace_buffer_drop() - consume @seq unread. Return: as fasttrace_buffer_get(). */
FASTTRACE_READER_API int fasttrace_buffer_drop(struct fasttrace_arena *arena, unsigned index,
					       uint64_t serial, uint64_t seq);

/** fasttrace_buffer_drained() - true when the writer is gone and nothing is left to read or flush.
 */
FASTTRACE_READER_API bool fasttrace_buffer_drained(struct fasttrace_arena *arena, unsigned index,
						   uint64_t serial);

enum fasttrace_switch { FASTTRACE_FLUSH, FASTTRACE_ACTIVE };

/**
 * fasttrace_buffer_switch() - close the current sub-buffer; with ACTIVE also begin the next.
 * An empty one is left alone: 0.
 * Return: 0 all events that had returned before the call are readable;
 *         -EAGAIN closed, but an event is in flight: it is delivered by itself: ask again with
 *         fasttrace_buffer_settled(); or, ACTIVE, the ring is full;
 *         -EINVAL ACTIVE, and the writer is dead; -EBUSY not the consumer; -ENOENT; -EPROTO;
 *         -EOPNOTSUPP the writer lives, and this process may not call membarrier(2).
 */
FASTTRACE_READER_API int fasttrace_buffer_switch(struct fasttrace_arena *arena, unsigned index,
						 uint64_t serial, enum fasttrace_switch how);

/** fasttrace_buffer_settled() - 0 once no closed sub-buffer awaits an event in flight; -EAGAIN. */
FASTTRACE_READER_API int fasttrace_buffer_settled(struct fasttrace_arena *arena, unsigned index,
						  uint64_t serial);

/**
 * fasttrace_buffer_watch() - ask the writer to wake fasttrace_arena_wait() at its next boundary.
 * Look once more after this call and before waiting. The request is used up by the wake-up.
 */
FASTTRACE_READER_API void fasttrace_buffer_watch(struct fasttrace_arena *arena, unsigned index);

/*
 * A snapshot: copies, made at once, of everything unread, without consuming, switching or writing.
 */
struct fasttrace_snapshot_stream {
	uint64_t serial;
	uint32_t tid;
	unsigned nth;	  /* how many streams before it in this snapshot have the same tid */
	bool open;	  /* the committed part of the sub-buffer being written: a stream of
			   * its own */
	const void *data; /* packets; owned by the snapshot */
	size_t bytes;
	uint64_t events;
	char name[16];	      /* of the thread, when it began to trace */
	uint64_t lost_before; /* events that its thread had lost when its first packet began */
	uint64_t lost;	      /* and up to the end of its last one */
	uint64_t overwritten_before; /* a packet that is added: as it says. Of a snapshot: 0 */
	uint64_t last;		     /* time stamp of its newest event, in clock ticks */
};

struct fasttrace_snapshot {
	unsigned streams;
	struct fasttrace_snapshot_stream *stream;
	char *metadata;
	size_t metadata_bytes;
	size_t bytes; /* of all streams */
};

/**
 * fasttrace_snapshot_take() - copy what can be read now.
 * Metadata declares every event in the streams. Streams without an event are left out.
 * Return: 0; -ENOMEM; -EPROTO.
 */
FASTTRACE_READER_API int fasttrace_snapshot_take(struct fasttrace_arena *arena,
						 struct fasttrace_snapshot **snapshot);
/** fasttrace_snapshot_free() - NULL is accepted. */
FASTTRACE_READER_API void fasttrace_snapshot_free(struct fasttrace_snapshot *snapshot);

/*
 * A snapshot as text: a head whose lines begin with #, then the events of all threads in the order
 * of time, a line each:
 *
 *   NAME-TID SECONDS.NANOSECONDS: PROVIDER:EVENT: FIELD=VALUE FIELD=VALUE
 *
 * NAME is the thread's, padded to 16 bytes; seconds are those since 1970. Where a thread has lost
 * events behind one of its sub-buffers, and where some were overwritten before one that is added, a
 * line says LOST COUNT EVENTS. Strings stand in quotation marks; what might end a line or control a
 * terminal is escaped as in C.
 */
struct fasttrace_lines;

/**
 * fasttrace_lines_open() - the text of a snapshot, at its beginning.
 * @arena, @snapshot: where it was taken, and it: to be kept until fasttrace_lines_free().
 * Return: 0; -EPROTO.
 */
FASTTRACE_READER_API int fasttrace_lines_open(struct fasttrace_arena *arena,
					      const struct fasttrace_snapshot *snapshot,
					      struct fasttrace_lines **lines);
/**
 * fasttrace_lines_read() - the next bytes of it. The same every time, from the beginning on.
 * Return: how many: less than @size at the end only.
 */
FASTTRACE_READER_API size_t fasttrace_lines_read(struct fasttrace_lines *lines, char *to,
						 size_t size);
/**
 * fasttrace_lines_new() - the same, without a head, of packets as they come.
 * Return: 0; -EPROTO; -ENOMEM.
 */
FASTTRACE_READER_API int fasttrace_lines_new(struct fasttrace_arena *arena,
					     struct fasttrace_lines **lines);
/**
 * fasttrace_lines_add() - one more packet.
 * @stream: of this packet alone; a copy, that nobody else can change. Borrowed until it is `ended`.
 * Return: false: there is nothing in it, and it is not borrowed.
 */
FASTTRACE_READER_API bool fasttrace_lines_add(struct fasttrace_lines *lines,
					      const struct fasttrace_snapshot_stream *stream);
/**
 * fasttrace_lines_next() - the next line of what was added, of an event not later than @until.
 * @line:  valid until the next call; @bytes of it, with its newline.
 * @ended: the packet of which this was the last line, or NULL.
 * Return: false: there is none.
 */
FASTTRACE_READER_API bool fasttrace_lines_next(struct fasttrace_lines *lines, uint64_t until,
					       const char **line, size_t *bytes,
					       const struct fasttrace_snapshot_stream **ended);
/** fasttrace_arena_now() - what the arena's clock says, in its ticks. */
FASTTRACE_READER_API uint64_t fasttrace_arena_now(const struct fasttrace_arena *arena);
/** fasttrace_lines_rewind() - go back to the beginning of a snapshot's. */
FASTTRACE_READER_API void fasttrace_lines_rewind(struct fasttrace_lines *lines);
/** fasttrace_lines_free() - NULL is accepted. */
FASTTRACE_READER_API void fasttrace_lines_free(struct fasttrace_lines *lines);

#ifdef __cplusplus
}
#endif
#endif
