/* SPDX-License-Identifier: MIT */
/*
 * live.c - arenas that are being written: what ft_follow_look() takes, decoded, in the order of time.
 *
 * What is taken waits here until nothing older can come. An event has its stamp before it is in the
 * ring; between both its thread may lose the processor. So what is younger than SETTLE_NS waits.
 * Memory is bounded: IN_HAND bytes, and a sub-buffer for each thread.
 */
#include <stdlib.h>

#include "cmd.h"
#include "ft-follow.h"
#include "live.h"

#define SETTLE_NS (250 * INT64_C(1000000))
#define APART_NS  (500 * INT64_C(1000000)) /* clocks that differ by more wait for nobody */
#define IN_HAND	  ((size_t)64 << 20)

struct ft_live {
	struct ft_lives *lives;
	struct fasttrace_arena *arena;
	struct ft_follow *follow;
	struct ft_ctf_trace *trace;
	int classes;	/* that are declared there */
	unsigned users; /* tails, and whether it is being followed */
	GPtrArray *tails;
};

/* A stream of it: the packet that is read, and those that follow. */
struct tail {
	struct ft_merge_source source;
	struct ft_live *live;
	struct ft_follow_stream *from; /* NULL: no more will come */
	struct ft_ctf_stream *stream;
	GQueue packets; /* of struct ft_ctf_file */
	uint64_t bytes; /* of the packet that is read */
	bool ready;	/* something is: it is in the heap */
	char name[16];
};

static void live_unref(struct ft_live *live)
{
	if (--live->users)
		return;
	if (live->trace)
		g_ptr_array_remove(live->lives->reader.traces, live->trace);
	g_ptr_array_unref(live->tails);
	fasttrace_arena_close(live->arena);
	g_free(live);
}

static void tail_free(struct tail *t)
{
	g_ptr_array_remove_fast(t->live->tails, t);
	g_ptr_array_remove_fast(t->live->trace->streams, t->stream); /* frees it */
	g_queue_clear_full(&t->packets, ft_ctf_file_free);
	live_unref(t->live);
	g_free(t);
}

static void packet_done(struct tail *t)
{
	t->live->lives->in_hand -= t->bytes;
	if (t->from)
		t->from->in_hand -= t->bytes;
	t->bytes = 0;
}

/* Return: is there something next? */
static bool tail_advance(struct tail *t)
{
	while (!ft_ctf_stream_next(t->stream)) {
		struct ft_ctf_file *f = g_queue_pop_head(&t->packets);

		packet_done(t);
		g_ptr_array_set_size(t->stream->files, 0);
		t->stream->file = NULL;
		if (!f)
			return false;
		t->bytes = f->bytes;
		g_ptr_array_add(t->stream->files, f);
	}
	ft_ctf_stream_stamp(t->stream);
	t->source.time = (uint64_t)t->stream->ns ^ UINT64_C(1) << 63;
	return true;
}

static struct tail *tail_new(struct ft_live *live, struct ft_follow_stream *from)
{
	struct tail *t = g_new0(struct tail, 1);

	t->live = live;
	t->from = from;
	t->source.order = live->lives->streams++;
	t->stream = ft_ctf_stream_new(live->trace);
	memcpy(t->name, from->name, sizeof(t->name));
	t->stream->comm = t->name;
	g_queue_init(&t->packets);
	g_ptr_array_add(live->tails, t);
	live->users++;
	return t;
}

static void packet_take(struct ft_follow_stream *from, void *data, size_t bytes, void *arg)
{
	struct ft_live *live = arg;
	struct tail *t = from->user;
	struct ft_ctf_file *f;

	if (!data) {
		from->user = NULL;
		if (t)
			t->from = NULL;
		return;
	}
	if (!t)
		from->user = t = tail_new(live, from);
	f = g_new0(struct ft_ctf_file, 1);
	f->path = g_strdup(live->trace->path);
	f->data = f->memory = data;
	f->bytes = bytes;
	g_queue_push_tail(&t->packets, f);
	from->in_hand += bytes;
	live->lives->in_hand += bytes;
}

/*
 * Streams go on with new metadata in the middle of a packet: what was declared before is declared
 * again, in the same words.
 */
static void stream_renew(struct ft_ctf_stream *s, struct ft_ctf_meta *meta)
{
	struct ft_ctf_stream_class *class = meta->streams->pdata[0]; /* our tracer's only one */
	struct ft_ctf_cursor *c = &s->cursor;

	c->meta = meta;
	if (s->class)
		s->class = class;
	if (c->stream)
		c->stream = class;
	if (c->event)
		c->event = class->by_id->pdata[c->event->id];
}

static void trace_renew(struct ft_live *live, struct ft_ctf_meta *meta)
{
	struct ft_ctf_trace *trace = live->trace;

	for (guint i = 0; i < trace->streams->len; i++)
		stream_renew(trace->streams->pdata[i], meta);
	ft_ctf_meta_free(trace->meta);
	trace->meta = meta;
	trace->procname = ft_ctf_env_text(meta, "procname");
}

