/* SPDX-License-Identifier: MIT */
/*
 * enable.c - the switches of events/: of all events, of a provider's, of one.
 */
#include <errno.h>
#include <string.h>

#include "events.h"

/* Return: 0, and "1" all are on, "0" none, "X" some. What has no switch counts where it is alone. */
static int group_state(struct fasttrace_arena *arena, const struct ft_event_group *group,
		       const char **state)
{
	struct fasttrace_event_info info;
	bool on = false, off = false, always = false;
	int err = 0;

	for (guint i = 0; !err && !(on && off) && i < group->ids->len; i++) {
		err = fasttrace_event_get_info(arena, g_array_index(group->ids, unsigned, i),
					       &info);
		if (err || info.kind == FASTTRACE_EVENT_MARKER) {
			always = true;
			continue;
		}
		on |= info.on;
		off |= !info.on;
	}
	*state = !on && (off || !always) ? "0\n" : off ? "X\n" : "1\n";
	return err;
}

static ssize_t enable_read(struct ft_file *file, struct ft_call *call)
{
	struct ft_event_group *group;
	const char *state;
	int err = ft_events_find(file->node, &group);

	if (!err)
		err = group_state(file->node->process->arena, group, &state);
	return err ? err : ft_text_slice(state, strlen(state), call);
}

static int group_switch(struct fasttrace_arena *arena, const struct ft_event_group *group, bool on)
{
	const char *provider = group->real, *event = NULL;

	if (group->parent && group->parent->real) {
		provider = group->parent->real;
		event = group->real;
	}
	return fasttrace_events_switch(arena, provider, event, on);
}

/* Is it an event that no rule turns off? */
static bool group_always(struct fasttrace_arena *arena, const struct ft_event_group *group)
{
	struct fasttrace_event_info info;

	if (group->children)
		return false;
	for (guint i = 0; i < group->ids->len; i++)
		if (fasttrace_event_get_info(arena, g_array_index(group->ids, unsigned, i),
					     &info) ||
		    info.kind != FASTTRACE_EVENT_MARKER)
			return false;
	return true;
}

static ssize_t enable_write(struct ft_file *file, struct ft_call *call)
{
	struct fasttrace_arena *arena = file->node->process->arena;
	struct ft_event_group *group;
	bool on;
	int err = ft_text_switch(call, &on);

	if (err)
		return err;
	err = ft_events_find(file->node, &group);
	if (!err && group_always(arena, group))
		return on ? (ssize_t)call->size
			  : ft_call_refuse(call, NULL, -EINVAL,
					   "a marker is recorded while tracing_on is 1");
	if (!err)
		err = group_switch(arena, group, on);
	if (ft_consume_again(arena, err))
		err = group_switch(arena, group, on);
	if (err == -EINVAL)
		return ft_call_refuse(call, NULL, err, "no rule can name %s: it is no identifier",
				      group->real);
	return err ? err : (ssize_t)call->size;
}

const struct ft_file_ops ft_enable_ops = {
	.read = enable_read,
	.write = enable_write,
};
