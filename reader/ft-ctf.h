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

#include "ft-lines.h"

#define FT_CTF_MAGIC	      UINT32_C(0xC1FC1FC1)
#define FT_CTF_METADATA_MAGIC UINT32_C(0x75D11D57)
#define FT_CTF_DEPTH	      32    /* of types within types */
#define FT_CTF_IDLE	      4096  /* elements without a bit, of one event */
#define FT_CTF_OPS	      65536 /* of one event, or header, or context */
#define FT_CTF_ALL_OPS	      (1 << 20)
#define FT_CTF_OPTIONS	      4096		   /* of one variant: ranges of labels */
#define FT_CTF_ALL_OPTIONS    (1 << 22)		   /* members by labels, of all variants */
#define FT_CTF_NAME_BYTES     (1u << 26)	   /* of the full names of all fields */
#define FT_CTF_METADATA_BYTES (UINT64_C(64) << 20) /* of text */
#define FT_CTF_CLASSES	      (1u << 18)	   /* of events */
#define FT_CTF_STREAMS	      4096		   /* classes of these, and clocks */

/* Types, as declared. */

enum ft_ctf_kind {
	FT_CTF_INTEGER,
	FT_CTF_FLOAT,
	FT_CTF_ENUM,
	FT_CTF_STRING,
	FT_CTF_STRUCT,
	FT_CTF_VARIANT,
	FT_CTF_ARRAY,
	FT_CTF_SEQUENCE,
};

enum ft_ctf_order { FT_CTF_NATIVE, FT_CTF_LE, FT_CTF_BE };

/* A range of an enum's values; of a signed one, both are int64_t. */
struct ft_ctf_label {
	const char *name;
	uint64_t from, to;
};

struct ft_ctf_type {
	enum ft_ctf_kind kind;
	enum ft_ctf_order order; /* of bytes */
	bool is_signed, text;	 /* text: a character */
	bool empty;		 /* may take no bits */
	unsigned base;
	unsigned bits;
	uint64_t align;		      /* the largest within, but a variant's */
	const char *clock;	      /* whose value it is; NULL: none's */
	const struct ft_ctf_type *of; /* an enum's integer, elements */
	uint64_t count;		      /* of an array's elements */
	const char *tag;	      /* a sequence's length, what a variant depends on */
	GArray *members;	      /* of struct ft_ctf_member */
	GArray *labels;		      /* of struct ft_ctf_label */
	size_t at;		      /* where it was declared: a byte of the text */
};

/** ft_ctf_label_is() - is a value in the range of a label? */
static inline bool ft_ctf_label_is(const struct ft_ctf_label *label, uint64_t value, bool is_signed)
{
	return is_signed ? (int64_t)value >= (int64_t)label->from &&
				   (int64_t)value <= (int64_t)label->to
			 : value >= label->from && value <= label->to;
}

struct ft_ctf_member {
	const char *name;
	const struct ft_ctf_type *type;
};

/* Types, as run. */

enum ft_ctf_code {
	FT_CTF_OP_INT,
	FT_CTF_OP_FLOAT,
	FT_CTF_OP_STRING,
	FT_CTF_OP_TEXT, /* an array of characters */
	FT_CTF_OP_STRUCT,
	FT_CTF_OP_ARRAY,
	FT_CTF_OP_VARIANT,
	FT_CTF_OP_STRUCT_END,
	FT_CTF_OP_ARRAY_END,
	FT_CTF_OP_VARIANT_END,
	FT_CTF_OP_END,
};

/* Values that are kept while a packet is decoded: those with a meaning, then lengths and tags. */
enum ft_ctf_slot {
	FT_CTF_NO_SLOT,
	FT_CTF_ID,
	FT_CTF_PACKET_MAGIC,
	FT_CTF_STREAM_ID,
	FT_CTF_INSTANCE,
	FT_CTF_BEGIN,
	FT_CTF_STREAM_END,
	FT_CTF_CONTENT_SIZE,
	FT_CTF_PACKET_SIZE,
	FT_CTF_SEQ,
	FT_CTF_DISCARDED,
	FT_CTF_CPU,
	FT_CTF_TID,
	FT_CTF_OWN_SLOTS = 16,	   /* from here on an event's own */
	FT_CTF_STREAM_SLOTS = 128, /* those of a stream's header and contexts */
	FT_CTF_HEADER_SLOTS = 240, /* those of packet.header */
	FT_CTF_SLOTS = 256,
};

