/* SPDX-License-Identifier: MIT */
/*
 * ft-ctf.h - CTF 1.8, of any tracer: what is declared, and what stands in the packets.
 *
 *   ctf-text.c     the text of metadata
 *   ctf-lex.c      the words of TSDL
 *   ctf-number.c   its integers, floating point numbers, strings
 *   ctf-type.c     its other types
 *   ctf-parse.c    its blocks: what a trace says of itself
 *   ctf-compile.c  types as lists of operations
 *   ctf-fast.c     what of these can be passed over at once
 *   ctf-class.c    clocks, streams and events, with their lists
 *   ctf-decode.c   packets and events, by these
 *   ctf-race.c     whose turn it is of many streams
 *   ctf-trace.c    files, streams, and their events in the order of time
 *   ctf-folder.c   where files come from
 *
 * Nothing in a trace is trusted: depth, sizes and memory have bounds, and each access is checked
 * against the end of the packet's content. Nothing is allocated for a packet or for an event.
 */
#ifndef FT_CTF_H
#define FT_CTF_H

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ft-ctf-class.h"
#include "ft-lines.h"

/* Packets and events. */

/* A place among the values of a program. */
struct ft_ctf_values {
	const uint8_t *data; /* of the packet */
	uint64_t at, end;    /* bits from there */
	uint64_t *slots;
	uint64_t *clock;
	const struct ft_ctf_op *ops, *op;
	unsigned depth, idle; /* idle: elements that took no bits */
	const char *wrong;    /* what does not fit; NULL: nothing */
	struct {
		uint64_t left, at; /* at: where the element begins */
		uint32_t begin;
	} arrays[FT_CTF_DEPTH + 1];
};

/* One value, or where a struct, array or variant begins or ends. */
struct ft_ctf_value {
	const struct ft_ctf_op *op;
	union {
		uint64_t u; /* of an integer; signed ones as int64_t */
		double real;
	};
	const char *text; /* of strings and texts: bytes of it, in the packet */
	size_t bytes;
};

/** ft_ctf_load() - an integer of whole bytes, op->bytes, in our order. */
static inline uint64_t ft_ctf_load(const struct ft_ctf_op *op, const uint8_t *p)
{
	union {
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} u;

	switch (op->bytes) {
	case 1:
		return op->is_signed ? (uint64_t)(int8_t)*p : *p;
	case 2:
		memcpy(&u.u16, p, sizeof(u.u16));
		return op->is_signed ? (uint64_t)(int16_t)u.u16 : u.u16;
	case 4:
		memcpy(&u.u32, p, sizeof(u.u32));
		return op->is_signed ? (uint64_t)(int32_t)u.u32 : u.u32;
	default:
		memcpy(&u.u64, p, sizeof(u.u64));
		return u.u64;
	}
}

/** ft_ctf_real() - of the bits of a floating point number, the number. */
static inline void ft_ctf_real(struct ft_ctf_value *value)
{
	uint32_t single = (uint32_t)value->u;
	float real;

	if (value->op->bits != 32)
		return; /* they are it */
	memcpy(&real, &single, sizeof(real));
	value->real = (double)real;
}

/**
 * ft_ctf_value_next() - go to the next value.
 * @value: set on success; its text is borrowed from the packet.
 * Return: false: there is none, or it does not fit: values->wrong, at bit values->at.
 */
bool ft_ctf_value_next(struct ft_ctf_values *values, struct ft_ctf_value *value);

/**
 * ft_ctf_string_bytes() - of the string at @text, without its zero byte.
 * Return: @room: it does not end within it.
 */
