/* SPDX-License-Identifier: MIT */
/*
 * target_fuse_kernel.h - the kernel's side of the mount in target_fuse.c: what it keeps of nodes,
 * open files and requests, and what it takes for granted of each answer.
 */
#ifndef TARGET_FUSE_KERNEL_H
#define TARGET_FUSE_KERNEL_H

#include <errno.h>
#include <linux/fuse.h>
#include <sys/socket.h>

#include "adapter.h"
#include "target_fuse_arenas.h"

#define NODES	   64
#define FILES	   12
#define REQUESTS   8
#define NAMES	   64
#define NAME_BYTES 256
#define MOST_BYTES (4u << 20)
#define TURNS	   10000 /* of the loop for one request: more, and it spins */

struct known {
	uint64_t ino, lookups;
	unsigned opens;
	bool directory;
};

struct open_file {
	uint64_t fh, ino;
	uint32_t flags;
	bool directory;
	unsigned waiting;
};

struct request {
	uint64_t unique, fh;
	uint32_t opcode, most;
	bool nonblock;
};

static struct kernel {
	int fd;
	struct ft_loop *loop;
	uint64_t unique;
	uint32_t most, pid; /* bytes that an answer can have; who asks */
	struct known nodes[NODES];
	unsigned nnodes;
	struct open_file files[FILES];
	unsigned nfiles;
	struct request requests[REQUESTS];
	unsigned nrequests;
	char names[NAMES][NAME_BYTES];
	unsigned nnames;
	bool came; /* the answer to the request sent last: */
	int error;
	size_t bytes;
	unsigned char data[MOST_BYTES];
} kernel;

static inline const char *request_name(const struct request *r)
{
	static char text[64];

	snprintf(text, sizeof(text), "request %u, opcode %u", (unsigned)r->unique, r->opcode);
	return text;
}

static inline struct known *known_find(uint64_t ino)
{
	for (unsigned i = 0; i < kernel.nnodes; i++)
		if (kernel.nodes[i].ino == ino)
			return &kernel.nodes[i];
	return NULL;
}

static inline struct open_file *file_find(uint64_t fh)
{
	for (unsigned i = 0; i < kernel.nfiles; i++)
		if (kernel.files[i].fh == fh)
			return &kernel.files[i];
	return NULL;
}

static inline void name_keep(const char *name, size_t len)
{
	char *to = kernel.names[kernel.nnames % NAMES];

	memcpy(to, name, len);
	to[len] = '\0';
	kernel.nnames++;
}

static inline bool name_before(const unsigned char *from, const struct fuse_dirent *e)
{
	while (from < (const unsigned char *)e) {
		const struct fuse_dirent *d = (const void *)from;

		if (d->namelen == e->namelen && !memcmp(d->name, e->name, d->namelen))
			return true;
		from += FUSE_DIRENT_SIZE(d);
	}
	return false;
}

/* A listing: names that can stand in a folder, each once. */
static inline void listing_check(const struct request *r, const unsigned char *data, size_t bytes)
{
	const unsigned char *at = data, *end = data + bytes;
	unsigned n = 0;

	for (; (size_t)(end - at) >= FUSE_NAME_OFFSET; n++) {
		const struct fuse_dirent *e = (const void *)at;
		size_t len = e->namelen;

		if (!len || len > 255 || FUSE_DIRENT_SIZE(e) > (size_t)(end - at))
			die("%s: a name of %zu bytes", request_name(r), len);
		if (memchr(e->name, '/', len) || memchr(e->name, '\0', len) ||
		    strnlen(e->name, len) != len)
			die("%s: a name that cannot be: %.*s", request_name(r), (int)len, e->name);
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)e->name[i] < ' ')
				die("%s: a control character in a name", request_name(r));
		if (n < 200 && name_before(data, e))
			die("%s: %.*s twice", request_name(r), (int)len, e->name);
		if (e->name[0] != '.')
			name_keep(e->name, len);
		at += FUSE_DIRENT_SIZE(e);
	}
	if (at != end)
		die("%s: half an entry", request_name(r));
}

