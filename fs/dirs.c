/* SPDX-License-Identifier: MIT */
/*
 * dirs.c - the directories whose names are numbers of processes and of threads.
 *
 * PID is the newest holder of a number, PID.1 the one before it, and so on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "node.h"

static void number_name(char *name, size_t size, uint32_t id, unsigned nth)
{
	if (nth)
		snprintf(name, size, "%u.%u", id, nth);
	else
		snprintf(name, size, "%u", id);
}

static bool number_parse(const char *name, uint32_t *id, unsigned *nth)
{
	char again[32], end;

	*nth = 0;
	if (sscanf(name, "%u.%u%c", id, nth, &end) > 2)
		return false;
	number_name(again, sizeof(again), *id, *nth);
	return !strcmp(again, name);
}

static struct ft_process *process_find(struct ft_registry *registry, const char *name)
{
	struct ft_process *found = NULL;
	GPtrArray *sorted;
	unsigned nth;
	uint32_t pid = 0;

	if (!number_parse(name, &pid, &nth))
		return NULL;
	ft_registry_look(registry);
	sorted = ft_registry_sorted(registry);
	for (guint i = 0; i < sorted->len && !found; i++) {
		struct ft_process *p = sorted->pdata[i];

		if (p->info->pid == pid && !nth--)
			found = p;
	}
	g_ptr_array_unref(sorted);
	return found;
}

int ft_root_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		   struct ft_node **child)
{
	struct ft_process *p = process_find(node->tree->registry, name);

	(void)call;
	if (!p)
		return -ENOENT;
	*child = ft_node_child(node, FT_PROCESS, p, 0);
	return 0;
}

int ft_root_list(struct ft_node *node, struct ft_call *call, GArray *entries)
{
	uint32_t before = 0;
	GPtrArray *sorted;
	unsigned nth = 0;
	char name[32];

	(void)call;
	ft_registry_look(node->tree->registry);
	sorted = ft_registry_sorted(node->tree->registry);
	for (guint i = 0; i < sorted->len; i++) {
		struct ft_process *p = sorted->pdata[i];

		nth = i && p->info->pid == before ? nth + 1 : 0;
		before = p->info->pid;
		number_name(name, sizeof(name), before, nth);
		ft_entry_add(entries, node, FT_PROCESS, p, 0, name);
	}
	g_ptr_array_unref(sorted);
	return 0;
}

int ft_root_remove(struct ft_node *node, const char *name, bool directory)
{
	struct ft_process *p = process_find(node->tree->registry, name);

	if (!p)
		return -EPERM;
	return directory ? ft_registry_remove(p) : -EISDIR;
}

int ft_threads_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		      struct ft_node **child)
{
	int err = -ENOENT;
	struct ft_thread *thread;
	GArray *sorted;
	unsigned nth;
	uint32_t tid = 0;

	(void)call;
	if (!number_parse(name, &tid, &nth))
		return -ENOENT;
	sorted = ft_thread_sorted(node->process);
	for (guint i = 0; i < sorted->len && err; i++) {
		struct ft_thread_entry *e = &g_array_index(sorted, struct ft_thread_entry, i);

		if (e->info.tid != tid || nth--)
			continue;
		thread = ft_thread_obtain(node->process, e->index, e->info.serial);
		*child = ft_node_child(node, FT_THREAD, thread, 0);
		ft_thread_unref(thread);
		err = 0;
	}
	g_array_unref(sorted);
	return err;
}

int ft_threads_list(struct ft_node *node, struct ft_call *call, GArray *entries)
{
	GArray *sorted = ft_thread_sorted(node->process);
	struct ft_thread probe = {.refs = 1};
	uint32_t before = 0;
	unsigned nth = 0;
	char name[32];

	(void)call;
	for (guint i = 0; i < sorted->len; i++) {
		struct ft_thread_entry *e = &g_array_index(sorted, struct ft_thread_entry, i);

		nth = i && e->info.tid == before ? nth + 1 : 0;
		before = e->info.tid;
		probe.serial = e->info.serial;
		number_name(name, sizeof(name), before, nth);
		ft_entry_add(entries, node, FT_THREAD, &probe, 0, name);
	}
	g_array_unref(sorted);
	return 0;
}

void ft_process_name(struct ft_process *process, GString *text)
{
	GPtrArray *sorted = ft_registry_sorted(process->registry);
	unsigned nth = 0;
	char name[32];

	for (guint i = 0; i < sorted->len && sorted->pdata[i] != process; i++)
		nth += ((struct ft_process *)sorted->pdata[i])->info->pid == process->info->pid;
	number_name(name, sizeof(name), process->info->pid, nth);
	g_string_append(text, name);
	g_ptr_array_unref(sorted);
}

void ft_thread_name(struct ft_thread *thread, GString *text)
{
	GArray *sorted = ft_thread_sorted(thread->process);
	char name[32] = "?";
	unsigned nth = 0;
	uint32_t tid = 0;

	for (guint i = 0; i < sorted->len; i++) {
		struct ft_thread_entry *e = &g_array_index(sorted, struct ft_thread_entry, i);

		nth = i && e->info.tid == tid ? nth + 1 : 0;
		tid = e->info.tid;
		if (e->info.serial == thread->serial)
			number_name(name, sizeof(name), tid, nth);
	}
	g_string_append(text, name);
	g_array_unref(sorted);
}
