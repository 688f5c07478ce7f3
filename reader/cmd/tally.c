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

static void lone_count(void *of, struct ft_thread *thread, struct ft_span *span)
{
	struct ft_spans *spans = span->name;

	(void)of;
	(void)thread;
	spans->lone_begins++;
}

void ft_tally_init(struct ft_tally *t, char **drawn)
{
	*t = (struct ft_tally){
		.events = g_tree_new_full(names_compare, NULL, g_free, event_free),
		.spans = g_tree_new_full(names_compare, NULL, g_free, spans_free),
		.drawn = g_ptr_array_new_with_free_func(drawn_free),
	};
	ft_threads_init(&t->threads);
	t->threads.lone = lone_count;
	for (; drawn && *drawn; drawn++) {
		struct ft_tally_drawn *d = g_new0(struct ft_tally_drawn, 1);

		d->given = *drawn;
		g_ptr_array_add(t->drawn, d);
	}
}

static struct ft_spans *spans_get(struct ft_tally *t, const char *name, size_t bytes)
{
	char *span = g_strndup(name, bytes);
	struct ft_spans *spans = g_tree_lookup(t->spans, span);

	if (spans)
		g_free(span);
	else
		g_tree_insert(t->spans, span, spans = g_new0(struct ft_spans, 1));
	return spans;
}

static void side_find(struct ft_tally *t, const char *name, struct ft_tally_event *event)
{
	size_t bytes;

	if (ft_event_is(name, ":begin", &bytes))
		event->begins = spans_get(t, name, bytes);
	else if (ft_event_is(name, ":end", &bytes))
		event->ends = spans_get(t, name, bytes);
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

static void end_add(struct ft_tally *t, struct ft_ctf_stream *s, struct ft_spans *spans)
{
	const struct ft_span *span = ft_span_end(ft_thread_of(&t->threads, s), spans);

	if (span)
		ft_histogram_add(&spans->durations, (double)ft_span_took(span, s->ns));
	else
		spans->lone_ends++;
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
	if (event->begins)
		ft_span_begin(&t->threads, ft_thread_of(&t->threads, s), event->begins, s->ns);
	else if (event->ends)
		end_add(t, s, event->ends);
	for (guint i = 0; event->drawn && i < event->drawn->len; i++) {
		struct ft_tally_drawn *d = event->drawn->pdata[i];

		(void)(scope_draw(d, c, &c->event->fields, c->fields) ||
		       scope_draw(d, c, &c->event->context, c->own) ||
		       scope_draw(d, c, &c->stream->context, c->context) ||
		       scope_draw(d, c, &c->stream->packet, c->packet_at));
	}
}

void ft_tally_add(struct ft_tally *t, struct ft_ctf_stream *s)
{
	if (s->what == FT_CTF_EVENT) {
		event_add(t, s);
		return;
	}
	*(s->what == FT_CTF_LOST_EVENTS ? &t->lost_events : &t->lost_packets) += s->lost;
	ft_spans_lost(&t->threads, s);
}

void ft_tally_end(struct ft_tally *t)
{
	ft_spans_each(&t->threads, lone_count);
}

void ft_tally_clear(struct ft_tally *t)
{
	ft_threads_clear(&t->threads);
	g_tree_unref(t->events);
	g_tree_unref(t->spans);
	g_ptr_array_unref(t->drawn);
}
