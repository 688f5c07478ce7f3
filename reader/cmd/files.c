/* SPDX-License-Identifier: MIT */
/*
 * files.c - the streams of a snapshot become files while the rest of it is being copied.
 *
 * Who copies never waits for a file: it fills segments of memory and hands them to a thread that writes
 * them, where a processor is idle, and takes those again that are written. What a file is called, or if
 * it is wanted at all, is known in the end: until then its name is a number.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "files.h"

#define SEGMENT_BYTES ((size_t)2 << 20) /* so that it is still cached when it is written */
#define THREAD_BYTES  ((size_t)1 << 20) /* what is less is written sooner than a thread begins */

struct file {
	struct ft_files *files;
	struct task *segment; /* that is being filled */
	unsigned number;
	bool handed; /* something of it, to the thread */
	int fd;	     /* the thread's */
};

/* What the thread is to do. */
struct task {
	struct file *file;
	enum { TASK_WRITE, TASK_EMPTY, TASK_CLOSE, TASK_REMOVE, TASK_NONE } what;
	unsigned char *data; /* of a segment: to be written */
	size_t used, room;
};

static void name_format(const struct file *f, char *name, size_t bytes)
{
	g_snprintf(name, bytes, "%s.%u", f->files->folder, f->number);
}

static void segment_free(void *p)
{
	struct task *segment = p;

	if (segment)
		free(segment->data);
	g_free(segment);
}

static int file_write(struct file *f, const struct task *segment)
{
	char name[NAME_MAX + 32];

	if (ft_interrupted())
		return -EINTR;
	name_format(f, name, sizeof(name));
	if (f->fd < 0)
		f->fd = openat(f->files->out->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			       0666);
	return f->fd < 0 ? -errno : ft_write_all(f->fd, segment->data, segment->used);
}

static int file_empty(struct file *f)
{
	return f->fd >= 0 && (ftruncate(f->fd, 0) || lseek(f->fd, 0, SEEK_SET)) ? -errno : 0;
}

static int file_close(struct file *f)
{
	int err = f->fd >= 0 && close(f->fd) ? -errno : 0;

	f->fd = -1;
	return err;
}

static void file_remove(struct file *f)
{
	char name[NAME_MAX + 32];

	file_close(f);
	name_format(f, name, sizeof(name));
	unlinkat(f->files->out->fd, name, 0); /* or it was not made */
	if (f->files->failed == f)
		f->files->failed = NULL;
	free(f);
}

static void task_run(struct ft_files *files, struct task *t)
{
	struct file *f = t->file;
	int err = 0;

	if (t->what == TASK_REMOVE)
		file_remove(f);
	else if (t->what == TASK_CLOSE)
		err = file_close(f);
	else if (t->what == TASK_EMPTY)
		err = file_empty(f);
	else if (t->what == TASK_WRITE && !files->err)
		err = file_write(f, t);
	if (err && !files->err) {
		files->err = err;
		files->failed = f;
	}
	if (t->what == TASK_WRITE)
		g_async_queue_push(files->spare, t);
	else
		segment_free(t);
}

static void task_push(struct ft_files *files, struct file *f, int what)
{
	struct task *t = g_new0(struct task, 1);

	t->file = f;
	t->what = what;
	g_async_queue_push(files->tasks, t);
}

static void *files_run(void *p)
{
	const struct sched_param param = {0};
	struct ft_files *files = p;

	sched_setscheduler(0, SCHED_IDLE, &param);
	while (!g_atomic_int_get(&files->copied))
		task_run(files, g_async_queue_pop(files->tasks));
	return NULL;
}

/*
 * It runs where nobody else wants to, nor who copies: what it cannot do now is done when all is
 * copied, but what the program overwrites until then is missing.
 */
static void thread_start(struct ft_files *files)
{
	int cpu = sched_getcpu();
	pthread_attr_t attr;
	cpu_set_t others;

	if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(others), &others))
		return;
	CPU_CLR(cpu, &others);
	if (!CPU_COUNT(&others))
		return;
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(others), &others);
	files->threaded = !pthread_create(&files->thread, &attr, files_run, files);
	pthread_attr_destroy(&attr);
}

