/* SPDX-License-Identifier: MIT */
/*
 * ft-create.h - making an arena, and small tools that are safe where libc's are not.
 */
#ifndef FT_CREATE_H
#define FT_CREATE_H

#include <signal.h>

#include "ft-tracer.h"

struct ft_created {
	const struct ft_arena *parent; /* in: of a forked child: its event table is copied */
	size_t size;		       /* in: the parent's, or 0; out */
	uint64_t events;	       /* out: bytes of the table that were there to be copied */
	struct ft_arena *arena;	       /* out: mapped somewhere, complete but for its buffers */
	void *lock_page;	       /* out: keeps the writer's lock; not inherited by fork */
};

/**
 * ft_create() - make an arena file for this process, lock it, fill it in, give it its name.
 * @path: its file.
 * @why:  on error, which step failed, in words.
 * Context: async-signal-safe, with signals blocked. Return: 0 or a negative errno.
 */
int ft_create(const struct ft_config *config, struct ft_created *made, char *path, size_t path_size,
	      const char **why);

/**
 * ft_clock_fill() - choose the clock, and note what it, CLOCK_MONOTONIC and CLOCK_REALTIME show.
 * Sets the arena's words of that name: clock, clock_why, clock_source, clock_hz if it is known, and
 * the three of one instant, read within each other's precision: tens of nanoseconds.
 * Context: async-signal-safe. Takes some microseconds.
 */
void ft_clock_fill(struct ft_arena *arena);

/**
 * ft_clock_choose() - is the TSC a clock here?
 * @source:    the kernel's clock source; empty: not known.
 * @invariant: as ft_clock_invariant() says.
 */
enum ft_clock_kind ft_clock_choose(const char *source, bool invariant, enum ft_clock_why *why);

/**
 * ft_clock_invariant() - does the processor say that its TSC never stops nor changes its pace?
 * @highest_leaf: eax of cpuid leaf 0x80000000.
 * @power_edx:    edx of cpuid leaf 0x80000007, if there is one.
 */
bool ft_clock_invariant(uint32_t highest_leaf, uint32_t power_edx);

/* A copy of this library; `layout` tells which copies understand each other. */
struct ft_process;
struct ft_copy {
	uint64_t layout;
	struct ft_process *process;
};

extern const struct ft_copy ft_copy_own __attribute__((visibility("hidden")));

/**
 * ft_copy_first() - what all copies of this library in this process share; zeros at first.
 * Context: async-signal-safe once our constructor has run.
 */
struct ft_process *ft_copy_first(void);

/** ft_copy_pin() - keep the library that holds this copy from being unloaded. Constructors only. */
void ft_copy_pin(void);

/** ft_mount_start() - FASTTRACE_MOUNT: have a daemon mount it; returns when it answers. */
void ft_mount_start(const struct ft_config *config);

/** ft_complain() - strings up to a NULL, on stderr, in one piece. No stack to speak of: handlers.
 */
void ft_complain(const char *first, ...);

/** ft_text_join() - concatenate strings up to a NULL; cut, but always ended. */
void ft_text_join(char *out, size_t size, ...);

/** ft_text_u64() - in base 10. Return: @out, which holds 21 bytes. */
char *ft_text_u64(char *out, uint64_t value);

/** ft_text_read() - a small file, whole or cut. Return: bytes read (no zero is added), or 0. */
size_t ft_text_read(const char *path, char *out, size_t size);

/** ft_text_error() - what an errno means, or "error". */
const char *ft_text_error(int err);

sigset_t ft_signals_block(void);
void ft_signals_restore(const sigset_t *saved);

#endif
