/* SPDX-License-Identifier: MIT */
/*
 * fuse.c - the adapter: requests of the kernel become calls on the tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter.h"
#include "launch.h"

#define MAX_BACKGROUND 64
#define KEEP_SECONDS   3600.0
#define BRIEF_SECONDS  0.01 /* each path through the root and a folder with a number asks for them */

struct ft_mount *ft_req_mount(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* NULL: there is none, and the request is answered and gone. */
static struct ft_node *req_node(fuse_req_t req, fuse_ino_t ino)
{
	struct ft_node *node = ft_tree_find(ft_req_mount(req)->tree, ino);

	if (!node)
		fuse_reply_err(req, ENOENT);
	return node;
}

struct ft_node *ft_req_permitted(fuse_req_t req, fuse_ino_t ino, bool change)
{
	struct ft_node *node = req_node(req, ino);

	if (!node || ft_node_permits(node, fuse_req_ctx(req)->uid, change))
		return node;
	fuse_reply_err(req, EACCES);
	return NULL;
}

static struct ft_handle *file_handle(const struct fuse_file_info *fi)
{
	return (struct ft_handle *)(uintptr_t)fi->fh;
}

struct ft_call ft_req_call(fuse_req_t req)
{
	return (struct ft_call){.tid = fuse_req_ctx(req)->pid};
}

static double attr_timeout(const struct ft_node *node)
{
	if (ft_node_is_constant(node))
		return KEEP_SECONDS;
	return node->kind == FT_ROOT || node->kind == FT_PROCESS ? BRIEF_SECONDS : 0;
}

static double name_timeout(const struct ft_node *node)
{
	if (ft_node_has_fixed_name(node))
		return KEEP_SECONDS;
	return node->kind == FT_PROCESS || node->kind == FT_THREAD ? BRIEF_SECONDS : 0;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct ft_mount *mount = userdata;

	conn->want &=
		~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	conn->max_write = FT_BLOCK_BYTES;
	conn->max_background = MAX_BACKGROUND;
	mount->initialized = true;
}

/*
 * What never changes the kernel may keep, or each path would cost a dozen requests; a process's and
 * a thread's number for a moment. Sub-buffers come and go, and a snapshot's names differ from caller
 * to caller: for these it asks each time.
 */
static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ft_call call = ft_req_call(req);
	struct ft_node *node = ft_req_permitted(req, parent, false), *child;
	struct fuse_entry_param entry = {0};
	int err;

	if (!node)
		return;
	err = ft_node_lookup(node, &call, name, &child);
	if (!err)
		err = ft_node_stat(child, &entry.attr);
	if (!err) {
		entry.ino = child->ino;
		entry.entry_timeout = name_timeout(child);
		entry.attr_timeout = attr_timeout(child);
		fuse_reply_entry(req, &entry);
		return;
	}
	if (child)
		ft_node_forget(child, 1);
	fuse_reply_err(req, ft_error_number(err));
}

static void forget(struct ft_mount *mount, fuse_ino_t ino, uint64_t lookups)
{
	struct ft_node *node = ft_tree_find(mount->tree, ino);

	if (node)
		ft_node_forget(node, lookups);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	forget(ft_req_mount(req), ino, lookups);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(ft_req_mount(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ft_node *node = req_node(req, ino);
	struct stat st;
	int err;

	(void)fi;
	if (!node)
		return;
	err = ft_node_stat(node, &st);
	if (err)
		fuse_reply_err(req, ft_error_number(err));
	else
		fuse_reply_attr(req, &st, attr_timeout(node));
}

/*
 * `truncate -s 0` sets the size, touch and tar the times: nothing happens where there is nothing to
 * be emptied. The rest is refused.
 */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct ft_node *node;
	int err = 0;

	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
		fuse_reply_err(req, EPERM);
		return;
	}
	if (to_set & FUSE_SET_ATTR_SIZE) {
		node = ft_req_permitted(req, ino, true);
		if (!node)
			return;
		err = ft_node_truncate(node, attr->st_size);
	}
	if (err)
		fuse_reply_err(req, ft_error_number(err));
	else
		op_getattr(req, ino, fi);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ft_node *node = ft_req_permitted(req, ino, false);
	struct ft_handle *handle;
	struct ft_file *file;
	int err;

	if (!node)
		return;
	err = ft_node_open(node, fi->flags, &file);
	if (err) {
		fuse_reply_err(req, ft_error_number(err));
		return;
	}
	handle = g_new0(struct ft_handle, 1);
	handle->mount = ft_req_mount(req);
	handle->file = file;
	handle->link.data = handle;
	g_queue_push_tail_link(&handle->mount->handles, &handle->link);
	fi->fh = (uintptr_t)handle;
	fi->direct_io = 1;
	fi->nonseekable = file->ops->stream;
	fi->noflush = !file->ops->flush;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	struct ft_call call = ft_req_call(req);

	(void)ino;
	call.nonblock = fi->flags & O_NONBLOCK;
	call.size = size;
	call.offset = offset;
	ft_request_read(file_handle(fi), req, &call);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	struct ft_call call = ft_req_call(req);

	(void)ino;
	call.nonblock = fi->flags & O_NONBLOCK;
	call.size = size;
	call.offset = offset;
	call.data = data;
	ft_request_write(file_handle(fi), req, &call);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ft_file *file = file_handle(fi)->file;

	(void)ino;
	if (file->ops->flush)
		file->ops->flush(file);
	fuse_reply_err(req, 0);
}

