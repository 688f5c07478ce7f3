/* SPDX-License-Identifier: MIT */
/*
 * fields.c - which fields of events are written. What is not is hidden once for each class.
 */
#include "cmd.h"
#include "out.h"

/* Return: where @name stands among those wanted; -1: it does not. */
static int wanted(char **names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

/* Behind the operation at @i, with all that is in it. */
static uint32_t behind(const struct ft_ctf_program *program, uint32_t i)
{
	switch (program->ops[i].code) {
	case FT_CTF_OP_STRUCT:
	case FT_CTF_OP_ARRAY:
	case FT_CTF_OP_VARIANT:
		return program->ops[i].next;
	default:
		return i + 1;
	}
}

/* @found: of each of the names, is there such a field? */
static void program_hide(struct ft_ctf_program *program, char **names, bool *found)
{
	if (!program->ops)
		return;
	for (uint32_t i = 1, next; i + 2 < program->count; i = next) {
		int which = wanted(names, program->ops[i].name);

		next = behind(program, i);
		if (which >= 0)
			found[which] = true;
		for (uint32_t j = i; which < 0 && j < next; j++)
			program->ops[j].hidden = true;
	}
	program->plain = false; /* which is all that there is */
}

static void trace_hide(struct ft_ctf_meta *meta, char **names, bool *found)
{
	for (guint i = 0; i < meta->streams->len; i++) {
		struct ft_ctf_stream_class *stream = meta->streams->pdata[i];

		program_hide(&stream->packet, names, found);
		program_hide(&stream->context, names, found);
	}
	for (guint i = 0; i < meta->events->len; i++) {
		struct ft_ctf_event_class *event = meta->events->pdata[i];

		program_hide(&event->context, names, found);
		program_hide(&event->fields, names, found);
	}
}

void ft_fields_declared(struct ft_ctf_trace *trace, const char *list)
{
	char **names = g_strsplit(list, ",", -1);
	bool *found = g_new0(bool, g_strv_length(names) + 1);

	trace_hide(trace->meta, names, found);
	g_free(found);
	g_strfreev(names);
}

int ft_fields_only(struct ft_ctf_reader *reader, const char *list)
{
	char **names = g_strsplit(list, ",", -1);
	bool *found = g_new0(bool, g_strv_length(names) + 1);
	int status = EXIT_SUCCESS;

	for (guint i = 0; reader->traces && i < reader->traces->len; i++)
		trace_hide(((struct ft_ctf_trace *)reader->traces->pdata[i])->meta, names, found);
	for (guint i = 0; names[i]; i++) {
		if (found[i])
			continue;
		ft_report("--fields=%s: no event has a field '%s'", list, names[i]);
		status = EXIT_FAILURE;
	}
	g_free(found);
	g_strfreev(names);
	return status;
}
