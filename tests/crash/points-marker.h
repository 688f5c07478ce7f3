/* SPDX-License-Identifier: MIT */
/*
 * points-marker.h - the consumer that is killed while it records a marker: at each label, and its
 * successor while it takes over and records one.
 *
 * Afterwards there is one ring of markers, in it are those that were committed, each once and in
 * order, nothing is in flight, and the process can still register events.
 */
#ifndef POINTS_MARKER_H
#define POINTS_MARKER_H

#include "ft-reader.h"
#include "points-pair.h"

/* Where the marker falls. */
enum spot {
	FIRST_MARKER, /* there is neither ring nor class */
	ROOM_MARKER,  /* in the ring of another consumer */
	TURN_MARKER,  /* it needs the next sub-buffer, whose end somebody asked for */
	STEP_MARKER,  /* the same, because much time has passed */
	BACK_MARKER,  /* before the newest one: a stream of its own */
	SPOTS
};

static const char *const spots[] = {"first", "room", "turn", "step", "back"};

#define LONG_MARKERS 3 /* of FASTTRACE_MARKER_BYTES, that fill a sub-buffer */
#define MARKERS	     16

struct marker_case {
	enum fasttrace_buffer_mode mode;
	enum spot spot;
	enum point at, second; /* where the consumer is killed, and the one that follows */
};

static uint64_t marker_kills;

/* Which were committed, by number. */
static unsigned marked[MARKERS], markers;

static int mark(struct fasttrace_arena *a, unsigned number)
{
	char text[FASTTRACE_MARKER_BYTES];

	memset(text, 'a' + (int)number, sizeof(text));
	return fasttrace_marker_write(a, text, sizeof(text));
}

/* So that the next one meets what the spot wants; makes the ring, if it is not the first. */
static int spot_prepare(struct fasttrace_arena *a, enum spot spot)
{
	int err = spot == FIRST_MARKER ? 0 : mark(a, 0);

	for (unsigned i = 1; !err && spot == TURN_MARKER && i < LONG_MARKERS; i++)
		err = mark(a, i);
	if (spot == TURN_MARKER)
		ft_store_relaxed(&a->marker->shared->waiters, 1);
	if (spot == STEP_MARKER)
		a->marker_last -= UINT64_C(1) << 47;
	if (spot == BACK_MARKER)
		a->marker_last += UINT64_C(1) << 47;
	return err;
}

static unsigned spot_prepared(enum spot spot)
{
	return spot == TURN_MARKER ? LONG_MARKERS : spot != FIRST_MARKER;
}

static void marker_note(unsigned number)
{
	marked[markers++] = number;
}

