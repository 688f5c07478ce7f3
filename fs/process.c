/* SPDX-License-Identifier: MIT */
/*
 * process.c - a traced process: its arena, and how it ended.
 *
 * The writer's lock tells that it ended; the kernel, through a pidfd, tells how.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registry.h"

#define DESCRIPTORS_KEPT 32
#define MEMORY_KEPT	 ((size_t)64 << 20)
#define DYING_MS	 5 /* from the loss of the lock to the zombie, usually much less */

static void pidfd_close(struct ft_process *p)
{
	if (p->pidfd.fd < 0)
		return;
	ft_loop_remove(p->registry->loop, &p->pidfd);
	close(p->pidfd.fd);
	p->pidfd.fd = -1;
}

static void end_note(struct ft_process *p, enum fasttrace_end end, int code)
{
	p->ended = true;
	if (!p->found_dead)
		p->ended_ns = g_get_real_time() * 1000;
	p->end = end;
	p->code = code;
	p->fired = false;
	pidfd_close(p);
	ft_process_wake(p);
}

/* What the kernel says is noted in the arena too, for those who read it later. */
static void end_tell(struct ft_process *p, enum fasttrace_end end, int code)
{
	fasttrace_arena_set_end(p->arena, end, code);
	end_note(p, end, code);
}

/* Nobody can be asked but the arena. */
static void end_recall(struct ft_process *p)
{
	int code = -1;
	enum fasttrace_end end = fasttrace_arena_end(p->arena, &code);

	end_note(p, end == FASTTRACE_RUNNING ? FASTTRACE_ENDED : end, code);
}

static void end_ask(struct ft_process *p)
{
	int status = 0, err;

	/* Between the zombie and the kernel's note about the reaped there may be an instant. */
	for (int i = 0; (err = ft_pidfd_status(p->pidfd.fd, (pid_t)p->info->pid,
					       p->info->start_time, &status)) &&
			i < 3;
	     i++)
		g_usleep(500);
	if (err)
		end_recall(p);
	else if (WIFEXITED(status))
		end_tell(p, FASTTRACE_EXITED, WEXITSTATUS(status));
	else
		end_tell(p, FASTTRACE_KILLED, WTERMSIG(status));
}

static void process_refresh(struct ft_process *p)
{
	pid_t pid = (pid_t)p->info->pid;
	bool dead;

	if (!p->arena || fasttrace_arena_alive(p->arena))
		return;
	if (p->pidfd.fd < 0) {
		end_recall(p);
		return;
	}
	dead = ft_pidfd_dead(p->pidfd.fd, 0);
	if (ft_registry_replaced(p->registry, p) ||
	    (!dead && !ft_pid_exiting(pid, p->info->start_time))) {
		end_tell(p, FASTTRACE_REPLACED, -1);
		return;
	}
	if (dead || ft_pidfd_dead(p->pidfd.fd, DYING_MS))
		end_ask(p);
}

enum fasttrace_end ft_process_end(struct ft_process *p, int *code)
{
	if (!p->ended)
		process_refresh(p);
	*code = p->code;
	return p->end;
}

/* Of one that was dead before we came: its last event, as far as it is there. */
static int64_t ended_guess(struct ft_process *p)
{
	unsigned n = fasttrace_arena_buffers(p->arena);
	int64_t last = (int64_t)p->info->created_realtime_ns;
	struct fasttrace_buffer_info info;
	struct fasttrace_times times;

	for (unsigned i = 0; i < n; i++)
		if (!fasttrace_buffer_get_info(p->arena, i, &info) &&
		    !fasttrace_buffer_times(p->arena, i, info.serial, &times))
			last = MAX(last, times.newest_ns);
	return last;
}

int64_t ft_process_time_ns(struct ft_process *p)
{
	int code;

	if (ft_process_end(p, &code) == FASTTRACE_RUNNING)
		return (int64_t)p->info->created_realtime_ns;
	if (!p->ended_ns)
		p->ended_ns = ended_guess(p);
	return p->ended_ns;
}

static void pidfd_fired(void *arg)
{
	struct ft_process *p = arg;
	int code;

	if (ft_process_end(p, &code) != FASTTRACE_RUNNING)
		return;
	/* Dead, but its memory still stands: look again later. */
	p->fired = true;
	ft_registry_soon(p->registry);
}

