/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - `trace_pipe`: the events of a process as text, as they come, consumed.
 *
 * Of each thread a sub-buffer is in hand, as far as there is one; their events are merged by time.
 * What a thread without one has yet to deliver could be older than what the others have: so it is
 * switched first, and then has nothing older than that moment, up to which lines are made.
 *
 * Lines stay here until they have arrived, and sub-buffers in hand until all their lines have:
 * should the daemon die before, the next one serves them again.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define LOOK_NS	  FT_NS_PER_S	       /* for new threads, where no period is set */
#define SETTLE_NS (100 * FT_NS_PER_MS) /* to wait for an event in flight */
#define AGAIN_NS  (10 * FT_NS_PER_MS)  /* who does not wait is not switched for sooner again */
#define RETRIES \
	100 /* of one thread, when there is nothing in what is taken, or it is overwritten */

/* A thread that we consume: as long as there is one of it, the consumer's right is ours. */
struct source {
	struct ft_thread *thread;
	struct fasttrace_snapshot_stream stream; /* the packet in hand, copied */
	bool ended;				 /* all its lines are made */
	bool flight;				 /* an event was, when it was switched */
	bool late;				 /* for so long that nobody waits for it */
	bool carried; /* in hand since before the last round: not switched in that */
};

struct pipe_file {
	struct ft_file file;
	GHashTable *sources; /* serial -> struct source */
	struct fasttrace_lines *lines;
	GString *text;	    /* lines that have not arrived */
	size_t answer;	    /* bytes of it in the answer that is being given */
	uint64_t until;	    /* all that is older is in hand, or was */
	int64_t settled_ns; /* when we no longer wait for an event in flight; 0: we do not */
	int64_t again_ns;   /* when we switch again for who does not wait */
	struct ft_timer timer;
	bool waiting;
};

static struct ft_process *pipe_process(const struct pipe_file *f)
{
	return f->file.node->process;
}

static void source_free(void *data)
{
	struct source *s = data;

	free((void *)s->stream.data);
	ft_thread_unref(s->thread);
	g_free(s);
}

/* The packet in hand is read, or there was nothing in it. */
static void source_put(struct source *s)
{
	ft_thread_put(s->thread);
	free((void *)s->stream.data);
	s->stream.data = NULL;
	s->ended = false;
}

static void packet_keep(struct source *s, const struct fasttrace_buffer_info *info)
{
	struct fasttrace_packet *packet = &s->thread->packet;

	s->stream = (struct fasttrace_snapshot_stream){
		.tid = info->tid,
		.data = packet->data,
		.bytes = packet->bytes,
		.lost_before = packet->lost_before,
		.overwritten_before = packet->overwritten_before,
	};
	fasttrace_packet_keep(packet);
	memcpy(s->stream.name, info->name, sizeof(s->stream.name));
}

/* Have a packet in hand. Return: 0; -EAGAIN there is none; -ENOENT, and none will come; others. */
static int source_take(struct pipe_file *f, struct source *s)
{
	struct ft_thread *t = s->thread;
	struct fasttrace_buffer_info info;
	uint64_t seq;
	size_t bytes;
	int err;

	if (t->held)
		return 0;
	for (int i = 0; i < RETRIES; i++) {
		err = ft_thread_info(t, &info);
		if (!err)
			err = ft_thread_next(t, 0, &seq, &bytes);
		if (!err)
			err = ft_thread_take(t, f, seq);
		if (err == -ENOENT && !ft_thread_info(t, &info))
			continue; /* it was overwritten meanwhile */
		if (err)
			return err;
		packet_keep(s, &info);
		if (fasttrace_lines_add(f->lines, &s->stream))
			return 0;
		source_put(s);
	}
	return -EAGAIN;
}

static int source_find(struct pipe_file *f, unsigned index)
{
	struct ft_process *p = pipe_process(f);
	struct fasttrace_buffer_info info;
	struct ft_thread *t;
	struct source *s;

	if (fasttrace_buffer_get_info(p->arena, index, &info) ||
	    g_hash_table_contains(f->sources, &info.serial))
		return 0;
	t = ft_thread_obtain(p, index, info.serial);
	if (t->holder) {
		ft_thread_unref(t);
		return -EBUSY;
	}
	t->holder = f;
	s = g_new0(struct source, 1);
	s->thread = t;
	g_hash_table_insert(f->sources, &t->serial, s);
	return 0;
}

/* All threads that there are by now. */
static int sources_find(struct pipe_file *f)
{
	struct fasttrace_arena *arena = pipe_process(f)->arena;
	unsigned n = fasttrace_arena_buffers(arena);
	int err = fasttrace_arena_broken(arena);

	for (unsigned i = 0; !err && i < n; i++)
		err = source_find(f, i);
	return err;
}