/* Which of a variant's members stands there. */
struct ft_ctf_option {
	uint64_t from, to; /* of the tag */
	uint32_t op;
};

/* Fields of contexts that say whose an event is. */
enum ft_ctf_who { FT_CTF_NOBODY, FT_CTF_WHO_TID, FT_CTF_WHO_VTID, FT_CTF_WHO_PROCNAME };

struct ft_ctf_op {
	uint8_t code;
	uint8_t bits;
	uint8_t bytes; /* of an integer of 1, 2, 4 or 8 whole ones in our order; 0: any other */
	uint8_t slot;
	uint8_t length_slot; /* of an array, what a variant depends on; 0: count */
	uint8_t base;
	uint8_t who; /* enum ft_ctf_who */
	bool is_signed;
	bool big;    /* endian */
	bool clock;  /* a value of the stream's clock */
	bool hidden; /* says no more than what is written elsewhere */
	bool empty;  /* of an array: its elements may take no bits */
	bool text;
	bool simple;	   /* unsigned, base 10, no label */
	uint64_t align;	   /* bits, a power of two */
	uint64_t count;	   /* of elements */
	uint64_t fixed;	   /* bits of each element, without gaps; 0: not so */
	uint32_t next;	   /* behind the end of a struct, array, variant */
	uint32_t run_next; /* behind whole bytes of fixed size that begin here */
	uint64_t run;	   /* bits of these; 0: none */
	const char *name;  /* without the first "_"; "": an element's */
	uint32_t name_bytes;
	uint8_t label_bytes; /* of " name="; 0: it is too long for label */
	char label[23];
	const struct ft_ctf_type *type; /* for an enum's labels */
	GArray *options;		/* of struct ft_ctf_option */
};

struct ft_ctf_program {
	struct ft_ctf_op *ops; /* NULL: nothing is declared, nothing stands there */
	uint32_t count;
	uint64_t align; /* of its begin: the largest in it */
	bool is_fixed;
	bool shown;	   /* not all of it is hidden */
	bool plain;	   /* numbers of whole bytes in our order, strings, texts of fixed size */
	uint64_t fixed;	   /* bits, if its size is always the same */
	GHashTable *names; /* ctf-compile.c's: what lengths and tags may mean */
};

struct ft_ctf_event_class {
	const char *name;
	uint64_t id, stream_id;
	int loglevel; /* -1: none */
	const struct ft_ctf_type *context_type, *fields_type;
	struct ft_ctf_program context, fields;
	/* Bits from an event's begin on, behind a header of one word; whole 0: not always as many. */
	uint32_t context_at, own_at, fields_at, whole;
	unsigned index; /* of all */
	size_t at;	/* where it was declared */
	bool wanted;	/* whoever reads them */
	void *user;	/* whoever writes them: freed with the class, by g_free() */
};

struct ft_ctf_clock {
	const char *name;
	uint64_t hz;
	int64_t offset_s, offset;
	bool absolute;
	int64_t base_ns; /* of its zero since 1970 */
};

struct ft_ctf_stream_class {
	uint64_t id;
	const struct ft_ctf_type *header_type, *packet_type, *context_type;
	struct ft_ctf_program header, packet, context;
	const struct ft_ctf_clock *clock;
	GPtrArray *by_id;   /* of event classes: for small ids */
	GHashTable *others; /* for large ones */
	/* A header of an id and a time in one word; id_bits 0: it is not. Larger ids mean another form. */
	uint8_t id_bits, time_bits;
	uint64_t id_last;
	unsigned slots; /* ctf-compile.c's */
	size_t at;	/* where it was declared */
};

/** ft_ctf_event_get() - Return: the class of that id; NULL: there is none. */
static inline struct ft_ctf_event_class *ft_ctf_event_get(const struct ft_ctf_stream_class *stream,
							  uint64_t id)
{
	if (G_LIKELY(id < stream->by_id->len) && stream->by_id->pdata[id])
		return stream->by_id->pdata[id];
	return g_hash_table_lookup(stream->others, &id);
}

