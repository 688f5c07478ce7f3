/* SPDX-License-Identifier: MIT */
/*
 * tally.h - what `fasttrace stats` has counted: tally.c counts, stats.c shows.
 */
#ifndef FT_TALLY_H
#define FT_TALLY_H

#include "histogram.h"
#include "spans.h"

/* How long spans took, all of one name. */
struct ft_spans {
	struct ft_histogram durations;	 /* in ns */
	uint64_t lone_begins, lone_ends; /* without the other */
};

/* Events of a name, of all traces. */
struct ft_tally_event {
	uint64_t count, bits;
	struct ft_spans *begins, *ends; /* of which they are a side; NULL: of none */
	GPtrArray *drawn; /* of struct ft_tally_drawn: those of its fields; NULL: none */
};

/* --histogram=EVENT.FIELD, or a span's name. */
struct ft_tally_drawn {
	const char *given;
	bool event, field; /* was there such a one? */
	struct ft_histogram values;
};

struct ft_tally {
	GTree *events; /* name -> struct ft_tally_event */
	GTree *spans;  /* name -> struct ft_spans */
	struct ft_threads threads;
	GPtrArray *drawn;
	uint64_t lost_events, lost_packets;
	uint64_t count;
	int64_t first_ns, last_ns;
};

/** ft_tally_init() - @drawn: what the command line names; stays the caller's. NULL: nothing. */
void ft_tally_init(struct ft_tally *tally, char **drawn);
/** ft_tally_add() - what comes next of a stream. */
void ft_tally_add(struct ft_tally *tally, struct ft_ctf_stream *stream);
/** ft_tally_end() - all were added. */
void ft_tally_end(struct ft_tally *tally);
void ft_tally_clear(struct ft_tally *tally);

#endif
