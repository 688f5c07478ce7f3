/* SPDX-License-Identifier: MIT */
/*
 * tally.c - counts events, their bytes and spans. What holds for a class is found out once for it.
 */
#include "tally.h"

#include <math.h>

static gint names_compare(gconstpointer a, gconstpointer b, gpointer data)
{
	(void)data;
	return strcmp(a, b);
}

static void event_free(gpointer event)
{
	struct ft_tally_event *e = event;

	if (e->drawn)
		g_ptr_array_unref(e->drawn);
	g_free(e);
}

static void spans_free(gpointer spans)
{
	ft_histogram_clear(&((struct ft_spans *)spans)->durations);
	g_free(spans);
}

static void drawn_free(gpointer drawn)
{
	ft_histogram_clear(&((struct ft_tally_drawn *)drawn)->values);
	g_free(drawn);
}

void ft_tally_init(struct ft_tally *t, char **drawn)
{
	*t = (struct ft_tally){
		.events = g_tree_new_full(names_compare, NULL, g_free, event_free),
		.spans = g_tree_new_full(names_compare, NULL, g_free, spans_free),
		.threads = ft_threads_new(),
		.drawn = g_ptr_array_new_with_free_func(drawn_free),
	};
	for (; drawn && *drawn; drawn++) {
		struct ft_tally_drawn *d = g_new0(struct ft_tally_drawn, 1);

		d->given = *drawn;
		g_ptr_array_add(t->drawn, d);
	}
}

/* PROVIDER:EVENT:begin and :end are of the span PROVIDER:EVENT; other tracers have no second colon. */
static void side_find(struct ft_tally *t, const char *name, struct ft_tally_event *event)
{
	const char *first = strchr(name, ':'), *last = strrchr(name, ':');
	char *span;

	if (first == last)
		return;
	if (!strcmp(last, ":begin"))
		event->side = FT_SPAN_BEGIN;
	else if (!strcmp(last, ":end"))
		event->side = FT_SPAN_END;
	else
		return;
	span = g_strndup(name, (gsize)(last - name));
	event->spans = g_tree_lookup(t->spans, span);
	if (event->spans)
		g_free(span);
	else
		g_tree_insert(t->spans, span, event->spans = g_new0(struct ft_spans, 1));
}

static void drawn_find(const struct ft_tally *t, const char *name, struct ft_tally_event *event)
{
	for (guint i = 0; i < t->drawn->len; i++) {
		struct ft_tally_drawn *d = t->drawn->pdata[i];
		const char *dot = strrchr(d->given, '.');
		size_t bytes = dot ? (size_t)(dot - d->given) : 0;

		if (!dot || strlen(name) != bytes || memcmp(name, d->given, bytes))
			continue;
		if (!event->drawn)
			event->drawn = g_ptr_array_new();
		g_ptr_array_add(event->drawn, d);
		d->event = true;
	}
}

static struct ft_tally_event *event_get(struct ft_tally *t, struct ft_ctf_event_class *class)
{
	struct ft_tally_event **of = class->user;

	if (of)
		return *of;
	class->user = of = g_new(struct ft_tally_event *, 1);
	*of = g_tree_lookup(t->events, class->name);
	if (!*of) {
		*of = g_new0(struct ft_tally_event, 1);
		g_tree_insert(t->events, g_strdup(class->name), *of);
		side_find(t, class->name, *of);
		drawn_find(t, class->name, *of);
	}
	return *of;
}

static bool value_number(const struct ft_ctf_value *value, double *number)
{
	if (value->op->code == FT_CTF_OP_FLOAT)
		*number = value->real;
	else if (value->op->code != FT_CTF_OP_INT)
		return false;
	else if (value->op->is_signed)
		*number = (double)(int64_t)value->u;
	else
		*number = (double)value->u;
	return isfinite(*number);
}

/* Return: true: there is a field of that name. */
static bool scope_draw(struct ft_tally_drawn *d, struct ft_ctf_cursor *c,
		       const struct ft_ctf_program *program, uint64_t at)
{
	const char *name = strrchr(d->given, '.') + 1;
	struct ft_ctf_values values;
	struct ft_ctf_value value;
	double number;

	if (!program->ops)
		return false;
	ft_ctf_values_at(c, program, at, &values);
	while (ft_ctf_value_next(&values, &value)) {
		if (strcmp(value.op->name, name))
			continue;
		d->field = true;
		if (value_number(&value, &number))
			ft_histogram_add(&d->values, number);
		return true;
	}
	return false;
}

static void event_add(struct ft_tally *t, struct ft_ctf_stream *s)
{
	struct ft_ctf_cursor *c = &s->cursor;
	struct ft_tally_event *event = event_get(t, c->event);

	if (!t->count++)
		t->first_ns = s->ns;
	t->last_ns = s->ns;
	event->count++;
	event->bits += c->next - c->header;
	if (event->side == FT_SPAN_BEGIN)
		ft_span_begin(t->threads, s, event->spans);
	else if (event->side == FT_SPAN_END)
		ft_span_end(t->threads, s, event->spans);
	for (guint i = 0; event->drawn && i < event->drawn->len; i++) {
		struct ft_tally_drawn *d = event->drawn->pdata[i];

		(void)(scope_draw(d, c, &c->event->fields, c->fields) ||
		       scope_draw(d, c, &c->event->context, c->own) ||
		       scope_draw(d, c, &c->stream->context, c->context));
	}
}

void ft_tally_add(struct ft_tally *t, struct ft_ctf_stream *s)
{
	if (s->what == FT_CTF_EVENT) {
		event_add(t, s);
		return;
	}
	*(s->what == FT_CTF_LOST_EVENTS ? &t->lost_events : &t->lost_packets) += s->lost;
	ft_spans_lost(t->threads, s);
}

void ft_tally_end(struct ft_tally *t)
{
	ft_spans_close(t->threads);
}

void ft_tally_clear(struct ft_tally *t)
{
	g_hash_table_unref(t->threads);
	g_tree_unref(t->events);
	g_tree_unref(t->spans);
	g_ptr_array_unref(t->drawn);
}
