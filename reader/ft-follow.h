/* SPDX-License-Identifier: MIT */
/*
 * ft-follow.h - what comes into an arena, as it comes, without consuming, switching or writing.
 */
#ifndef FT_FOLLOW_H
#define FT_FOLLOW_H

#include <glib.h>

#include "ft-reader.h"

/* One owner's events, from ring `index`. Where we are in it is ours alone: by count, never by time. */
struct ft_follow_stream {
	uint64_t serial;
	uint32_t tid;
	unsigned index;
	char name[16];
	uint64_t settled; /* what it has yet to show us is no older, in ticks; 0: who knows */
	size_t in_hand;	  /* bytes that were taken and are not used up: the taker's to count */
	void *user;	  /* the taker's */
	/* The next unit, and what was told of until there. */
	uint64_t base, seq, units;
	uint64_t count; /* of events recorded in the ring; UINT64_MAX: we have just come */
	uint64_t base_lost, lost;
	uint64_t packets, missed; /* packets made; events that they do not hold */
	uint64_t told;		  /* of these, in a packet */
	uint64_t last;		  /* time of the newest event; 0: none yet */
	uint64_t flight;	  /* committed when an event was in flight; 0: none */
	int64_t flight_ns, lost_ns;
};

/**
 * ft_follow_take() - a packet of a stream.
 * @data:   as metadata declares it, of @bytes; the taker's: free(). NULL: no more will come.
 */
typedef void ft_follow_take(struct ft_follow_stream *stream, void *data, size_t bytes, void *arg);

struct ft_follow {
	struct fasttrace_arena *arena;
	ft_follow_take *take;
	void *arg;
	size_t room; /* for packets; a stream of which nothing is in hand has one anyway */
	bool hurry; /* in the last look a ring went on by a quarter, or we were late: look again soon */
	bool idle;			/* and none went on by a sub-buffer */
	bool all, ended;		/* all: of what comes later nothing is older than us */
	GPtrArray *streams;		/* by index; NULL: none yet */
	struct ft_follow_stream nobody; /* the process's: what its threads lost without a ring */
};

/** ft_follow_new() - @all: the arena is new: what of it was overwritten before the first look counts. */
struct ft_follow *ft_follow_new(struct fasttrace_arena *arena, bool all, ft_follow_take *take,
				void *arg);
/**
 * ft_follow_look() - take what came since the last look.
 * @now_ns: of a clock that goes on, for what lasts too long.
 * Return: 0; ->ended: and nothing more will come. -EPROTO the arena is damaged.
 */
int ft_follow_look(struct ft_follow *follow, int64_t now_ns);
/** ft_follow_free() - every stream ends, by take(). */
void ft_follow_free(struct ft_follow *follow);

#endif
