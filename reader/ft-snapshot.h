/* SPDX-License-Identifier: MIT */
/*
 * ft-snapshot.h - where the packets of a snapshot go while they are copied.
 */
#ifndef FT_SNAPSHOT_H
#define FT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "fasttrace-reader.h"

/*
 * Who takes the packets. No call may wait: what the program overwrites meanwhile is missing. Some
 * streams are taken between the begin and the end of another.
 */
struct ft_snapshot_sink {
	void *arg;
	/* A stream, of which nothing may be left in the end. Return: NULL: there is no memory. */
	void *(*begin)(void *arg);
	/* Room for a packet of @bytes; all of the stream are @most. Return: NULL, as above. */
	unsigned char *(*reserve)(void *stream, size_t bytes, size_t most);
	/* What was reserved last is a packet, of @bytes. */
	void (*commit)(void *stream, size_t bytes);
	/* The packets so far are not wanted: older ones than were overwritten. */
	void (*drop)(void *stream);
	/* No more come. Return: `data` of the stream, for free(); unless @any, there is none: NULL. */
	void *(*end)(void *stream, bool any);
};

/**
 * ft_snapshot_fill() - take a snapshot into @snapshot, which is all zeroes.
 * Also what a failure leaves in it is to be freed.
 * Return: as fasttrace_snapshot_take().
 */
int ft_snapshot_fill(struct fasttrace_arena *a, const struct ft_snapshot_sink *sink,
		     struct fasttrace_snapshot *snapshot);

/** ft_large_alloc() - memory for free(), in large pages if it is large and there are any. */
unsigned char *ft_large_alloc(size_t bytes);

#endif