/* Return: is an event in flight? */
static bool source_switch(struct source *s)
{
	struct ft_thread *t = s->thread;

	return ft_thread_switch(t, FASTTRACE_FLUSH) == -EAGAIN &&
	       fasttrace_buffer_settled(t->process->arena, t->index, t->serial) == -EAGAIN;
}

/*
 * Take what there is of each thread.
 * @flush: switch those before that are not carried over.
 * Return: 0; -EAGAIN an event is in flight in one of those; others.
 */
static int sources_take(struct pipe_file *f, bool flush)
{
	GHashTableIter iter;
	bool flight = false;
	struct source *s;
	int err;

	g_hash_table_iter_init(&iter, f->sources);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&s)) {
		if (flush && !s->carried) {
			s->flight = source_switch(s);
			s->late &= s->flight;
			flight |= s->flight && !s->late;
		}
		err = source_take(f, s);
		if (err == -ENOENT) {
			s->thread->holder = NULL;
			g_hash_table_iter_remove(&iter);
		} else if (err && err != -EAGAIN) {
			return err;
		}
	}
	return flight ? -EAGAIN : 0;
}

/* Nobody waits any longer for what is in flight now. */
static void sources_late(struct pipe_file *f)
{
	GHashTableIter iter;
	struct source *s;

	g_hash_table_iter_init(&iter, f->sources);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&s))
		s->late = s->flight;
}

static void sources_carry(struct pipe_file *f)
{
	GHashTableIter iter;
	struct source *s;

	g_hash_table_iter_init(&iter, f->sources);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&s))
		s->carried = s->thread->held;
}

static bool pipe_in_hand(struct pipe_file *f)
{
	GHashTableIter iter;
	struct source *s;

	g_hash_table_iter_init(&iter, f->sources);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&s))
		if (s->thread->held)
			return true;
	return false;
}

/*
 * Find out up to when everything is in hand.
 * Return: 1 something is; 0 nothing, and nothing will be; -EAGAIN nothing yet; -EINPROGRESS ask
 * again soon, an event is in flight; others.
 */
static int pipe_round(struct pipe_file *f)
{
	struct fasttrace_arena *arena = pipe_process(f)->arena;
	bool alive = fasttrace_arena_alive(arena);
	uint64_t now;
	int err = sources_find(f);

	sources_carry(f);
	if (!err)
		err = sources_take(f, false);
	if (err)
		return err;
	if (alive && !pipe_in_hand(f))
		return -EAGAIN;
	now = alive ? fasttrace_arena_now(arena) : UINT64_MAX;
	err = sources_find(f); /* who begins later has nothing older */
	if (err)
		return err;
	err = sources_take(f, true);
	if (err == -EAGAIN && alive) {
		if (!f->settled_ns)
			f->settled_ns = ft_now_ns() + SETTLE_NS;
		if (ft_now_ns() < f->settled_ns)
			return -EINPROGRESS;
		sources_late(f);
	} else if (err && err != -EAGAIN) {
		return err;
	}
	f->settled_ns = 0;
	f->until = now;
	return pipe_in_hand(f) ? 1 : alive ? -EAGAIN : 0;
}

/* Is a packet of it to be taken, once the one in hand is put? */
static bool source_goes_on(const struct source *s)
{
	const struct ft_thread *t = s->thread;
	uint64_t seq;

	return !fasttrace_buffer_next(t->process->arena, t->index, t->serial, t->packet.seq + 1,
				      &seq, NULL);
}

/* Make lines, for @bytes or a little more, up to where another packet might come first. */
static void pipe_make(struct pipe_file *f, size_t bytes)
{
	const struct fasttrace_snapshot_stream *ended = NULL;
	const char *line;
	size_t n;

	while (f->text->len < bytes &&
	       fasttrace_lines_next(f->lines, f->until, &line, &n, &ended)) {
		struct source *s;

		g_string_append_len(f->text, line, (gssize)n);
		if (!ended)
			continue;
		s = (void *)((char *)(uintptr_t)ended - offsetof(struct source, stream));
		s->ended = true;
		if (s->carried) /* what it has written since may be older than what others have */
			f->until = 0;
		if (s->carried || source_goes_on(s))
			break;
	}
}

/* As stream_fill() does. */
static ssize_t pipe_fill(struct pipe_file *f, struct ft_call *call)
{
	struct fasttrace_arena *arena = pipe_process(f)->arena;
	const char *end;
	int got = f->lines ? 0 : fasttrace_lines_new(arena, &f->lines);

	if (!got && !f->text->len)
		got = sources_take(f, false);
	if (got)
		return got;
	if (!f->text->len)
		pipe_make(f, call->size);
	if (!f->text->len) {
		got = pipe_round(f);
		if (got != 1)
			return got;
		pipe_make(f, call->size);
	}
	if (!f->text->len)
		return -EAGAIN;
	f->answer = MIN(call->size, f->text->len);
	end = memrchr(f->text->str, '\n', f->answer);
	if (end)
		f->answer = (size_t)(end + 1 - f->text->str);
	call->data = f->text->str;
	return (ssize_t)f->answer;
}

