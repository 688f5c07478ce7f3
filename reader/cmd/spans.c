/* SPDX-License-Identifier: MIT */
/*
 * spans.c - begins that wait for their end, in a stack for each thread.
 */
#include "spans.h"

#include "out.h"

/* A stream's thread, as long as its packets are of the same. */
struct cached {
	struct ft_thread *thread;
	int64_t tid, cpu;
};

bool ft_event_is(const char *name, const char *suffix, size_t *bytes)
{
	size_t all = strlen(name), n = strlen(suffix);

	if (all < n || strcmp(name + all - n, suffix) || strcspn(name, ":") >= all - n)
		return false;
	*bytes = all - n;
	return true;
}

static guint thread_hash(gconstpointer thread)
{
	const struct ft_thread *t = thread;

	return g_direct_hash(t->process) * 31 + (guint)(t->id ^ t->id >> 32) * 4 + t->kind;
}

static gboolean thread_equal(gconstpointer a, gconstpointer b)
{
	const struct ft_thread *x = a, *y = b;

	return x->process == y->process && x->kind == y->kind && x->id == y->id;
}

static void thread_free(gpointer thread)
{
	struct ft_thread *t = thread;

	for (unsigned i = 0; i < t->room; i++)
		g_string_free(t->open[i].data, TRUE);
	if (t->tracks)
		g_ptr_array_unref(t->tracks);
	g_free(t->open);
	g_free(t->name);
	g_free(t);
}

void ft_threads_init(struct ft_threads *threads)
{
	*threads = (struct ft_threads){
		.processes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.pids = g_hash_table_new(g_int64_hash, g_int64_equal),
		.set = g_hash_table_new(thread_hash, thread_equal),
		.all = g_ptr_array_new_with_free_func(thread_free),
	};
}

void ft_threads_clear(struct ft_threads *threads)
{
	g_hash_table_unref(threads->set);
	g_ptr_array_unref(threads->all);
	g_hash_table_unref(threads->pids);
	g_hash_table_unref(threads->processes);
}

/* All chunks of a process' trace have its uuid. */
static char *process_key(const struct ft_ctf_trace *trace)
{
	static const uint8_t none[16];
	const struct ft_ctf_meta *meta = trace->meta;
	GString *key = g_string_new(NULL);

	if (!meta->has_uuid || !memcmp(meta->uuid, none, sizeof(none)))
		g_string_printf(key, "%p", (const void *)trace);
	else
		for (size_t i = 0; i < sizeof(meta->uuid); i++)
			g_string_append_printf(key, "%02x", meta->uuid[i]);
	return g_string_free(key, FALSE);
}

static struct ft_process *process_of(struct ft_threads *threads, const struct ft_ctf_trace *trace)
{
	char *key = process_key(trace);
	struct ft_process *p = g_hash_table_lookup(threads->processes, key);

	if (p) {
		g_free(key);
		return p;
	}
	p = g_new0(struct ft_process, 1);
	p->pid = trace->vpid;
	p->name = trace->procname;
	p->number = g_hash_table_size(threads->processes);
	p->has_own_pid =
		p->pid > 0 && p->pid <= INT32_MAX && g_hash_table_add(threads->pids, &p->pid);
	g_hash_table_insert(threads->processes, key, p);
	return p;
}

static struct ft_thread *thread_find(struct ft_threads *threads, struct ft_ctf_stream *s)
{
	struct ft_thread key = {.process = process_of(threads, s->trace)}, *t;
	struct ft_who who;

	ft_who_get(s, &who);
	key.kind = who.tid >= 0 ? FT_THREAD_TID : who.cpu >= 0 ? FT_THREAD_CPU : FT_THREAD_STREAM;
	key.id = who.tid >= 0 ? (uint64_t)who.tid : who.cpu >= 0 ? (uint64_t)who.cpu : (uintptr_t)s;
	t = g_hash_table_lookup(threads->set, &key);
	if (t)
		return t;
	t = g_memdup2(&key, sizeof(key));
	if (key.kind == FT_THREAD_CPU)
		t->name = g_strdup_printf("CPU %" G_GUINT64_FORMAT, t->id);
	else if (key.kind == FT_THREAD_STREAM)
		t->name = g_strdup_printf("stream %u", threads->all->len + 1);
	else if (who.comm)
		t->name = g_strndup(who.comm, who.comm_bytes);
	g_hash_table_add(threads->set, t);
	g_ptr_array_add(threads->all, t);
	return t;
}