/* Have declared what the packets hold that were taken. */
static int live_declare(struct ft_live *live, const char *path)
{
	struct ft_ctf_reader *reader = &live->lives->reader;
	int classes = fasttrace_arena_events(live->arena), err;
	struct ft_ctf_meta *meta;
	size_t bytes;
	char *text;

	if (live->trace && classes == live->classes)
		return 0;
	err = fasttrace_arena_metadata(live->arena, &text, &bytes);
	if (err)
		return err;
	if (live->trace) {
		meta = ft_ctf_meta_new(text, bytes, live->trace->path, NULL);
		if (meta)
			trace_renew(live, meta);
	} else {
		live->trace = ft_ctf_reader_memory(reader, path, text, bytes);
	}
	free(text);
	if (!live->trace)
		return -EPROTO;
	live->classes = classes;
	if (live->lives->declared)
		live->lives->declared(live->trace, live->lives->arg);
	return 0;
}

/* Tails that had come to their end, and go on. */
static void tails_wake(struct ft_live *live)
{
	for (guint i = live->tails->len; i--;) {
		struct tail *t = live->tails->pdata[i];

		if (t->ready)
			continue;
		t->ready = tail_advance(t);
		if (t->ready)
			ft_merge_add(live->lives->heap, &t->source);
		else if (!t->from)
			tail_free(t);
	}
}

/* Up to when all is in hand. @now: ns since 1970 when it was looked. */
static int64_t live_until(const struct ft_live *live, int64_t now)
{
	int64_t until = live->follow->ended ? INT64_MAX : now - SETTLE_NS;

	for (guint i = 0; i < live->follow->streams->len; i++) {
		const struct ft_follow_stream *s = live->follow->streams->pdata[i];

		if (s && s->settled != UINT64_MAX)
			until = MIN(until, fasttrace_arena_time_ns(live->arena, s->settled));
	}
	return until;
}

static int live_look(struct ft_live *live, int64_t *now, int64_t *until)
{
	struct ft_lives *lives = live->lives;
	int err;

	*now = fasttrace_arena_time_ns(live->arena, fasttrace_arena_now(live->arena));
	live->follow->room = lives->in_hand < IN_HAND ? IN_HAND - lives->in_hand : 0;
	err = ft_follow_look(live->follow, g_get_monotonic_time() * 1000);
	if (!err)
		err = live_declare(live, live->trace->path);
	*until = live_until(live, *now);
	lives->hurry |= live->follow->hurry;
	lives->idle &= live->follow->idle;
	return err;
}

/* What it has given stays, until it was used. */
static void live_end(struct ft_live *live)
{
	ft_follow_free(live->follow);
	live->follow = NULL;
	tails_wake(live);
	g_ptr_array_remove_fast(live->lives->all, live);
	live_unref(live);
}

void ft_lives_look(struct ft_lives *lives)
{
	int64_t newest = INT64_MIN, oldest = INT64_MAX, now, until;

	if (lives->more)
		oldest = ft_now_ns() - SETTLE_NS;
	lives->hurry = false;
	lives->idle = true;
	for (guint i = lives->all->len; i--;) {
		struct ft_live *live = lives->all->pdata[i];
		int err = live_look(live, &now, &until);

		if (err)
			ft_ctf_complain(&lives->reader, "%s: %s", live->trace->path,
					err == -EPROTO ? "contradicts itself: it was damaged"
						       : strerror(-err));
		if (!err)
			oldest = MIN(oldest, until);
		if (!err && !live->follow->ended)
			newest = MAX(newest, now);
		if (err || live->follow->ended)
			live_end(live);
		else
			tails_wake(live);
	}
	lives->until = newest == INT64_MIN ? oldest : MAX(oldest, newest - SETTLE_NS - APART_NS);
}

struct ft_ctf_stream *ft_lives_first(struct ft_lives *lives, int64_t until)
{
	struct tail *t = (struct tail *)(void *)ft_merge_first(lives->heap);

	return t && t->stream->ns <= until ? t->stream : NULL;
}

void ft_lives_next(struct ft_lives *lives)
{
	struct tail *t = (struct tail *)(void *)ft_merge_first(lives->heap);

	t->ready = tail_advance(t);
	if (t->ready) {
		ft_merge_next(lives->heap);
		return;
	}
	ft_merge_drop(lives->heap);
	if (!t->from)
		tail_free(t);
}

int ft_lives_add(struct ft_lives *lives, const char *path, struct fasttrace_arena *arena,
		 bool is_new)
{
	struct ft_live *live = g_new0(struct ft_live, 1);
	int err;

	live->lives = lives;
	live->arena = arena;
	live->users = 1;
	live->tails = g_ptr_array_new();
	err = live_declare(live, path);
	if (err) {
		ft_report("%s: %s", path,
			  err == -EPROTO ? "contradicts itself: it was damaged, or is no arena"
					 : strerror(-err));
		live_unref(live);
		return err;
	}
	live->follow = ft_follow_new(arena, is_new, packet_take, live);
	g_ptr_array_add(lives->all, live);
	return 0;
}

void ft_lives_init(struct ft_lives *lives, void (*complain)(void *of, const char *message),
		   void *of)
{
	*lives = (struct ft_lives){.reader = {.complain = complain, .of = of}};
	lives->all = g_ptr_array_new();
	lives->heap = g_ptr_array_new();
}

void ft_lives_clear(struct ft_lives *lives)
{
	while (lives->all->len)
		live_end(lives->all->pdata[0]);
	while (lives->heap->len) {
		struct tail *t = (struct tail *)(void *)ft_merge_first(lives->heap);

		ft_merge_drop(lives->heap);
		tail_free(t);
	}
	g_ptr_array_unref(lives->all);
	g_ptr_array_unref(lives->heap);
	ft_ctf_reader_clear(&lives->reader);
}
