/* SPDX-License-Identifier: MIT */
/*
 * arena.c - open an arena and check it; who lives, who consumes.
 *
 * The header is read once into private memory and checked there; what is used afterwards are the
 * checked values, and the words of the protocol.
 */
#include <fcntl.h>
#include <glib.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ft-consume.h"
#include "ft-walk.h"

const char *fasttrace_reader_version(void)
{
	return FASTTRACE_VERSION;
}

static bool inside(uint64_t offset, uint64_t bytes, uint64_t size)
{
	return offset <= size && bytes <= size - offset;
}

static const char *header_check(const struct ft_arena *h, uint64_t size)
{
	if (h->magic != FT_ARENA_MAGIC)
		return "not an arena";
	if (h->header_bytes != sizeof(*h) || h->size > INT64_MAX)
		return "its header contradicts itself";
	if (h->size > size)
		return "truncated";
	if (!inside(h->places_offset, FT_MAX_BUFFERS * sizeof(struct ft_buffer_place), h->size) ||
	    !inside(h->events_offset, h->events_bytes, h->size) || h->rules_offset < sizeof(*h) ||
	    !inside(h->rules_offset, 2 * FT_RULES_BYTES, h->size) ||
	    !inside(h->exe_offset, FT_PATH_BYTES, h->size) ||
	    !inside(h->cmdline_offset, FT_PATH_BYTES, h->size) || h->buffers_offset > h->size ||
	    (h->marker_offset && (h->marker_offset < sizeof(*h) ||
				  !inside(h->marker_offset, FT_MARKER_BYTES, h->size))) ||
	    h->cmdline_bytes > FT_PATH_BYTES)
		return "its header points outside";
	if (h->places_offset % 64 || h->events_offset % 64 || h->buffers_offset % 64 ||
	    h->rules_offset % 64 || h->marker_offset % 64 || h->events_bytes > UINT32_MAX ||
	    h->events_offset > UINT32_MAX - h->events_bytes)
		return "its header is not aligned";
	if (h->mode > FT_BLOCK || h->clock > FT_CLOCK_CYCLES ||
	    !ft_geometry_valid(ft_geometry_of(h->geometry)) || h->events_bytes > FT_EVENTS_BYTES)
		return "its geometry is out of range";
	return NULL;
}

/* Why the process took this clock, in words. */
static void clock_why_fill(struct fasttrace_arena *a, const struct ft_arena *h)
{
	char source[FT_COMM_BYTES];
	const char *why = NULL;

	memcpy(source, h->clock_source, sizeof(source));
	source[sizeof(source) - 1] = '\0';
	for (char *p = source; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '_';
	if (h->clock_why == FT_CLOCK_WHY_NOT_INVARIANT)
		why = "the cycle counter is not invariant";
	else if (h->clock_why == FT_CLOCK_WHY_GENERIC_TIMER)
		why = "arm64's generic timer";
	else if (h->clock_why != FT_CLOCK_WHY_SOURCE || !*source)
		why = "the kernel does not tell its clock source";
	if (why)
		snprintf(a->clock_why, sizeof(a->clock_why), "%s", why);
	else if (h->clock == FT_CLOCK_CYCLES)
		snprintf(a->clock_why, sizeof(a->clock_why),
			 "invariant, and the kernel's clock source (%s)", source);
	else
		snprintf(a->clock_why, sizeof(a->clock_why), "the kernel's clock source is %s",
			 source);
	a->info.clock_why = a->clock_why;
}

static void info_fill(struct fasttrace_arena *a, const struct ft_arena *h)
{
	struct fasttrace_process_info *i = &a->info;

	i->pid = h->pid;
	i->uid = h->uid;
	i->pid_ns = h->pid_ns;
	i->start_time = h->start_time;
	memcpy(i->uuid, h->uuid, sizeof(i->uuid));
	memcpy(i->boot_id, h->boot_id, sizeof(i->boot_id));
	memcpy(i->comm, h->comm, sizeof(i->comm));
	i->comm[sizeof(i->comm) - 1] = '\0';
	memcpy(a->exe, a->map + h->exe_offset, FT_PATH_BYTES - 1);
	memcpy(a->cmdline, a->map + h->cmdline_offset, h->cmdline_bytes);
	i->exe = a->exe;
	i->cmdline = a->cmdline;
	i->cmdline_bytes = h->cmdline_bytes;
	i->mode = (enum fasttrace_buffer_mode)h->mode;
	i->raw_clock = h->clock == FT_CLOCK_CYCLES;
	a->asymmetric = h->asymmetric;
	clock_why_fill(a, h);
	i->clock_hz = h->clock_hz;
	i->created_realtime_ns = h->clock_realtime_ns;
}

static int file_open(int dirfd, const char *path, bool *writable)
{
	int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = openat(dirfd, path, O_RDWR | flags);

	*writable = fd >= 0;
	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM))
		fd = openat(dirfd, path, O_RDONLY | flags);
	return fd < 0 ? -errno : fd;
}

