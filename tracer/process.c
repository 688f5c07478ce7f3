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
 *
 * A child of vfork() borrows our memory, and our thread: it records in that thread's buffer. If
 * there is none, its events are lost: an arena or a buffer made then would carry the child's
 * identity when it is ours again. The pid beside `alive` tells: it is not the child's.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ft-barrier.h"
#include "ft-create.h"
#include "ft-tsan.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Event space is committed so much ahead; where there are quiet threads, who cannot do it, more. */
#define EVENT_STEP	 (UINT64_C(4) << 10)
#define EVENT_STEP_QUIET (UINT64_C(32) << 10)

/*
 * Of what is larger, no more is faulted in at once: a MiB takes 0.25 ms. The rest is allocated, so that
 * no fault fails, and faulted in page by page by whom it is written to.
 */
#define FAULTED_BYTES (UINT64_C(2) << 20)

/* The arena is made in some 100 us. */
#define BUSY_PAUSE_NS 20000

/* A process that had no room for an arena asks again once in so many events that it has lost. */
#define REFUSED_RETRY 1024

enum process_state {
	PROCESS_NONE,
	PROCESS_BUSY,
	PROCESS_READY,
	PROCESS_OFF,
	PROCESS_REFUSED /* no room, memory or descriptors: for now */
};

/* Wiped on fork: it is all of this process only. */
struct wiped {
	uint64_t alive; /* the arena is ours */
	uint64_t pid;	/* whose memory this is; 0: wiped, and not known yet */
	uint64_t lost;	/* while there was no arena */
	uint64_t tried; /* 1 + lost, when one was refused; 0: it was not */
	uint64_t unused[12];
	union {
		struct fasttrace_thread thread;
		char line[128];
	} threads[2 * FT_MAX_BUFFERS];
};

/* Shared by all copies of this library (copy.c). Copies with one of another size share nothing. */
struct ft_process {
	uint64_t state; /* pid << 32 | enum process_state: who changed it last */
	struct ft_arena *arena;
	size_t size;
	struct wiped *wiped;
	uint64_t first_thread; /* in wiped->threads: buffer 0's */
	void *lock_page;
	uint32_t started; /* hooks are registered */
	bool configured;
	bool quiet; /* some thread was prepared */
	bool told;  /* that there is no arena */
	struct ft_config config;
	char path[PATH_MAX + 64];
};

static struct ft_process ft_process_own;

__attribute__((used)) const struct ft_copy ft_copy_own = {
	.layout = UINT64_C(1) << 56 | (uint64_t)FASTTRACE_ABI << 32 | sizeof(struct ft_process),
	.process = &ft_process_own,
};

struct fasttrace_thread ft_process_none;
__thread struct fasttrace_thread *fasttrace_self = &ft_process_none;

const struct ft_config *ft_process_config(void)
{
	return &ft_copy_first()->config;
}

const char *ft_process_path(void)
{
	return ft_copy_first()->path;
}

struct fasttrace_thread *ft_process_thread(uint32_t index)
{
	const struct ft_process *p = ft_copy_first();

	return &p->wiped->threads[(p->first_thread + index) % (2 * FT_MAX_BUFFERS)].thread;
}

/* Does this process write to the arena, or a child that borrows our memory? */
static bool arena_lives(const struct ft_process *p)
{
	return (uint32_t)ft_load_acquire(&p->state) == PROCESS_READY && p->wiped->alive;
}

/* Behind a full fence both who lost events and who made the arena come here: one sees them. */
static void lost_settle(struct ft_process *p)
{
	ft_fence_full();
	if (!arena_lives(p))
		return;
	ft_add_relaxed(&p->arena->lost_no_buffer, ft_exchange(&p->wiped->lost, 0));
	FASTTRACE_POINT(lost_before);
}

void ft_process_lost(uint64_t events)
{
	struct ft_process *p = ft_copy_first();

	if (arena_lives(p)) {
		ft_add_relaxed(&p->arena->lost_no_buffer, events);
		FASTTRACE_POINT(lost_refused);
	} else if (p->wiped) {
		ft_add_relaxed(&p->wiped->lost, events);
		lost_settle(p);
	}
}

bool ft_process_borrowed(void)
{
	const struct ft_process *p = ft_copy_first();

	return p->wiped && p->wiped->pid && p->wiped->pid != (uint64_t)getpid();
}

static bool wiped_map(struct ft_process *p)
{
	struct wiped *w = p->wiped;

	if (!w) {
		w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
		if (w == MAP_FAILED)
			return false;
		if (madvise(w, sizeof(*w), MADV_WIPEONFORK)) {
			munmap(w, sizeof(*w));
			return false;
		}
		p->wiped = w;
	}
	w->pid = (uint64_t)getpid();
	return true;
}

static uint64_t state_of(enum process_state state)
{
	return (uint64_t)getpid() << 32 | state;
}

