/* SPDX-License-Identifier: MIT */
/*
 * tracee.c - one process that is recorded: a thread that takes its packets until it has ended, or we
 * are to stop.
 *
 * A packet is put, and its memory the writer's again, once it is in the file: should we die before,
 * the next reader gets it.
 */
#include <stdio.h>

#include "record.h"

#define WAIT_NS	  (20 * UINT64_C(1000000)) /* between two looks for new threads */
#define SWITCH_NS (FT_NS_PER_S)		   /* how long a slow writer's events may stay with it */
#define RETRIES	  100 /* when the writer overwrites what we are about to take */
#define FAILURES  50  /* in a row: damage, and not what is about to be put right */
#define TURN	  16  /* packets of a thread before it is the next one's turn */

/* A buffer, and who owned it when we looked. */
struct owner {
	uint64_t serial;
	bool known;
	bool done;	   /* drained, or contradicting itself */
	unsigned failures; /* looks in a row at which it contradicted itself */
};

struct taker {
	struct ft_tracee *tracee;
	GArray *owners; /* by index of the buffer */
	bool unsure;	/* the last look: something contradicted itself, and has another chance */
	bool damaged;	/* some was left out */
	bool refused;	/* its sub-buffers cannot be closed: told */
	int64_t switched_ns;
};

static uint64_t lost_count(struct fasttrace_arena *arena)
{
	struct fasttrace_stats s;

	if (fasttrace_arena_stats(arena, &s))
		return 0;
	return s.lost_full + s.lost_too_big + s.lost_nested + s.lost_no_buffer + s.lost_no_event +
	       s.overwritten;
}

/* Return: 1 taken; 0 there is none before @until; -EPROTO; others, which were told. */
static int packet_take(struct taker *t, unsigned index, uint64_t serial, uint64_t until)
{
	struct fasttrace_arena *arena = t->tracee->arena;
	struct fasttrace_packet p;
	uint64_t seq;
	int err = -ENOENT;

	for (int i = 0; err == -ENOENT && i < RETRIES; i++) {
		err = fasttrace_buffer_next(arena, index, serial, 0, &seq, NULL);
		if (err || seq > until)
			return err == -EPROTO ? err : 0;
		err = fasttrace_buffer_get(arena, index, serial, seq, &p);
	}
	if (err == -ENOENT || err == -EPROTO)
		return err == -EPROTO ? err : 0;
	if (err) {
		ft_report("%s: %s", t->tracee->path, strerror(-err));
		return err;
	}
	err = p.events ? ft_trace_write(t->tracee->trace, p.data, p.bytes, p.events) : 0;
	if (err) {
		fasttrace_buffer_unget(arena, index, &p);
		return err;
	}
	fasttrace_buffer_put(arena, index, &p);
	return 1;
}

static struct owner *owner_of(struct taker *t, unsigned index, uint64_t serial)
{
	struct owner *o;

	if (index >= t->owners->len)
		g_array_set_size(t->owners, index + 1);
	o = &g_array_index(t->owners, struct owner, index);
	if (o->known && o->serial != serial)
		ft_trace_done(t->tracee->trace, o->serial);
	if (!o->known || o->serial != serial)
		*o = (struct owner){.serial = serial, .known = true};
	return o;
}

/* One buffer's turn. Return: packets taken, or an error that was told. */
static int buffer_take(struct taker *t, unsigned index, uint64_t until)
{
	struct fasttrace_arena *arena = t->tracee->arena;
	struct fasttrace_buffer_info info;
	struct owner *o;
	int n = 0, got = 1;

	if (fasttrace_buffer_get_info(arena, index, &info))
		return 0;
	o = owner_of(t, index, info.serial);
	if (o->done)
		return 0;
	if (!info.live)
		fasttrace_buffer_switch(arena, index, info.serial, FASTTRACE_FLUSH);
	while (n < TURN && (got = packet_take(t, index, info.serial, until)) > 0)
		n++;
	o->failures = got == -EPROTO ? o->failures + 1 : 0;
	if (got == -EPROTO && o->failures < FAILURES) {
		t->unsure = true;
		return n;
	}
	if (got == -EPROTO) {
		ft_report("%s: thread %u: contradicts itself: what follows is left out",
			  t->tracee->path, (unsigned)info.tid);
		o->done = t->damaged = true;
		t->tracee->record->incomplete = true;
		return n;
	}
	if (!info.live && !got && fasttrace_buffer_drained(arena, index, info.serial)) {
		o->done = true;
		ft_trace_done(t->tracee->trace, info.serial);
	}
	return got < 0 ? got : n;
}

/* Return: packets taken, or an error that was told. */
static int pass(struct taker *t)
{
	unsigned buffers = fasttrace_arena_buffers(t->tracee->arena);
	int n = 0, got;

	t->unsure = false;
	for (unsigned i = 0; i < buffers; i++) {
		got = buffer_take(t, i, UINT64_MAX);
		if (got < 0)
			return got;
		n += got;
	}
	return n;
}