static void handle_free(struct ft_handle *handle)
{
	if (handle->poll)
		fuse_pollhandle_destroy(handle->poll);
	g_queue_unlink(&handle->mount->handles, &handle->link);
	ft_file_close(handle->file);
	g_free(handle);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	handle_free(file_handle(fi));
	fuse_reply_err(req, 0);
}

static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		    struct fuse_pollhandle *poll)
{
	struct ft_handle *handle = file_handle(fi);
	const struct ft_file_ops *ops = handle->file->ops;
	short ready = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

	(void)ino;
	if (poll && !ops->poll) { /* always ready: there is nothing to tell later */
		fuse_pollhandle_destroy(poll);
		poll = NULL;
	}
	if (poll) {
		if (handle->poll)
			fuse_pollhandle_destroy(handle->poll);
		handle->poll = poll;
	}
	if (ops->poll)
		ready = ops->poll(handle->file, poll != NULL);
	fuse_reply_poll(req, (unsigned short)ready);
}

static void node_remove(fuse_req_t req, fuse_ino_t parent, const char *name, bool directory)
{
	struct ft_node *node = ft_req_permitted(req, parent, true);

	if (node)
		fuse_reply_err(req, ft_error_number(ft_node_remove(node, name, directory)));
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	node_remove(req, parent, name, false);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	node_remove(req, parent, name, true);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	(void)parent, (void)name, (void)mode, (void)dev;
	fuse_reply_err(req, EPERM);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	(void)parent, (void)name, (void)mode, (void)fi;
	fuse_reply_err(req, EPERM);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	fuse_reply_err(req, EPERM);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target, (void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

static void op_rename(fuse_req_t req, fuse_ino_t from, const char *name, fuse_ino_t to,
		      const char *new_name, unsigned flags)
{
	(void)from, (void)name, (void)to, (void)new_name, (void)flags;
	fuse_reply_err(req, EPERM);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino, (void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

static const struct fuse_lowlevel_ops operations = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.poll = op_poll,
	.opendir = ft_op_opendir,
	.readdir = ft_op_readdir,
	.releasedir = ft_op_releasedir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.mknod = op_mknod,
	.create = op_create,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
};

static void device_ready(void *arg)
{
	struct ft_mount *mount = arg;
	int n = fuse_session_receive_buf(mount->session, &mount->request);

	if (n > 0)
		fuse_session_process_buf(mount->session, &mount->request);
	if (fuse_session_exited(mount->session) || (n <= 0 && n != -EINTR && n != -EAGAIN))
		ft_loop_stop(mount->loop);
	if (mount->initialized && !mount->answers) {
		mount->answers = true;
		mount->options.ready(mount->options.arg);
	}
}

/* What mount(8) and df(1) show as the source: the directory of arenas. To be freed with free(). */
static char *session_flags(const struct ft_mount *mount)
{
	char *fsname = g_strdup_printf("fsname=%s", mount->tree->registry->options.path);
	char *flags = NULL;

	fuse_opt_add_opt_escaped(&flags, fsname);
	fuse_opt_add_opt(&flags, "subtype=fasttracefs");
	fuse_opt_add_opt(&flags, "default_permissions");
	g_free(fsname);
	return flags;
}

static int session_mount(struct ft_mount *mount)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	char *flags = session_flags(mount);
	int fd;

	fuse_opt_add_arg(&args, "fasttracefs");
	fuse_opt_add_arg(&args, "-o");
	fuse_opt_add_arg(&args, flags);
	free(flags);
	if (mount->options.allow_other)
		fuse_opt_add_arg(&args, "-oallow_other");
	mount->session = fuse_session_new(&args, &operations, sizeof(operations), mount);
	fuse_opt_free_args(&args);
	if (!mount->session)
		return -EINVAL;
	if (fuse_session_mount(mount->session, mount->options.path))
		return -EPERM;
	mount->number = ft_mountpoint_device(mount->options.path);
	/* A request that is taken back between epoll and read must not block the loop. */
	fd = fuse_session_fd(mount->session);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	mount->device = (struct ft_watch){fd, device_ready, mount};
	return ft_loop_add(mount->loop, &mount->device, EPOLLIN);
}

struct ft_mount *ft_mount_new(struct ft_tree *tree, const struct ft_mount_options *options)
{
	struct ft_mount *mount = g_new0(struct ft_mount, 1);

	mount->tree = tree;
	mount->loop = tree->registry->loop;
	mount->options = *options;
	tree->others = options->allow_other;
	g_queue_init(&mount->parked);
	g_queue_init(&mount->handles);
	g_queue_init(&mount->directories);
	ft_park_init(mount);
	mount->buffer = aligned_alloc(4096, FT_BLOCK_BYTES);
	if (!mount->buffer || session_mount(mount)) {
		ft_mount_free(mount);
		return NULL;
	}
	tree->registry->wake = ft_park_wake;
	tree->registry->wake_arg = mount;
	return mount;
}

void ft_mount_free(struct ft_mount *mount)
{
	if (!mount)
		return;
	mount->tree->registry->wake = NULL;
	if (mount->device.ready)
		ft_loop_remove(mount->loop, &mount->device);
	ft_park_free(mount);
	while (mount->handles.head)
		handle_free(mount->handles.head->data);
	ft_listings_free(mount);
	/* libfuse would unmount whatever it finds under the name by now. */
	if (mount->number)
		ft_mountpoint_release(mount->number, fuse_session_fd(mount->session));
	else if (mount->session)
		fuse_session_unmount(mount->session);
	if (mount->session)
		fuse_session_destroy(mount->session);
	free(mount->request.mem);
	free(mount->buffer);
	g_free(mount);
}
