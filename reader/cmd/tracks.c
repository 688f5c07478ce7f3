/* SPDX-License-Identifier: MIT */
/*
 * tracks.c - whose events are, and spans that nest.
 *
 * An end belongs to the innermost begin of its name in its thread. Other tools know the innermost span
 * alone: those within one that ends are ended with it.
 */
#include "cmd.h"
#include "export.h"

/* Of a class of events, found out once. */
struct kind {
	enum ft_kind kind;
	size_t bytes, provider_bytes;
};

guint ft_thread_hash(gconstpointer thread)
{
	const struct ft_thread *t = thread;

	return (guint)(t->pid * 31 + t->tid) * 2 + t->is_cpu;
}

gboolean ft_thread_equal(gconstpointer a, gconstpointer b)
{
	const struct ft_thread *x = a, *y = b;

	return x->pid == y->pid && x->tid == y->tid && x->is_cpu == y->is_cpu;
}

void ft_thread_free(gpointer thread)
{
	struct ft_thread *t = thread;

	g_free(t->name);
	g_array_unref(t->open);
	g_free(t);
}

static struct kind *kind_of(struct ft_ctf_event_class *event)
{
	static const struct {
		const char *suffix;
		enum ft_kind kind;
	} kinds[] = {{":begin", FT_BEGIN}, {":end", FT_END}, {":counter", FT_COUNTER}};
	struct kind *k = event->user;

	if (k)
		return k;
	event->user = k = g_new0(struct kind, 1);
	k->bytes = strlen(event->name);
	k->provider_bytes = strcspn(event->name, ":");
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		size_t n = strlen(kinds[i].suffix);

		/* PROVIDER:EVENT:KIND; an event itself may be called begin. */
		if (!g_str_has_suffix(event->name, kinds[i].suffix) ||
		    k->bytes - n <= k->provider_bytes)
			continue;
		k->kind = kinds[i].kind;
		k->bytes -= n;
		break;
	}
	return k;
}

static struct ft_thread *thread_of(struct ft_export *x, struct ft_ctf_stream *s)
{
	struct ft_thread key = {.pid = MAX(s->trace->vpid, 0)}, *t;
	struct ft_who who;

	ft_who_get(s, &who);
	key.is_cpu = who.tid < 0;
	key.tid = key.is_cpu ? MAX(who.cpu, 0) : who.tid;
	t = g_hash_table_lookup(x->threads, &key);
	if (t)
		return t;
	t = g_memdup2(&key, sizeof(key));
	t->process = s->trace->procname;
	if (key.is_cpu)
		t->name = g_strdup_printf("CPU %" G_GINT64_FORMAT, key.tid);
	else if (who.comm)
		t->name = g_strndup(who.comm, who.comm_bytes);
	t->first = g_hash_table_add(x->pids, g_memdup2(&key.pid, sizeof(key.pid)));
	t->open = g_array_new(FALSE, FALSE, sizeof(struct ft_item));
	g_hash_table_add(x->threads, t);
	t->number = g_hash_table_size(x->threads);
	x->format->thread(x, t);
	return t;
}

/* Return: which of those that are open it ends; -1: none. */
static int begin_find(const struct ft_thread *t, const struct ft_item *end)
{
	for (int i = (int)t->open->len - 1; i >= 0; i--) {
		const struct ft_item *b = &g_array_index(t->open, struct ft_item, i);

		if (b->bytes == end->bytes && !memcmp(b->name, end->name, end->bytes))
			return i;
	}
	return -1;
}

static bool spans_end(struct ft_export *x, struct ft_thread *t, const struct ft_item *end)
{
	int begin = begin_find(t, end);

	if (begin < 0) {
		x->unmatched++;
		return false;
	}
	for (int i = (int)t->open->len - 1; i > begin; i--, x->closed++) {
		struct ft_item inner = g_array_index(t->open, struct ft_item, i);

		inner.kind = FT_END;
		inner.ns = end->ns;
		inner.stream = NULL;
		x->format->item(x, t, &inner);
	}
	g_array_set_size(t->open, (guint)begin);
	return true;
}

void ft_spans_write(struct ft_export *x, struct ft_ctf_stream *s)
{
	struct ft_thread *t = thread_of(x, s);
	struct ft_item item = {.kind = FT_LOST, .ns = s->ns, .stream = s};

	if (s->what == FT_CTF_EVENT) {
		const struct kind *k = kind_of(s->cursor.event);

		item.kind = k->kind;
		item.name = s->cursor.event->name;
		item.bytes = k->bytes;
		item.provider_bytes = k->provider_bytes;
	} else {
		item.name = s->what == FT_CTF_LOST_EVENTS ? "lost events" : "lost packets";
		item.bytes = item.provider_bytes = strlen(item.name);
	}
	if (item.kind == FT_END && !spans_end(x, t, &item))
		return;
	x->format->item(x, t, &item);
	if (item.kind == FT_BEGIN)
		g_array_append_val(t->open, item);
}
