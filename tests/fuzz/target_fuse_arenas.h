/* SPDX-License-Identifier: MIT */
/*
 * target_fuse_arenas.h - the arenas that target_fuse.c serves: images of real ones, written anew
 * for each input, and that of this very process, which goes on tracing.
 */
#ifndef TARGET_FUSE_ARENAS_H
#define TARGET_FUSE_ARENAS_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fasttrace.h"
#include "ft-layout.h"
#include "ft-tracer.h"

#define IMAGES	    4
#define LIVE	    IMAGES /* the arena of this process */
#define IMAGE_PAGES 512
#define PAGE	    4096u

/* The pages of an arena's file that are not all zeros. */
struct image {
	size_t size;
	unsigned npages;
	struct {
		off_t offset;
		unsigned char bytes[PAGE];
	} page[IMAGE_PAGES];
};

static struct image images[IMAGES + 1];
static struct fasttrace_thread live_thread;
static struct fasttrace_reservation in_flight;
static bool flying;
static char top[160], folder[176]; /* folder: what is served */
static int top_fd = -1, folder_fd = -1;
static int writer_fds[IMAGES]; /* that hold the writer's lock; -1: it is dead */

__attribute__((format(printf, 1, 2))) static inline _Noreturn void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "target_fuse: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	abort();
}

static inline void *body_thread(void *arg)
{
	for (uintptr_t i = 0; i < (uintptr_t)arg; i++)
		FASTTRACE(fuzz, tick, (i, i), (text, "of a thread"));
	return NULL;
}

static inline void trace(unsigned events)
{
	for (unsigned i = 0; i < events; i++) {
		FASTTRACE(fuzz, tick, (i, (uintptr_t)i), (text, "of a thread"));
		FASTTRACE(other, word, (i, i));
		FASTTRACE_COUNTER(fuzz, depth, i);
	}
}

/* Reserved, and not committed until arena_land(). */
static inline void arena_fly(void)
{
	if (!flying && fasttrace_reserve(&in_flight, 2, 1))
		flying = true;
}

static inline void arena_land(void)
{
	if (flying)
		fasttrace_commit(&in_flight);
	flying = false;
}

static inline void config_set(enum ft_mode mode, const char *dir)
{
	struct ft_config *config = (struct ft_config *)(uintptr_t)ft_process_config();

	config->off = false;
	config->mode = mode;
	config->subbuf_bytes = PAGE;
	config->subbufs = 4;
	config->max_bytes = 1 << 18;
	snprintf(config->dir, sizeof(config->dir), "%s", dir);
}

/* A traced process: it dies as by a crash, one of them with an event in flight. */
static inline _Noreturn void body_run(unsigned which)
{
	static const enum ft_mode modes[IMAGES] = {FT_OVERWRITE, FT_OVERWRITE, FT_DISCARD,
						   FT_BLOCK};
	pthread_t thread;

	config_set(modes[which], top);
	trace(which == 1 ? 30 : 400);
	if (!pthread_create(&thread, NULL, body_thread, (void *)(uintptr_t)(200 * which)))
		pthread_join(thread, NULL);
	if (which == 1)
		arena_fly();
	kill(getpid(), SIGKILL);
	abort();
}

/* The name of the one arena in top. */
static inline void arena_find(char *name, size_t size)
{
	DIR *dir = opendir(top);
	struct dirent *d;

	*name = '\0';
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.' && d->d_type == DT_REG)
			snprintf(name, size, "%s", d->d_name);
	if (dir)
		closedir(dir);
	if (!*name)
		die("%s: no arena", top);
}

static inline void image_load(struct image *image, const char *name)
{
	static const unsigned char zeros[PAGE];
	int fd = openat(top_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	off_t at = 0;

	if (fd < 0 || fstat(fd, &st))
		die("%s: cannot be read", name);
	image->size = (size_t)st.st_size;
	image->npages = 0;
	for (; (at = lseek(fd, at, SEEK_DATA)) >= 0 && image->npages < IMAGE_PAGES; at += PAGE) {
		unsigned char *bytes = image->page[image->npages].bytes;

		at &= ~(off_t)(PAGE - 1);
		if (pread(fd, bytes, PAGE, at) == PAGE && memcmp(bytes, zeros, PAGE))
			image->page[image->npages++].offset = at;
	}
	close(fd);
}

static inline void image_store(const struct image *image, int fd)
{
	for (unsigned i = 0; i < image->npages; i++)
		if (pwrite(fd, image->page[i].bytes, PAGE, image->page[i].offset) != PAGE)
			die("no room for an arena");
}

/* Of a stranger, of this process, of the first process there is, and of the stranger again. */
static inline void image_claim(struct image *image, unsigned which)
{
	const uint32_t pids[IMAGES] = {4711, (uint32_t)getpid(), 1, 4711};
	struct ft_arena *header = (void *)image->page[0].bytes;

	header->pid = pids[which];
	if (which == 1)
		header->start_time =
			((struct ft_arena *)(void *)images[LIVE].page[0].bytes)->start_time;
}

static inline void image_make(unsigned which)
{
	char name[256];
	pid_t pid = fork();

	if (!pid)
		body_run(which);
	waitpid(pid, NULL, 0);
	arena_find(name, sizeof(name));
	image_load(&images[which], name);
	unlinkat(top_fd, name, 0);
}

static inline void top_remove(void)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	if (system(command))
		fprintf(stderr, "%s: left\n", top);
}

