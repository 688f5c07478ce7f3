/* SPDX-License-Identifier: MIT */
/*
 * ft-ctf-class.h - what the metadata of a trace declares, and what of it a decoder runs; see ft-ctf.h.
 *
 * A struct ft_ctf_meta owns all that is in it, names and types too: they live until ft_ctf_meta_free().
 */
#ifndef FT_CTF_CLASS_H
#define FT_CTF_CLASS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

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
 * Return: to be freed by ft_ctf_meta_free(). NULL: @error tells the line, the byte and what was expected.
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

#endif
