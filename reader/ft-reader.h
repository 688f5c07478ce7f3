/* SPDX-License-Identifier: MIT */
/*
 * ft-reader.h - what the parts of libfasttrace-reader say to each other.
 *
 *   arena.c     open, check, lock; who lives
 *   consume.c   get, swap, put, unget
 *   switch.c    switch, watch
 *   takeover.c  what a killed reader left
 *   recover.c   what a dead writer left: committed prefix and nested ranges
 *   stats.c     exact counts
 *   times.c     from when to when the events are that can be read
 *   walk.c      the event table as a hostile text; events in a sub-buffer (ft-walk.h)
 *   events.c    what events there are; turning them on and off
 *   marker.c    events that are ours to write
 *   geometry.c  the size of rings to come
 *   packet.c    CTF packet headers
 *   metadata.c  TSDL
 *   clock.c     frequency and offset of the clock (ft-clock.h)
 *   snapshot.c  copies without consuming
 *   lines.c     a snapshot as lines of text, made of
 *   merge.c     what comes next of many streams (ft-lines.h)
 *   decode.c    an event as text (ft-lines.h)
 *   guard.c     SIGBUS
 */
#ifndef FT_READER_H
#define FT_READER_H

#include <signal.h>

#include "fasttrace-reader.h"
#include "ft-ring.h"

/* One buffer as we map it. The ring's geometry was checked when it was filled in. */
struct ft_reader_buffer {
	struct fasttrace_ring ring;
	struct ft_buffer *shared;
	uint32_t pages;	     /* page indices: slots, + 1 in overwrite mode */
	bool taken;	     /* a packet is out: between get and put or unget */
	struct ft_hold hold; /* the consumer's own copy: shared memory is not asked again */
};

struct fasttrace_arena {
	unsigned char *map;
	size_t size;
	int fd;			 /* holds the consumer's lock */
	struct ft_arena *shared; /* map, writable if we may */
	uint64_t places_offset, events_offset, events_bytes, buffers_offset; /* checked */
	uint64_t rules_offset, marker_offset;				     /* as well */
	bool writable;
	struct fasttrace_process_info info;
	char clock_why[96];
	char exe[FT_PATH_BYTES];
	char cmdline[FT_PATH_BYTES + 1];
	bool consumer;
	bool asymmetric; /* writers take no lock: we fence them, */
	bool fences;	 /* and can */
	bool dead;
	volatile sig_atomic_t broken;			  /* truncated under us */
	struct ft_reader_buffer *buffers[FT_MAX_BUFFERS]; /* NULL: not looked at yet */
	char *metadata; /* emitted so far, and the last entry it includes */
	size_t metadata_bytes;
	uint32_t metadata_events;
	struct ft_event_class *classes; /* walk.c: the event table, checked; by id - 1 */
	uint8_t *class_bytes;		/* of these, by id: all that most events need */
	unsigned nclasses, classes_cap;
	uint64_t classes_bytes; /* of their entries: no more than the table has, or some overlap */
	uint32_t classes_last;	/* offset of the last entry it includes; 0: none yet */
	char *rules;		/* events.c: the text of the rules, checked, as of rules_word */
	size_t rules_bytes;
	uint64_t rules_word;
	struct ft_reader_buffer *marker; /* marker.c: the ring; NULL: not looked for yet */
	unsigned marker_id;		 /* its event; 0: as above */
	uint64_t marker_last;		 /* time of the newest marker; 0: there is none */
};

/** ft_reader_buffer() - buffer `index`, checked. Return: 0, -ENOENT, -EPROTO. */
int ft_reader_buffer(struct fasttrace_arena *a, unsigned index, struct ft_reader_buffer **b);

/** ft_reader_owner() - as above, and `serial` owns it still. */
int ft_reader_owner(struct fasttrace_arena *a, unsigned index, uint64_t serial,
		    struct ft_reader_buffer **b);

/** ft_reader_gone() - nobody can write to this buffer: its thread or its process is dead; or it is
 * the marker's, and nobody is the consumer. */
bool ft_reader_gone(struct fasttrace_arena *a, const struct ft_reader_buffer *b);

/** ft_arena_back() - have memory for these bytes, where a store would be SIGBUS. 0 or -errno. */
int ft_arena_back(const struct fasttrace_arena *a, uint64_t offset, uint64_t bytes);

/** ft_arena_consumed() - is anybody the consumer? */
bool ft_arena_consumed(const struct fasttrace_arena *a);

/** ft_tracing_align() - every switch off, if tracing is stopped. Consumer only. */
void ft_tracing_align(struct fasttrace_arena *a);

/** ft_guard_add(), ft_guard_remove() - a mapping whose loss guard.c is to survive. */
void ft_guard_add(void *map, size_t size, volatile sig_atomic_t *broken);
void ft_guard_remove(void *map);

/* What a packet's header says. */
struct ft_packet_fields {
	uint64_t instance; /* stream_instance_id */
	uint64_t begin, end;
	uint64_t bytes; /* of the packet, header included: a multiple of 8 */
	uint64_t seq;	/* packet_seq_num */
	uint64_t lost;	/* events_discarded */
	uint32_t tid;
	uint32_t pad; /* bytes at the end that the last event does not use: no content */
};

/** ft_packet_header() - lay them out as metadata.c declares: out[FASTTRACE_HEADER_BYTES]. */
void ft_packet_header(const struct fasttrace_arena *a, const struct ft_packet_fields *fields,
		      uint8_t *out);

/** ft_packet_parse() - what a header that ft_packet_header() has laid out says. */
void ft_packet_parse(const uint8_t *header, struct ft_packet_fields *fields);
/** ft_packet_cut() - say in it that there are fewer events. @content, @bytes: with the header. */
void ft_packet_cut(uint8_t *header, uint64_t begin, uint64_t end, uint64_t content, uint64_t bytes);

/**
 * ft_packet_time() - the 64-bit time of an event.
 * @header: the event's first 8 bytes.
 * @anchor: a time less than 2^47 ticks away from it.
 */
static inline uint64_t ft_packet_time(uint64_t header, uint64_t anchor)
{
	/* The difference of the 48 bits, with its sign, from the top of a word down. */
	return anchor + (uint64_t)((int64_t)((header & ~UINT64_C(0xffff)) - (anchor << 16)) >> 16);
}

/**
 * ft_recover_ranges() - what a writer that is gone had written into a sub-buffer.
 * Merges the committed prefix and the valid nested ranges into at most FT_NESTED_RANGES + 1
 * ascending, disjoint ranges of units.
 * @word, @committed: the slot's; @page: its memory.
 */
struct ft_range {
	uint32_t from, to; /* units */
	uint32_t first;	   /* events of the sub-buffer before it */
	uint32_t events;
};
unsigned ft_recover_ranges(const struct fasttrace_ring *ring, uint64_t seq, uint64_t word,
			   uint64_t committed, const unsigned char *page,
			   struct ft_range ranges[FT_NESTED_RANGES + 1]);

#endif
