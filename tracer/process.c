/* SPDX-License-Identifier: MIT */
/*
 * process.c - the arena of this process: created at its first event, anew in a forked child.
 *
 * The file is mapped twice. One page, through a descriptor that holds the writer's lock, is
 * MADV_DONTFORK: the lock lives as long as this very process image, whatever it closes or forks.
 * All of it, through another descriptor, is inherited, so that a forked child can look at the
 * switches of events until it has an arena of its own, which then replaces the parent's at the same
 * address with the same event table: call sites keep their pointers.
 *
 * The writing ends of threads live in memory that fork() wipes. So a child, even of raw clone(),
 * finds that it has none, comes here, and finds `alive` wiped.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft-create.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum process_state { PROCESS_NONE, PROCESS_BUSY, PROCESS_READY, PROCESS_OFF };

/* Wiped on fork: `alive` and the writing ends are those of this process only. */
struct wiped {
	uint64_t alive;
	uint64_t unused[15];
	union {
		struct fasttrace_thread thread;
		char line[128];
	} threads[FT_MAX_BUFFERS];
};

static struct {
	uint64_t state; /* pid << 32 | enum process_state: who changed it last */
	struct ft_arena *arena;
	size_t size;
	struct wiped *wiped;
	void *lock_page;
	uint64_t lost; /* before there was an arena */
	bool configured;
	struct ft_config config;
	char path[PATH_MAX + 64];
} process;

struct fasttrace_thread ft_process_none;
__thread struct fasttrace_thread *fasttrace_self = &ft_process_none;

const struct ft_config *ft_process_config(void)
{
	return &process.config;
}

const char *ft_process_path(void)
{
	return process.path;
}

struct fasttrace_thread *ft_process_thread(uint32_t index)
{
	return &process.wiped->threads[index].thread;
}

void ft_process_lost(uint64_t events)
{
	bool mine =
		(uint32_t)ft_load_acquire(&process.state) == PROCESS_READY && process.wiped->alive;

	ft_add_relaxed(mine ? &process.arena->lost_no_buffer : &process.lost, events);
}

static bool wiped_map(void)
{
	if (process.wiped)
		return true;
	process.wiped = mmap(NULL, sizeof(*process.wiped), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (process.wiped == MAP_FAILED) {
		process.wiped = NULL;
		return false;
	}
	return !madvise(process.wiped, sizeof(*process.wiped), MADV_WIPEONFORK);
}

/* Move a finished arena to where call sites expect it. */
static bool arena_settle(struct ft_created *made)
{
	void *at = made->arena;

	if (process.arena)
		at = mremap(made->arena, made->size, made->size, MREMAP_MAYMOVE | MREMAP_FIXED,
			    process.arena);
	if (at == MAP_FAILED) {
		munmap(made->arena, made->size);
		return false;
	}
	process.arena = at;
	process.size = made->size;
	return true;
}

/* Constructors of others may trace before ours has run. */
static void process_configure(void)
{
	if (!process.configured)
		ft_config_get(&process.config);
	process.configured = true;
}

static bool arena_create(void)
{
	const struct ft_arena *parent = process.arena;
	struct ft_created made = {.parent = parent, .size = process.size};
	const char *why = "out of memory";
	int err;

	process_configure();
	if (process.config.off)
		return false;
	err = wiped_map()
		      ? ft_create(&process.config, &made, process.path, sizeof(process.path), &why)
		      : -ENOMEM;
	if (!err && !arena_settle(&made))
		err = -ENOMEM;
	if (err) {
		ft_complain("fasttrace: ", process.config.dir, ": ", why, ": ", ft_text_error(-err),
			    ": this process is not traced\n", NULL);
		return false;
	}
	process.lock_page = made.lock_page;
	process.arena->lost_no_buffer += ft_exchange(&process.lost, 0);
	process.wiped->alive = 1;
	return true;
}

static uint64_t state_of(enum process_state state)
{
	return (uint64_t)getpid() << 32 | state;
}

/*
 * Create the arena, unless somebody else does. Forked while another thread of the parent was at it,
 * we find a pid that is not ours: nobody will finish it here. A handler must not find its own
 * thread at it, for it would wait for itself.
 */
static void arena_try(uint64_t state)
{
	sigset_t saved = ft_signals_block();

	if (state == state_of(PROCESS_BUSY))
		sched_yield();
	else if (ft_cas(&process.state, state, state_of(PROCESS_BUSY)))
		ft_store_release(&process.state,
				 state_of(arena_create() ? PROCESS_READY : PROCESS_OFF));
	ft_signals_restore(&saved);
}

bool ft_process_off(void)
{
	return (uint32_t)ft_load_relaxed(&process.state) == PROCESS_OFF; /* a hint; for good */
}

struct ft_arena *ft_process_arena(void)
{
	for (;;) {
		uint64_t state = ft_load_acquire(&process.state);

		if ((uint32_t)state == PROCESS_OFF)
			return NULL;
		if ((uint32_t)state == PROCESS_READY && process.wiped->alive)
			return process.arena;
		arena_try(state);
	}
}

/* An event in flight, of a handler that forks, must not be finished in the parent's ring. */
static void child_forked(void)
{
	struct ft_arena *a = process.arena;

	if (a && (uint32_t)ft_load_acquire(&process.state) == PROCESS_READY &&
	    !process.wiped->alive)
		mmap((char *)a + a->buffers_offset, process.size - a->buffers_offset,
		     PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

int ft_process_commit(uint64_t offset, uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = offset & ~(page - 1);
	int fd, err;

	bytes = (offset + bytes - from + page - 1) & ~(page - 1);
	if (!madvise((char *)process.arena + from, bytes, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -ENOMEM;
	fd = open(process.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW); /* before Linux 5.14 */
	if (fd < 0)
		return -ENOMEM;
	err = fallocate(fd, 0, (off_t)from, (off_t)bytes) ? -ENOMEM : 0;
	close(fd);
	return err;
}

void *ft_process_event_space(uint32_t bytes, uint32_t *offset)
{
	struct ft_arena *a = ft_process_arena();
	uint64_t size = ((uint64_t)bytes + 7) & ~UINT64_C(7), end;

	if (!a)
		return NULL;
	do {
		end = ft_load_acquire(&a->events_end);
		if (size > a->events_bytes - end)
			return NULL;
	} while (!ft_cas(&a->events_end, end, end + size));
	if (ft_process_commit(a->events_offset + end, size))
		return NULL;
	*offset = (uint32_t)(a->events_offset + end);
	return (char *)a + *offset;
}

/* The state of the world when the process ends by exit(). */
static void process_exit(int status, void *unknown)
{
	struct ft_arena *a = process.arena;
	int fd;

	if ((uint32_t)ft_load_acquire(&process.state) != PROCESS_READY || !process.wiped->alive)
		return;
	if (!ft_cas(&a->exit_mark, 0,
		    unknown ? UINT64_C(2) << 32 : UINT64_C(1) << 32 | ((uint32_t)status & 0xff)))
		return;
	fd = open(process.config.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!ft_dir_served(fd))
		unlink(process.path);
	close(fd);
}

extern int on_exit(void (*function)(int, void *), void *arg) __attribute__((weak));

static __attribute__((constructor(101))) void process_start(void)
{
	process_configure();
	if (process.config.off)
		return;
	if (on_exit)
		on_exit(process_exit, NULL);
	pthread_atfork(NULL, NULL, child_forked);
	ft_buffer_start();
	if (process.config.mount[0])
		ft_mount_start(&process.config);
}

static __attribute__((destructor(101))) void process_end(void)
{
	process_exit(0, &process);
}