struct ft_ctf_env {
	const char *name, *text; /* text NULL: a number */
	int64_t number;
};

/* From a byte of the text on, it stands from there on in the file. */
struct ft_ctf_part {
	size_t text, file;
};

/* What a trace's metadata says. */
struct ft_ctf_meta {
	enum ft_ctf_order order;
	bool has_uuid;
	uint8_t uuid[16];
	const struct ft_ctf_type *packet_type;
	struct ft_ctf_program packet; /* packet.header */
	GPtrArray *streams, *events, *clocks;
	GArray *env; /* of struct ft_ctf_env */
	/* What it owns. */
	GPtrArray *types, *programs;
	GStringChunk *strings;
	char *text;    /* all of it, without packets */
	GArray *parts; /* of struct ft_ctf_part: where this stands in the file */
};

/**
 * ft_ctf_meta_new() - parse and compile.
 * @data:  text, or packets of text; @bytes of them; not kept.
 * @name:  for messages.
 * Return: NULL: @error tells the line, the byte and what was expected.
 */
struct ft_ctf_meta *ft_ctf_meta_new(const char *data, size_t bytes, const char *name,
				    GError **error);
/** ft_ctf_meta_free() - NULL is accepted. */
void ft_ctf_meta_free(struct ft_ctf_meta *meta);
/** ft_ctf_env_text() - a string of the env block; NULL: there is none. */
const char *ft_ctf_env_text(const struct ft_ctf_meta *meta, const char *name);
/** ft_ctf_env_number() - a number of the env block; @other: there is none. */
int64_t ft_ctf_env_number(const struct ft_ctf_meta *meta, const char *name, int64_t other);

/** ft_ctf_clock_ns() - ns since 1970: as babeltrace2 computes it, with its rounding. */
static inline int64_t ft_ctf_clock_ns(const struct ft_ctf_clock *clock, uint64_t ticks)
{
	double ns;

	if (clock->hz == 1000000000)
		return (int64_t)((uint64_t)clock->base_ns + ticks);
	ns = (1e9 * (double)ticks) / (double)clock->hz;
	return (int64_t)((uint64_t)clock->base_ns +
			 (G_LIKELY(ns < 0x1p64) ? (uint64_t)ns : UINT64_MAX));
}

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

/** ft_ctf_value_next() - Return: false: there is none, or it does not fit: values->wrong. */
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
 * @data, @bytes: from its beginning to the end of what there is.
 * Return: 0, -EPROTO: cursor->wrong and wrong_at tell.
 */
int ft_ctf_packet_enter(struct ft_ctf_cursor *cursor, const uint8_t *data, uint64_t bytes);

/**
 * ft_ctf_event_next() - go to the next event of the packet.
 * Return: 1; 0 there is none; -EPROTO, as above.
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
	unsigned complaints;
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
/** ft_ctf_trace_add() - a file of it. Return: its stream; NULL: there is nothing to read in it. */
struct ft_ctf_stream *ft_ctf_trace_add(struct ft_ctf_trace *trace, struct ft_ctf_file *file);
/** ft_ctf_stream_new() - a stream of it that has no files yet. */
struct ft_ctf_stream *ft_ctf_stream_new(struct ft_ctf_trace *trace);
/** ft_ctf_stream_next() - the next of one stream, without its ns. Return: false: there is no more. */
bool ft_ctf_stream_next(struct ft_ctf_stream *stream);
/** ft_ctf_stream_stamp() - set the ns of what comes next. */
void ft_ctf_stream_stamp(struct ft_ctf_stream *stream);
/** ft_ctf_reader_end() - the newest end of a packet, in ns since 1970: all headers are looked at. */
int64_t ft_ctf_reader_end(struct ft_ctf_reader *reader);
/** ft_ctf_reader_next() - what comes next of all, in the order of time. NULL: nothing. */
struct ft_ctf_stream *ft_ctf_reader_next(struct ft_ctf_reader *reader);

#endif