/* Is there a process to be asked? Not of another boot, another namespace, or known already. */
static void pidfd_watch(struct ft_process *p)
{
	int code = -1;
	enum fasttrace_end end;

	if (!fasttrace_arena_alive(p->arena)) {
		p->found_dead = true;
		end = fasttrace_arena_end(p->arena, &code);
		if (end == FASTTRACE_KILLED || end == FASTTRACE_REPLACED ||
		    (end == FASTTRACE_EXITED && code >= 0)) {
			end_note(p, end, code);
			return;
		}
	}
	if (p->info->pid_ns != ft_pid_ns())
		return;
	p->pidfd.fd = ft_pidfd_open((pid_t)p->info->pid, p->info->start_time);
	if (p->pidfd.fd < 0 && p->registry->program_pidfd >= 0 &&
	    (pid_t)p->info->pid == p->registry->options.program &&
	    p->info->start_time == p->registry->program_start)
		p->pidfd.fd = fcntl(p->registry->program_pidfd, F_DUPFD_CLOEXEC, 0);
	if (p->pidfd.fd < 0) {
		p->pidfd.fd = -1;
		return;
	}
	p->pidfd.ready = pidfd_fired;
	p->pidfd.arg = p;
	ft_loop_add(p->registry->loop, &p->pidfd, EPOLLIN | EPOLLONESHOT);
}

/* Some are kept for all else: to look into /proc and folders, for pidfds and snapshots. */
static bool descriptors_left(int any)
{
	struct rlimit files;
	int fd;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur == RLIM_INFINITY)
		return true;
	fd = fcntl(any, F_DUPFD_CLOEXEC, 3); /* the lowest that is free */
	if (fd >= 0)
		close(fd);
	return fd >= 0 && (rlim_t)fd + DESCRIPTORS_KEPT <= files.rlim_cur;
}

/* The same of address space, where that is limited: GLib ends the program when there is none. */
static bool memory_left(void)
{
	void *at = mmap(NULL, MEMORY_KEPT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);

	if (at == MAP_FAILED)
		return false;
	munmap(at, MEMORY_KEPT);
	return true;
}

static int arena_open(struct ft_folder *folder, const char *name, struct fasttrace_arena **arena,
		      const char **why)
{
	int err;

	if (!descriptors_left(folder->fd)) {
		*why = "no file descriptor is left for it: raise the limit (ulimit -n)";
		return -EMFILE;
	}
	err = fasttrace_arena_open(folder->fd, name, FASTTRACE_OPEN_CONSUME, arena, why);
	if (!err && !memory_left()) {
		fasttrace_arena_close(*arena);
		err = -ENOMEM;
	}
	if (err == -ENOMEM)
		*why = "no memory is left for it: raise the limit of address space (ulimit -v)";
	return err;
}

int ft_process_open(struct ft_registry *registry, struct ft_folder *folder, const char *name,
		    struct ft_process **process, const char **why)
{
	struct fasttrace_arena *arena;
	struct ft_process *p;
	int err = arena_open(folder, name, &arena, why);

	if (err)
		return err;
	p = g_new0(struct ft_process, 1);
	p->refs = 1;
	p->registry = registry;
	p->folder = folder;
	p->file = g_strdup(name);
	p->arena = arena;
	p->info = fasttrace_arena_info(arena);
	p->key = ++registry->keys;
	p->end = FASTTRACE_RUNNING;
	p->code = -1;
	p->pidfd.fd = -1;
	p->threads = g_hash_table_new(g_int64_hash, g_int64_equal);
	p->generations = g_ptr_array_new_with_free_func(ft_generation_drop);
	g_queue_init(&p->streams);
	pidfd_watch(p);
	*process = p;
	return 0;
}

static void arena_close(struct ft_process *p)
{
	ft_timer_stop(p->registry->loop, &p->switcher);
	ft_timer_stop(p->registry->loop, &p->looker);
	g_ptr_array_set_size(p->generations, 0);
	ft_waiter_free(p->waiter);
	p->waiter = NULL;
	ft_events_free(p->events);
	p->events = NULL;
	fasttrace_arena_close(p->arena);
	p->arena = NULL;
	p->info = NULL;
}

struct ft_process *ft_process_ref(struct ft_process *p)
{
	p->refs++;
	return p;
}

void ft_process_unref(struct ft_process *p)
{
	if (!p || --p->refs)
		return;
	pidfd_close(p);
	if (p->arena)
		arena_close(p);
	g_ptr_array_free(p->generations, TRUE);
	g_hash_table_destroy(p->threads);
	g_queue_clear_full(&p->errors, g_free);
	g_free(p->file);
	g_free(p);
}

void ft_process_retire(struct ft_process *p)
{
	p->removed = true;
	pidfd_close(p);
	if (!p->opens && p->arena)
		arena_close(p);
}

void ft_process_hold(struct ft_process *p)
{
	p->opens++;
	ft_process_ref(p);
}

void ft_process_release(struct ft_process *p)
{
	if (!--p->opens && p->removed && p->arena)
		arena_close(p);
	ft_process_unref(p);
}

void ft_process_wake(struct ft_process *p)
{
	if (p->registry->wake)
		p->registry->wake(p->registry->wake_arg, p);
}
