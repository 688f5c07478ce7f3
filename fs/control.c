/* SPDX-License-Identifier: MIT */
/*
 * control.c - one word, for a thread, a process, or all: switches sub-buffers, drops them, stops
 * tracing.
 */
#include <errno.h>
#include <string.h>

#include "node.h"

#define SETTLE_NS (10 * FT_NS_PER_MS) /* to wait for an event in flight */

enum word { FLUSH, ACTIVE, CLEAR, START, STOP };

static const char *const words[] = {"flush", "active", "clear", "start", "stop", NULL};
static const char *const thread_words[] = {"flush", "active", "clear", NULL};

/* One command on its way through the threads that it is for. */
struct command {
	struct ft_call *call;
	enum fasttrace_switch how;
	bool clear;    /* drop, instead of switch */
	bool one;      /* for one thread: nothing is skipped */
	unsigned done; /* threads that were switched */
	int err;       /* the first */
};

static const char *const *node_words(const struct ft_node *node)
{
	return node->thread ? thread_words : words;
}

static ssize_t control_read(struct ft_file *file, struct ft_call *call)
{
	char *text = g_strjoinv("\n", (char **)(uintptr_t)node_words(file->node));
	int bytes = g_snprintf(call->buffer, FT_BLOCK_BYTES, "%s\n", text);

	g_free(text);
	return ft_text_slice(call->buffer, (size_t)bytes, call);
}

static void unsettled_unref(void *thread)
{
	ft_thread_unref(thread);
}

static void command_await(struct command *c, struct ft_thread *thread)
{
	if (!c->call->unsettled)
		c->call->unsettled = g_ptr_array_new_with_free_func(unsettled_unref);
	g_ptr_array_add(c->call->unsettled, ft_thread_ref(thread));
}

static int thread_settled(struct ft_thread *thread)
{
	struct fasttrace_arena *arena = thread->process->arena;

	return arena ? fasttrace_buffer_settled(arena, thread->index, thread->serial) : -ENOENT;
}

static void command_thread(struct command *c, struct ft_thread *thread)
{
	int err;

	if (c->clear) {
		err = ft_thread_clear(thread);
		if (err && err != -ENOENT && !c->err)
			c->err = err;
		return;
	}
	if (!c->one && c->how == FASTTRACE_ACTIVE && !ft_thread_live(thread))
		return;
	err = ft_thread_switch(thread, c->how);
	if (err == -EAGAIN && thread_settled(thread) == -EAGAIN) {
		command_await(c, thread);
		err = 0;
	} else if (err == -EAGAIN) { /* settled meanwhile, or the ring is full */
		err = ft_thread_switch(thread, c->how);
	}
	/* Above a thread: it died, or its buffer has got another owner, since we looked. */
	if (!c->one && (err == -ENOENT || err == -EINVAL))
		return;
	c->done++;
	if (err && !c->err)
		c->err = err;
}

static void command_process(struct command *c, struct ft_process *p)
{
	unsigned n = fasttrace_arena_buffers(p->arena);
	struct fasttrace_buffer_info info;
	struct ft_thread *thread;

	for (unsigned i = 0; i < n; i++) {
		if (fasttrace_buffer_get_info(p->arena, i, &info))
			continue;
		thread = ft_thread_obtain(p, i, info.serial);
		command_thread(c, thread);
		ft_thread_unref(thread);
	}
}

static void command_all(struct command *c, struct ft_registry *registry)
{
	ft_registry_look(registry);
	for (guint i = 0; i < registry->processes->len; i++)
		command_process(c, registry->processes->pdata[i]);
}

/* Ask again those that had an event in flight. */
static ssize_t control_settle(struct ft_call *call)
{
	GPtrArray *unsettled = call->unsettled;

	for (guint i = unsettled->len; i--;)
		if (thread_settled(unsettled->pdata[i]) != -EAGAIN)
			g_ptr_array_remove_index_fast(unsettled, i);
	if (!unsettled->len)
		return (ssize_t)call->size;
	return ft_now_ns() < call->deadline_ns ? -EINPROGRESS : -EAGAIN;
}

static void command_run(struct command *c, struct ft_node *node)
{
	c->one = node->thread;
	if (node->thread)
		command_thread(c, node->thread);
	else if (node->process)
		command_process(c, node->process);
	else
		command_all(c, node->tree->registry);
}

static ssize_t control_switch(struct ft_node *node, struct ft_call *call, enum word word)
{
	struct command c = {.call = call,
			    .how = word == ACTIVE ? FASTTRACE_ACTIVE : FASTTRACE_FLUSH};

	if (call->unsettled)
		return control_settle(call);
	command_run(&c, node);
	if (word == ACTIVE && (!c.done || c.err == -EINVAL))
		return ft_call_refuse(call, NULL, -EINVAL,
				      "active is for the living: flush a dead one");
	if (c.err)
		return c.err;
	call->deadline_ns = ft_now_ns() + SETTLE_NS;
	return call->unsettled ? -EINPROGRESS : (ssize_t)call->size;
}

/* What was written before is made readable first, or it would appear later. */
static ssize_t control_clear(struct ft_node *node, struct ft_call *call)
{
	struct command c = {.call = call, .clear = true};
	ssize_t n = control_switch(node, call, FLUSH);

	if (n == -EINPROGRESS)
		return n;
	command_run(&c, node);
	return c.err ? c.err : n;
}

static ssize_t control_write(struct ft_file *file, struct ft_call *call)
{
	struct ft_node *node = file->node;
	int word = ft_text_word(call, node_words(node)), err;

	if (word < 0)
		return word;
	if (word == CLEAR)
		return control_clear(node, call);
	if (word < START)
		return control_switch(node, call, (enum word)word);
	err = ft_tracing_set(node, word == START);
	return err ? err : (ssize_t)call->size;
}

const struct ft_file_ops ft_control_ops = {
	.read = control_read,
	.write = control_write,
};
