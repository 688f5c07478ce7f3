/* SPDX-License-Identifier: MIT */
/*
 * registry.c - all that is served: it finds arenas as they appear and keeps the list of processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"
#include "registry.h"

#define FOLDER_EVENTS \
	(IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_CREATE | IN_ONLYDIR)

static void folder_watch(struct ft_registry *registry, struct ft_folder *folder)
{
	char path[32]; /* of what is open: the folder's own path may lead elsewhere by now */

	if (registry->inotify.fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder->fd);
	folder->inotify_id = inotify_add_watch(registry->inotify.fd, path, FOLDER_EVENTS);
	if (folder->inotify_id >= 0)
		return;
	/* Without a watch on each, the folders are read at each look, and once a second. */
	ft_loop_remove(registry->loop, &registry->inotify);
	close(registry->inotify.fd);
	registry->inotify.fd = -1;
	ft_registry_soon(registry);
}

static void folder_add(struct ft_registry *registry, struct ft_folder *folder)
{
	folder_watch(registry, folder);
	g_ptr_array_add(registry->folders, folder);
}

static bool folder_known(struct ft_registry *registry, const char *name)
{
	for (guint i = 0; i < registry->folders->len; i++) {
		struct ft_folder *folder = registry->folders->pdata[i];

		if (folder->name && !strcmp(folder->name, name))
			return true;
	}
	return false;
}

/* Of the run folders that the scan found, take those that nobody serves. */
static void runs_take(struct ft_registry *registry)
{
	struct ft_folder *top = registry->folders->pdata[0], *run;
	GHashTableIter iter;
	char *name;
	bool busy;

	g_hash_table_iter_init(&iter, top->busy);
	while (g_hash_table_iter_next(&iter, (void **)&name, NULL)) {
		busy = false;
		if (!folder_known(registry, name)) {
			run = ft_folder_open_run(top, name, &busy);
			if (run)
				folder_add(registry, run);
		}
		if (!busy)
			g_hash_table_iter_remove(&iter);
	}
}

static void registry_scan(struct ft_registry *registry)
{
	struct ft_folder *top = registry->folders->pdata[0];

	registry->dirty = false;
	for (guint i = 0; i < registry->folders->len; i++) {
		ft_folder_scan(registry->folders->pdata[i], registry);
		if (!i && registry->options.runs)
			runs_take(registry);
		ft_folder_evict(registry->folders->pdata[i]);
		registry->dirty |= ((struct ft_folder *)registry->folders->pdata[i])->again;
	}
	if (g_hash_table_size(top->busy) || registry->dirty)
		ft_registry_soon(registry);
}

static void inotify_drain(struct ft_registry *registry)
{
	char events[4096];

	while (registry->inotify.fd >= 0 && read(registry->inotify.fd, events, sizeof(events)) > 0)
		registry->dirty = true;
}

void ft_registry_look(struct ft_registry *registry)
{
	struct ft_folder *top = registry->folders->pdata[0];

	/* Events are queued before the call that caused them returns: draining is up to date. */
	inotify_drain(registry);
	if (registry->dirty || registry->inotify.fd < 0 ||
	    (registry->options.runs && g_hash_table_size(top->busy)))
		registry_scan(registry);
}

static void inotify_ready(void *arg)
{
	ft_registry_look(arg);
}

static void poke_ready(void *arg)
{
	struct ft_registry *registry = arg;
	uint64_t count;

	if (read(registry->poke.fd, &count, sizeof(count)) < 0)
		return;
	for (guint i = 0; i < registry->processes->len; i++) {
		struct ft_process *p = registry->processes->pdata[i];

		if (ft_waiter_fired(p->waiter))
			ft_process_wake(p);
	}
}

static void tick_fire(void *arg)
{
	struct ft_registry *registry = arg;
	int code;

	ft_registry_look(registry);
	for (guint i = 0; i < registry->processes->len; i++) {
		struct ft_process *p = registry->processes->pdata[i];

		if (p->fired && ft_process_end(p, &code) == FASTTRACE_RUNNING)
			ft_registry_soon(registry);
	}
	if (ft_generations_expire(registry) || registry->inotify.fd < 0)
		ft_registry_soon(registry);
}

void ft_registry_soon(struct ft_registry *registry)
{
	ft_timer_set(registry->loop, &registry->tick, FT_NS_PER_S);
}

static void fds_watch(struct ft_registry *registry)
{
	registry->poke =
		(struct ft_watch){eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), poke_ready, registry};
	registry->inotify =
		(struct ft_watch){inotify_init1(IN_NONBLOCK | IN_CLOEXEC), inotify_ready, registry};
	registry->tick.fire = tick_fire;
	registry->tick.arg = registry;
	if (registry->inotify.fd >= 0)
		ft_loop_add(registry->loop, &registry->inotify, EPOLLIN);
	else
		ft_registry_soon(registry);
	ft_loop_add(registry->loop, &registry->poke, EPOLLIN);
}

/* PROGRAM waits for us: later it may be dead before we have seen its arena. */
static void program_watch(struct ft_registry *registry)
{
	registry->program_pidfd = -1;
	if (!registry->options.program)
		return;
	registry->program_start = ft_pid_start(registry->options.program);
	registry->program_pidfd = ft_pidfd_open(registry->options.program, registry->program_start);
}