/* A consumer; its hits are what it did itself. It is armed from its very beginning when it follows. */
static void marker_consumer(pid_t writer, enum spot spot, bool follows, enum point at)
{
	unsigned number = spot_prepared(spot) + follows;
	struct fasttrace_arena *a;
	pid_t pid;

	memset(reader_page, 0, sizeof(*reader_page));
	reader_set(POINT_none, at);
	pid = fork();
	if (pid) {
		waitpid(pid, NULL, 0);
		marker_kills += reader_page->done;
		if (reader_page->done)
			reached[at][READER] = 1;
		if (reader_page->hits[POINT_marker_committed])
			marker_note(number);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	points = reader_page;
	points->armed = follows;
	a = arena_of(writer);
	if (!a || (!follows && spot_prepare(a, spot)))
		_exit(3);
	points->armed = 1;
	if (mark(a, number))
		_exit(4);
	_exit(0);
}

/* Who only looks, while nobody consumes: the ring's writer is gone, what it had committed is not. */
static void marker_looked_at(pid_t writer, unsigned committed, bool flight)
{
	struct fasttrace_arena *a = arena_open_of(writer, 0);
	struct fasttrace_buffer_info info;
	struct fasttrace_stats s;

	for (unsigned i = 0; a && i < fasttrace_arena_buffers(a); i++) {
		if (fasttrace_buffer_get_info(a, i, &info) || info.tid)
			continue;
		same("live with no consumer", info.live, false);
		if (fasttrace_buffer_stats(a, i, info.serial, &s)) {
			differs("no stats");
			continue;
		}
		same("readable with no consumer", s.readable, committed);
		same("in flight with no consumer", s.in_flight, flight);
	}
	fasttrace_arena_close(a);
}

/* The newest of those committed, from `at` on. */
static bool marker_packet(const struct fasttrace_packet *p, unsigned *at)
{
	const char *event = p->body;

	for (uint64_t i = 0; i < p->events; i++, event += FASTTRACE_MARKER_BYTES + 16) {
		if (*at >= markers)
			return differs("one marker more than expected");
		if (!same("marker", (uint64_t)(event[8] - 'a'), marked[(*at)++]))
			return false;
		if (strlen(event + 8) != FASTTRACE_MARKER_BYTES)
			return differs("a marker of %zu bytes", strlen(event + 8));
	}
	return true;
}

static void marker_ring_same(struct fasttrace_arena *a, unsigned index, unsigned overwritten)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	struct fasttrace_stats s;
	unsigned at = overwritten;
	uint64_t seq;
	bool ok = true;

	fasttrace_buffer_get_info(a, index, &info);
	same("live", info.live, true);
	same("flush", (uint64_t)fasttrace_buffer_switch(a, index, info.serial, FASTTRACE_FLUSH), 0);
	while (ok && !fasttrace_buffer_next(a, index, info.serial, 0, &seq, NULL)) {
		if (fasttrace_buffer_get(a, index, info.serial, seq, &p)) {
			differs("cannot take %llu", (unsigned long long)seq);
			return;
		}
		ok = marker_packet(&p, &at);
		fasttrace_buffer_put(a, index, &p);
	}
	same("markers", at, markers);
	if (fasttrace_arena_stats(a, &s))
		differs("no stats");
	same("begun", s.begun, markers + prefill(fasttrace_arena_info(a)->mode));
	same("in flight", s.in_flight, 0);
	same("corrupted", s.corrupted, 0);
	same("lost", s.lost_full + s.lost_nested + s.lost_too_big, 0);
}

static void markers_same(struct fasttrace_arena *a, unsigned overwritten)
{
	struct fasttrace_buffer_info info;
	unsigned rings = 0, classes = 0;
	struct fasttrace_event_info event;

	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
		if (!fasttrace_buffer_get_info(a, i, &info) && !info.tid && !rings++)
			marker_ring_same(a, i, overwritten);
	same("rings of markers", rings, 1);
	for (int id = 1; id <= fasttrace_arena_events(a); id++)
		classes += !fasttrace_event_get_info(a, (unsigned)id, &event) &&
			   event.kind == FASTTRACE_EVENT_MARKER;
	same("classes of markers", classes, 1);
}

static uint64_t readable(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	return fasttrace_arena_stats(a, &s) ? 0 : s.readable;
}

static void marker_try(const struct marker_case *c, uint64_t hits[POINTS])
{
	const uint64_t *passed = reader_page->hits;
	enum point nowhere = POINT_none;
	struct fasttrace_arena *a;
	unsigned before;
	pid_t writer;
	bool flight;

	snprintf(what, sizeof(what), "mode %d, marker: %s, consumer killed at %s, then at %s",
		 c->mode, spots[c->spot], table[c->at].name, table[c->second % POINTS].name);
	run_set(ROOM, EVENT, 0, &nowhere, 0);
	run->points.orders = 0;
	*writer_may = *writer_later = 0;
	markers = before = 0;
	writer = reader_writer(c->mode, GOES_ON, true);
	for (unsigned i = 0; i < spot_prepared(c->spot); i++)
		marker_note(i);
	marker_consumer(writer, c->spot, false, c->at);
	/* The owner from before time went back has nothing more. */
	if (c->spot == BACK_MARKER && passed[POINT_marker_disowned])
		before = spot_prepared(c->spot);
	flight = passed[POINT_marker_reserved] && !passed[POINT_marker_committed];
	if (!c->second && c->spot != BACK_MARKER)
		marker_looked_at(writer, markers, flight);
	memcpy(hits, passed, sizeof(*hits) * POINTS);
	if (c->second) {
		marker_consumer(writer, c->spot, true, c->second % POINTS);
		memcpy(hits, passed, sizeof(*hits) * POINTS);
		if (c->second == (enum point)POINTS)
			same("undone", passed[POINT_marker_undone], flight);
	}
	a = arena_of(writer);
	if (!a || mark(a, MARKERS))
		differs("no marker afterwards");
	marker_note(MARKERS);
	if (a)
		markers_same(a, before);
	fasttrace_arena_close(a);
	*writer_may = 1;
	waitpid(writer, NULL, 0);
	a = arena_of(writer);
	same("an event that the process meets now", a ? readable(a) : 0, prefill(c->mode) + 1);
	fasttrace_arena_close(a);
	dir_empty(run_dir);
}

