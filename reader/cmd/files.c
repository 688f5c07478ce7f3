/* SPDX-License-Identifier: MIT */
/*
 * files.c - the streams of a snapshot become files while the rest of it is being copied.
 *
 * Who copies never waits for a file: it fills segments of memory and hands them to a thread that writes
 * them, where a processor is idle, and takes those again that are written. What a file is called, or if
 * it is wanted at all, is known in the end: until then its name is a number.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "files.h"

#define SEGMENT_BYTES ((size_t)2 << 20)	 /* so that it is still cached when it is written */
#define PIECE_BYTES   ((size_t)64 << 10) /* of it, written before the thread looks up */
#define THREAD_BYTES  ((size_t)1 << 20)	 /* what is less is written sooner than a thread begins */

struct file {
	struct ft_files *files;
	struct task *segment; /* that is being filled */
	unsigned number;
	bool handed; /* something of it, to the thread */
	int fd;	     /* the thread's */
};

/* What the thread is to do. */
struct task {
	struct task *next;
	struct file *file;
	enum { TASK_WRITE, TASK_EMPTY, TASK_CLOSE, TASK_REMOVE } what;
	unsigned char *data; /* of a segment: to be written */
	size_t used, room, written;
};

/*
 * Tasks that one side hands to the other. Without a lock: the thread may lose its processor at any
 * instruction and for long, and who copies must not wait for it then.
 */
static void tasks_push(struct task **list, struct task *t)
{
	t->next = __atomic_load_n(list, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(list, &t->next, t, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

/* All of them, those that were pushed first first. */
static struct task *tasks_take(struct task **list)
{
	struct task *last = __atomic_exchange_n(list, NULL, __ATOMIC_ACQUIRE), *first = NULL;

	while (last) {
		struct task *next = last->next;

		last->next = first;
		first = last;
		last = next;
	}
	return first;
}

static void tasks_hand(struct ft_files *files, struct task *t)
{
	tasks_push(&files->handed, t);
	sem_post(&files->more);
}

static bool copied(const struct ft_files *files)
{
	return __atomic_load_n(&files->copied, __ATOMIC_ACQUIRE);
}

static void name_format(const struct file *f, char *name, size_t bytes)
{
	g_snprintf(name, bytes, "%s.%u", f->files->folder, f->number);
}

static void task_free(struct task *t)
{
	if (t->what == TASK_REMOVE)
		free(t->file);
	free(t->data);
	g_free(t);
}

/* As much as there is time for. */
static int file_write(struct file *f, struct task *t, bool idle)
{
	char name[NAME_MAX + 32];
	int err = 0;

	if (ft_interrupted())
		return -EINTR;
	name_format(f, name, sizeof(name));
	if (f->fd < 0)
		f->fd = openat(f->files->out->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			       0666);
	if (f->fd < 0)
		return -errno;
	while (!err && t->written < t->used && !(idle && copied(f->files))) {
		size_t bytes = MIN(t->used - t->written, PIECE_BYTES);

		err = ft_write_all(f->fd, t->data + t->written, bytes);
		t->written += bytes;
	}
	return err;
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
}

/* The oldest task, if there is one. It stays the next one until it is done. */
static struct task *task_next(struct ft_files *files)
{
	if (!files->due)
		files->due = tasks_take(&files->handed);
	return files->due;
}

/* @idle: until all is copied. */
static void task_run(struct ft_files *files, struct task *t, bool idle)
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
		err = file_write(f, t, idle);
	if (err && !files->err) {
		files->err = err;
		files->failed = f;
	}
	if (!files->err && t->written < t->used)
		return; /* the rest is for who copied */
	files->due = t->next;
	tasks_push(&files->done, t);
}

/* Only who copies allocates and frees: that takes locks, too. */
static void task_push(struct ft_files *files, struct file *f, int what)
{
	struct task *t = g_new0(struct task, 1);

	t->file = f;
	t->what = what;
	tasks_hand(files, t);
}

static void *files_run(void *p)
{
	const struct sched_param param = {0};
	struct ft_files *files = p;

	sched_setscheduler(0, SCHED_IDLE, &param);
	for (;;) {
		struct task *t;

		while (sem_wait(&files->more) && errno == EINTR)
			;
		t = copied(files) ? NULL : task_next(files);
		if (!t)
			return NULL;
		task_run(files, t, true);
	}
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
	__atomic_store_n(&files->copied, true, __ATOMIC_RELEASE);
	sem_post(&files->more); /* in case that it waits */
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

/* One that was written, if it is large enough. */
static struct task *segment_again(struct ft_files *files, size_t bytes)
{
	struct task *t;

	if (!files->spare)
		files->spare = tasks_take(&files->done);
	while ((t = files->spare)) {
		files->spare = t->next;
		if (t->room >= bytes)
			return t;
		task_free(t);
	}
	return NULL;
}

static struct task *segment_new(struct file *f, size_t bytes)
{
	struct task *t = segment_again(f->files, bytes);

	if (!t) {
		t = g_new0(struct task, 1);
		t->data = ft_large_alloc(bytes);
		t->room = bytes;
	}
	t->file = f;
	t->used = t->written = 0;
	if (t->data)
		return t;
	task_free(t);
	return NULL;
}

static void segment_push(struct file *f)
{
	struct ft_files *files = f->files;

	files->bytes += f->segment->used;
	tasks_hand(files, f->segment);
	f->segment = NULL;
	f->handed = true;
	if (!files->threaded && files->bytes >= THREAD_BYTES)
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
	} else if (f->segment) {
		task_free(f->segment);
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
	};
	sem_init(&files->more, 0, 0);
}

void ft_files_wait(struct ft_files *files)
{
	struct task *t;

	if (files->threaded)
		thread_end(files);
	while ((t = task_next(files)))
		task_run(files, t, false);
	segment_again(files, SIZE_MAX); /* frees all */
	segment_again(files, SIZE_MAX);
	sem_destroy(&files->more);
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