static inline void live_make(void)
{
	char name[256];

	config_set(FT_OVERWRITE, top);
	trace(100);
	arena_find(name, sizeof(name));
	image_load(&images[LIVE], name);
	live_thread = *fasttrace_self;
	if (renameat(top_fd, name, top_fd, "live"))
		die("the live arena cannot be renamed");
}

static inline void arenas_init(void)
{
	const char *in = getenv("FASTTRACE_DIR");

	snprintf(top, sizeof(top), "%.140s/fuzz-XXXXXX", in ? in : "/dev/shm");
	if (!mkdtemp(top))
		die("%s: cannot be made", top);
	atexit(top_remove);
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < IMAGES; i++)
		image_make(i);
	live_make();
	for (unsigned i = 0; i < IMAGES; i++)
		image_claim(&images[i], i);
	snprintf(folder, sizeof(folder), "%s/served", top);
	for (unsigned i = 0; i < IMAGES; i++)
		writer_fds[i] = -1;
}

static inline const char *arena_name(unsigned which)
{
	static const char *const names[IMAGES + 1] = {"a-4711-0", "b-1-0", "c-1-0", "d-4711-1",
						      "live"};

	return names[which];
}

static inline void writer_unlock(unsigned which)
{
	if (writer_fds[which] >= 0)
		close(writer_fds[which]);
	writer_fds[which] = -1;
}

/* As if its process lived. */
static inline void writer_lock(unsigned which)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FT_LOCK_WRITER, .l_len = 1};

	writer_unlock(which);
	writer_fds[which] = openat(folder_fd, arena_name(which), O_RDWR | O_CLOEXEC);
	if (writer_fds[which] >= 0)
		fcntl(writer_fds[which], F_OFD_SETLK, &lock);
}

/* As it was made, in a new file. */
static inline void arena_put(unsigned which)
{
	const char *name = arena_name(which);
	int fd;

	unlinkat(folder_fd, name, 0);
	if (which == LIVE) {
		if (linkat(top_fd, name, folder_fd, name, 0))
			die("the live arena cannot be linked");
		return;
	}
	fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)images[which].size))
		die("no room for an arena");
	image_store(&images[which], fd);
	close(fd);
}

static inline void live_reset(void)
{
	int fd = openat(top_fd, "live", O_RDWR | O_CLOEXEC);
	uint64_t last = fasttrace_self->last;

	image_store(&images[LIVE], fd);
	close(fd);
	*fasttrace_self = live_thread;
	fasttrace_self->last = last;
	flying = false;
}

/* A folder with those arenas whose bit is set. */
static inline void arenas_begin(unsigned mask)
{
	if (mkdir(folder, 0700))
		die("%s: cannot be made", folder);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	live_reset();
	for (unsigned i = 0; i <= LIVE; i++)
		if (mask & 1u << i)
			arena_put(i);
}

static inline void folder_empty(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;
	int sub;

	while (dir && (d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
		    !unlinkat(fd, d->d_name, 0))
			continue;
		sub = openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sub >= 0)
			folder_empty(sub);
		unlinkat(fd, d->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

static inline void arenas_end(void)
{
	for (unsigned i = 0; i < IMAGES; i++)
		writer_unlock(i);
	folder_empty(folder_fd);
	folder_fd = -1;
	if (rmdir(folder))
		die("%s: cannot be removed", folder);
}

/* One lie: bytes in one of the regions that a reader looks at. */
static inline void arena_lie(unsigned which, unsigned region, unsigned offset, const void *bytes,
			     size_t n)
{
	const struct ft_arena *h = (void *)images[which].page[0].bytes;
	const uint64_t regions[] = {0,
				    h->places_offset,
				    h->events_offset,
				    h->rules_offset,
				    h->buffers_offset,
				    h->buffers_offset + sizeof(struct ft_buffer),
				    h->buffers_offset + PAGE,
				    h->exe_offset};
	int fd = openat(folder_fd, arena_name(which), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	if (pwrite(fd, bytes, n, (off_t)(regions[region % 8] + offset)) < 0)
		die("pwrite");
	close(fd);
}

#endif