/* What an answer of success has to be. */
static inline size_t answer_bytes(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_INIT:
		return sizeof(struct fuse_init_out);
	case FUSE_LOOKUP:
		return sizeof(struct fuse_entry_out);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return sizeof(struct fuse_attr_out);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return sizeof(struct fuse_open_out);
	case FUSE_WRITE:
		return sizeof(struct fuse_write_out);
	case FUSE_POLL:
		return sizeof(struct fuse_poll_out);
	case FUSE_STATFS:
		return sizeof(struct fuse_kstatfs);
	}
	return 0;
}

static inline void error_check(const struct request *r, int err)
{
	static const int allowed[] = {ENOENT, EPERM,  EACCES, EIO,    EBUSY,
				      EINVAL, EAGAIN, EINTR,  EISDIR, ENOTDIR,
				      ENOSYS, ENOMEM, ENOSPC, ESTALE, EMFILE};
	bool known = false;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		known |= err == allowed[i];
	if (!known)
		die("%s: error %d", request_name(r), err);
	if (err == EAGAIN && r->opcode == FUSE_READ && !r->nonblock)
		die("%s: EAGAIN, to who waits", request_name(r));
}

static inline void answer_check(const struct request *r, const struct fuse_out_header *h,
				const unsigned char *data, size_t bytes)
{
	if (h->error) {
		if (bytes)
			die("%s: an error with %zu bytes", request_name(r), bytes);
		error_check(r, -h->error);
		return;
	}
	if (r->opcode == FUSE_READ || r->opcode == FUSE_READDIR) {
		if (bytes > r->most)
			die("%s: %zu bytes for %u", request_name(r), bytes, r->most);
		if (r->opcode == FUSE_READDIR)
			listing_check(r, data, bytes);
	} else if (bytes != answer_bytes(r->opcode)) {
		die("%s: %zu bytes", request_name(r), bytes);
	}
	if (r->opcode == FUSE_WRITE && ((const struct fuse_write_out *)data)->size > r->most)
		die("%s: more than was written", request_name(r));
}

/* One message of the daemon. */
static inline void message_take(const unsigned char *message, size_t bytes)
{
	const struct fuse_out_header *h = (const void *)message;
	struct open_file *file;

	if (bytes < sizeof(*h) || h->len != bytes)
		die("a message of %zu bytes", bytes);
	bytes -= sizeof(*h);
	if (!h->unique) { /* a wake-up of pollers; its file may be closed by now */
		if (h->error != FUSE_NOTIFY_POLL ||
		    bytes != sizeof(struct fuse_notify_poll_wakeup_out))
			die("notice %d", h->error);
		return;
	}
	if (h->unique & 1 && h->error == -EAGAIN)
		return; /* an interrupt that came too late */
	for (unsigned i = 0; i < kernel.nrequests; i++) {
		struct request *r = &kernel.requests[i];

		if (r->unique != h->unique)
			continue;
		answer_check(r, h, message + sizeof(*h), bytes);
		file = r->fh ? file_find(r->fh) : NULL;
		if (file)
			file->waiting--;
		if (r->unique == kernel.unique) {
			kernel.came = true;
			kernel.error = h->error;
			kernel.bytes = bytes;
			memmove(kernel.data, message + sizeof(*h), bytes);
		}
		*r = kernel.requests[--kernel.nrequests];
		return;
	}
	die("an answer to nobody: %u", (unsigned)h->unique);
}

static inline void messages_take(void)
{
	static unsigned char message[MOST_BYTES + 4096];
	ssize_t n;

	while ((n = recv(kernel.fd, message, sizeof(message), MSG_DONTWAIT)) > 0)
		message_take(message, (size_t)n);
}

/* Let the daemon work until it has nothing to do. */
static inline void kernel_settle(void)
{
	int turns = 0;

	while (ft_loop_turn(kernel.loop, 0) > 0 && ++turns < TURNS)
		messages_take();
	if (turns >= TURNS)
		die("the loop spins");
	messages_take();
}

