/* SPDX-License-Identifier: MIT */
/*
 * files.h - the streams of a snapshot become files while the rest of it is being copied.
 */
#ifndef FT_FILES_H
#define FT_FILES_H

#include <pthread.h>
#include <semaphore.h>

#include "cmd.h"
#include "ft-snapshot.h"

/* The files of one snapshot, which a thread writes once there is much to write. */
struct ft_files {
	struct ft_snapshot_sink sink; /* `data` of a stream is its file here */
	const struct ft_outdir *out;
	const char *folder;  /* "" or, with a slash behind it, where in @out */
	struct task *handed; /* by who copies, for the thread, */
	sem_t more;	     /* one for each; and one in the end */
	struct task *done;   /* and back */
	struct task *due;    /* the thread's, in their order: taken of those */
	struct task *spare;  /* of who copies: taken of these */
	size_t bytes;	     /* that were handed over */
	bool threaded;
	pthread_t thread;
	bool copied;	    /* all: the thread is to end */
	unsigned begun;	    /* files */
	int err;	    /* the thread's first */
	const void *failed; /* the file that it is of */
};

void ft_files_begin(struct ft_files *files, const struct ft_outdir *out, const char *folder);
/** ft_files_wait() - until all is written. Then the snapshot may be freed. */
void ft_files_wait(struct ft_files *files);
/** ft_files_name() - the name in @out of a stream's file. Return: 0; -errno, and it was told why. */
int ft_files_name(struct ft_files *files, const void *data, const char *name);
/** ft_files_end() - Return: 0; -EINTR; -errno, of what has no name, and it was told why. */
int ft_files_end(struct ft_files *files);

#endif
