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
