/* SPDX-License-Identifier: MIT */
/*
 * mount.h - a tree, mounted.
 */
#ifndef FT_FS_MOUNT_H
#define FT_FS_MOUNT_H

#include "node.h"

struct ft_mount;

struct ft_mount_options {
	const char *path;
	bool allow_other;
	void (*ready)(void *arg); /* the mount answers */
	void *arg;
};

/**
 * ft_mount_new() - mount @tree and serve it in its registry's loop, which stops at the unmount.
 * Return: NULL when it cannot be mounted; libfuse has told the user why.
 */
struct ft_mount *ft_mount_new(struct ft_tree *tree, const struct ft_mount_options *options);
/** ft_mount_free() - unmount if it is mounted, and close all files. */
void ft_mount_free(struct ft_mount *mount);

#endif
