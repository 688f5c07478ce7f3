/* SPDX-License-Identifier: MIT */
/*
 * events.c - the event table as directories: providers, in them events, in each its classes.
 *
 * The table only grows. So what has been sorted into directories stays, while it is not too much of
 * too many processes, and each look takes in what is new: it costs nothing to be asked for one name
 * among many.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "events.h"

#define CLASSES_KEPT 65536u /* of all processes that are not the one looked at */

struct ft_events {
	struct ft_event_group *all;
	GPtrArray *of_class; /* id - 1 -> its event; NULL: its name is another one's */
};

static void group_free(void *data)
{
	struct ft_event_group *g = data;

	if (g->by_name) {
		g_hash_table_destroy(g->by_name);
		g_ptr_array_free(g->children, TRUE);
	}
	g_array_free(g->ids, TRUE);
	g_free(g->name);
	g_free(g);
}

static struct ft_event_group *group_new(struct ft_event_group *parent, char *name, const char *real,
					unsigned first)
{
	struct ft_event_group *g = g_new0(struct ft_event_group, 1);

	g->parent = parent;
	g->name = name;
	g->real = real;
	g->first = first;
	g->ids = g_array_new(FALSE, FALSE, sizeof(unsigned));
	if (parent && parent->parent)
		return g; /* an event */
	g->children = g_ptr_array_new_with_free_func(group_free);
	g->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	return g;
}

/* As the name of a directory that stands beside a file called `enable`. */
static char *name_shown(const char *name)
{
	bool taken = !*name || !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "enable");

	return g_strdup_printf("%.*s%s", NAME_MAX, name, taken ? "_" : "");
}

/* NULL: another name is shown in the same way, and was there first. */
static struct ft_event_group *group_obtain(struct ft_event_group *parent, const char *real,
					   unsigned id)
{
	char *name = name_shown(real);
	struct ft_event_group *g = g_hash_table_lookup(parent->by_name, name);

	if (g) {
		g_free(name);
		return strcmp(g->real, real) ? NULL : g;
	}
	g = group_new(parent, name, real, id);
	g_ptr_array_add(parent->children, g);
	g_hash_table_insert(parent->by_name, name, g);
	return g;
}

static int class_add(struct ft_events *events, struct fasttrace_arena *arena, unsigned id)
{
	struct ft_event_group *event = NULL, *provider;
	struct fasttrace_event_info info;
	int err = fasttrace_event_get_info(arena, id, &info);

	if (err)
		return err;
	provider = group_obtain(events->all, info.provider, id);
	if (provider)
		event = group_obtain(provider, info.name, id);
	g_ptr_array_add(events->of_class, event);
	for (struct ft_event_group *g = event; g; g = g->parent)
		g_array_append_val(g->ids, id);
	return 0;
}

/*
 * Who looks at one process after the other does not fill our memory: what others have sorted goes
 * when it is much, and is sorted again when they are looked at.
 */
static void others_free(struct ft_process *p)
{
	GPtrArray *processes = p->registry->processes;
	guint classes = 0;

	for (guint i = 0; i < processes->len; i++) {
		struct ft_process *other = processes->pdata[i];

		if (other == p || !other->events)
			continue;
		classes += other->events->of_class->len;
		if (classes <= CLASSES_KEPT)
			continue;
		ft_events_free(other->events);
		other->events = NULL;
	}
}

static int events_refresh(struct ft_process *p)
{
	int n = fasttrace_arena_events(p->arena), err = 0;

	if (n < 0)
		return n;
	if (!p->events || p->events->of_class->len < (guint)n)
		others_free(p);
	if (!p->events) {
		p->events = g_new0(struct ft_events, 1);
		p->events->all = group_new(NULL, NULL, NULL, 0);
		p->events->of_class = g_ptr_array_new();
	}
	while (!err && p->events->of_class->len < (guint)n)
		err = class_add(p->events, p->arena, p->events->of_class->len + 1);
	return err;
}

