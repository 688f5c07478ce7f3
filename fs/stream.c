/* SPDX-License-Identifier: MIT */
/*
 * stream.c - a thread's sub-buffers in order, as one file: `stream` waits for more, `drain` does
 * not.
 *
 * The consumer's right is the open file's from its first read until it is closed. A packet is put
 * once the answer with its last byte has arrived: should the daemon die before, the next one serves
 * it again. So an answer has bytes of one packet only.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "node.h"

#define LOOK_NS (FT_NS_PER_S / 10) /* between two looks, where nobody can wake us */
#define RETRIES 100		   /* when the writer overwrites what we are about to take */

struct stream_file {
	struct ft_file file;
	size_t offset; /* of the packet in hand: bytes returned */
	size_t answer; /* bytes of it in the answer that is being given */
	bool bounded;  /* drain */
	bool any;      /* drain: was anything complete at open? */
	uint64_t last; /* drain: seq */
	bool waiting;  /* somebody sleeps until it becomes readable */
	GList link;    /* in process->streams */
};

static struct ft_thread *stream_thread(struct stream_file *s)
{
	return s->file.node->thread;
}

/* The writer is gone: is there something that only a switch makes readable? */
static int stream_last(struct stream_file *s, uint64_t *seq)
{
	struct ft_thread *t = stream_thread(s);
	struct fasttrace_arena *arena = t->process->arena;
	int err = fasttrace_buffer_switch(arena, t->index, t->serial, FASTTRACE_FLUSH);

	if (err && err != -EAGAIN)
		return err;
	return fasttrace_buffer_next(arena, t->index, t->serial, 0, seq, NULL);
}

/*
 * The next one to be taken.
 * Return: 1 there is one; 0 none, and there will be none; -EAGAIN none yet; others.
 */
static int stream_seek(struct stream_file *s, uint64_t *seq)
{
	struct ft_thread *t = stream_thread(s);
	int err = fasttrace_buffer_next(t->process->arena, t->index, t->serial, 0, seq, NULL);

	if (s->bounded)
		return !err && s->any && *seq <= s->last
			       ? 1
			       : (err == -EAGAIN || err == -ENOENT ? 0 : err);
	if (err == -EAGAIN && ft_thread_live(t))
		return -EAGAIN;
	if (err == -EAGAIN) {
		err = stream_last(s, seq);
		if (err == -EAGAIN)
			return 0;
	}
	if (err == -ENOENT)
		return 0; /* the buffer has another owner: all of ours is gone */
	return err ? err : 1;
}

/* Have a packet in hand. Return: as stream_seek(). */
static int stream_take(struct stream_file *s)
{
	struct ft_thread *t = stream_thread(s);
	uint64_t seq;
	int err = 1;

	if (t->held)
		return 1;
	for (int i = 0; i < RETRIES; i++) {
		err = stream_seek(s, &seq);
		if (err != 1)
			return err;
		err = ft_thread_take(t, s, seq);
		if (!err) {
			s->offset = 0;
			return 1;
		}
		if (err != -ENOENT)
			return err;
	}
	return -EAGAIN;
}

/* As much as there is now of one packet. Return: bytes, 0 at the end, or -errno. */
static ssize_t stream_fill(struct stream_file *s, struct ft_call *call)
{
	const struct fasttrace_packet *packet = &stream_thread(s)->packet;
	int got = stream_take(s);

	if (got != 1)
		return got;
	s->answer = MIN(call->size, packet->bytes - s->offset);
	call->data = (const char *)packet->data + s->offset;
	return (ssize_t)s->answer;
}

static void stream_answered(struct ft_file *file, bool arrived)
{
	struct stream_file *s = (struct stream_file *)file;
	struct ft_thread *t = stream_thread(s);

	if (arrived)
		s->offset += s->answer;
	s->answer = 0;
	if (t->holder == s && t->held && s->offset >= t->packet.bytes)
		ft_thread_put(t);
}

