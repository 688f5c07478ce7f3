/* SPDX-License-Identifier: MIT */
/*
 * points-reader.h - the reader that is killed: at each label, and its successor while it takes
 * over.
 */
#ifndef POINTS_READER_H
#define POINTS_READER_H

#include "points-writer.h"

/* What the reader does. */
enum op {
	TAKE,
	UNGET,
	DROP,
	SECOND, /* takes one; what counts is how it takes the next */
	OTHER,	/* takes another one than that which is aside */
	FLUSH,
	ACTIVE,
	WATCH,
	SWITCH,
	RESIZE,
	INTERRUPT,
	CLOCK,
	END,
	OPEN,
	OPS
};

/* What the writer does when the reader is dead. */
enum then {
	GOES_ON,    /* at once */
	TAKEN_OVER, /* when there is a new reader */
	DIED,	    /* nothing: it died before, inside an event */
	LAPPED,	    /* nothing: it died before, a lap behind what a reader had swapped out */
	THENS
};

static const char *const ops[] = {"take",      "unget",	 "drop",  "second", "other",
				  "flush",     "active", "watch", "switch", "resize",
				  "interrupt", "clock",	 "end",	  "open"};
static const char *const thens[] = {"goes on", "goes on when taken over", "died before",
				    "died a lap later"};

#define LATER_EVENTS 200

static struct points *reader_page;
static uint32_t *writer_may;   /* go on */
static uint32_t *writer_later; /* events then */
static uint64_t reader_kills;
static uint64_t second_hits[POINTS]; /* of the reader that took over */
static bool clock_is_raw;

static void flag_wait(const uint32_t *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		usleep(50);
}

static void stopped_wait(const struct points *p, pid_t pid)
{
	siginfo_t info;

	do {
		usleep(30);
		info.si_pid = 0;
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
	} while (!__atomic_load_n(&p->stopped, __ATOMIC_ACQUIRE) && !info.si_pid);
}

static void reader_take(struct fasttrace_arena *a, uint64_t serial, enum op op)
{
	struct fasttrace_packet p;
	uint64_t seq;

	fasttrace_buffer_switch(a, 0, serial, FASTTRACE_FLUSH);
	if (fasttrace_buffer_next(a, 0, serial, op == OTHER, &seq, NULL))
		return; /* what is aside is 0 */
	if (op == DROP)
		fasttrace_buffer_drop(a, 0, serial, seq);
	else if (!fasttrace_buffer_get(a, 0, serial, seq, &p))
		(op == UNGET ? fasttrace_buffer_unget : fasttrace_buffer_put)(a, 0, &p);
}

static void reader_do(pid_t writer, enum op op)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_arena *a = arena_of(writer);
	size_t len;
	char *text;

	if (!a || fasttrace_buffer_get_info(a, 0, &info))
		_exit(3);
	if (op == SECOND)
		reader_take(a, info.serial, op);
	points->armed = 1;
	if (op <= OTHER)
		reader_take(a, info.serial, op);
	else if (op == FLUSH || op == ACTIVE)
		fasttrace_buffer_switch(a, 0, info.serial,
					op == FLUSH ? FASTTRACE_FLUSH : FASTTRACE_ACTIVE);
	else if (op == WATCH)
		fasttrace_buffer_watch(a, 0);
	else if (op == SWITCH)
		fasttrace_events_switch(a, "points", NULL, false);
	else if (op == RESIZE)
		fasttrace_geometry_set(a, &(struct fasttrace_geometry){8192, 2});
	else if (op == INTERRUPT)
		fasttrace_arena_interrupt(a);
	else if (op == CLOCK && !fasttrace_arena_metadata(a, &text, &len))
		free(text);
	else if (op == END)
		fasttrace_arena_set_end(a, FASTTRACE_KILLED, SIGKILL);
	_exit(0);
}

static pid_t reader_start(pid_t writer, enum op op)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	points = reader_page;
	points->armed = op != SECOND;
	reader_do(writer, op);
	_exit(0);
}

static void reader_set(enum point stop, enum point kill_at)
{
	struct points *p = reader_page;

	memset(p->order, 0, sizeof(p->order));
	p->armed = p->done = p->orders = p->stopped = p->go = 0;
	if (stop)
		p->order[p->orders++] = (struct point_order){.at = stop, .deed = POINT_STOP};
	if (kill_at)
		p->order[p->orders++] = (struct point_order){.at = kill_at, .deed = POINT_KILL};
}