static inline void request_send(uint32_t opcode, uint64_t ino, uint64_t unique,
				const struct iovec *parts, unsigned nparts)
{
	struct fuse_in_header h = {.opcode = opcode,
				   .unique = unique,
				   .nodeid = ino,
				   .pid = kernel.pid,
				   .len = sizeof(h)};
	struct iovec all[4] = {{&h, sizeof(h)}};
	struct msghdr message = {.msg_iov = all, .msg_iovlen = nparts + 1};

	for (unsigned i = 0; i < nparts; i++) {
		all[i + 1] = parts[i];
		h.len += (uint32_t)parts[i].iov_len;
	}
	if (sendmsg(kernel.fd, &message, 0) != (ssize_t)h.len)
		die("a request of %u bytes cannot be sent", h.len);
}

/*
 * Ask, and let the daemon work. Return: true it has answered: kernel.error, .bytes, .data.
 * Only reads and writes may be left waiting.
 */
static inline bool ask(const struct request *what, uint64_t ino, const struct iovec *parts,
		       unsigned nparts)
{
	struct request *r = &kernel.requests[kernel.nrequests];
	struct open_file *file = what->fh ? file_find(what->fh) : NULL;

	*r = *what;
	r->unique = kernel.unique += 2;
	kernel.nrequests++;
	if (file)
		file->waiting++;
	kernel.came = false;
	request_send(r->opcode, ino, r->unique, parts, nparts);
	kernel_settle();
	if (!kernel.came && what->opcode != FUSE_READ && what->opcode != FUSE_WRITE)
		die("opcode %u is not answered", what->opcode);
	return kernel.came;
}

#define PART(x)                                      \
	{                                            \
		(void *)(uintptr_t)(x), sizeof(*(x)) \
	}

/* Ask without an open file. */
static inline bool ask_node(uint32_t opcode, uint64_t ino, const void *arg, size_t bytes,
			    const char *name)
{
	struct request r = {.opcode = opcode};
	struct iovec parts[] = {{(void *)(uintptr_t)arg, bytes},
				{(void *)(uintptr_t)name, name ? strlen(name) + 1 : 0}};

	return ask(&r, ino, parts, 2);
}

/* The node that was found, or NULL. */
static inline struct known *kernel_lookup(uint64_t parent, const char *name)
{
	const struct fuse_entry_out *e = (const void *)kernel.data;
	struct known *k;

	if (kernel.nnodes == NODES || !ask_node(FUSE_LOOKUP, parent, NULL, 0, name) || kernel.error)
		return NULL;
	if (!e->nodeid || e->attr.ino != e->nodeid || !(e->attr.mode & S_IFMT))
		die("%s: an entry that cannot be", name);
	k = known_find(e->nodeid);
	if (!k) {
		k = &kernel.nodes[kernel.nnodes++];
		*k = (struct known){.ino = e->nodeid, .directory = S_ISDIR(e->attr.mode)};
	}
	k->lookups++;
	return k;
}

static inline void kernel_forget(struct known *k, uint64_t lookups)
{
	struct fuse_forget_in arg = {lookups};
	struct iovec part = PART(&arg);

	request_send(FUSE_FORGET, k->ino, kernel.unique += 2, &part, 1);
	kernel_settle();
	k->lookups -= lookups;
	if (!k->lookups)
		*k = kernel.nodes[--kernel.nnodes];
}

static inline struct open_file *kernel_open(uint64_t ino, bool directory, uint32_t flags)
{
	const struct fuse_open_out *out = (const void *)kernel.data;
	struct fuse_open_in arg = {.flags = flags};
	struct known *k = known_find(ino);
	struct open_file *file;

	if (kernel.nfiles == FILES ||
	    !ask_node(directory ? FUSE_OPENDIR : FUSE_OPEN, ino, &arg, sizeof(arg), NULL) ||
	    kernel.error)
		return NULL;
	if (!k && ino != FUSE_ROOT_ID)
		die("a node that is not known can be opened");
	if (k)
		k->opens++;
	file = &kernel.files[kernel.nfiles++];
	*file = (struct open_file){out->fh, ino, flags, directory, 0};
	return file;
}