/* Read and check the header. */
static int header_read(int fd, struct ft_arena *h, const char **why)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*why = "not a regular file";
	if (!S_ISREG(st.st_mode))
		return -EPROTO;
	*why = "too short for an arena";
	if (pread(fd, h, sizeof(*h), 0) != (ssize_t)sizeof(*h))
		return -EPROTO;
	*why = "written by another version of libfasttrace";
	if (h->magic == FT_ARENA_MAGIC && h->abi != FASTTRACE_ABI)
		return -ENOTSUP;
	*why = header_check(h, (uint64_t)st.st_size);
	return *why ? -EPROTO : 0;
}

int fasttrace_arena_open(int dirfd, const char *path, unsigned flags,
			 struct fasttrace_arena **arena, const char **why)
{
	struct fasttrace_arena *a = calloc(1, sizeof(*a));
	const char *reason = NULL;
	struct ft_arena h;
	bool writable = false;
	int err;

	if (!a)
		return -ENOMEM;
	a->fd = err = file_open(dirfd, path, &writable);
	if (err >= 0)
		err = header_read(a->fd, &h, &reason);
	if (err < 0)
		goto fail;
	a->size = h.size;
	a->map = mmap(NULL, a->size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, a->fd, 0);
	if (a->map == MAP_FAILED) {
		err = -errno;
		reason = "cannot be mapped";
		goto fail;
	}
	a->shared = (struct ft_arena *)(void *)a->map;
	a->places_offset = h.places_offset;
	a->events_offset = h.events_offset;
	a->events_bytes = h.events_bytes;
	a->buffers_offset = h.buffers_offset;
	a->rules_offset = h.rules_offset;
	a->marker_offset = h.marker_offset;
	a->writable = writable;
	ft_guard_add(a->map, a->size, &a->broken);
	info_fill(a, &h);
	if (flags & FASTTRACE_OPEN_CONSUME)
		fasttrace_arena_consume(a);
	*arena = a;
	return 0;
fail:
	if (why)
		*why = reason;
	if (a->fd >= 0)
		close(a->fd);
	free(a);
	return err;
}

void fasttrace_arena_close(struct fasttrace_arena *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < FT_MAX_BUFFERS; i++)
		free(a->buffers[i]);
	ft_guard_remove(a->map);
	munmap(a->map, a->size);
	close(a->fd);
	ft_walk_free(a);
	g_free(a->rules);
	free(a->metadata);
	free(a);
}

const struct fasttrace_process_info *fasttrace_arena_info(const struct fasttrace_arena *a)
{
	return &a->info;
}

int fasttrace_arena_broken(const struct fasttrace_arena *a)
{
	return a->broken ? -EPROTO : 0;
}

