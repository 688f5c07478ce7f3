/* SPDX-License-Identifier: MIT */
/*
 * spans.c - begins that wait for their end: for each thread, and in it for each name.
 */
#include "spans.h"

/* A thread: struct ft_spans -> GArray of int64_t, when those that are open began. */
static GHashTable *thread_new(void)
{
	return g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
}

GHashTable *ft_threads_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
				     (GDestroyNotify)g_hash_table_unref);
}

/* All chunks of a process' trace have its uuid. */
static char *thread_key(const struct ft_ctf_stream *s)
{
	const struct ft_ctf_meta *meta = s->trace->meta;
	int64_t tid = (int64_t)s->cursor.slots[FT_CTF_TID];
	GString *key = g_string_new(NULL);

	if (!meta->has_uuid || tid < 0) {
		g_string_printf(key, "%p", (const void *)s);
		return g_string_free(key, FALSE);
	}
	for (size_t i = 0; i < sizeof(meta->uuid); i++)
		g_string_append_printf(key, "%02x", meta->uuid[i]);
	g_string_append_printf(key, " %" G_GINT64_FORMAT, tid);
	return g_string_free(key, FALSE);
}

/* Found once for each stream. */
static GHashTable *thread_get(GHashTable *threads, struct ft_ctf_stream *s)
{
	GHashTable **of = s->user;

	if (!of) {
		char *key = thread_key(s);

		s->user = of = g_new(GHashTable *, 1);
		*of = g_hash_table_lookup(threads, key);
		if (*of)
			g_free(key);
		else
			g_hash_table_insert(threads, key, *of = thread_new());
	}
	return *of;
}

void ft_span_begin(GHashTable *threads, struct ft_ctf_stream *s, struct ft_spans *spans)
{
	GHashTable *thread = thread_get(threads, s);
	GArray *open = g_hash_table_lookup(thread, spans);

	if (!open)
		g_hash_table_insert(thread, spans,
				    open = g_array_new(FALSE, FALSE, sizeof(int64_t)));
	g_array_append_val(open, s->ns);
}

void ft_span_end(GHashTable *threads, struct ft_ctf_stream *s, struct ft_spans *spans)
{
	GArray *open = g_hash_table_lookup(thread_get(threads, s), spans);

	if (!open || !open->len) {
		spans->lone_ends++;
		return;
	}
	ft_histogram_add(&spans->durations,
			 (double)(s->ns - g_array_index(open, int64_t, open->len - 1)));
	g_array_set_size(open, open->len - 1);
}

static void thread_close(GHashTable *thread)
{
	GHashTableIter iter;
	gpointer spans, open;

	g_hash_table_iter_init(&iter, thread);
	while (g_hash_table_iter_next(&iter, &spans, &open)) {
		((struct ft_spans *)spans)->lone_begins += ((GArray *)open)->len;
		g_array_set_size(open, 0);
	}
}

void ft_spans_lost(GHashTable *threads, struct ft_ctf_stream *s)
{
	thread_close(thread_get(threads, s));
}

void ft_spans_close(GHashTable *threads)
{
	GHashTableIter iter;
	gpointer thread;

	g_hash_table_iter_init(&iter, threads);
	while (g_hash_table_iter_next(&iter, NULL, &thread))
		thread_close(thread);
}
