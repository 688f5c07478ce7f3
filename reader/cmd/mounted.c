/* SPDX-License-Identifier: MIT */
/*
 * mounted.c - the packets of a process that a daemon serves: from the `stream` files of its mount.
 *
 * The daemon is the consumer and stays it. Beside it the arena is open for us to read, and tells what
 * the metadata needs. What a `stream` has given to its last byte is consumed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft-walk.h"
#include "record.h"

#define HEADER	FASTTRACE_PACKET_HEADER_BYTES
#define UUID_AT 4		  /* in a packet's header */
#define READ	((size_t)1 << 20) /* as much as a request carries */
#define LOOK_MS 100		  /* between two looks for new threads */
#define TURN	16
#define STOP_NS FT_NS_PER_S /* for what is complete when we are told to stop */

/* A thread's `stream`. */
struct file {
	ino_t ino; /* of its folder: it is not used again, as a thread id is */
	int fd;	   /* -1: at its end */
	GByteArray *packet;
};

struct mounted {
	struct ft_tracee *tracee;
	int folder; /* stays this process's, whatever is called so later: after exec it is PID.1 */
	GArray *files;
};

static int refuse(struct mounted *m, int err)
{
	ft_report("%s: %s", m->tracee->folder,
		  err == -EBUSY ? "somebody else reads a stream of it: expected to be alone"
		  : err == -ENOTCONN
			  ? "its daemon is gone: what it had not given is still in memory"
			  : strerror(-err));
	return err;
}

static bool known(const struct mounted *m, ino_t ino)
{
	for (guint i = 0; i < m->files->len; i++)
		if (g_array_index(m->files, struct file, i).ino == ino)
			return true;
	return false;
}

static void thread_look(struct mounted *m, int threads, const char *name)
{
	char *path = g_strconcat(name, "/stream", NULL);
	struct file file = {.fd = -1};
	struct stat st;

	if (!fstatat(threads, name, &st, 0) && !known(m, st.st_ino)) {
		file.ino = st.st_ino;
		file.fd = openat(threads, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		file.packet = g_byte_array_new();
		g_array_append_val(m->files, file);
	}
	g_free(path);
}

static int threads_look(struct mounted *m)
{
	int fd = openat(m->folder, "threads", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int err = dir ? 0 : -errno;
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (*d->d_name != '.')
			thread_look(m, dirfd(dir), d->d_name);
	if (dir)
		closedir(dir);
	return err == -ENOENT ? 0 : err ? refuse(m, err) : 0;
}

static int packet_write(struct mounted *m, GByteArray *packet, const struct ft_packet_fields *f)
{
	struct ft_walk walk;

	if (ft_events_walk(m->tracee->arena, packet->data + HEADER, packet->len - HEADER, f->begin,
			   &walk) ||
	    !walk.events)
		return 0;
	return ft_trace_write(m->tracee->trace, packet->data, packet->len, walk.events);
}

/* Return: 1 something was read; 0 nothing there is; or an error that was told. */
static int file_read(struct mounted *m, struct file *f)
{
	guint before = f->packet->len;
	struct ft_packet_fields fields;
	ssize_t n;
	int err;

	g_byte_array_set_size(f->packet, before + READ);
	n = read(f->fd, f->packet->data + before, READ);
	err = n < 0 ? -errno : 0;
	g_byte_array_set_size(f->packet, before + (guint)MAX(n, 0));
	if (err == -EAGAIN || err == -EINTR)
		return 0;
	if (err && err != -ENOENT)
		return refuse(m, err);
	if (n <= 0) {
		close(f->fd);
		f->fd = -1;
		return 0;
	}
	if (f->packet->len < HEADER)
		return 1;
	if (memcmp(f->packet->data + UUID_AT, fasttrace_arena_info(m->tracee->arena)->uuid, 16))
		return refuse(m, -ESTALE); /* it was another one's by the time that we opened it */
	ft_packet_parse(f->packet->data, &fields);
	if (f->packet->len < fields.bytes) /* an answer has bytes of one packet only */
		return 1;
	err = packet_write(m, f->packet, &fields);
	g_byte_array_set_size(f->packet, 0);
	return err ? err : 1;
}

/* All that is open, once. Return: bytes were read; or an error. */
static int pass(struct mounted *m)
{
	int got, any = 0;

	for (guint i = 0; i < m->files->len; i++) {
		struct file *f = &g_array_index(m->files, struct file, i);

		for (int n = 0; f->fd >= 0 && (n < TURN || f->packet->len); n++) {
			got = file_read(m, f);
			if (got < 0)
				return got;
			if (!got)
				break;
			any = 1;
		}
	}
	return any;
}

static bool all_ended(const struct mounted *m)
{
	for (guint i = 0; i < m->files->len; i++)
		if (g_array_index(m->files, struct file, i).fd >= 0)
			return false;
	return true;
}

static void await(struct mounted *m)
{
	GArray *fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
	struct pollfd p = {.fd = ft_signals_fd(), .events = POLLIN};

	g_array_append_val(fds, p);
	for (guint i = 0; i < m->files->len; i++) {
		p.fd = g_array_index(m->files, struct file, i).fd;
		if (p.fd >= 0)
			g_array_append_val(fds, p);
	}
	poll((struct pollfd *)(void *)fds->data, fds->len, LOOK_MS);
	g_array_unref(fds);
}

/* Told to stop: what has been written until now, but not for ever after a fast writer. */
static int last_pass(struct mounted *m)
{
	int64_t until = g_get_monotonic_time() * 1000 + STOP_NS;
	int n = threads_look(m), control = openat(m->folder, "control", O_WRONLY | O_CLOEXEC);

	if (control >= 0) /* should an event be in flight: what is complete is there */
		(void)!write(control, "flush", strlen("flush"));
	if (control >= 0)
		close(control);
	do
		n = n < 0 ? n : pass(m);
	while (n > 0 && g_get_monotonic_time() * 1000 < until);
	return n;
}

static void file_clear(void *file)
{
	struct file *f = file;

	if (f->fd >= 0)
		close(f->fd);
	g_byte_array_unref(f->packet);
}

int ft_mounted_run(struct ft_tracee *tracee)
{
	struct mounted m = {tracee, open(tracee->folder, O_PATH | O_DIRECTORY | O_CLOEXEC),
			    g_array_new(FALSE, FALSE, sizeof(struct file))};
	int n = m.folder < 0 ? refuse(&m, -errno) : 0;
	bool alive = true;

	g_array_set_clear_func(m.files, file_clear);
	while (n >= 0 && !tracee->record->stop) {
		alive = fasttrace_arena_alive(tracee->arena);
		n = threads_look(&m);
		n = n < 0 ? n : pass(&m);
		if (!n && !alive && all_ended(&m))
			break;
		if (!n && !tracee->record->stop)
			await(&m);
	}
	if (n >= 0 && tracee->record->stop && !tracee->record->failed)
		n = last_pass(&m);
	g_array_unref(m.files);
	if (m.folder >= 0)
		close(m.folder);
	return n < 0 ? n : 0;
}
