/* SPDX-License-Identifier: MIT */
/*
 * out.h - events as text, into one large buffer: out.c has numbers and strings, line.c the lines that
 * people read, json.c those for programs.
 */
#ifndef FT_OUT_H
#define FT_OUT_H

#include <string.h>

#include "ft-ctf.h"

#define FT_OUT_ROOM 512 /* that there is for what has a bound: a number, a label */

/* What is to be written. Of its first error the errno stays, and no more is written. */
struct ft_out {
	char *at, *end; /* the next byte; behind the last one */
	char *begin;
	int fd; /* -1: it stays in memory */
	int error;
	bool utc;    /* times as dates */
	bool colour; /* of a terminal's: in lines */
	/* The second that was written last. */
	int64_t second_ns;
	char second[24];
	size_t second_bytes;
	GString *scratch;
};

void ft_out_open(struct ft_out *out, int fd);
/** ft_out_close() - write the rest. Return: 0 or -errno. */
int ft_out_close(struct ft_out *out);
/** ft_out_flush() - write what there is. */
void ft_out_flush(struct ft_out *out);
/** ft_out_grow() - have room for that many bytes. */
void ft_out_grow(struct ft_out *out, size_t bytes);

static inline void ft_out_need(struct ft_out *out, size_t bytes)
{
	if (G_UNLIKELY((size_t)(out->end - out->at) < bytes))
		ft_out_grow(out, bytes);
}

/* These count on room: FT_OUT_ROOM. */
static inline void ft_out_char(struct ft_out *out, char c)
{
	*out->at++ = c;
}

static inline void ft_out_bytes(struct ft_out *out, const char *text, size_t bytes)
{
	memcpy(out->at, text, bytes);
	out->at += bytes;
}

/** ft_out_fixed() - text of which as many bytes can be read as are a multiple of 32. */
static inline void ft_out_fixed(struct ft_out *out, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 32)
		memcpy(out->at + i, text + i, 32);
	out->at += bytes;
}

/** ft_text_fixed() - a copy for it, to be freed. */
static inline char *ft_text_fixed(const char *text, size_t bytes)
{
	char *copy = g_malloc0((bytes + 31) & ~(size_t)31);

	memcpy(copy, text, bytes);
	return copy;
}

void ft_out_u64(struct ft_out *out, uint64_t value);
void ft_out_i64(struct ft_out *out, int64_t value);
/** ft_out_integer() - in the base of its declaration. */
void ft_out_integer(struct ft_out *out, const struct ft_ctf_op *op, uint64_t value);
/** ft_out_real() - as few digits as give the same number again. @single: as a float. */
void ft_out_real(struct ft_out *out, double value, bool single);
/** ft_out_time() - "seconds.nanoseconds", or a date. */
void ft_out_time(struct ft_out *out, int64_t ns);

/** ft_out_quoted() - text that stays in its line, between quotes, escaped as in C. Makes room. */
void ft_out_quoted(struct ft_out *out, const char *text, size_t bytes, char quote);
/**
 * ft_out_string() - as ft_out_quoted(), of a string that ends with a zero byte.
 * @room: bytes that can be read.
 * Return: of the string; @room: it does not end.
 */
size_t ft_out_string(struct ft_out *out, const char *text, size_t room);
/** ft_out_plain() - the same without quotes. */
void ft_out_plain(struct ft_out *out, const char *text, size_t bytes);

/* Whose an event is, as far as it is known. */
struct ft_who {
	const char *comm; /* NULL: not known */
	size_t comm_bytes;
	int64_t tid, cpu; /* -1: not known */
	bool has_vtid;
};

/** ft_who_get() - of what comes next of a stream. */
void ft_who_get(struct ft_ctf_stream *stream, struct ft_who *who);

/**
 * ft_fields_only() - of all events write those fields alone, in their own order.
 * @list: names, with commas between.
 * Return: EXIT_SUCCESS; EXIT_FAILURE: no event has one of them, and it was told.
 */
int ft_fields_only(struct ft_ctf_reader *reader, const char *list);

/** ft_fields_declared() - the same of one trace, whenever it declares more, and no word of what none has. */
void ft_fields_declared(struct ft_ctf_trace *trace, const char *list);

/** ft_line_write(), ft_json_write() - a line for what comes next of a stream. */
void ft_line_write(struct ft_out *out, struct ft_ctf_stream *stream);
void ft_json_write(struct ft_out *out, struct ft_ctf_stream *stream);
/** ft_json_string() - between quotes. Makes room. */
void ft_json_string(struct ft_out *out, const char *text, size_t bytes);
/** ft_json_args() - an object of the fields of contexts and of the event. */
void ft_json_args(struct ft_out *out, struct ft_ctf_cursor *cursor);

#endif
