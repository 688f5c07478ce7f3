/* SPDX-License-Identifier: MIT */
/*
 * tracing.c - tracing_on: whether a process traces at all; in the root, of all that live.
 */
#include <errno.h>
#include <string.h>

#include "node.h"

static bool process_lives(struct ft_process *p)
{
	return p->arena && fasttrace_arena_alive(p->arena);
}

/* "1" all trace, or there is none; "0" none does; "X" some. */
static const char *all_state(struct ft_registry *registry)
{
	bool on = false, off = false;

	ft_registry_look(registry);
	for (guint i = 0; i < registry->processes->len; i++) {
		struct ft_process *p = registry->processes->pdata[i];

		if (!process_lives(p))
			continue;
		on |= fasttrace_tracing_is_on(p->arena);
		off |= !fasttrace_tracing_is_on(p->arena);
	}
	return !off ? "1\n" : on ? "X\n" : "0\n";
}

static ssize_t tracing_read(struct ft_file *file, struct ft_call *call)
{
	struct ft_process *p = file->node->process;
	const char *state;

	if (p)
		state = fasttrace_tracing_is_on(p->arena) ? "1\n" : "0\n";
	else
		state = all_state(file->node->tree->registry);
	return ft_text_slice(state, strlen(state), call);
}

static int process_set(struct ft_process *p, bool on)
{
	int err = fasttrace_tracing_switch(p->arena, on);

	if (ft_consume_again(p->arena, err))
		err = fasttrace_tracing_switch(p->arena, on);
	return err;
}

/* One that refuses does not spare the others. */
static int all_set(struct ft_registry *registry, bool on)
{
	int err = 0, first = 0;

	ft_registry_look(registry);
	for (guint i = 0; i < registry->processes->len; i++) {
		struct ft_process *p = registry->processes->pdata[i];

		if (process_lives(p))
			err = process_set(p, on);
		first = first ? first : err;
	}
	return first;
}

int ft_tracing_set(struct ft_node *node, bool on)
{
	return node->process ? process_set(node->process, on) : all_set(node->tree->registry, on);
}

static ssize_t tracing_write(struct ft_file *file, struct ft_call *call)
{
	bool on;
	int err = ft_text_switch(call, &on);

	if (!err)
		err = ft_tracing_set(file->node, on);
	return err ? err : (ssize_t)call->size;
}

const struct ft_file_ops ft_tracing_ops = {
	.read = tracing_read,
	.write = tracing_write,
};