static void pipe_answered(struct ft_file *file, bool arrived)
{
	struct pipe_file *f = (struct pipe_file *)file;
	GHashTableIter iter;
	struct source *s;

	if (arrived)
		g_string_erase(f->text, 0, (gssize)f->answer);
	f->answer = 0;
	if (f->text->len)
		return;
	g_hash_table_iter_init(&iter, f->sources);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&s))
		if (s->ended)
			source_put(s);
}

/* Deliver what slow writers have written. */
static void sources_switch(struct pipe_file *f)
{
	GHashTableIter iter;
	struct source *s;

	if (!pipe_process(f)->registry->options.switch_ns || sources_find(f))
		return;
	g_hash_table_iter_init(&iter, f->sources);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&s))
		ft_thread_switch(s->thread, FASTTRACE_FLUSH);
}

/* Somebody waits for it. */
static void timer_fire(void *arg)
{
	struct pipe_file *f = arg;

	if (!f->waiting)
		return;
	sources_switch(f);
	ft_process_wake(pipe_process(f));
}

/* Somebody does not, or begins to: he is to have what there is. */
static ssize_t pipe_fill_now(struct pipe_file *f, struct ft_call *call)
{
	int64_t now = ft_now_ns();

	if (now < f->again_ns)
		return -EAGAIN;
	f->again_ns = now + AGAIN_NS;
	sources_switch(f);
	return pipe_fill(f, call);
}

/* Ask to be woken; look once more after it. */
static void pipe_wait(struct pipe_file *f)
{
	struct ft_process *p = pipe_process(f);
	int64_t period = p->registry->options.switch_ns;
	GHashTableIter iter;
	struct source *s;

	if (ft_waiter_arm(p) || !period)
		period = period ? MIN(period, LOOK_NS) : LOOK_NS;
	g_hash_table_iter_init(&iter, f->sources);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&s))
		fasttrace_buffer_watch(p->arena, s->thread->index);
	f->waiting = true;
	f->timer.fire = timer_fire;
	f->timer.arg = f;
	ft_timer_set(p->registry->loop, &f->timer, period);
}

static ssize_t pipe_read(struct ft_file *file, struct ft_call *call)
{
	struct pipe_file *f = (struct pipe_file *)file;
	ssize_t n;

	f->waiting = false;
	call->deadline_ns = 0;
	call->size = MIN(call->size, FT_BLOCK_BYTES);
	n = pipe_fill(f, call);
	if (n == -EAGAIN && (call->nonblock || !f->again_ns))
		n = pipe_fill_now(f, call);
	if (n == -EAGAIN && !call->nonblock) {
		pipe_wait(f);
		n = pipe_fill(f, call);
	}
	if (n == -EINPROGRESS && call->nonblock)
		return -EAGAIN;
	if (n == -EINPROGRESS)
		call->deadline_ns = f->settled_ns;
	if (n == -EAGAIN && !call->nonblock)
		return -EINPROGRESS;
	f->waiting = false;
	return n;
}

static short pipe_poll(struct ft_file *file, bool wait)
{
	struct pipe_file *f = (struct pipe_file *)file;
	struct ft_call call = {.size = 1};
	ssize_t n = pipe_fill(f, &call);

	if ((n == -EAGAIN || n == -EINPROGRESS) && wait) {
		pipe_wait(f);
		n = pipe_fill(f, &call);
	}
	f->answer = 0;
	return n == -EAGAIN || n == -EINPROGRESS ? 0 : POLLIN | POLLRDNORM;
}

static void pipe_cancel(struct ft_file *file)
{
	((struct pipe_file *)file)->waiting = false;
}

static void pipe_release(struct ft_file *file)
{
	struct pipe_file *f = (struct pipe_file *)file;
	GHashTableIter iter;
	struct source *s;

	ft_timer_stop(pipe_process(f)->registry->loop, &f->timer);
	g_hash_table_iter_init(&iter, f->sources);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&s)) {
		ft_thread_unget(s->thread);
		s->thread->holder = NULL;
	}
	fasttrace_lines_free(f->lines);
	g_hash_table_destroy(f->sources);
	g_string_free(f->text, TRUE);
	g_free(f);
}

static const struct ft_file_ops pipe_ops = {
	.read = pipe_read,
	.answered = pipe_answered,
	.poll = pipe_poll,
	.cancel = pipe_cancel,
	.release = pipe_release,
	.stream = true,
};

int ft_pipe_open(struct ft_node *node, struct ft_file **file)
{
	struct pipe_file *f = g_new0(struct pipe_file, 1);

	(void)node;
	f->file.ops = &pipe_ops;
	f->sources = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, source_free);
	f->text = g_string_new(NULL);
	*file = &f->file;
	return 0;
}
