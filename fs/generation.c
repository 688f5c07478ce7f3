/* SPDX-License-Identifier: MIT */
/*
 * generation.c - snapshots, each frozen for the process that looks at it.
 *
 * cp closes the folder before it opens the files, and babeltrace2 opens a file before the folder:
 * so the looker is its process, and a generation outlives its last request for a while.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry.h"

#define GENERATION_NS	      (5 * FT_NS_PER_S)
#define GENERATIONS_MAX_BYTES ((size_t)1 << 30)

static size_t snapshot_bytes(const struct fasttrace_snapshot *data)
{
	return data->bytes + data->metadata_bytes;
}

struct ft_generation *ft_generation_ref(struct ft_generation *g)
{
	g->refs++;
	return g;
}

void ft_generation_unref(struct ft_generation *g)
{
	if (g && !--g->refs)
		g_free(g);
}

static void pidfd_close(struct ft_generation *g)
{
	if (g->pidfd.fd < 0)
		return;
	ft_loop_remove(g->registry->loop, &g->pidfd);
	close(g->pidfd.fd);
	g->pidfd.fd = -1;
}

void ft_generation_drop(void *generation)
{
	struct ft_generation *g = generation;

	pidfd_close(g);
	ft_process_snapshot_free(g->process, g->data);
	g_hash_table_destroy(g->numbers);
	g_ptr_array_free(g->names, TRUE);
	g->data = NULL;
	g->process = NULL;
	ft_generation_unref(g);
}

static void generation_remove(struct ft_generation *g)
{
	g_ptr_array_remove(g->process->generations, g);
}

void ft_generation_open(struct ft_generation *g)
{
	g->opens++;
	g->used_ns = ft_now_ns();
}

void ft_generation_close(struct ft_generation *g)
{
	g->opens--;
	g->used_ns = ft_now_ns();
	if (g->orphan && !g->opens && g->process)
		generation_remove(g);
}

static void looker_gone(void *arg)
{
	struct ft_generation *g = arg;

	pidfd_close(g);
	g->orphan = true;
	if (!g->opens)
		generation_remove(g);
}

static void looker_watch(struct ft_generation *g)
{
	g->pidfd = (struct ft_watch){-1, looker_gone, g};
	if (g->group > 0)
		g->pidfd.fd = (int)syscall(SYS_pidfd_open, g->group, 0);
	if (g->pidfd.fd >= 0)
		ft_loop_add(g->registry->loop, &g->pidfd, EPOLLIN);
}

/* Drop the unused ones of a process. Return: is one left? */
static bool process_expire(struct ft_process *p, int64_t now)
{
	for (guint i = p->generations->len; i--;) {
		struct ft_generation *g = p->generations->pdata[i];

		if (!g->opens && now - g->used_ns >= GENERATION_NS)
			g_ptr_array_remove_index(p->generations, i);
	}
	return p->generations->len;
}

bool ft_generations_expire(struct ft_registry *registry)
{
	bool left = false;

	for (guint i = 0; i < registry->processes->len; i++)
		left |= process_expire(registry->processes->pdata[i], ft_now_ns());
	return left;
}

/* Of streams with one tid the newest first, those that are being written apart. */
static gint stream_compare(gconstpointer a, gconstpointer b)
{
	const struct fasttrace_snapshot_stream *x = *(void *const *)a, *y = *(void *const *)b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->open != y->open)
		return x->open ? 1 : -1;
	return x->serial > y->serial ? -1 : 1;
}

static char *stream_name(const struct fasttrace_snapshot_stream *stream, unsigned nth)
{
	const char *open = stream->open ? ".open" : "";

	return nth ? g_strdup_printf("%u.%u%s", stream->tid, nth, open)
		   : g_strdup_printf("%u%s", stream->tid, open);
}

/* TID as in threads/, older holders TID.n, and .open for the sub-buffer that is being written. */
static void generation_name(struct ft_generation *g)
{
	struct fasttrace_snapshot_stream *before = NULL, *s;
	GPtrArray *sorted = g_ptr_array_new();
	unsigned nth = 0;

	g->names = g_ptr_array_new_with_free_func(g_free);
	g->numbers = g_hash_table_new(g_str_hash, g_str_equal);
	g_ptr_array_add(g->names, g_strdup("metadata"));
	for (unsigned i = 0; i < g->data->streams; i++) {
		g_ptr_array_add(sorted, &g->data->stream[i]);
		g_ptr_array_add(g->names, NULL);
	}
	g_ptr_array_sort(sorted, stream_compare);
	for (guint i = 0; i < sorted->len; i++, before = s) {
		s = sorted->pdata[i];
		nth = before && before->tid == s->tid && before->open == s->open ? nth + 1 : 0;
		g->names->pdata[s - g->data->stream + 1] = stream_name(s, nth);
	}
	for (guint i = 0; i < g->names->len; i++)
		g_hash_table_insert(g->numbers, g->names->pdata[i], GUINT_TO_POINTER(i));
	g_ptr_array_free(sorted, TRUE);
}

int ft_process_snapshot(struct ft_process *p, struct fasttrace_snapshot **snapshot)
{
	struct ft_registry *registry = p->registry;
	struct fasttrace_snapshot *data;
	int err;

	ft_generations_expire(registry);
	if (registry->snapshot_bytes >= GENERATIONS_MAX_BYTES)
		return -ENOMEM;
	err = fasttrace_snapshot_take(p->arena, &data);
	if (err)
		return err;
	/* One alone is always served, however large. */
	if (registry->snapshot_bytes &&
	    registry->snapshot_bytes + snapshot_bytes(data) > GENERATIONS_MAX_BYTES) {
		fasttrace_snapshot_free(data);
		return -ENOMEM;
	}
	registry->snapshot_bytes += snapshot_bytes(data);
	*snapshot = data;
	return 0;
}

void ft_process_snapshot_free(struct ft_process *p, struct fasttrace_snapshot *snapshot)
{
	p->registry->snapshot_bytes -= snapshot_bytes(snapshot);
	fasttrace_snapshot_free(snapshot);
}

static int generation_new(struct ft_process *p, pid_t group, struct ft_generation **generation)
{
	struct ft_registry *registry = p->registry;
	struct fasttrace_snapshot *data;
	struct ft_generation *g;
	int err = ft_process_snapshot(p, &data);

	if (err)
		return err;
	g = g_new0(struct ft_generation, 1);
	*g = (struct ft_generation){.refs = 1,
				    .process = p,
				    .data = data,
				    .registry = registry,
				    .id = ++registry->generations,
				    .group = group};
	generation_name(g);
	looker_watch(g);
	g_ptr_array_add(p->generations, g);
	ft_registry_soon(registry);
	*generation = g;
	return 0;
}

int ft_generation_obtain(struct ft_process *p, pid_t tid, struct ft_generation **generation)
{
	pid_t group = ft_pid_group(tid);
	int err = 0;

	*generation = NULL;
	for (guint i = 0; i < p->generations->len; i++) {
		struct ft_generation *g = p->generations->pdata[i];

		if (g->group == group && !g->orphan &&
		    !(g->pidfd.fd >= 0 && ft_pidfd_dead(g->pidfd.fd, 0)))
			*generation = g;
	}
	if (!*generation)
		err = p->arena ? generation_new(p, group, generation) : -ENOENT;
	if (!err)
		(*generation)->used_ns = ft_now_ns();
	return err;
}
