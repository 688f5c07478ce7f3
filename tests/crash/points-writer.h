/* SPDX-License-Identifier: MIT */
/*
 * points-writer.h - the program that is killed: its event at a chosen place of the ring, and the
 * handlers that come at one label and are themselves interrupted at another.
 */
#ifndef POINTS_WRITER_H
#define POINTS_WRITER_H

#include "ft-tracer.h"
#include "points-read.h"

/* Where in the ring the event falls. */
enum place {
	ROOM, /* somewhere in a sub-buffer */
	LAST, /* at its end: what the last handler writes needs the next one */
	TURN, /* needs the next one itself */
	BRIM, /* as LAST, and then all is full */
	FULL, /* as TURN, and all is full */
	PLACES
};

/* What the innermost level does. */
enum act {
	EVENT,
	WATCHED,   /* an event, and a reader asked for the end of the sub-buffer */
	FRESH,	   /* an event that was never met before */
	HOMELESS,  /* one that finds no room in the event table */
	TOO_BIG,   /* one that is longer than a sub-buffer */
	STEP_ON,   /* an event after a long time */
	STEP_BACK, /* an event before the last one */
	TWICE,	   /* an event, and then it again */
	LAPS,	   /* events until they come to the sub-buffer of the one that is interrupted */
	QUIET,	   /* the same, and there is no other ring */
	ACTS
};

static const char *const places[] = {"room", "last", "turn", "brim", "full"};
static const char *const acts[] = {"event",   "watched",   "fresh", "homeless", "too big",
				   "step on", "step back", "twice", "laps",	"laps, quiet"};

struct run {
	struct points points; /* first: the hook's */
	enum place place;
	enum act act;
	unsigned levels;	   /* handlers that are to come */
	uint64_t begun[LEVELS];	   /* events whose macro was entered */
	uint64_t returned[LEVELS]; /* and left */
	uint32_t ready;
	uint32_t before; /* pid of the process that was before */
};

/* Where a handler can come: all that an event passes with signals open. */
static const enum point nestable[] = {
	POINT_reserved,	      POINT_stamped,	    POINT_filled,	 POINT_committed,
	POINT_closed,	      POINT_turn_helped,    POINT_turn_page,	 POINT_turn_begun,
	POINT_turn_lost,      POINT_turn_committed, POINT_turn_word,	 POINT_turn_head,
	POINT_lost,	      POINT_anchored,	    POINT_reserved_slow, POINT_stamped_slow,
	POINT_nested_claimed, POINT_nested_began,   POINT_nested_noted,	 POINT_nested_longer};
#define NESTABLE (sizeof(nestable) / sizeof(*nestable))

static struct run *run;
static struct fasttrace_arena *arena_of_run;
static uint64_t kills;
static uint64_t reached[POINTS][LEVELS + 1]; /* by depth; by a reader */
#define READER LEVELS

static unsigned prefill(enum fasttrace_buffer_mode mode)
{
	unsigned all = SUBBUFS * SUBBUF_EVENTS, last = run->levels ? run->levels : 1;
	unsigned turn = mode == FASTTRACE_OVERWRITE ? all : SUBBUF_EVENTS;
	const unsigned before[] = {[ROOM] = 20,
				   [LAST] = turn - last,
				   [TURN] = turn,
				   [BRIM] = all - last,
				   [FULL] = all};

	return before[run->place];
}

#define LAP_EVENTS (2 * SUBBUFS * SUBBUF_EVENTS)

/* How many events it takes to come round to the sub-buffer with an event in flight. */
static unsigned lap(const struct model *m)
{
	struct model copy = *m;
	unsigned n = 0;

	while (copy.rings == m->rings && copy.lost_nested == m->lost_nested && n < LAP_EVENTS)
		model_events(&copy, 1, n, n + 1), n++;
	return n;
}

static void one_event(unsigned level)
{
	uint64_t v = (uint64_t)level << 32 | run->begun[level]++;

	FASTTRACE(points, event, (v, v), (check, mix(level, 0, (uint32_t)v)));
	run->returned[level]++;
}

static void act_event(unsigned level, enum act act)
{
	static const char bytes[SUBBUF_BYTES + 1];
	uint64_t v = (uint64_t)level << 32 | run->begun[level];

	switch (act) {
	case FRESH:
		run->begun[level]++;
		FASTTRACE(points, fresh, (v, v), (check, mix(level, 0, (uint32_t)v)));
		run->returned[level]++;
		return;
	case HOMELESS:
		ft_process_arena()->events_end = ft_process_arena()->events_bytes;
		FASTTRACE(points, homeless, (v, v));
		return;
	case TOO_BIG:
		FASTTRACE(points, big, (b, FASTTRACE_BYTES(bytes, sizeof(bytes))));
		return;
	case STEP_ON:
		fasttrace_self->last -= UINT64_C(1) << 47;
		break;
	case STEP_BACK:
		fasttrace_self->last += UINT64_C(1) << 47;
		break;
	default:
		break;
	}
	one_event(level);
}

