/* SPDX-License-Identifier: MIT */
/*
 * listing.c - directories that are open.
 */
#include "adapter.h"

/* An open directory: what was in it when it was read from the beginning. */
struct directory {
	struct ft_node *node;
	GArray *entries;
	GList link; /* in mount->directories */
};

static struct directory *file_directory(const struct fuse_file_info *fi)
{
	return (struct directory *)(uintptr_t)fi->fh;
}

static void entry_clear(void *entry)
{
	g_free(((struct ft_entry *)entry)->name);
}

void ft_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ft_node *node = ft_req_permitted(req, ino, false);
	struct directory *dir;
	struct stat st;
	int err;

	if (!node)
		return;
	err = ft_node_stat(node, &st);
	if (err) {
		fuse_reply_err(req, ft_error_number(err));
		return;
	}
	dir = g_new0(struct directory, 1);
	dir->node = node;
	dir->entries = g_array_new(FALSE, FALSE, sizeof(struct ft_entry));
	g_array_set_clear_func(dir->entries, entry_clear);
	dir->link.data = dir;
	g_queue_push_tail_link(&ft_req_mount(req)->directories, &dir->link);
	fi->fh = (uintptr_t)dir;
	fuse_reply_open(req, fi);
}

static int directory_read(struct directory *dir, fuse_req_t req)
{
	struct ft_call call = ft_req_call(req);
	struct ft_entry self[] = {{g_strdup("."), dir->node->ino, S_IFDIR},
				  {g_strdup(".."), dir->node->parent_ino, S_IFDIR}};

	g_array_set_size(dir->entries, 0);
	g_array_append_vals(dir->entries, self, G_N_ELEMENTS(self));
	return ft_node_list(dir->node, &call, dir->entries);
}

static size_t directory_fill(struct directory *dir, fuse_req_t req, size_t from, char *text,
			     size_t size)
{
	size_t done = 0;

	for (size_t i = from; i < dir->entries->len; i++) {
		struct ft_entry *e = &g_array_index(dir->entries, struct ft_entry, i);
		struct stat st = {.st_ino = e->ino, .st_mode = e->mode};
		size_t n = fuse_add_direntry(req, text + done, size - done, e->name, &st,
					     (off_t)(i + 1));

		if (n > size - done)
			break;
		done += n;
	}
	return done;
}

void ft_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		   struct fuse_file_info *fi)
{
	struct directory *dir = file_directory(fi);
	struct ft_mount *mount = ft_req_mount(req);
	int err = offset ? 0 : directory_read(dir, req);

	(void)ino;
	if (err) {
		fuse_reply_err(req, ft_error_number(err));
		return;
	}
	size = MIN(size, FT_BLOCK_BYTES);
	fuse_reply_buf(req, mount->buffer,
		       directory_fill(dir, req, (size_t)offset, mount->buffer, size));
}

static void directory_free(struct ft_mount *mount, struct directory *dir)
{
	g_queue_unlink(&mount->directories, &dir->link);
	g_array_unref(dir->entries);
	g_free(dir);
}

void ft_op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	directory_free(ft_req_mount(req), file_directory(fi));
	fuse_reply_err(req, 0);
}

void ft_listings_free(struct ft_mount *mount)
{
	while (mount->directories.head)
		directory_free(mount, mount->directories.head->data);
}