/* The writer, up to where it waits; or dies, when its orders say so. */
static pid_t reader_writer(enum fasttrace_buffer_mode mode, enum then then, bool fresh)
{
	pid_t pid = fork();

	if (pid) {
		flag_wait(&run->ready);
		if (then == DIED)
			waitpid(pid, NULL, 0);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	points = &run->points;
	for (unsigned i = prefill(mode); i; i--)
		one_event(0);
	run->ready = 1;
	if (then == DIED) {
		level_act(0, 0);
		kill(getpid(), SIGKILL);
	}
	flag_wait(writer_may);
	if (run->points.orders)
		level_act(0, 0);
	run->points.armed = 0;
	for (unsigned i = 0; i < *writer_later; i++)
		one_event(0);
	if (fresh)
		act_event(0, FRESH);
	kill(getpid(), SIGKILL);
	_exit(1);
}

/* What the reader has done since `before`, as its labels tell. `seq` is the one that it takes. */
static void model_reader(struct model *m, uint32_t seq, const uint64_t *before)
{
	struct model_ring *r = &m->ring[0];
	uint64_t *lost;
#define DID(label) (reader_page->hits[POINT_##label] > before[POINT_##label])

	if (DID(closed))
		r->closed = true;
	if (DID(turn_page) && r->closed && !r->claimed)
		model_room(m, CLAIMED, &lost);
	for (unsigned at = 1; at < POINTS; at++) {
		if (reader_page->hits[at] == before[at] || !table[at].taken)
			continue;
		r->aside = table[at].taken == ASIDE ? seq + 1 : 0;
		for (unsigned i = 0; table[at].taken == USED && i < m->events; i++)
			if (m->event[i].seq == seq && m->event[i].state == DONE)
				m->event[i].state = CONSUMED;
	}
	if (DID(swapped_back))
		r->aside = 0;
	if (DID(consumed) && m->mode != FASTTRACE_OVERWRITE && r->first == seq)
		r->first++;
#undef DID
}

/* A new reader: what was aside is back, if its slot is, and what was used is free. */
static void model_take_over(struct model *m)
{
	struct model_ring *r = &m->ring[0];

	r->aside = r->aside && r->first < r->aside ? 0 : r->aside;
	for (unsigned i = 0; m->mode != FASTTRACE_OVERWRITE && i < m->events; i++)
		if (m->event[i].state == CONSUMED && m->event[i].seq == r->first)
			r->first++;
}

static void model_later(struct model *m, bool off, bool fresh_off)
{
	uint64_t n = prefill(m->mode);

	if (!off)
		model_events(m, 0, n, n + LATER_EVENTS);
	if (!fresh_off)
		model_events(m, 0, n + LATER_EVENTS, n + LATER_EVENTS + 1);
}

struct reader_case {
	enum fasttrace_buffer_mode mode;
	enum place place;
	enum op op;
	enum then then;
	enum point at;	   /* where the reader is killed */
	enum point second; /* and the one that takes over; none: there is none; POINTS: nowhere */
};

/* A reader swaps the oldest out and is killed; the writer needs that slot, and the next. */
static void reader_lapped(struct model *m, pid_t writer)
{
	const uint64_t before[POINTS] = {0};

	reader_set(POINT_none, POINT_swapped);
	waitpid(reader_start(writer, TAKE), NULL, 0);
	model_reader(m, 0, before);
	reader_kills += reader_page->done;
	*writer_may = 1;
	waitpid(writer, NULL, 0);
	model_later(m, false, true);
	memset(reader_page->hits, 0, sizeof(reader_page->hits));
}

/* The first one that SECOND takes: it is through with it. */
static void model_first(struct model *m)
{
	struct model_ring *r = &m->ring[0];

	for (unsigned i = 0; i < m->events; i++)
		if (m->event[i].seq == r->first && m->event[i].state == DONE)
			m->event[i].state = CONSUMED;
	if (m->mode != FASTTRACE_OVERWRITE)
		r->first++;
}

/* One reader after another, each killed. */
static void reader_runs(const struct reader_case *c, struct model *m, pid_t writer)
{
	uint64_t before[POINTS] = {0};
	uint32_t seq = m->ring[0].first + (c->op == SECOND);
	int status;

	if (c->op == SECOND)
		model_first(m);
	reader_set(POINT_none, c->at);
	waitpid(reader_start(writer, c->op), &status, 0);
	model_reader(m, seq, before);
	if (reader_page->done)
		reached[c->at][READER] = 1;
	reader_kills += reader_page->done;
	if (!c->second)
		return;
	memcpy(before, reader_page->hits, sizeof(before));
	reader_set(POINT_none, c->second);
	waitpid(reader_start(writer, OPEN), &status, 0);
	model_reader(m, seq, before);
	for (unsigned i = 0; i < POINTS; i++)
		second_hits[i] = reader_page->hits[i] - before[i];
	reader_kills += reader_page->done;
}

static void reader_try(const struct reader_case *c)
{
	enum point in_event = c->then == DIED ? POINT_filled : POINT_none;
	const uint64_t *hits = reader_page->hits;
	struct fasttrace_buffer_info info;
	static struct model m;
	struct fasttrace_arena *a = NULL;
	pid_t writer;
	int code;

	snprintf(what, sizeof(what), "mode %d, %s, reader: %s, at %s, then at %s; writer %s",
		 c->mode, places[c->place], ops[c->op], table[c->at].name,
		 table[c->second % POINTS].name, thens[c->then]);
	run_set(c->place, EVENT, 0, &in_event, 0);
	run->points.orders = c->then == DIED;
	memset(reader_page, 0, sizeof(*reader_page));
	*writer_may = 0;
	model_start(&m, c->mode);
	model_events(&m, 0, 0, prefill(c->mode));
	*writer_later = LATER_EVENTS;
	writer = reader_writer(c->mode, c->then, c->op == SWITCH);
	if (c->then == DIED)
		model_event(&m, 0, prefill(c->mode),
			    run->points.done ? table[in_event].fate : DONE);
	if (c->then == LAPPED)
		reader_lapped(&m, writer);
	reader_runs(c, &m, writer);
	if (c->then == TAKEN_OVER) {
		a = arena_of(writer);
		if (a)
			fasttrace_buffer_get_info(a, 0, &info);
		model_take_over(&m);
	}
	*writer_may = 1;
	waitpid(writer, NULL, 0);
	m.under_way[0] = -1;
	if (c->then < DIED)
		model_later(&m, hits[POINT_event_switched],
			    c->op != SWITCH || hits[POINT_rules_published]);
	if (!a)
		a = arena_of(writer);
	if (!a || !arena_same(a, &m))
		differs("this reader");
	else if (c->op == END)
		same("end", fasttrace_arena_end(a, &code),
		     hits[POINT_end_told] ? FASTTRACE_KILLED : FASTTRACE_ENDED);
	clock_is_raw = a && fasttrace_arena_info(a)->raw_clock;
	fasttrace_arena_close(a);
	dir_empty(run_dir);
}

/* The next reader, at every label that it passes. */
static void reader_seconds(struct reader_case c)
{
	uint64_t hits[POINTS];

	c.second = (enum point)POINTS;
	reader_try(&c);
	memcpy(hits, second_hits, sizeof(hits));
	for (unsigned at = 1; at < POINTS; at++) {
		c.second = (enum point)at;
		if (hits[at])
			reader_try(&c);
	}
}

static void reader_labels(struct reader_case c, bool second)
{
	uint64_t hits[POINTS];

	reader_try(&c);
	memcpy(hits, reader_page->hits, sizeof(hits));
	for (unsigned at = 1; at < POINTS; at++) {
		if (!hits[at])
			continue;
		c.at = (enum point)at;
		c.second = POINT_none;
		reader_try(&c);
		if (second)
			reader_seconds(c);
	}
}

/* Does it make sense, and a difference? */
static bool reader_may(enum fasttrace_buffer_mode mode, enum place place, enum op op,
		       enum then then)
{
	bool overwrite = mode == FASTTRACE_OVERWRITE;

	if (overwrite && place == FULL)
		return false; /* there it is as TURN */
	if ((op == OTHER) != (then == LAPPED) || (op == END && then != DIED))
		return false;
	if (op == OTHER)
		return overwrite && place == TURN;
	return op != SECOND || place == (overwrite ? TURN : FULL); /* there are two */
}

static void reader_run(enum fasttrace_buffer_mode mode, bool all)
{
	static const enum place at[] = {ROOM, TURN, FULL};

	for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++)
		for (enum op op = 0; op < OPEN; op++)
			for (enum then then = 0; then < THENS; then++) {
				if (!reader_may(mode, at[i], op, then))
					continue;
				reader_labels((struct reader_case){mode, at[i], op, then, 0, 0},
					      all || op <= OTHER);
			}
}

#endif