/* Move a finished arena to where call sites expect it, or leave nothing of it. */
static bool arena_settle(struct ft_process *p, struct ft_created *made)
{
	void *at = made->arena;

	if (p->arena) {
		/* Behind those that our thread still points at: they are to stay wiped. */
		p->first_thread += ft_load_acquire(&p->arena->buffers);
		at = mremap(made->arena, made->size, made->size, MREMAP_MAYMOVE | MREMAP_FIXED,
			    p->arena);
	}
	if (at == MAP_FAILED) {
		munmap(made->arena, made->size);
		munmap(made->lock_page, (size_t)sysconf(_SC_PAGESIZE));
		unlink(p->path);
		return false;
	}
	p->size = made->size;
	p->arena = at;
	return true;
}

/* Constructors of others may trace before ours has run. */
static void process_configure(struct ft_process *p)
{
	if (!p->configured)
		ft_config_get(&p->config);
	p->configured = true;
}

/* A hint. */
static bool retry_is_due(const struct wiped *w)
{
	uint64_t tried = ft_load_relaxed(&w->tried);

	return !tried || ft_load_relaxed(&w->lost) + 1 - tried >= REFUSED_RETRY;
}

/* Of what others may give back; and what is lost meanwhile can be counted. */
static bool error_passes(const struct ft_process *p, int err)
{
	return p->wiped && (err == -ENOSPC || err == -EDQUOT || err == -ENOMEM || err == -EMFILE ||
			    err == -ENFILE);
}

/* From here on others go on, with another try as well: nothing that is ours may follow. */
static void busy_end(struct ft_process *p, enum process_state state)
{
	ft_store_release(&p->state, state_of(state));
}

static void arena_failed(struct ft_process *p, int err, const char *why)
{
	enum process_state state = error_passes(p, err) ? PROCESS_REFUSED : PROCESS_OFF;
	bool told = p->told;

	p->told = true;
	if (state == PROCESS_REFUSED)
		ft_store_relaxed(&p->wiped->tried, ft_load_relaxed(&p->wiped->lost) + 1);
	busy_end(p, state); /* who reads what we complain of may be slow */
	if (!told)
		ft_complain("fasttrace: ", p->config.dir, ": ", why, ": ", ft_text_error(-err),
			    state == PROCESS_OFF ? ": this process is not traced\n"
						 : ": not traced until that changes\n",
			    NULL);
}

static void arena_create(struct ft_process *p)
{
	struct ft_created made = {.parent = p->arena, .size = p->size};
	const char *why = "out of memory";
	int err;

	process_configure(p);
	if (p->config.off) {
		busy_end(p, PROCESS_OFF);
		return;
	}
	err = wiped_map(p) ? ft_create(&p->config, &made, p->path, sizeof(p->path), &why) : -ENOMEM;
	if (!err && !arena_settle(p, &made))
		err = -ENOMEM;
	if (err) {
		arena_failed(p, err, why);
		return;
	}
	p->lock_page = made.lock_page;
	p->wiped->alive = 1;
	busy_end(p, PROCESS_READY);
	lost_settle(p);
}

/*
 * Somebody creates the arena, perhaps a thread of lower priority, which would never get there if we
 * yielded only. As a raw system call this is no cancellation point.
 */
static void busy_wait(void)
{
	struct timespec pause = {0, BUSY_PAUSE_NS};

	syscall(SYS_nanosleep, &pause, NULL);
}

/*
 * Create the arena, unless somebody else does. Forked while another thread of the parent was at it,
 * we find a pid that is not ours: nobody will finish it here. A handler must not find its own
 * thread at it, for it would wait for itself.
 */
static void arena_try(struct ft_process *p, uint64_t state)
{
	sigset_t saved = ft_signals_block();

	if (state == state_of(PROCESS_BUSY))
		busy_wait();
	else if (ft_cas(&p->state, state, state_of(PROCESS_BUSY))) {
		ft_tsan_ignore(true);
		arena_create(p);
		ft_tsan_ignore(false);
	}
	ft_signals_restore(&saved);
}

bool ft_process_off(void)
{
	/* a hint; for good */
	return (uint32_t)ft_load_relaxed(&ft_copy_first()->state) == PROCESS_OFF;
}

struct ft_arena *ft_process_arena(void)
{
	struct ft_process *p = ft_copy_first();

	for (;;) {
		uint64_t state = ft_load_acquire(&p->state);

		if ((uint32_t)state == PROCESS_OFF ||
		    ((uint32_t)state == PROCESS_REFUSED && !retry_is_due(p->wiped)))
			return NULL;
		if ((uint32_t)state == PROCESS_READY && p->wiped->alive)
			return p->arena;
		if (ft_process_borrowed())
			return NULL;
		arena_try(p, state);
	}
}

/*
 * A child forked while another thread creates the arena would inherit the descriptor that holds the
 * writer's lock, and keep us alive for readers.
 */
static void fork_prepare(void)
{
	while (ft_load_acquire(&ft_copy_first()->state) == state_of(PROCESS_BUSY))
		busy_wait();
}

