/* SPDX-License-Identifier: MIT */
/*
 * tracks.c - spans, instants and counters, on the tracks of threads.
 *
 * Other tools want the spans of a track to nest. Whether one does is known when those around it have
 * ended: a span is written at its own end, and goes to a track beside its thread's if one around it
 * has ended before. Items are thus not in the order of time, which no reader of these formats needs.
 * A begin or an end that is lone is an instant of its whole name; so is a counter that is no number.
 */
#include <math.h>

#include "cmd.h"
#include "export.h"

/* Of a class of events, found out once. */
struct class
{
	enum { CLASS_INSTANT, CLASS_BEGIN, CLASS_END, CLASS_COUNTER } kind;
	struct ft_name *name;
	struct ft_name *whole; /* with its kind */
};

static guint name_hash(gconstpointer name)
{
	const struct ft_name *n = name;
	guint hash = 5381;

	for (size_t i = 0; i < n->bytes; i++)
		hash = hash * 33 + (guchar)n->text[i];
	return hash;
}

static gboolean name_equal(gconstpointer a, gconstpointer b)
{
	const struct ft_name *x = a, *y = b;

	return x->bytes == y->bytes && !memcmp(x->text, y->text, x->bytes);
}

static struct ft_name *name_get(struct ft_export *x, const char *text, size_t bytes)
{
	struct ft_name key = {.text = text, .bytes = bytes, .provider_bytes = strcspn(text, ":")};
	struct ft_name *name = g_hash_table_lookup(x->names, &key);

	if (!name)
		g_hash_table_add(x->names, name = g_memdup2(&key, sizeof(key)));
	return name;
}

static struct class *class_of(struct ft_export *x, struct ft_ctf_event_class *event)
{
	struct class *c = event->user;
	size_t bytes;

	if (c)
		return c;
	event->user = c = g_new0(struct class, 1);
	bytes = strlen(event->name);
	c->whole = name_get(x, event->name, bytes);
	if (ft_event_is(event->name, ":begin", &bytes))
		c->kind = CLASS_BEGIN;
	else if (ft_event_is(event->name, ":end", &bytes))
		c->kind = CLASS_END;
	else if (ft_event_is(event->name, ":counter", &bytes))
		c->kind = CLASS_COUNTER;
	c->name = name_get(x, event->name, bytes);
	if (c->kind == CLASS_BEGIN)
		c->name->begin = c->whole;
	return c;
}

static int64_t id_make(struct ft_export *x)
{
	return FT_NO_ID + x->ids++;
}

static struct ft_track *track_new(struct ft_export *x, struct ft_thread *t, unsigned lane)
{
	struct ft_track *track = g_new0(struct ft_track, 1);
	struct ft_process *p = t->process;
	bool first = !p->id;

	if (first)
		p->id = p->has_own_pid ? p->pid : id_make(x);
	t->tracks->pdata[lane] = track;
	track->thread = t;
	track->parent = lane ? t->tracks->pdata[0] : NULL;
	track->number = ++x->tracks;
	track->tid = !lane && t->kind == FT_THREAD_TID && t->id <= INT32_MAX ? (int64_t)t->id
									     : id_make(x);
	if (first)
		x->format->process(x, p);
	x->format->track(x, track);
	return track;
}

static struct ft_track *track_of(struct ft_export *x, struct ft_thread *t, unsigned lane)
{
	struct ft_track *track;

	if (!t->tracks) {
		t->tracks = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_set_size(t->tracks, FT_SPANS_LANES);
		track_new(x, t, 0);
	}
	track = t->tracks->pdata[lane];
	return track ? track : track_new(x, t, lane);
}

char *ft_process_name(const struct ft_process *p)
{
	/* As the kernel knows it, if that is not its id. */
	if (p->name && p->pid > 0 && !p->has_own_pid)
		return g_strdup_printf("%s (%" G_GINT64_FORMAT ")", p->name, p->pid);
	return g_strdup(p->name);
}

