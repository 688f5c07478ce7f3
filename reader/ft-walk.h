/* SPDX-License-Identifier: MIT */
/*
 * ft-walk.h - the event table, checked, and the events that stand in a sub-buffer's body.
 */
#ifndef FT_WALK_H
#define FT_WALK_H

#include "ft-reader.h"

/* One entry of the event table: a private copy that was checked. Its id is its place + 1. */
struct ft_event_class {
	uint32_t offset; /* of the entry, from the arena's start */
	uint8_t bytes;	 /* of an event, header included, without padding; 0: it depends */
	uint8_t kind;	 /* enum fasttrace_kind */
	uint8_t level;
	uint8_t nfields;
	uint8_t types[FASTTRACE_MAX_FIELDS];
	char *names; /* provider, name and fields, each ended by a zero byte, harmless: no control
		      * characters, no slashes; the first two are fit for files */
};

/* An event that stands in a body. */
struct ft_event {
	unsigned id;
	uint64_t time;
	size_t bytes; /* header included, without padding */
};

/* What stands in a body. */
struct ft_walk {
	uint64_t events;      /* whole, valid ones */
	size_t bytes;	      /* that they take, from the body's start: a multiple of 8 */
	uint32_t pad;	      /* of these, what the last one does not use */
	uint64_t first, last; /* 64-bit time stamps; meaningless without events */
};

/**
 * ft_classes_refresh() - take up what was added to the event table.
 * Entries before a bad one stay usable; what follows it is never looked at.
 * Return: 0; -EPROTO the table ends in a bad entry; -ENOMEM.
 */
int ft_classes_refresh(struct fasttrace_arena *a);

/** ft_control_bytes() - of the control character at text, of ASCII or UTF-8's C1; 0: there is none. */
unsigned ft_control_bytes(const char *text);

/** ft_type_bytes() - of a field of this type; 0: of no fixed size, or no such type. */
unsigned ft_type_bytes(unsigned type);

/**
 * ft_event_next() - the event at @p.
 * @p:    may be shared memory that a hostile writer is changing; of any alignment.
 * @room: bytes up to the body's end.
 * @time: less than 2^47 ticks away from the event's.
 * Return: 1; 0 there is none: an undeclared id, a guard's, or one that does not fit; -ENOMEM.
 */
int ft_event_next(struct fasttrace_arena *a, const unsigned char *p, size_t room, uint64_t time,
		  struct ft_event *event);

/**
 * ft_events_walk() - the valid events that a body begins with.
 * @body: may be shared memory that a hostile writer is changing; of any alignment.
 * @anchor_time: less than 2^46 ticks away from the first event.
 * An undeclared id, a guard's, an event that does not fit, or time that goes back ends the valid
 * part.
 * Return: 0, or -ENOMEM.
 */
int ft_events_walk(struct fasttrace_arena *a, const unsigned char *body, size_t bytes,
		   uint64_t anchor_time, struct ft_walk *out);

/**
 * ft_buffer_span() - from when to when the events are that can be read.
 * Return: 0; -ENODATA there is none; -ENOMEM.
 */
int ft_buffer_span(struct fasttrace_arena *a, const struct ft_reader_buffer *b, uint64_t *first,
		   uint64_t *last);

/** ft_walk_free() - free what the calls above keep in the arena. */
void ft_walk_free(struct fasttrace_arena *a);

#endif