/* An event in flight, of a handler that forks, must not be finished in the parent's ring. */
static void child_forked(void)
{
	struct ft_process *p = ft_copy_first();
	struct ft_arena *a = p->arena;

	if (p->wiped)
		p->wiped->pid = (uint64_t)getpid();
	if (a && (uint32_t)ft_load_acquire(&p->state) == PROCESS_READY && !p->wiped->alive)
		mmap((char *)a + a->buffers_offset, p->size - a->buffers_offset,
		     PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

/* Memory that is had, but neither cleared nor mapped: that takes a quarter of the time. */
static int file_allocate(const struct ft_process *p, uint64_t from, uint64_t bytes)
{
	int fd = open(p->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), err;

	if (fd < 0)
		return -errno;
	err = fallocate(fd, 0, (off_t)from, (off_t)bytes) ? -errno : 0;
	close(fd);
	return err;
}

int ft_process_commit(uint64_t offset, uint64_t bytes)
{
	const struct ft_process *p = ft_copy_first();
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = offset & ~(page - 1), now;
	int err = 0;

	bytes = now = (offset + bytes - from + page - 1) & ~(page - 1);
	if (bytes > FAULTED_BYTES) {
		err = file_allocate(p, from, bytes);
		if (err == -ENOSPC || err == -ENOMEM || err == -EDQUOT)
			return -ENOMEM;
		if (!err)
			now = FAULTED_BYTES; /* else the name is gone, or a filter refuses */
	}
	if (!madvise((char *)p->arena + from, now, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -ENOMEM;
	return file_allocate(p, from, bytes) ? -ENOMEM : 0; /* before Linux 5.14 */
}

void ft_process_populate(const void *at, uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)at & (page - 1);

	madvise((char *)(uintptr_t)at - from, from + bytes, MADV_POPULATE_WRITE);
}

/* Have all up to `end` committed, and a step more; a quiet thread takes what there is. */
static int event_commit(struct ft_arena *a, uint64_t end)
{
	uint64_t step =
		ft_load_relaxed(&ft_copy_first()->quiet) ? EVENT_STEP_QUIET : EVENT_STEP; /* hint */
	uint64_t done = ft_load_acquire(&a->events_committed), to = end + 2 * step;

	if (end + (fasttrace_self->quiet ? 0 : step) <= done || done == a->events_bytes)
		return 0;
	if (fasttrace_self->quiet)
		return -ENOMEM;
	if (to > a->events_bytes)
		to = a->events_bytes;
	if (ft_process_commit(a->events_offset + done, to - done))
		return -ENOMEM;
	while (done < to && !ft_cas(&a->events_committed, done, to))
		done = ft_load_acquire(&a->events_committed);
	FASTTRACE_POINT(entries_backed);
	return 0;
}

void *ft_process_event_space(uint32_t bytes, uint32_t *offset)
{
	struct ft_arena *a = ft_process_arena();
	uint64_t size = ((uint64_t)bytes + 7) & ~UINT64_C(7), end;

	if (!a)
		return NULL;
	do {
		end = ft_load_acquire(&a->events_end);
		if (size > a->events_bytes - end || event_commit(a, end + size))
			return NULL;
	} while (!ft_cas(&a->events_end, end, end + size));
	FASTTRACE_POINT(entry_claimed);
	*offset = (uint32_t)(a->events_offset + end);
	return (char *)a + *offset;
}

int ft_process_event_ahead(void)
{
	struct ft_arena *a = ft_process_arena();

	ft_store_relaxed(&ft_copy_first()->quiet, true);
	return a ? event_commit(a, ft_load_acquire(&a->events_end)) : -ENOMEM;
}

/* The state of the world when the process ends by exit(). Not of a child that borrows our memory.
 */
static void process_exit(int status, void *unknown)
{
	struct ft_process *p = ft_copy_first();
	int fd;

	if (!arena_lives(p) || (!fasttrace_self->quiet && ft_process_borrowed()))
		return;
	if (!ft_cas(&p->arena->exit_mark, 0,
		    unknown ? UINT64_C(2) << 32 : UINT64_C(1) << 32 | ((uint32_t)status & 0xff)))
		return;
	FASTTRACE_POINT(exit_marked);
	if (fasttrace_self->quiet)
		return; /* perhaps confined: the mark is all that it can leave */
	fd = open(p->config.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (ft_dir_served(fd) == 0) {
		unlink(p->path);
		FASTTRACE_POINT(exit_removed);
	}
	close(fd);
}

extern int on_exit(void (*function)(int, void *), void *arg) __attribute__((weak));

static __attribute__((constructor(101))) void process_start(void)
{
	struct ft_process *p = ft_copy_first();

	ft_copy_pin();
	process_configure(p);
	if (p->config.off)
		return;
	ft_barrier_register(); /* before there are threads: at the first event it would take longer */
	ft_buffer_start();
	if (!ft_cas(&p->started, 0, 1))
		return; /* another copy has */
	wiped_map(p);
	if (on_exit)
		on_exit(process_exit, NULL);
	pthread_atfork(fork_prepare, NULL, child_forked);
	if (p->config.mount[0])
		ft_mount_start(&p->config);
}

/* Destructors of a shared object run before on_exit()'s functions, and do not know the status. */
static __attribute__((destructor(101))) void process_end(void)
{
	if (!on_exit)
		process_exit(0, &ft_process_own);
}