char *ft_track_name(const struct ft_track *track)
{
	const char *name = track->thread->name;

	if (track->parent)
		return g_strdup_printf("%s%soverlapping", name ? name : "", name ? ", " : "");
	return g_strdup(name);
}

/* Given up: no more is known of it. */
static void lone_write(void *of, struct ft_thread *t, struct ft_span *span)
{
	struct ft_export *x = of;
	const struct ft_name *name = span->name;

	x->lone++;
	x->format->item(x, track_of(x, t, 0),
			&(struct ft_item){.kind = FT_INSTANT,
					  .name = name->begin,
					  .ns = span->ns,
					  .data = span->data});
}

static void open_write(void *of, struct ft_thread *t, struct ft_span *span)
{
	struct ft_export *x = of;

	x->format->item(
		x, track_of(x, t, span->lane),
		&(struct ft_item){
			.kind = FT_OPEN, .name = span->name, .ns = span->ns, .data = span->data});
}

static void lost_write(struct ft_export *x, struct ft_ctf_stream *s)
{
	static const char *const texts[] = {
		[FT_CTF_LOST_EVENTS] = "lost events", [FT_CTF_LOST_PACKETS] = "lost packets"};
	const struct ft_name *name = name_get(x, texts[s->what], strlen(texts[s->what]));

	ft_spans_lost(&x->threads, s);
	x->format->item(x, track_of(x, ft_thread_of(&x->threads, s), 0),
			&(struct ft_item){.kind = FT_LOST, .name = name, .ns = s->ns, .stream = s});
}

/* The first number of its fields. Return: false: there is none that a counter could be at. */
static bool counter_find(struct ft_ctf_cursor *c, struct ft_ctf_value *value)
{
	const struct ft_ctf_program *fields = &c->event->fields;
	struct ft_ctf_values values;

	if (!fields->ops)
		return false;
	ft_ctf_values_at(c, fields, c->fields, &values);
	while (ft_ctf_value_next(&values, value))
		if (value->op->code == FT_CTF_OP_FLOAT)
			return isfinite(value->real);
		else if (value->op->code == FT_CTF_OP_INT)
			return true;
	return false;
}

void ft_tracks_write(struct ft_export *x, struct ft_ctf_stream *s)
{
	struct ft_item item = {.kind = FT_INSTANT, .ns = s->ns, .stream = s};
	const struct ft_span *span = NULL;
	const struct class *c;
	struct ft_thread *t;

	if (s->what != FT_CTF_EVENT) {
		lost_write(x, s);
		return;
	}
	c = class_of(x, s->cursor.event);
	t = ft_thread_of(&x->threads, s);
	item.name = c->name;
	if (c->kind == CLASS_BEGIN) {
		x->format->keep(x, ft_span_begin(&x->threads, t, c->name, s->ns)->data, s);
		return;
	}
	if (c->kind == CLASS_COUNTER && counter_find(&s->cursor, &item.value))
		item.kind = FT_COUNTER;
	else if (c->kind == CLASS_COUNTER)
		item.name = c->whole;
	if (c->kind == CLASS_END)
		span = ft_span_end(t, c->name);
	if (span) {
		item.kind = FT_SPAN;
		item.ns = span->ns;
		item.end_ns = span->ns + ft_span_took(span, s->ns);
		item.data = span->data;
	} else if (c->kind == CLASS_END) {
		item.name = c->whole;
		x->lone++;
	}
	x->format->item(x, track_of(x, t, span ? span->lane : 0), &item);
}

void ft_tracks_init(struct ft_export *x)
{
	ft_threads_init(&x->threads);
	x->threads.lone = lone_write;
	x->threads.of = x;
	x->names = g_hash_table_new_full(name_hash, name_equal, g_free, NULL);
}

void ft_tracks_end(struct ft_export *x)
{
	ft_spans_each(&x->threads, open_write);
}

void ft_tracks_clear(struct ft_export *x)
{
	ft_threads_clear(&x->threads);
	g_hash_table_unref(x->names);
}
