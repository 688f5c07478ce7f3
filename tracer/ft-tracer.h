/* SPDX-License-Identifier: MIT */
/*
 * ft-tracer.h - what the parts of libfasttrace say to each other.
 *
 *   process.c  the arena of this process: created at the first event, anew in a forked child
 *   create.c   its file: made, sized, locked, filled in (ft-create.h)
 *   clock.c    which clock stamps events, and what it showed at the start (ft-create.h)
 *   buffer.c   a thread's ring: claimed at its first event, given back at its end
 *   reserve.c  the event path where it is not straight
 *   wait.c     futexes: a sleeping reader, block mode (ft-wait.h)
 *   event.c    the event table
 *   print.c    FASTTRACE_PRINTF()
 *   cancel.c   threads that are cancelled
 *   config.c   the environment
 *   dir.c      the arena directory: checked, measured, made room in
 *   mount.c    FASTTRACE_MOUNT
 *   copy.c     several copies of the library in one process (ft-create.h)
 *   text.c     strings and small files, without libc's allocator (ft-create.h)
 *
 * All of it may run in a signal handler, on any thread, before main() and after exit(): no malloc,
 * no stdio, no lock that a handler could find taken.
 */
#ifndef FT_TRACER_H
#define FT_TRACER_H

#include <limits.h>
#include <sys/types.h>

#include "ft-ring.h"

#define FT_EVENTS_MAX 4096 /* bytes of FASTTRACE_EVENTS, its zero included */

/* The environment, parsed. Defaults where a value is absent or bad. */
struct ft_config {
	bool off;
	enum ft_mode mode;
	uint64_t subbuf_bytes;
	uint64_t subbufs;
	uint64_t max_bytes;
	uint64_t block_timeout_ns;  /* UINT64_MAX: for ever */
	char dir[PATH_MAX];	    /* of arenas */
	char mount[PATH_MAX];	    /* FASTTRACE_MOUNT, or empty */
	char events[FT_EVENTS_MAX]; /* rules of ft-rules.h */
};

/** ft_config_get() - parse the environment; a line on stderr for each bad value. Once a process. */
void ft_config_get(struct ft_config *config);

/**
 * ft_dir_open() - open the arena directory; create it (0700) if it is not there.
 * Never follows a symlink in its last component; must be ours and closed to others.
 * @why: on error, what is wrong, in words.
 * Return: a descriptor, or a negative errno.
 */
int ft_dir_open(const char *path, const char **why);

/** ft_dir_bytes() - bytes that arenas, and other files put beside them, occupy. */
uint64_t ft_dir_bytes(int dirfd);

/** ft_dir_bound() - bytes that they may: a quarter of the filesystem. */
uint64_t ft_dir_bound(int dirfd);

/**
 * ft_dir_evict() - remove dead arenas, clean exits first, then the oldest, until `bytes` fit.
 * Asked with 0 behind a claim, it tells one of two at once that they took too much.
 * Return: do they fit?
 */
bool ft_dir_evict(int dirfd, uint64_t bytes);

/** ft_dir_lock_free() - does nobody lock these bytes of an open file? */
bool ft_dir_lock_free(int fd, off_t at, off_t len);

/** ft_dir_served() - does a daemon hold the directory's lock? Return: 1, 0, or -errno: unknown. */
int ft_dir_served(int dirfd);

/**
 * ft_process_arena() - this process's arena; creates it if need be.
 * Return: NULL when tracing is off, while there is no room for one, and for a child of vfork()
 * whose parent has none.
 */
struct ft_arena *ft_process_arena(void);

/** ft_process_borrowed() - are we a child of vfork() that has its parent's memory for a while? */
bool ft_process_borrowed(void);

/** ft_process_off() - is it known that there is none, and will be none? */
bool ft_process_off(void);

/** ft_process_config() - as it was when the arena was created. */
const struct ft_config *ft_process_config(void);

/** ft_process_path() - of the arena's file. */
const char *ft_process_path(void);

/** ft_process_lost() - count an event that found neither arena nor buffer. */
void ft_process_lost(uint64_t events);

/** ft_process_thread() - the wiped-on-fork writing end that belongs to buffer `index`. */
struct fasttrace_thread *ft_process_thread(uint32_t index);

/**
 * ft_process_commit() - make [offset, offset + bytes) of the arena sure to be backed by memory.
 * Return: 0, -ENOMEM the filesystem is full.
 */
int ft_process_commit(uint64_t offset, uint64_t bytes);

/** ft_process_populate() - fault in what is committed: who comes to it meets no page fault. */
void ft_process_populate(const void *at, uint64_t bytes);

/**
 * ft_process_event_space() - `bytes` of the event table's space, zeroed, aligned to 8, committed.
 * @offset: from the arena's start. What is not used is lost. Lock-free.
 * Return: the space, or NULL: none is left.
 */
void *ft_process_event_space(uint32_t bytes, uint32_t *offset);

/** ft_process_event_ahead() - have a step of the event table's space committed. 0 or -ENOMEM. */
int ft_process_event_ahead(void);

/*
 * A thread's writing end as it was: a handler that forks wipes the end itself, in the child, in the
 * middle of an event. What is copied leads to memory that the child has anew, and nobody reads.
 */
struct ft_end {
	struct fasttrace_thread *thread;
	struct fasttrace_ring ring;
	struct ft_buffer *buffer;
	bool quiet;
};

/** ft_end_wiped() - was it, since it was taken? Then the event belongs elsewhere. */
static inline bool ft_end_wiped(const struct ft_end *end)
{
	return !ft_load_relaxed(&end->thread->ring.slots); /* this thread's own */
}

/** ft_end_take() - copy `thread`'s. False: it has no ring, or not any more. */
static inline bool ft_end_take(struct ft_end *end, struct fasttrace_thread *thread)
{
	end->thread = thread;
	end->ring = thread->ring;
	end->buffer = thread->buffer;
	end->quiet = thread->quiet;
	ft_fence_signal();
	return !ft_end_wiped(end);
}

/**
 * ft_buffer_attach() - give the calling thread a buffer and point fasttrace_self at its end.
 * @abandon: leave the buffer it has, which holds an event that will never be finished. A quiet
 *           thread is refused: it would take system calls.
 * Return: 0, -EAGAIN none is to be had now, -ENOMEM tracing is off or this thread was refused.
 */
int ft_buffer_attach(bool abandon);

/** ft_buffer_start() - make the key by which a thread's end is heard of: early keys need no malloc.
 */
void ft_buffer_start(void);

/**
 * ft_buffer_equip() - see that the calling thread has a buffer; in block mode, wait for one.
 * Return: whether it has. A thread that was refused asks again but once in many events.
 */
bool ft_buffer_equip(void);

/**
 * ft_cancel_hold() - until ft_cancel_restore(), the calling thread is not cancelled.
 * By type as well as by state: glibc's handler looks at the type alone, should the state have
 * changed after the request was sent; and a request that restoring the state acts on has no result.
 * Context: async-signal-safe.
 */
struct ft_cancel {
	int state, type;
};
struct ft_cancel ft_cancel_hold(void);
void ft_cancel_restore(struct ft_cancel saved);

/** ft_process_none - what fasttrace_self points at before a thread's first event: zeros. */
extern struct fasttrace_thread ft_process_none;

#endif