/* Who has ended is switched as well: nobody else does it. */
static void switch_all(struct taker *t)
{
	struct fasttrace_arena *arena = t->tracee->arena;
	unsigned buffers = fasttrace_arena_buffers(arena);
	struct fasttrace_buffer_info info;

	for (unsigned i = 0; i < buffers; i++) {
		if (fasttrace_buffer_get_info(arena, i, &info) ||
		    fasttrace_buffer_switch(arena, i, info.serial, FASTTRACE_FLUSH) !=
			    -EOPNOTSUPP ||
		    t->refused)
			continue;
		t->refused = true;
		ft_report("%s: membarrier(2) is refused here: a sub-buffer is recorded once it is "
			  "full, or its process has ended",
			  t->tracee->path);
	}
}

static void watch_all(struct taker *t)
{
	struct fasttrace_arena *arena = t->tracee->arena;
	unsigned buffers = fasttrace_arena_buffers(arena);
	struct fasttrace_buffer_info info;

	for (unsigned i = 0; i < buffers; i++)
		if (!fasttrace_buffer_get_info(arena, i, &info) && info.live)
			fasttrace_buffer_watch(arena, i);
}

/* Sleep until there is something, with one more look behind the request to be woken. */
static int await(struct taker *t)
{
	uint32_t ticket = fasttrace_arena_ticket(t->tracee->arena);
	int64_t now = g_get_monotonic_time() * 1000;
	int n;

	if (now - t->switched_ns >= SWITCH_NS) {
		t->switched_ns = now;
		t->tracee->lost = lost_count(t->tracee->arena) - t->tracee->lost_before;
		switch_all(t);
	}
	watch_all(t);
	n = pass(t);
	if (!n && !t->tracee->record->stop)
		fasttrace_arena_wait(t->tracee->arena, ticket, WAIT_NS);
	return n;
}

/* The newest that is complete. False: none is. */
static bool newest(struct fasttrace_arena *arena, unsigned index, uint64_t serial, uint64_t *last)
{
	uint64_t seq, from = 0;

	while (!fasttrace_buffer_next(arena, index, serial, from, &seq, NULL) && seq >= from) {
		*last = seq;
		from = seq + 1;
	}
	return from != 0;
}

/* Told to stop: what has been written until now, however fast the writer is. */
static int last_pass(struct taker *t)
{
	struct fasttrace_arena *arena = t->tracee->arena;
	unsigned buffers = fasttrace_arena_buffers(arena);
	struct fasttrace_buffer_info info;
	uint64_t last = 0;
	int got = 0;

	switch_all(t);
	for (unsigned i = 0; i < buffers && got >= 0; i++)
		if (!fasttrace_buffer_get_info(arena, i, &info) &&
		    newest(arena, i, info.serial, &last))
			while ((got = buffer_take(t, i, last)) > 0)
				continue;
	return got < 0 ? got : 0;
}

static int arena_run(struct ft_tracee *tracee)
{
	struct taker t = {.tracee = tracee,
			  .owners = g_array_new(FALSE, TRUE, sizeof(struct owner)),
			  .switched_ns = g_get_monotonic_time() * 1000};
	bool alive = true;
	int n = 0;

	while (n >= 0 && !tracee->record->stop && (alive || n || t.unsure) &&
	       !fasttrace_arena_broken(tracee->arena)) {
		alive = fasttrace_arena_alive(tracee->arena); /* before we look what is left */
		n = pass(&t);
		if (!n && alive)
			n = await(&t);
	}
	tracee->drained = !alive && !n && !t.unsure && !t.damaged;
	if (n >= 0 && !tracee->record->failed)
		n = last_pass(&t);
	g_array_unref(t.owners);
	return n < 0 ? n : 0;
}

static void *tracee_run(void *arg)
{
	struct ft_tracee *t = arg;
	int err = t->folder ? ft_mounted_run(t) : arena_run(t);

	if (!err && fasttrace_arena_broken(t->arena)) {
		err = -EPROTO;
		ft_report("%s: was truncated while it was read", t->path);
	}
	if (err)
		t->record->incomplete = true;
	ft_trace_free(t->trace);
	t->trace = NULL;
	t->lost = lost_count(t->arena) - t->lost_before;
	t->ended = true;
	return NULL;
}

struct ft_tracee *ft_tracee_new(struct ft_record *record, const char *path,
				struct fasttrace_arena *arena, char *folder, const char *out)
{
	struct ft_tracee *t = g_new0(struct ft_tracee, 1);

	t->record = record;
	t->path = g_strdup(path);
	t->arena = arena;
	t->folder = folder;
	t->lost_before = lost_count(arena);
	t->trace = ft_trace_new(record, arena, out);
	if (t->trace) {
		t->thread = g_thread_new("record", tracee_run, t);
		return t;
	}
	ft_tracee_free(t);
	return NULL;
}

void ft_tracee_wake(struct ft_tracee *t)
{
	fasttrace_arena_interrupt(t->arena);
}

void ft_tracee_free(struct ft_tracee *t)
{
	if (t->thread)
		g_thread_join(t->thread);
	fasttrace_arena_close(t->arena);
	g_free(t->folder);
	g_free(t->path);
	g_free(t);
}