static inline bool kernel_read(struct open_file *file, uint64_t offset, uint32_t size)
{
	struct fuse_read_in arg = {
		.fh = file->fh, .offset = offset, .size = size, .flags = file->flags};
	struct request r = {.opcode = file->directory ? FUSE_READDIR : FUSE_READ,
			    .fh = file->fh,
			    .nonblock = file->flags & O_NONBLOCK};
	struct iovec part = PART(&arg);

	if (arg.size > kernel.most)
		arg.size = kernel.most;
	r.most = arg.size;
	if (kernel.nrequests >= REQUESTS - 1)
		return false;
	return ask(&r, file->ino, &part, 1);
}

static inline void kernel_write(struct open_file *file, uint64_t offset, const void *text,
				size_t bytes)
{
	struct fuse_write_in arg = {
		.fh = file->fh, .offset = offset, .size = (uint32_t)bytes, .flags = file->flags};
	struct request r = {.opcode = FUSE_WRITE, .fh = file->fh, .most = arg.size};
	struct iovec parts[] = {PART(&arg), {(void *)(uintptr_t)text, bytes}};

	if (kernel.nrequests < REQUESTS - 1)
		ask(&r, file->ino, parts, 2);
}

static inline void kernel_flush(struct open_file *file)
{
	struct fuse_flush_in arg = {.fh = file->fh};
	struct request r = {.opcode = FUSE_FLUSH, .fh = file->fh};
	struct iovec part = PART(&arg);

	ask(&r, file->ino, &part, 1);
}

/* The kernel releases a file when nobody uses it any more. */
static inline void kernel_release(struct open_file *file)
{
	struct fuse_release_in arg = {.fh = file->fh, .flags = file->flags};
	struct request r = {.opcode = file->directory ? FUSE_RELEASEDIR : FUSE_RELEASE};
	struct known *k = known_find(file->ino);
	struct iovec part = PART(&arg);

	if (file->waiting)
		return;
	ask(&r, file->ino, &part, 1);
	if (kernel.error)
		die("a release fails: %d", kernel.error);
	if (k)
		k->opens--;
	*file = kernel.files[--kernel.nfiles];
}

static inline void kernel_poll(struct open_file *file, uint32_t events, bool notify)
{
	static uint64_t handles;
	struct fuse_poll_in arg = {.fh = file->fh,
				   .kh = ++handles,
				   .events = events,
				   .flags = notify ? FUSE_POLL_SCHEDULE_NOTIFY : 0};
	struct request r = {.opcode = FUSE_POLL, .fh = file->fh};
	struct iovec part = PART(&arg);

	ask(&r, file->ino, &part, 1);
}

/* Of a request that waits, or of one that was answered long ago. */
static inline void kernel_interrupt(uint64_t unique)
{
	struct fuse_interrupt_in arg = {unique};
	struct iovec part = PART(&arg);

	request_send(FUSE_INTERRUPT, 0, unique | 1, &part, 1);
	kernel_settle();
}

static inline void kernel_begin(struct ft_loop *loop, int fd)
{
	struct fuse_init_in arg = {.major = 7,
				   .minor = 38,
				   .max_readahead = 1 << 17,
				   .flags = FUSE_ASYNC_READ | FUSE_BIG_WRITES |
					    FUSE_DO_READDIRPLUS | FUSE_ATOMIC_O_TRUNC |
					    FUSE_MAX_PAGES};
	int most = (int)MOST_BYTES * 10;
	socklen_t n = sizeof(most);

	memset(&kernel, 0, offsetof(struct kernel, data));
	kernel.fd = fd;
	kernel.loop = loop;
	kernel.pid = (uint32_t)getpid();
	/* A message must fit, beside those of the requests that wait. */
	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, &n);
	kernel.most = (uint32_t)most / (REQUESTS + 2);
	if (kernel.most > MOST_BYTES)
		kernel.most = MOST_BYTES;
	ask_node(FUSE_INIT, 0, &arg, sizeof(arg), NULL);
	if (kernel.error)
		die("the mount does not begin: %d", kernel.error);
}

#endif
