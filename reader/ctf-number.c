/* SPDX-License-Identifier: MIT */
/*
 * ctf-number.c - TSDL's integers, floating point numbers and strings, with their attributes.
 */
#include <string.h>

#include "ft-ctf-parse.h"

struct ft_ctf_type *ft_ctf_type_new(struct ft_ctf_parser *p, enum ft_ctf_kind kind)
{
	struct ft_ctf_type *t = g_new0(struct ft_ctf_type, 1);

	t->kind = kind;
	t->align = 1;
	t->base = 10;
	t->at = (size_t)(p->before - p->meta->text);
	g_ptr_array_add(p->meta->types, t);
	return t;
}

bool ft_ctf_align(struct ft_ctf_parser *p, uint64_t *align)
{
	uint64_t value;

	if (!ft_ctf_integer(p, &value))
		return false;
	if (!value || value & (value - 1) || value > 1 << 15)
		return ft_ctf_fail(
			p, "align %" G_GUINT64_FORMAT ": expected a power of two, at most 32768",
			value);
	*align = value;
	return true;
}

static bool parse_order(struct ft_ctf_parser *p, enum ft_ctf_order *order)
{
	if (ft_ctf_accept(p, "le"))
		*order = FT_CTF_LE;
	else if (ft_ctf_accept(p, "be") || ft_ctf_accept(p, "network"))
		*order = FT_CTF_BE;
	else if (ft_ctf_accept(p, "native"))
		*order = FT_CTF_NATIVE;
	else
		return ft_ctf_expected(p, "le, be, network or native");
	return true;
}

static bool parse_signed(struct ft_ctf_parser *p, bool *is_signed)
{
	uint64_t value;

	if (ft_ctf_accept(p, "true") || ft_ctf_accept(p, "TRUE"))
		*is_signed = true;
	else if (ft_ctf_accept(p, "false") || ft_ctf_accept(p, "FALSE"))
		*is_signed = false;
	else if (ft_ctf_integer(p, &value))
		*is_signed = value != 0;
	else
		return false;
	return true;
}

static bool parse_base(struct ft_ctf_parser *p, unsigned *base)
{
	static const struct {
		const char *name;
		unsigned base;
	} names[] = {{"decimal", 10}, {"dec", 10},	   {"d", 10},	 {"i", 10},
		     {"u", 10},	      {"hexadecimal", 16}, {"hex", 16},	 {"x", 16},
		     {"X", 16},	      {"p", 16},	   {"octal", 8}, {"oct", 8},
		     {"o", 8},	      {"binary", 2},	   {"bin", 2},	 {"b", 2}};
	uint64_t value;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (ft_ctf_accept(p, names[i].name)) {
			*base = names[i].base;
			return true;
		}
	if (!ft_ctf_integer(p, &value))
		return false;
	if (value != 2 && value != 8 && value != 10 && value != 16)
		return ft_ctf_fail(p, "base %" G_GUINT64_FORMAT ": expected 2, 8, 10 or 16", value);
	*base = (unsigned)value;
	return true;
}

static bool parse_encoding(struct ft_ctf_parser *p, bool *text)
{
	if (ft_ctf_accept(p, "UTF8") || ft_ctf_accept(p, "utf8") || ft_ctf_accept(p, "ASCII") ||
	    ft_ctf_accept(p, "ascii"))
		*text = true;
	else if (ft_ctf_accept(p, "none") || ft_ctf_accept(p, "NONE"))
		*text = false;
	else if (p->token == FT_CTF_QUOTED) {
		*text = g_ascii_strcasecmp(p->word, "none") != 0;
		ft_ctf_lex(p);
	} else
		return ft_ctf_expected(p, "UTF8, ASCII or none");
	return true;
}

/* "clock.NAME.value": the name, which may be a string. */
static bool parse_map(struct ft_ctf_parser *p, struct ft_ctf_type *t)
{
	if (!ft_ctf_want(p, "clock") || !ft_ctf_want(p, "."))
		return false;
	if (p->token != FT_CTF_WORD && p->token != FT_CTF_QUOTED)
		return ft_ctf_expected(p, "a clock's name");
	t->clock = g_string_chunk_insert(p->meta->strings, p->word);
	ft_ctf_lex(p);
	return ft_ctf_want(p, ".") && ft_ctf_want(p, "value");
}

