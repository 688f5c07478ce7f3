/* SPDX-License-Identifier: MIT */
/*
 * adapter.h - what the files of the adapter share: fuse.c, park.c and listing.c.
 */
#ifndef FT_FS_ADAPTER_H
#define FT_FS_ADAPTER_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "mount.h"

struct ft_mount {
	struct fuse_session *session;
	struct ft_tree *tree;
	struct ft_loop *loop;
	struct ft_mount_options options;
	dev_t number; /* of the filesystem; 0: not mounted, or not known */
	struct ft_watch device;
	struct fuse_buf request;
	char *buffer; /* FT_BLOCK_BYTES for answers */
	bool initialized, answers;
	GQueue parked;	       /* of struct parked: requests that wait */
	GQueue handles;	       /* of struct ft_handle: all files that are open */
	GQueue directories;    /* of listing.c's struct directory: all that are open */
	struct ft_timer wake;  /* to ask again those whose process is woken */
	struct ft_timer pause; /* to ask again those that have a deadline */
};

/* An open file. */
struct ft_handle {
	struct ft_mount *mount;
	struct ft_file *file;
	struct fuse_pollhandle *poll; /* whom to notify, or NULL */
	GList link;
};

struct ft_mount *ft_req_mount(fuse_req_t req);
/**
 * ft_req_permitted() - the node that the request is for, if its caller may look at it, or @change it.
 * The kernel has looked at the modes; it lets those pass whose capabilities override them.
 * Return: NULL: the request is answered and gone.
 */
struct ft_node *ft_req_permitted(fuse_req_t req, fuse_ino_t ino, bool change);
/** ft_req_call() - the request's caller. */
struct ft_call ft_req_call(fuse_req_t req);

/* listing.c */
void ft_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ft_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		   struct fuse_file_info *fi);
void ft_op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ft_listings_free(struct ft_mount *mount);

/** ft_error_number() - what a user gets for -errno of the tree. */
int ft_error_number(ssize_t err);

/** ft_request_read(), ft_request_write() - do it, and answer it or park it. */
void ft_request_read(struct ft_handle *handle, fuse_req_t req, struct ft_call *call);
void ft_request_write(struct ft_handle *handle, fuse_req_t req, struct ft_call *call);
/** ft_park_wake() - an ft_wake_handler; @arg is the mount. */
void ft_park_wake(void *arg, struct ft_process *process);
void ft_park_init(struct ft_mount *mount);
/** ft_park_free() - answer all that wait, before the end. */
void ft_park_free(struct ft_mount *mount);

#endif