void ft_events_free(struct ft_events *events)
{
	if (!events)
		return;
	group_free(events->all);
	g_ptr_array_free(events->of_class, TRUE);
	g_free(events);
}

int ft_events_find(struct ft_node *node, struct ft_event_group **group)
{
	struct ft_events *events;
	int err = events_refresh(node->process);

	if (err)
		return err;
	events = node->process->events;
	*group = node->number ? events->of_class->pdata[node->number - 1] : events->all;
	if (node->kind == FT_PROVIDER || node->kind == FT_PROVIDER_ENABLE)
		*group = (*group)->parent;
	return 0;
}

static enum ft_kind child_kind(const struct ft_node *node)
{
	return node->kind == FT_EVENTS ? FT_PROVIDER : FT_EVENT;
}

int ft_events_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		     struct ft_node **child)
{
	struct ft_event_group *group;
	int err = ft_events_find(node, &group);

	(void)call;
	if (err)
		return err;
	group = g_hash_table_lookup(group->by_name, name);
	if (!group)
		return -ENOENT;
	*child = ft_node_child(node, child_kind(node), NULL, group->first);
	return 0;
}

int ft_events_list(struct ft_node *node, struct ft_call *call, GArray *entries)
{
	struct ft_event_group *group;
	int err = ft_events_find(node, &group);

	(void)call;
	if (err)
		return err;
	for (guint i = 0; i < group->children->len; i++) {
		struct ft_event_group *child = group->children->pdata[i];

		ft_entry_add(entries, node, child_kind(node), NULL, child->first, child->name);
	}
	return 0;
}

static void level_text(unsigned level, GString *text)
{
	static const char *const names[] = {"emerg",   "alert",	 "crit", "err",
					    "warning", "notice", "info", "debug"};

	if (level < G_N_ELEMENTS(names))
		g_string_append_printf(text, "level: %s\n", names[level]);
	else
		g_string_append_printf(text, "level: %u\n", level);
}

static const char *kind_name(enum fasttrace_event_kind kind)
{
	switch (kind) {
	case FASTTRACE_EVENT_PLAIN:
		return "event";
	case FASTTRACE_EVENT_BEGIN:
		return "begin";
	case FASTTRACE_EVENT_END:
		return "end";
	case FASTTRACE_EVENT_COUNTER:
		return "counter";
	case FASTTRACE_EVENT_GUARD:
		return "guard";
	case FASTTRACE_EVENT_MARKER:
		return "marker";
	}
	return "unknown";
}

/* An array's size is that of one element; of a string there is none. */
static void format_text(const struct fasttrace_event_info *info, GString *text)
{
	if (text->len)
		g_string_append_c(text, '\n');
	g_string_append_printf(text, "name: %s\nID: %u\n", info->name, info->id);
	level_text(info->level, text);
	g_string_append_printf(text, "kind: %s\nformat:\n", kind_name(info->kind));
	for (unsigned i = 0; i < info->nfields; i++) {
		g_string_append_printf(text, "\tfield:%s %s;", info->field[i].type,
				       info->field[i].name);
		if (info->field[i].bytes)
			g_string_append_printf(text, "\tsize:%u%s;\n", info->field[i].bytes,
					       g_str_has_suffix(info->field[i].type, "[]") ? " each"
											   : "");
		else
			g_string_append(text, "\tsize:varies;\n");
	}
}

int ft_event_text(struct ft_node *node, GString *text)
{
	struct fasttrace_event_info info;
	struct ft_event_group *group;
	int err = ft_events_find(node, &group);

	for (guint i = 0; !err && i < group->ids->len; i++) {
		unsigned id = g_array_index(group->ids, unsigned, i);

		err = fasttrace_event_get_info(node->process->arena, id, &info);
		if (err || info.kind == FASTTRACE_EVENT_GUARD)
			continue;
		if (node->kind == FT_EVENT_FORMAT)
			format_text(&info, text);
		else
			g_string_append_printf(text, "%u\n", id);
	}
	return err;
}