int fasttrace_arena_consume(struct fasttrace_arena *a)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FT_LOCK_READER, .l_len = 1};

	if (a->consumer)
		return 0;
	if (!a->writable || fcntl(a->fd, F_OFD_SETLK, &lock))
		return -EBUSY;
	FASTTRACE_POINT(consumer_elected);
	a->consumer = true;
	/* Also for whoever was it before us, and was killed before its own. */
	a->fences = a->asymmetric && ft_barrier();
	for (unsigned i = 0; i < FT_MAX_BUFFERS; i++)
		if (a->buffers[i])
			ft_takeover(a->buffers[i]);
	ft_tracing_align(a);
	ft_store_relaxed(&a->shared->reader_pid, (uint32_t)getpid()); /* for people only */
	FASTTRACE_POINT(consumer_named);
	return 0;
}

/* By anybody but us. */
static bool locked(const struct fasttrace_arena *a, off_t at)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	return !fcntl(a->fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

bool fasttrace_arena_alive(struct fasttrace_arena *a)
{
	if (!a->dead && !locked(a, FT_LOCK_WRITER))
		a->dead = true;
	return !a->dead;
}

bool ft_arena_consumed(const struct fasttrace_arena *a)
{
	return a->consumer || locked(a, FT_LOCK_READER);
}

int ft_arena_back(const struct fasttrace_arena *a, uint64_t offset, uint64_t bytes)
{
	while (fallocate(a->fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes))
		if (errno != EINTR)
			return -errno;
	return 0;
}

enum fasttrace_end fasttrace_arena_end(struct fasttrace_arena *a, int *code)
{
	uint64_t end, mark;

	*code = -1;
	if (fasttrace_arena_alive(a))
		return FASTTRACE_RUNNING;
	end = ft_load_acquire(&a->shared->end_state); /* set when it is dead: not before */
	switch (end >> 32) {
	case FT_END_EXITED:
	case FT_END_KILLED:
		*code = (int)(end & 0xff);
		return end >> 32 == FT_END_EXITED ? FASTTRACE_EXITED : FASTTRACE_KILLED;
	case FT_END_REPLACED:
		return FASTTRACE_REPLACED;
	}
	mark = ft_load_acquire(&a->shared->exit_mark);
	if (mark >> 32 == 1)
		*code = (int)(mark & 0xff);
	return mark ? FASTTRACE_EXITED : FASTTRACE_ENDED;
}

int fasttrace_arena_set_end(struct fasttrace_arena *a, enum fasttrace_end end, int code)
{
	static const uint64_t states[] = {[FASTTRACE_EXITED] = FT_END_EXITED,
					  [FASTTRACE_KILLED] = FT_END_KILLED,
					  [FASTTRACE_REPLACED] = FT_END_REPLACED};

	if (!a->consumer || fasttrace_arena_alive(a))
		return -EBUSY;
	if (end > FASTTRACE_REPLACED || !states[end])
		return -EINVAL;
	ft_store_release(&a->shared->end_state, states[end] << 32 | ((uint64_t)code & 0xff));
	FASTTRACE_POINT(end_told);
	return 0;
}

unsigned fasttrace_arena_buffers(struct fasttrace_arena *a)
{
	uint64_t n = ft_load_acquire(&a->shared->buffers);

	return n > FT_MAX_BUFFERS ? FT_MAX_BUFFERS : (unsigned)n;
}

uint32_t fasttrace_arena_ticket(const struct fasttrace_arena *a)
{
	return ft_load_acquire(&a->shared->wake);
}

int fasttrace_arena_wait(const struct fasttrace_arena *a, uint32_t ticket, uint64_t timeout_ns)
{
	struct timespec ts = {(time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000)};

	if (!syscall(SYS_futex, &a->shared->wake, FUTEX_WAIT, ticket, &ts, NULL, 0) ||
	    errno == EAGAIN)
		return 0;
	return -errno;
}

void fasttrace_arena_interrupt(const struct fasttrace_arena *a)
{
	if (a->writable)
		ft_add_acq_rel(&a->shared->wake, 1);
	FASTTRACE_POINT(interrupt_counted);
	syscall(SYS_futex, &a->shared->wake, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	FASTTRACE_POINT(interrupt_called);
}