struct ft_thread *ft_thread_of(struct ft_threads *threads, struct ft_ctf_stream *s)
{
	int64_t tid = (int64_t)s->cursor.slots[FT_CTF_TID];
	int64_t cpu = (int64_t)s->cursor.slots[FT_CTF_CPU];
	struct cached *cached = s->user;

	/* Each event may say another. */
	if (s->what == FT_CTF_EVENT && s->cursor.stream->context.ops)
		return thread_find(threads, s);
	if (!cached)
		s->user = cached = g_new0(struct cached, 1);
	if (!cached->thread || cached->tid != tid || cached->cpu != cpu)
		*cached = (struct cached){thread_find(threads, s), tid, cpu};
	return cached->thread;
}

/* Of its open ones, the outermost n. */
static void spans_give_up(struct ft_threads *threads, struct ft_thread *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		threads->lone(threads->of, t, &t->open[i]);
	/* What was told keeps its data for those to come. */
	for (unsigned i = 0; n && i + n < t->count; i++) {
		struct ft_span old = t->open[i];

		t->open[i] = t->open[i + n];
		t->open[i + n] = old;
	}
	t->count -= n;
}

struct ft_span *ft_span_begin(struct ft_threads *threads, struct ft_thread *t, void *name,
			      int64_t ns)
{
	struct ft_span *span;

	if (t->count == FT_SPANS_OPEN)
		spans_give_up(threads, t, FT_SPANS_OPEN / 2);
	if (t->count == t->room) {
		t->room = MAX(2 * t->room, 4);
		t->open = g_renew(struct ft_span, t->open, t->room);
		for (unsigned i = t->count; i < t->room; i++)
			t->open[i].data = g_string_new(NULL);
	}
	span = &t->open[t->count++];
	*span = (struct ft_span){.name = name, .ns = ns, .data = span->data};
	g_string_truncate(span->data, 0);
	return span;
}

/* Those that began within one that ends, and go on, are not in its lane. */
static void lanes_cross(struct ft_span *span, const struct ft_span *end, unsigned lane)
{
	for (; span < end; span++) {
		span->crossed |= UINT64_C(1) << lane;
		if (!(span->crossed >> span->lane & 1))
			continue;
		span->lane = ~span->crossed ? (unsigned)__builtin_ctzll(~span->crossed)
					    : FT_SPANS_LANES - 1;
	}
}

struct ft_span *ft_span_end(struct ft_thread *t, const void *name)
{
	struct ft_span *last, ended;
	unsigned i = t->count;

	while (i && t->open[i - 1].name != name)
		i--;
	if (!i)
		return NULL;
	last = &t->open[t->count - 1];
	if (i < t->count) {
		ended = t->open[i - 1];
		lanes_cross(t->open + i, t->open + t->count, ended.lane);
		memmove(t->open + i - 1, t->open + i, (t->count - i) * sizeof(ended));
		*last = ended;
	}
	t->count--;
	return last;
}

void ft_spans_lost(struct ft_threads *threads, struct ft_ctf_stream *s)
{
	struct ft_thread *of = ft_thread_of(threads, s), *t;

	if ((int64_t)s->cursor.slots[FT_CTF_TID] >= 0) {
		spans_give_up(threads, of, of->count);
		return;
	}
	/* They may have been of any. */
	for (guint i = 0; i < threads->all->len; i++) {
		t = threads->all->pdata[i];
		if (t->process == of->process)
			spans_give_up(threads, t, t->count);
	}
}

void ft_spans_each(struct ft_threads *threads,
		   void (*each)(void *of, struct ft_thread *thread, struct ft_span *span))
{
	for (guint i = 0; i < threads->all->len; i++) {
		struct ft_thread *t = threads->all->pdata[i];

		for (unsigned j = 0; j < t->count; j++)
			each(threads->of, t, &t->open[j]);
	}
}