struct ft_registry *ft_registry_new(struct ft_loop *loop, const struct ft_registry_options *options)
{
	struct ft_registry *registry = g_new0(struct ft_registry, 1);
	int fd;

	registry->loop = loop;
	registry->options = *options;
	registry->folders = g_ptr_array_new();
	registry->processes = g_ptr_array_new();
	clock_gettime(CLOCK_REALTIME, &registry->started);
	program_watch(registry);
	fds_watch(registry);
	fd = fcntl(options->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0 || registry->poke.fd < 0) {
		ft_registry_free(registry);
		return NULL;
	}
	folder_add(registry, ft_folder_new(options->path, NULL, fd, -1));
	registry_scan(registry);
	return registry;
}

void ft_registry_free(struct ft_registry *registry)
{
	if (!registry)
		return;
	registry->wake = NULL;
	ft_timer_stop(registry->loop, &registry->tick);
	for (guint i = 0; i < registry->processes->len; i++) {
		ft_process_retire(registry->processes->pdata[i]);
		ft_process_unref(registry->processes->pdata[i]);
	}
	g_ptr_array_free(registry->processes, TRUE);
	for (guint i = 0; i < registry->folders->len; i++)
		ft_folder_free(registry->folders->pdata[i]);
	g_ptr_array_free(registry->folders, TRUE);
	g_queue_clear_full(&registry->errors, g_free);
	if (registry->inotify.fd >= 0)
		close(registry->inotify.fd);
	if (registry->poke.fd >= 0)
		close(registry->poke.fd);
	if (registry->program_pidfd >= 0)
		close(registry->program_pidfd);
	g_free(registry);
}

void ft_registry_add(struct ft_registry *registry, struct ft_process *process)
{
	int code;

	g_ptr_array_add(registry->processes, process);
	/* A new image of a process that is known: those who wait for the old one learn of it. */
	for (guint i = 0; i + 1 < registry->processes->len; i++) {
		struct ft_process *old = registry->processes->pdata[i];

		if (!old->ended && old->info && old->info->pid == process->info->pid)
			ft_process_end(old, &code);
	}
}

void ft_registry_drop(struct ft_registry *registry, struct ft_process *process)
{
	g_ptr_array_remove(registry->processes, process);
	ft_process_retire(process);
	ft_process_unref(process);
}

int ft_registry_remove(struct ft_process *process)
{
	struct ft_registry *registry = process->registry;
	int code;

	if (ft_process_end(process, &code) == FASTTRACE_RUNNING || process->opens)
		return -EBUSY;
	if (unlinkat(process->folder->fd, process->file, 0) && errno != ENOENT)
		return -errno;
	ft_folder_forget(process->folder, process);
	ft_registry_drop(registry, process);
	return 0;
}

void ft_registry_clean(struct ft_registry *registry)
{
	struct ft_folder *top = registry->folders->pdata[0], *folder;
	bool own_run = g_str_has_prefix(strrchr(top->path, '/') + 1, FT_RUN_PREFIX);
	int code;

	for (guint i = 0; i < registry->processes->len; i++) {
		struct ft_process *p = registry->processes->pdata[i];

		if (ft_process_end(p, &code) == FASTTRACE_EXITED)
			unlinkat(p->folder->fd, p->file, 0);
	}
	for (guint i = 1; i < registry->folders->len; i++) {
		folder = registry->folders->pdata[i];
		ft_folder_remove(folder, top);
	}
	if (own_run && !registry->options.runs)
		ft_folder_remove(top, NULL);
}

static gint process_compare(gconstpointer a, gconstpointer b)
{
	const struct ft_process *x = *(struct ft_process *const *)a;
	const struct ft_process *y = *(struct ft_process *const *)b;

	if (x->info->pid != y->info->pid)
		return x->info->pid < y->info->pid ? -1 : 1;
	if (x->info->created_realtime_ns != y->info->created_realtime_ns)
		return x->info->created_realtime_ns > y->info->created_realtime_ns ? -1 : 1;
	return x->key > y->key ? -1 : 1;
}

GPtrArray *ft_registry_sorted(struct ft_registry *registry)
{
	GPtrArray *sorted = g_ptr_array_copy(registry->processes, NULL, NULL);

	g_ptr_array_sort(sorted, process_compare);
	return sorted;
}

bool ft_registry_replaced(struct ft_registry *registry, const struct ft_process *old)
{
	for (guint i = 0; i < registry->processes->len; i++) {
		const struct ft_process *p = registry->processes->pdata[i];

		if (p != old && p->info->pid == old->info->pid &&
		    p->info->pid_ns == old->info->pid_ns &&
		    p->info->start_time == old->info->start_time &&
		    p->info->created_realtime_ns > old->info->created_realtime_ns &&
		    memcmp(p->info->uuid, old->info->uuid, sizeof(p->info->uuid)))
			return true;
	}
	return false;
}

void ft_registry_complaints(struct ft_registry *registry, GString *text)
{
	for (guint i = 0; i < registry->folders->len; i++)
		ft_folder_complaints(registry->folders->pdata[i], text);
}