static void level_act(unsigned level, unsigned burst)
{
	bool innermost = level == run->levels;

	run->points.armed = 0;
	for (unsigned i = 1; level == 1 && i < burst; i++)
		one_event(level);
	run->points.armed = 1;
	act_event(level, innermost ? run->act : EVENT);
}

static unsigned run_burst;

static void run_handler(int sig)
{
	(void)sig;
	run->points.depth++;
	level_act(run->points.depth, run_burst);
	run->points.depth--;
}

_Noreturn static void run_program(enum fasttrace_buffer_mode mode, unsigned burst)
{
	struct sigaction sa = {.sa_handler = run_handler, .sa_flags = SA_NODEFER};

	run_burst = burst;
	for (int i = 0; i < LEVELS; i++)
		sigaction(SIGRTMIN + i, &sa, NULL);
	for (unsigned i = prefill(mode); i; i--)
		one_event(0);
	if (run->act == QUIET)
		fasttrace_thread_prepare();
	if (run->act == WATCHED)
		points_pause(&run->points);
	level_act(0, 0);
	run->points.armed = 0;
	kill(getpid(), SIGKILL);
	_exit(1);
}

static void model_act(struct model *m, unsigned level, enum fate fate)
{
	uint64_t value = (uint64_t)level << 32 | run->begun[level];
	enum act act = level == run->levels ? run->act : EVENT;
	struct model_ring *r = &m->ring[m->rings - 1];

	if (m->under_way[level] == -1 && level == run->levels) {
		if (act == TOO_BIG || act == HOMELESS) {
			if (fate < DONE)
				return;
			++*(act == TOO_BIG ? &m->lost_too_big : &m->lost_no_event);
			m->under_way[level] = LOST_EVENT;
			return;
		}
		if (act == STEP_ON)
			r->closed = r->used && r->used < SUBBUF_EVENTS;
		if (act == STEP_BACK && fate >= CLAIMED)
			model_attach(m);
	}
	model_event(m, level, value, fate);
}

/* What the handlers do before their last event. */
static void model_burst(struct model *m, unsigned level, unsigned burst)
{
	if (level == 1 && burst)
		model_events(m, level, 0, burst - 1);
}

/* It was interrupted in a turn, and goes on with that one, though handlers have done it. */
static bool turn_is_old(enum point interrupted, enum point now_at)
{
	return interrupted >= POINT_turn_page && now_at > interrupted && now_at <= POINT_turn_head;
}

/*
 * What is so after `done` orders: each of `levels` was interrupted at its label, the last one's
 * event is through, and with it those of the inner ones; but if the last order was done as well:
 * then the one at its depth ended there.
 */
static void model_run(struct model *m, unsigned burst)
{
	const struct points *p = &run->points;
	unsigned in = p->done < run->levels ? p->done : run->levels;
	bool killed = p->done == p->orders;
	uint32_t last = p->order[p->orders - 1].at;
	unsigned at = killed ? p->order[p->orders - 1].depth : 0;
	uint64_t value[LEVELS] = {prefill(m->mode), burst ? burst - 1 : 0, 0};

	memcpy(run->begun, value, sizeof(value));
	m->steps = p->hits[POINT_stepped];
	for (unsigned level = 0; level < in; level++) {
		model_burst(m, level, burst);
		model_act(m, level, table[p->order[level].at].fate);
	}
	model_burst(m, in, burst);
	for (unsigned level = in; level > at || (!killed && level); level--)
		model_act(m, level, DONE);
	if (!killed)
		model_act(m, 0, DONE);
	else if (at == in || !turn_is_old(p->order[at].at, last))
		model_act(m, at, table[last].fate);
}

static void run_start(enum fasttrace_buffer_mode mode, unsigned burst, pid_t *pid)
{
	int status;

	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		points = &run->points;
		run_program(mode, burst);
	}
	arena_of_run = NULL;
	if (run->act == WATCHED) {
		while (!__atomic_load_n(&run->points.stopped, __ATOMIC_ACQUIRE) &&
		       !waitpid(*pid, &status, WNOHANG))
			usleep(50);
		arena_of_run = arena_find(run_dir, *pid);
		fasttrace_buffer_watch(arena_of_run, 0);
		run->points.go = 1;
	}
	waitpid(*pid, &status, 0);
}

