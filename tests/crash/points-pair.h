/* SPDX-License-Identifier: MIT */
/*
 * points-pair.h - both sides, each killed or stopped at a label of its own.
 */
#ifndef POINTS_PAIR_H
#define POINTS_PAIR_H

#include "points-reader.h"

enum pair {
	WRITER_FIRST, /* it stands at its label, the reader comes to its own, both are killed */
	READER_FIRST,
	WRITER_RESUMES, /* it stands, the reader is killed, and the writer goes on */
	READER_RESUMES,
	PAIRS
};

static uint64_t pair_kills; /* of both */

static const char *const pairs[] = {"writer first", "reader first", "writer resumes",
				    "reader resumes"};

struct pair_case {
	enum fasttrace_buffer_mode mode;
	enum place place;
	enum op op;
	enum pair pair;
	enum point writer, reader;
	enum point resumed; /* READER_RESUMES: where it is killed then */
};

static void end_of(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Of a writer that is through with its event. */
static void model_more(struct model *m, unsigned n)
{
	m->under_way[0] = -1;
	model_events(m, 0, prefill(m->mode) + 1, prefill(m->mode) + 1 + n);
}

/* The writer stands; the reader comes and dies; the writer dies there, or after some more. */
static void pair_writer_first(const struct pair_case *c, struct model *m, pid_t writer)
{
	uint64_t before[POINTS] = {0};
	const struct points *p = &run->points;

	*writer_may = 1;
	stopped_wait(p, writer);
	model_event(m, 0, prefill(c->mode), p->done ? table[c->writer].fate : DONE);
	if (!p->done)
		model_more(m, *writer_later); /* it went on at once */
	reader_set(POINT_none, c->reader);
	waitpid(reader_start(writer, c->op), NULL, 0);
	model_reader(m, m->ring[0].first, before);
	if (c->pair == WRITER_FIRST || !p->done) {
		end_of(writer);
		return;
	}
	run->points.go = 1;
	waitpid(writer, NULL, 0);
	model_event(m, 0, prefill(c->mode), DONE);
	model_more(m, *writer_later);
}

static void pair_reader_first(const struct pair_case *c, struct model *m, pid_t writer)
{
	uint64_t before[POINTS] = {0};
	uint32_t seq = m->ring[0].first;
	pid_t reader;

	reader_set(c->reader, c->resumed);
	reader = reader_start(writer, c->op);
	stopped_wait(reader_page, reader);
	model_reader(m, seq, before);
	memcpy(before, reader_page->hits, sizeof(before));
	*writer_may = 1;
	waitpid(writer, NULL, 0);
	model_event(m, 0, prefill(c->mode), run->points.done ? table[c->writer].fate : DONE);
	if (c->pair == READER_FIRST) {
		end_of(reader);
		return;
	}
	if (!before[POINT_hold_filled])
		seq = m->ring[0].first; /* it had not chosen yet */
	reader_page->go = 1;
	waitpid(reader, NULL, 0);
	model_reader(m, seq, before);
	if (reader_page->done == 2)
		reached[c->resumed][READER] = 1;
}

static void pair_try(const struct pair_case *c)
{
	bool writer_stops = c->pair == WRITER_FIRST || c->pair == WRITER_RESUMES;
	static struct model m;
	struct fasttrace_arena *a;
	pid_t writer;

	snprintf(what, sizeof(what), "mode %d, %s, %s, %s: writer at %s, reader at %s, %s", c->mode,
		 places[c->place], ops[c->op], pairs[c->pair], table[c->writer].name,
		 table[c->reader].name, table[c->resumed].name);
	run_set(c->place, EVENT, 0, &c->writer, 0);
	run->points.order[0].deed = writer_stops ? POINT_STOP : POINT_KILL;
	memset(reader_page, 0, sizeof(*reader_page));
	*writer_may = 0;
	model_start(&m, c->mode);
	model_events(&m, 0, 0, prefill(c->mode));
	*writer_later = c->pair == WRITER_RESUMES ? LATER_EVENTS : 0;
	writer = reader_writer(c->mode, GOES_ON, false);
	if (writer_stops)
		pair_writer_first(c, &m, writer);
	else
		pair_reader_first(c, &m, writer);
	a = arena_of(writer);
	if (!a || !arena_same(a, &m))
		differs("this pair");
	fasttrace_arena_close(a);
	dir_empty(run_dir);
	pair_kills += run->points.done && reader_page->done;
}

/* The labels that either side passes, alone or when the other one was or stands there. */
static void pair_labels(struct pair_case c, bool writer[POINTS], bool reader[POINTS])
{
	static const enum point stands[] = {POINT_none, POINT_closed, POINT_none};

	for (unsigned i = 0; i < 3; i++) {
		c.pair = i < 2 ? WRITER_FIRST : READER_FIRST;
		c.writer = stands[i];
		c.reader = c.resumed = POINT_none;
		pair_try(&c);
		for (unsigned at = 1; at < POINTS; at++) {
			writer[at] = writer[at] || run->points.hits[at];
			reader[at] = reader[at] || reader_page->hits[at];
		}
	}
}

/* When it resumes, at every label that is then left. */
static void pair_resumed(struct pair_case c)
{
	uint64_t hits[POINTS];

	pair_try(&c);
	memcpy(hits, reader_page->hits, sizeof(hits));
	for (unsigned at = 1; at < POINTS; at++) {
		c.resumed = (enum point)at;
		if (hits[at])
			pair_try(&c);
	}
}

static void pair_all(struct pair_case c, bool all)
{
	bool writer[POINTS] = {false}, reader[POINTS] = {false};

	pair_labels(c, writer, reader);
	for (unsigned w = 1; w < POINTS; w++)
		for (unsigned r = 1; writer[w] && r < POINTS; r++) {
			if (!reader[r])
				continue;
			c.writer = (enum point)w;
			c.reader = (enum point)r;
			c.resumed = POINT_none;
			if (c.pair != READER_RESUMES)
				pair_try(&c);
			else if (all || r == POINT_held || r == POINT_closed)
				pair_resumed(c);
		}
}

static void pair_run(enum fasttrace_buffer_mode mode, bool all)
{
	static const enum op with[] = {TAKE, ACTIVE, UNGET, FLUSH};
	static const enum place at[] = {TURN, FULL, ROOM};

	for (unsigned p = 0; p < (all ? 3 : 1); p++)
		for (unsigned i = 0; i < (all ? 4 : 2); i++)
			for (enum pair pair = 0; pair < PAIRS; pair++)
				pair_all((struct pair_case){mode, at[p], with[i], pair, 0, 0, 0},
					 all);
}

#endif