static inline uint64_t ft_ctf_string_bytes(const char *text, uint64_t room)
{
	uint64_t n = 0, word;

	/* Most are short: the eight bytes that hold the zero tell where it is. */
	for (; room - n >= 8 && n < 32; n += 8) {
		memcpy(&word, text + n, sizeof(word));
		word = (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
		if (word && G_BYTE_ORDER == G_LITTLE_ENDIAN)
			return n + (unsigned)__builtin_ctzll(word) / 8;
	}
	return n + strnlen(text + n, room - n);
}

/* A place in a plain program: no more than that takes. */
struct ft_ctf_plain {
	const uint8_t *at, *end;
	const struct ft_ctf_op *op, *last;
};

/* Next but for strings, of which value->bytes is the room: how long they are the caller tells. */
static inline bool ft_ctf_plain_next(struct ft_ctf_plain *p, struct ft_ctf_value *value)
{
	const struct ft_ctf_op *op = p->op;
	uint64_t bytes = op->code == FT_CTF_OP_TEXT ? op->count : op->bytes;

	if (op == p->last || p->at > p->end || bytes > (uint64_t)(p->end - p->at))
		return false;
	p->op++;
	value->op = op;
	if (op->bytes) {
		value->u = ft_ctf_load(op, p->at);
		if (op->code == FT_CTF_OP_FLOAT)
			ft_ctf_real(value);
	} else {
		value->text = (const char *)p->at;
		value->bytes = op->code == FT_CTF_OP_TEXT ? strnlen(value->text, bytes)
							  : (size_t)(p->end - p->at);
	}
	p->at += bytes;
	return true;
}

/* Where we are in the packets of a stream. */
struct ft_ctf_cursor {
	const struct ft_ctf_meta *meta;
	struct ft_ctf_stream_class *stream; /* NULL: no packet was entered */
	const uint8_t *data;		    /* of the packet; readable up to `bytes` behind it */
	uint64_t bytes;
	uint64_t next, end;    /* bits: of the next event, of the packet's content */
	uint64_t packet_bytes; /* as declared, may be more than there are */
	uint64_t packet_at;    /* bits: of the packet's context */
	uint64_t clock;
	/* The event that is looked at. */
	struct ft_ctf_event_class *event;
	uint64_t header, context, own, fields; /* bits: where they begin */
	const char *wrong;		       /* what was, after an error */
	uint64_t wrong_at;		       /* bits */
	char why[160];
	uint64_t slots[FT_CTF_SLOTS];
};

/**
 * ft_ctf_packet_enter() - read a packet's header and context.
 * @cursor: zeroed but for meta at first; from packet to packet it keeps the clock.
 * @data, @bytes: from its beginning to the end of what there is; kept until the next packet.
 * Return: 0, and packet_bytes tells where the next one is; -EPROTO: wrong and wrong_at tell.
 */
int ft_ctf_packet_enter(struct ft_ctf_cursor *cursor, const uint8_t *data, uint64_t bytes);

/**
 * ft_ctf_event_next() - go to the next event of the packet, of which all fits.
 * Return: 1, with the event's class and places; 0 there is none; -EPROTO, as above, and of this
 *         packet there is no more.
 */
int ft_ctf_event_next(struct ft_ctf_cursor *cursor);

/**
 * ft_ctf_events_pass() - go over the packet's next events as long as nothing of them is wanted but
 * that they are there: until one is wrong, or is not always of the same size, or the last.
 * Return: how many.
 */
uint64_t ft_ctf_events_pass(struct ft_ctf_cursor *cursor);

/** ft_ctf_values_at() - begin with the values of a program at one of the cursor's places. */
static inline void ft_ctf_values_at(struct ft_ctf_cursor *c, const struct ft_ctf_program *program,
				    uint64_t at, struct ft_ctf_values *values)
{
	values->data = c->data;
	values->at = at;
	values->end = c->end;
	values->slots = c->slots;
	values->clock = NULL;
	values->ops = values->op = program->ops;
	values->depth = values->idle = 0;
	values->wrong = NULL;
}

static inline struct ft_ctf_plain ft_ctf_plain_at(const struct ft_ctf_cursor *c,
						  const struct ft_ctf_program *program, uint64_t at)
{
	return (struct ft_ctf_plain){c->data + (at + 7) / 8, c->data + c->end / 8, program->ops + 1,
				     program->ops + program->count - 2};
}

/* Folders. */

/* A file of packets, or memory that stands for one. */
struct ft_ctf_file {
	struct ft_merge_source source; /* by its next packet's begin: among those of its stream */
	char *path;
	const uint8_t *data;
	uint64_t bytes, at;	      /* at: of the next packet */
	uint64_t dropped;	      /* up to here its pages were given back */
	void *map, *memory;	      /* to be unmapped, to be freed */
	bool ended;		      /* it holds no more that can be read */
	volatile sig_atomic_t broken; /* cut off while it was mapped */
	/* A compressed one: data is what one of its frames holds, a row of whole packets. */
	const uint8_t *packed; /* NULL: it is not */
	uint64_t packed_bytes, packed_at;
	uint64_t before;   /* bytes that the frames before this one hold */
	uint8_t *unpacked; /* to be freed */
	uint64_t room;	   /* there */
};

enum ft_ctf_what { FT_CTF_EVENT, FT_CTF_LOST_EVENTS, FT_CTF_LOST_PACKETS };

struct ft_ctf_stream {
	struct ft_ctf_trace *trace;
	struct ft_ctf_cursor cursor;
	GPtrArray *files, *heap;  /* all; those that have packets yet, if there are several */
	struct ft_ctf_file *file; /* in whose packet we are; NULL: in none */
	enum ft_ctf_what what;	  /* what comes next */
	uint64_t lost;		  /* how many of these */
	int64_t ns;		  /* when, since 1970 */
	uint64_t seq, discarded;  /* of the packet before */
	uint64_t begin;		  /* as well */
	const struct ft_ctf_stream_class *class; /* as well */
	bool any;				 /* was there one? */
	const char *comm; /* its thread's name, if somebody knows; owned by the caller */
	void *user;	  /* whoever writes it: freed with the stream, by g_free() */
};

struct ft_ctf_trace {
	struct ft_ctf_reader *reader;
	struct ft_ctf_meta *meta;
	char *path;
	GPtrArray *streams;
	GHashTable *by_instance;
	const char *procname; /* of its env; NULL: it does not say */
	int64_t vpid;	      /* as well; -1 */
};

/*
 * Whose turn it is of many: a tree of losers, which holds the times themselves. A step costs a
 * comparison for each level, and nothing else is touched; merge.c's heap costs four times as much.
 */
struct ft_ctf_race {
	uint64_t time;
	uint64_t who;
};

/** ft_ctf_race_new() - of n: all are to be set or ended, from the last on. [0] is the winner. */
struct ft_ctf_race *ft_ctf_race_new(unsigned n);
/** ft_ctf_race_set() - what i has next is at that time. At the same time, the smaller i is first. */
void ft_ctf_race_set(struct ft_ctf_race *race, unsigned n, unsigned i, uint64_t time);
/** ft_ctf_race_end() - i has nothing any more. With nobody left, the winner's who is n or more. */
void ft_ctf_race_end(struct ft_ctf_race *race, unsigned n, unsigned i);

/* Several traces, as one sequence. */
struct ft_ctf_reader {
	GPtrArray *traces;
	GPtrArray *all; /* streams of all of them */
	struct ft_ctf_race *race;
	int64_t from_ns; /* packets that end before it are passed over; 0: none are */
	/*
	 * Have the next frame of a compressed file in data, bytes and at. Return: false: there is none,
	 * or it was complained of. NULL: no compressed file can be read.
	 */
	bool (*unpack)(struct ft_ctf_reader *reader, struct ft_ctf_file *file);
	/* Told what cannot be read, and where; the rest is read nevertheless. */
	void (*complain)(void *of, const char *message);
	void *of;
	unsigned complaints; /* how many */
};

/** ft_ctf_reader_clear() - frees all; the struct is the caller's, zeroed but for complain at first. */
void ft_ctf_reader_clear(struct ft_ctf_reader *reader);
/**
 * ft_ctf_reader_folder() - all traces in a folder, at any depth: folders that hold "metadata".
 * Return: how many; 0 after a complaint if there is none.
 */
unsigned ft_ctf_reader_folder(struct ft_ctf_reader *reader, const char *path);
/** ft_ctf_reader_memory() - a trace of memory that stays; NULL: complained of. */
struct ft_ctf_trace *ft_ctf_reader_memory(struct ft_ctf_reader *reader, const char *path,
					  const char *metadata, size_t bytes);
/** ft_ctf_complain() - to the caller of what cannot be read. */
void ft_ctf_complain(struct ft_ctf_reader *reader, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** ft_ctf_file_free() - @file: struct ft_ctf_file. */
void ft_ctf_file_free(gpointer file);
/** ft_ctf_file_more() - is there a packet at file->at? Of a compressed one, its next frame is had. */
bool ft_ctf_file_more(struct ft_ctf_reader *reader, struct ft_ctf_file *file);
/**
 * ft_ctf_trace_add() - a file of it.
 * @file: becomes the trace's, or is freed.
 * Return: its stream; NULL: there is nothing to read in it, which is complained of.
 */
struct ft_ctf_stream *ft_ctf_trace_add(struct ft_ctf_trace *trace, struct ft_ctf_file *file);
/** ft_ctf_stream_new() - a stream of it that has no files yet. */
struct ft_ctf_stream *ft_ctf_stream_new(struct ft_ctf_trace *trace);
/**
 * ft_ctf_stream_next() - the next of one stream: what, and its cursor's event or lost; not its ns.
 * Return: false: there is no more. What is wrong was complained of, and passed over.
 */
bool ft_ctf_stream_next(struct ft_ctf_stream *stream);
/** ft_ctf_stream_stamp() - set the ns of what comes next. */
void ft_ctf_stream_stamp(struct ft_ctf_stream *stream);
/** ft_ctf_reader_end() - the newest end of a packet, in ns since 1970: all headers are looked at. */
int64_t ft_ctf_reader_end(struct ft_ctf_reader *reader);
/**
 * ft_ctf_reader_next() - what comes next of all, in the order of time.
 * Return: its stream, which stays there until the next call; NULL: nothing.
 */
struct ft_ctf_stream *ft_ctf_reader_next(struct ft_ctf_reader *reader);

#endif