/* One program, killed at a label. */
static bool run_try(enum fasttrace_buffer_mode mode)
{
	const struct points *p = &run->points;
	unsigned depth = p->order[p->orders - 1].depth, burst = 0;
	uint64_t returned[LEVELS];
	static struct model m;
	pid_t pid;
	bool hit, ok;

	snprintf(what, sizeof(what), "mode %d, %s, %s, at %s in %s at %s in %s at %s (depth %u)",
		 mode, places[run->place], acts[run->act], table[p->order[0].at].name,
		 run->levels > 0 ? "handler" : "",
		 run->levels > 0 ? table[p->order[1].at].name : "",
		 run->levels > 1 ? "handler" : "",
		 run->levels > 1 ? table[p->order[2].at].name : "", depth);
	model_start(&m, mode);
	m.quiet = run->act == QUIET;
	model_events(&m, 0, 0, prefill(mode));
	burst = run->act == TWICE ? 2 : 0;
	if (run->act == LAPS || run->act == QUIET) {
		struct model before = m;

		model_event(&before, 0, 0, table[p->order[0].at].fate);
		burst = lap(&before);
	}
	run_start(mode, burst, &pid);
	memcpy(returned, run->returned, sizeof(returned));
	hit = p->done == p->orders;
	model_run(&m, burst);
	if (!arena_of_run)
		arena_of_run = arena_find(run_dir, pid);
	ok = arena_of_run ? arena_same(arena_of_run, &m) : differs("no arena");
	(void)ok;
	fasttrace_arena_close(arena_of_run);
	dir_empty(run_dir);
	kills += hit;
	if (hit)
		reached[p->order[p->orders - 1].at][run->levels] = 1;
	return hit;
}

static void run_set(enum place place, enum act act, unsigned levels, const enum point *at,
		    unsigned depth)
{
	memset(run, 0, sizeof(*run));
	run->place = place;
	run->act = act;
	run->levels = levels;
	run->points.orders = levels + 1;
	for (unsigned i = 0; i <= levels; i++)
		run->points.order[i] = (struct point_order){at[i], i < levels ? i : depth, 0,
							    i < levels ? POINT_TRACE : POINT_KILL};
}

/* Every label that is passed when nobody is killed, at each depth. */
static void writer_labels(enum fasttrace_buffer_mode mode, enum place place, enum act act,
			  unsigned levels, const enum point *outer)
{
	enum point at[LEVELS] = {POINT_none, POINT_none, POINT_none};
	bool hits[POINTS], interrupted;

	memcpy(at, outer, levels * sizeof(*outer));
	run_set(place, act, levels, at, LEVELS);
	run_try(mode);
	for (unsigned i = 0; i < POINTS; i++)
		hits[i] = run->points.hits[i];
	interrupted = run->points.done == levels;
	for (unsigned l = 1; interrupted && l < POINTS; l++)
		for (unsigned depth = 0; hits[l] && depth <= levels; depth++) {
			at[levels] = (enum point)l;
			run_set(place, act, levels, at, depth);
			run_try(mode);
		}
}

/* With two handlers, the second one comes where it makes a difference; with `all`, anywhere. */
static void writer_nested(enum fasttrace_buffer_mode mode, enum place place, enum act act,
			  enum point outer, bool all)
{
	static const enum point few[] = {POINT_filled, POINT_committed};
	enum point at[LEVELS] = {outer};
	bool wide = all && act == EVENT;

	writer_labels(mode, place, act, 1, at);
	if (!all && place >= BRIM && act != EVENT)
		return;
	for (unsigned i = 0; i < (wide ? NESTABLE : sizeof(few) / sizeof(*few)); i++) {
		at[1] = wide ? nestable[i] : few[i];
		writer_labels(mode, place, act, 2, at);
	}
}

static void writer_run(enum fasttrace_buffer_mode mode, bool all)
{
	static const enum point few[] = {POINT_filled, POINT_turn_page, POINT_committed};

	for (enum place place = 0; place < PLACES; place++)
		for (enum act act = 0; act < ACTS; act++) {
			bool wide = all || (act == EVENT && (place == TURN || place == FULL));

			if ((act == STEP_ON || act == STEP_BACK) && place != ROOM)
				continue; /* else a turn may come before the step, or not */
			if (place >= BRIM && mode == FASTTRACE_OVERWRITE)
				continue; /* there it makes no difference */
			writer_labels(mode, place, act, 0, NULL);
			for (unsigned i = 0; i < (wide ? NESTABLE : act == EVENT ? 3 : 1); i++)
				writer_nested(mode, place, act, wide ? nestable[i] : few[i], all);
		}
}

#endif