/* Deliver what a slow writer has written, while somebody waits for it. */
static void switch_fire(void *arg)
{
	struct ft_process *p = arg;
	bool waiting = false;

	for (GList *l = p->streams.head; l; l = l->next) {
		struct stream_file *s = l->data;
		struct ft_thread *t = stream_thread(s);

		if (!s->waiting)
			continue;
		waiting = true;
		fasttrace_buffer_switch(p->arena, t->index, t->serial, FASTTRACE_FLUSH);
	}
	if (waiting)
		ft_process_wake(p);
}

static void look_fire(void *arg)
{
	ft_process_wake(arg);
}

/* Ask to be woken; look once more after it. */
static void stream_wait(struct stream_file *s)
{
	struct ft_thread *t = stream_thread(s);
	struct ft_process *p = t->process;
	int64_t period = p->registry->options.switch_ns;

	p->looker.fire = look_fire;
	p->looker.arg = p;
	if (ft_waiter_arm(p)) /* no thread, no memory */
		ft_timer_set(p->registry->loop, &p->looker, LOOK_NS);
	fasttrace_buffer_watch(p->arena, t->index);
	s->waiting = true;
	p->switcher.fire = switch_fire;
	p->switcher.arg = p;
	if (period)
		ft_timer_set(p->registry->loop, &p->switcher, period);
}

static ssize_t stream_read(struct ft_file *file, struct ft_call *call)
{
	struct stream_file *s = (struct stream_file *)file;
	struct ft_thread *t = stream_thread(s);
	ssize_t n;

	if (t->holder && t->holder != s)
		return -EBUSY;
	t->holder = s;
	s->waiting = false;
	call->size = MIN(call->size, FT_BLOCK_BYTES);
	n = stream_fill(s, call);
	if (n != -EAGAIN || call->nonblock)
		return n;
	stream_wait(s);
	n = stream_fill(s, call);
	if (n == -EAGAIN)
		return -EINPROGRESS;
	s->waiting = false;
	return n;
}

static short stream_ready(struct stream_file *s)
{
	struct ft_thread *t = stream_thread(s);
	uint64_t seq;

	if (t->held || (t->holder && t->holder != s))
		return POLLIN | POLLRDNORM;
	return stream_seek(s, &seq) == -EAGAIN ? 0 : POLLIN | POLLRDNORM;
}

static short stream_poll(struct ft_file *file, bool wait)
{
	struct stream_file *s = (struct stream_file *)file;
	short ready = stream_ready(s);

	if (ready || !wait)
		return ready;
	stream_wait(s);
	return stream_ready(s);
}

static void stream_cancel(struct ft_file *file)
{
	((struct stream_file *)file)->waiting = false;
}

static void stream_release(struct ft_file *file)
{
	struct stream_file *s = (struct stream_file *)file;
	struct ft_thread *t = stream_thread(s);

	if (t->holder == s) {
		ft_thread_unget(t);
		t->holder = NULL;
	}
	g_queue_unlink(&t->process->streams, &s->link);
	g_free(s);
}

static const struct ft_file_ops stream_ops = {
	.read = stream_read,
	.answered = stream_answered,
	.poll = stream_poll,
	.cancel = stream_cancel,
	.release = stream_release,
	.stream = true,
};

/* drain: what is complete now. */
static int drain_bound(struct stream_file *s, struct ft_thread *t)
{
	int err = ft_thread_newest(t, &s->last);

	s->bounded = true;
	s->any = !err;
	return err == -EAGAIN ? 0 : err;
}

int ft_stream_open(struct ft_node *node, struct ft_file **file)
{
	struct stream_file *s = g_new0(struct stream_file, 1);
	int err = node->kind == FT_DRAIN ? drain_bound(s, node->thread) : 0;

	if (err) {
		g_free(s);
		return err;
	}
	s->file.ops = &stream_ops;
	s->link.data = s;
	g_queue_push_tail_link(&node->process->streams, &s->link);
	*file = &s->file;
	return 0;
}