/* The consumer that follows, at every label that it passes. */
static void marker_seconds(struct marker_case c)
{
	uint64_t hits[POINTS], ignored[POINTS];

	c.second = (enum point)POINTS;
	marker_try(&c, hits);
	for (unsigned at = 1; at < POINTS; at++) {
		c.second = (enum point)at;
		if (hits[at])
			marker_try(&c, ignored);
	}
}

static void *fresh_thread(void *arg)
{
	act_event(0, FRESH);
	return arg;
}

/* When it may, it meets an event in a new thread, which needs an entry and a ring. */
static pid_t fresh_writer(enum fasttrace_buffer_mode mode)
{
	pthread_t thread;
	pid_t pid = fork();

	if (pid) {
		flag_wait(&run->ready);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = prefill(mode); i; i--)
		one_event(0);
	run->ready = 1;
	flag_wait(writer_may);
	if (pthread_create(&thread, NULL, fresh_thread, NULL) || pthread_join(thread, NULL))
		_exit(5);
	__atomic_store_n(writer_later, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

/* A consumer that is about to take what a thread then takes before it. */
static void marker_overtaken(enum fasttrace_buffer_mode mode, enum point at)
{
	enum point nowhere = POINT_none;
	struct fasttrace_arena *a;
	pid_t writer, consumer;

	snprintf(what, sizeof(what), "mode %d, marker: a thread overtakes it at %s", mode,
		 table[at].name);
	run_set(ROOM, EVENT, 0, &nowhere, 0);
	run->points.orders = 0;
	*writer_may = *writer_later = 0;
	writer = fresh_writer(mode);
	memset(reader_page, 0, sizeof(*reader_page));
	reader_set(at, POINT_none);
	consumer = fork();
	if (!consumer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		points = reader_page;
		points->armed = 1;
		a = arena_of(writer);
		_exit(!a || mark(a, 0));
	}
	stopped_wait(reader_page, consumer);
	*writer_may = 1;
	flag_wait(writer_later);
	reader_page->go = 1;
	waitpid(consumer, NULL, 0);
	a = arena_of(writer);
	if (a) {
		same("classes", (uint64_t)fasttrace_arena_events(a), 3);
		same("rings", fasttrace_arena_buffers(a), 3);
		same("readable", readable(a), prefill(mode) + 2);
		end_of(writer);
		same("readable of the dead", readable(a), prefill(mode) + 2);
	}
	fasttrace_arena_close(a);
	dir_empty(run_dir);
}

static void marker_run(enum fasttrace_buffer_mode mode, bool all)
{
	static const enum point taken[] = {POINT_class_backed, POINT_class_numbered,
					   POINT_marker_fits};
	uint64_t hits[POINTS], ignored[POINTS];

	for (unsigned i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		marker_overtaken(mode, taken[i]);
	for (enum spot spot = 0; spot < SPOTS; spot++) {
		struct marker_case c = {mode, spot, POINT_none, POINT_none};

		marker_try(&c, hits);
		for (unsigned at = 1; at < POINTS; at++) {
			if (!hits[at])
				continue;
			c.at = (enum point)at;
			c.second = POINT_none;
			marker_try(&c, ignored);
			if (all || spot == FIRST_MARKER || at == POINT_marker_reserved ||
			    at == POINT_marker_disowned)
				marker_seconds(c);
		}
	}
}

#endif
