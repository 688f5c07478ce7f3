/* SPDX-License-Identifier: MIT */
/*
 * errors.c - error_log: what of the last writes was refused, and why.
 *
 * A shell shows a number's text, "Invalid argument". Here stands which command it was, what is wrong
 * with it, and where, as in the error_log of tracefs. A process's has its own; the root's has all.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "events.h"

#define KEPT	    8
#define COMMAND_MAX 256 /* bytes of a command that are shown */
#define PREFIX	    "  Command: "

int ft_call_refuse(struct ft_call *call, const char *at, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_free(call->why);
	call->why = g_strdup_vprintf(format, args);
	call->fault = at ? (size_t)(at - call->data) : 0;
	va_end(args);
	return err;
}

/* What is to be said where nobody has said more. */
static const char *reason(ssize_t err)
{
	switch (err) {
	case -EBUSY:
		return "somebody else reads it, and it has one consumer";
	case -EAGAIN:
		return "an event is in flight, or the ring is full: try again";
	case -ENOSPC:
		return "there is no room to remember it";
	case -EOPNOTSUPP:
		return "a process that lives is switched by membarrier(2), which this daemon may "
		       "not call";
	case -EPROTO:
		return "the process's memory contradicts itself";
	}
	return g_strerror((int)-err);
}

static void path_append(struct ft_node *node, GString *s)
{
	struct ft_event_group *group;

	if (node->process) {
		ft_process_name(node->process, s);
		g_string_append_c(s, '/');
	}
	if (node->thread) {
		g_string_append(s, "threads/");
		ft_thread_name(node->thread, s);
		g_string_append_c(s, '/');
	}
	if (node->kind == FT_EVENTS_ENABLE)
		g_string_append(s, "events/");
	if ((node->kind == FT_PROVIDER_ENABLE || node->kind == FT_EVENT_ENABLE) &&
	    !ft_events_find(node, &group)) {
		if (group->parent->name)
			g_string_append_printf(s, "events/%s/%s/", group->parent->name,
					       group->name);
		else
			g_string_append_printf(s, "events/%s/", group->name);
	}
	g_string_append(s, ft_node_fixed_name(node));
}

/* @bytes of what was written as a line that can be shown. To be freed. */
static char *shown(const char *text, size_t bytes)
{
	char *valid = g_utf8_make_valid(text, (gssize)MIN(bytes, COMMAND_MAX));

	for (char *p = valid; *p; p = g_utf8_next_char(p))
		if (g_unichar_iscntrl(g_utf8_get_char(p)))
			memset(p, '.', (size_t)(g_utf8_next_char(p) - p));
	return valid;
}

/* The command, and a caret under its fault: before that stand words that we know, of ASCII. */
static void command_append(const struct ft_call *call, GString *s)
{
	const char *text = call->data, *fault = call->data + call->fault;
	size_t bytes = call->size, at;
	char *line;

	ft_text_trim(&text, &bytes);
	at = fault > text ? (size_t)(fault - text) : 0;
	line = shown(text, bytes);
	g_string_append_printf(s, PREFIX "%s\n%*s^\n", line,
			       (int)(strlen(PREFIX) + MIN(at, COMMAND_MAX)), "");
	g_free(line);
}

static void errors_push(GQueue *errors, char *entry)
{
	g_queue_push_tail(errors, entry);
	if (errors->length > KEPT)
		g_free(g_queue_pop_head(errors));
}

void ft_errors_add(struct ft_node *node, const struct ft_call *call, ssize_t err)
{
	GString *s = g_string_new(NULL);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	g_string_append_printf(s, "[%jd.%06ld] ", (intmax_t)now.tv_sec, now.tv_nsec / 1000);
	path_append(node, s);
	g_string_append_printf(s, ": error: %s\n", call->why ? call->why : reason(err));
	command_append(call, s);
	if (node->process)
		errors_push(&node->process->errors, g_strdup(s->str));
	errors_push(&node->tree->registry->errors, g_string_free(s, FALSE));
}

static GQueue *node_errors(struct ft_node *node)
{
	return node->process ? &node->process->errors : &node->tree->registry->errors;
}

void ft_errors_text(struct ft_node *node, GString *text)
{
	for (GList *l = node_errors(node)->head; l; l = l->next)
		g_string_append(text, l->data);
}

int ft_errors_clear(struct ft_node *node)
{
	g_queue_clear_full(node_errors(node), g_free);
	return 0;
}