static bool parse_bits(struct ft_ctf_parser *p, unsigned most, unsigned *bits)
{
	uint64_t value;

	if (!ft_ctf_integer(p, &value))
		return false;
	if (!value || value > most)
		return ft_ctf_fail(p, "%" G_GUINT64_FORMAT " bits: expected 1 to %u", value, most);
	*bits = (unsigned)value;
	return true;
}

/* An attribute that is not ours: its value is passed over. */
static bool skip_value(struct ft_ctf_parser *p)
{
	while (p->token != FT_CTF_EOF && !ft_ctf_is(p, ";") && !ft_ctf_is(p, "}"))
		ft_ctf_lex(p);
	return !p->error;
}

static bool integer_attribute(struct ft_ctf_parser *p, struct ft_ctf_type *t, const char *name)
{
	if (!strcmp(name, "size"))
		return parse_bits(p, 64, &t->bits);
	if (!strcmp(name, "align"))
		return ft_ctf_align(p, &t->align);
	if (!strcmp(name, "signed"))
		return parse_signed(p, &t->is_signed);
	if (!strcmp(name, "byte_order"))
		return parse_order(p, &t->order);
	if (!strcmp(name, "base"))
		return parse_base(p, &t->base);
	if (!strcmp(name, "encoding"))
		return parse_encoding(p, &t->text);
	if (!strcmp(name, "map"))
		return parse_map(p, t);
	return skip_value(p);
}

static bool float_attribute(struct ft_ctf_parser *p, struct ft_ctf_type *t, const char *name)
{
	unsigned bits = 0;

	if (!strcmp(name, "exp_dig") || !strcmp(name, "mant_dig")) {
		if (!parse_bits(p, 64, &bits))
			return false;
		t->bits += bits;
		return true;
	}
	if (!strcmp(name, "align"))
		return ft_ctf_align(p, &t->align);
	if (!strcmp(name, "byte_order"))
		return parse_order(p, &t->order);
	return skip_value(p);
}

static bool string_attribute(struct ft_ctf_parser *p, struct ft_ctf_type *t, const char *name)
{
	bool text = true;

	(void)t;
	return strcmp(name, "encoding") ? skip_value(p) : parse_encoding(p, &text);
}

typedef bool attribute_fn(struct ft_ctf_parser *p, struct ft_ctf_type *t, const char *name);

/* { name = value; ... } */
static bool parse_attributes(struct ft_ctf_parser *p, struct ft_ctf_type *t, attribute_fn *set)
{
	if (!ft_ctf_want(p, "{"))
		return false;
	while (!ft_ctf_accept(p, "}")) {
		char name[32];

		if (p->token != FT_CTF_WORD)
			return ft_ctf_expected(p, "an attribute or \"}\"");
		g_strlcpy(name, p->word, sizeof(name));
		ft_ctf_lex(p);
		if (!ft_ctf_want(p, "=") || !set(p, t, name) || !ft_ctf_want(p, ";"))
			return false;
	}
	return !p->error;
}

struct ft_ctf_type *ft_ctf_number_type(struct ft_ctf_parser *p)
{
	struct ft_ctf_type *t = ft_ctf_type_new(p, FT_CTF_INTEGER);

	t->align = 0;
	if (!parse_attributes(p, t, integer_attribute))
		return NULL;
	if (!t->bits) {
		ft_ctf_fail(p, "this integer has no size: expected \"size = BITS;\"");
		return NULL;
	}
	if (!t->align)
		t->align = t->bits % 8 ? 1 : 8;
	return t;
}

struct ft_ctf_type *ft_ctf_float_type(struct ft_ctf_parser *p)
{
	struct ft_ctf_type *t = ft_ctf_type_new(p, FT_CTF_FLOAT);

	t->align = 0;
	if (!parse_attributes(p, t, float_attribute))
		return NULL;
	if (t->bits != 32 && t->bits != 64) {
		ft_ctf_fail(
			p, "a floating_point of %u bits: expected exp_dig and mant_dig of 32 or 64",
			t->bits);
		return NULL;
	}
	if (!t->align)
		t->align = 8;
	return t;
}

struct ft_ctf_type *ft_ctf_string_type(struct ft_ctf_parser *p)
{
	struct ft_ctf_type *t = ft_ctf_type_new(p, FT_CTF_STRING);

	t->align = 8;
	return !ft_ctf_is(p, "{") || parse_attributes(p, t, string_attribute) ? t : NULL;
}