/* What it has begun, it is to end at once, where who copied does not need to be any more. */
static void thread_end(struct ft_files *files)
{
	int cpu = sched_getcpu();
	cpu_set_t here;

	CPU_ZERO(&here);
	if (cpu >= 0 && cpu < CPU_SETSIZE) {
		CPU_SET(cpu, &here);
		pthread_setaffinity_np(files->thread, sizeof(here), &here);
	}
	g_atomic_int_set(&files->copied, true);
	task_push(files, NULL, TASK_NONE); /* in case that it waits */
	pthread_join(files->thread, NULL);
}

static void *file_begin(void *arg)
{
	struct ft_files *files = arg;
	struct file *f = calloc(1, sizeof(*f));

	if (f)
		*f = (struct file){.files = files, .number = files->begun++, .fd = -1};
	return f;
}

static struct task *segment_new(struct file *f, size_t bytes)
{
	struct task *t = g_async_queue_try_pop(f->files->spare);

	if (t && t->room < bytes) {
		segment_free(t);
		t = NULL;
	}
	if (!t) {
		t = g_new0(struct task, 1);
		t->data = ft_large_alloc(bytes);
		t->room = bytes;
	}
	if (!t->data) {
		segment_free(t);
		return NULL;
	}
	t->file = f;
	t->used = 0;
	return t;
}

static void segment_push(struct file *f)
{
	struct ft_files *files = f->files;

	files->handed += f->segment->used;
	g_async_queue_push(files->tasks, f->segment);
	f->segment = NULL;
	f->handed = true;
	if (!files->threaded && files->handed >= THREAD_BYTES)
		thread_start(files);
}

static unsigned char *file_reserve(void *stream, size_t bytes, size_t most)
{
	struct file *f = stream;

	if (f->segment && f->segment->room - f->segment->used < bytes)
		segment_push(f);
	if (!f->segment)
		f->segment = segment_new(f, MAX(bytes, MIN(most, SEGMENT_BYTES)));
	return f->segment ? f->segment->data + f->segment->used : NULL;
}

static void file_commit(void *stream, size_t bytes)
{
	((struct file *)stream)->segment->used += bytes;
}

static void file_drop(void *stream)
{
	struct file *f = stream;

	if (f->segment)
		f->segment->used = 0;
	if (f->handed)
		task_push(f->files, f, TASK_EMPTY);
}

/* Not more memory than what is to be written, however many streams there are. */
static void segment_shrink(struct task *segment)
{
	unsigned char *less;

	if (segment->used >= segment->room / 2)
		return;
	less = realloc(segment->data, segment->used);
	if (!less)
		return;
	segment->data = less;
	segment->room = segment->used;
}

static void *file_end(void *stream, bool any)
{
	struct file *f = stream;

	if (f->segment && f->segment->used) {
		segment_shrink(f->segment);
		segment_push(f);
	} else {
		segment_free(f->segment);
	}
	task_push(f->files, f, any ? TASK_CLOSE : TASK_REMOVE);
	return any ? f : NULL;
}

void ft_files_begin(struct ft_files *files, const struct ft_outdir *out, const char *folder)
{
	*files = (struct ft_files){
		.sink = {.arg = files,
			 .begin = file_begin,
			 .reserve = file_reserve,
			 .commit = file_commit,
			 .drop = file_drop,
			 .end = file_end},
		.out = out,
		.folder = folder,
		.tasks = g_async_queue_new(),
		.spare = g_async_queue_new_full(segment_free),
	};
}

void ft_files_wait(struct ft_files *files)
{
	struct task *t;

	if (files->threaded)
		thread_end(files);
	while ((t = g_async_queue_try_pop(files->tasks)))
		task_run(files, t);
	g_async_queue_unref(files->tasks);
	g_async_queue_unref(files->spare);
}

int ft_files_name(struct ft_files *files, const void *data, const char *name)
{
	const struct file *f = data;
	char number[NAME_MAX + 32];
	int err = 0;

	name_format(f, number, sizeof(number));
	if (ft_interrupted())
		return -EINTR;
	if (files->err)
		err = files->failed == f ? files->err : 0;
	else if (renameat(files->out->fd, number, files->out->fd, name))
		err = -errno;
	if (err)
		ft_report("%s/%s: %s", files->out->path, name, strerror(-err));
	return err;
}

int ft_files_end(struct ft_files *files)
{
	if (files->err && files->err != -EINTR && !files->failed)
		ft_report("%s: %s", files->out->path, strerror(-files->err));
	return files->err;
}
