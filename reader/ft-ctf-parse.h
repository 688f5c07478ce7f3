/* SPDX-License-Identifier: MIT */
/*
 * ft-ctf-parse.h - what the parts that read metadata say to each other; see ft-ctf.h.
 */
#ifndef FT_CTF_PARSE_H
#define FT_CTF_PARSE_H

#include "ft-ctf.h"

enum ft_ctf_token { FT_CTF_EOF, FT_CTF_WORD, FT_CTF_NUMBER, FT_CTF_QUOTED, FT_CTF_SIGN };

struct ft_ctf_parser {
	struct ft_ctf_meta *meta;
	const char *name; /* of the file */
	const char *at, *end;
	const char *from,
		*before;	 /* where the token begins that is looked at, and the one before */
	enum ft_ctf_token token; /* the one that is looked at */
	char *word;		 /* a word, a string, a sign */
	uint64_t number;
	unsigned depth;
	GPtrArray *scopes; /* of hash tables: names of types */
	GError *error;
};

/** ft_ctf_lex() - go to the next token. An error is the end, and told of. */
void ft_ctf_lex(struct ft_ctf_parser *p);
/** ft_ctf_text_get() - all text of a file's, and its parts: struct ft_ctf_part. */
bool ft_ctf_text_get(GString *text, GArray *parts, const char *data, size_t bytes, const char *name,
		     GError **error);
/** ft_ctf_error() - say what is wrong at a byte of the metadata's text. */
void ft_ctf_error(const struct ft_ctf_meta *meta, const char *name, size_t at, const char *what,
		  GError **error);
/** ft_ctf_fail() - of the token before: the first error counts. Return: false. */
bool ft_ctf_fail(struct ft_ctf_parser *p, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** ft_ctf_expected() - the same, of the token that is looked at. Return: false. */
bool ft_ctf_expected(struct ft_ctf_parser *p, const char *what);
/** ft_ctf_is() - is it this word or sign? */
bool ft_ctf_is(const struct ft_ctf_parser *p, const char *word);
/** ft_ctf_accept() - if it is, go on. */
bool ft_ctf_accept(struct ft_ctf_parser *p, const char *word);
/** ft_ctf_want() - it must be. */
bool ft_ctf_want(struct ft_ctf_parser *p, const char *word);
/** ft_ctf_integer() - a number, with its sign. */
bool ft_ctf_integer(struct ft_ctf_parser *p, uint64_t *value);
/** ft_ctf_path() - words with dots between them; NULL: told of. Owned by the metadata. */
const char *ft_ctf_path(struct ft_ctf_parser *p);

/** ft_ctf_type_new() - a type with nothing in it yet. Owned by the metadata. */
struct ft_ctf_type *ft_ctf_type_new(struct ft_ctf_parser *p, enum ft_ctf_kind kind);
/** ft_ctf_align() - a power of two. */
bool ft_ctf_align(struct ft_ctf_parser *p, uint64_t *align);
/** ft_ctf_number_type() and the like: what stands behind the keyword; NULL: told of. */
struct ft_ctf_type *ft_ctf_number_type(struct ft_ctf_parser *p);
struct ft_ctf_type *ft_ctf_float_type(struct ft_ctf_parser *p);
struct ft_ctf_type *ft_ctf_string_type(struct ft_ctf_parser *p);
/** ft_ctf_type() - a type without what stands behind the name; NULL: told of. */
struct ft_ctf_type *ft_ctf_type(struct ft_ctf_parser *p);
/** ft_ctf_declaration() - typealias, typedef, or a named type with a ";". */
bool ft_ctf_declaration(struct ft_ctf_parser *p);
/** ft_ctf_declares() - does one begin here? */
bool ft_ctf_declares(const struct ft_ctf_parser *p);
void ft_ctf_scope_push(struct ft_ctf_parser *p);
void ft_ctf_scope_pop(struct ft_ctf_parser *p);

/* Scopes in which names mean something. */
enum ft_ctf_header {
	FT_CTF_NO_HEADER,
	FT_CTF_PACKET_HEADER,
	FT_CTF_PACKET_CONTEXT,
	FT_CTF_EVENT_HEADER,
};

/* What is being compiled: ctf-class.c calls ctf-compile.c. */
struct ft_ctf_compiler {
	struct ft_ctf_meta *meta;
	const char *name; /* of the file */
	struct ft_ctf_stream_class *stream;
	struct ft_ctf_program *program; /* that is being made */
	GArray *ops;
	GString *path; /* of the compound that we are in */
	struct {       /* that are looked into beside one's own, the nearest last */
		const char *name;
		struct ft_ctf_program *program;
	} scopes[6];
	unsigned nscopes, depth;
	unsigned header_slots, own_slots; /* next ones: of packet.header, of an event */
	enum ft_ctf_header header;	  /* whose fields are compiled */
	const char *clock;
	uint32_t all_ops;
	uint64_t all_options, name_bytes;
	GError **error;
};

/** ft_ctf_program_make() - of a scope's type, which may be NULL. */
bool ft_ctf_program_make(struct ft_ctf_compiler *c, const struct ft_ctf_type *type,
			 const char *scope, struct ft_ctf_program *program);
/** ft_ctf_compile_fail() - what is wrong, at a byte of the text. Return: false. */
bool ft_ctf_compile_fail(struct ft_ctf_compiler *c, size_t at, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
/** ft_ctf_program_fast() - its slots are known: what of it can be passed over at once. */
void ft_ctf_program_fast(struct ft_ctf_program *program);
/** ft_ctf_header_fast() - of a stream: is its event.header a word? */
void ft_ctf_header_fast(struct ft_ctf_stream_class *stream);
/** ft_ctf_event_fast() - behind such a header, does an event always take as many bits? */
void ft_ctf_event_fast(const struct ft_ctf_stream_class *stream, struct ft_ctf_event_class *event);

/** ft_ctf_compile() - all of the metadata's programs. */
bool ft_ctf_compile(struct ft_ctf_meta *meta, const char *name, GError **error);

#endif
