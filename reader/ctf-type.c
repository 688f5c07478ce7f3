/* SPDX-License-Identifier: MIT */
/*
 * ctf-type.c - TSDL's types.
 *
 * Types refer to each other but never to themselves: a name means what was declared before it. So
 * depth is bounded by that of the text (FT_CTF_DEPTH) here, and where they are compiled.
 */
#include <stdlib.h>
#include <string.h>

#include "ft-ctf.h"

static struct ft_ctf_type *type_new(struct ft_ctf_parser *p, enum ft_ctf_kind kind)
{
	struct ft_ctf_type *t = g_new0(struct ft_ctf_type, 1);

	t->kind = kind;
	t->align = 1;
	t->base = 10;
	t->line = p->line;
	g_ptr_array_add(p->meta->types, t);
	return t;
}

void ft_ctf_scope_push(struct ft_ctf_parser *p)
{
	g_ptr_array_add(p->scopes, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL));
}

void ft_ctf_scope_pop(struct ft_ctf_parser *p)
{
	g_ptr_array_set_size(p->scopes, (gint)p->scopes->len - 1);
}

static void name_add(struct ft_ctf_parser *p, const char *kind, const char *name,
		     struct ft_ctf_type *type)
{
	g_hash_table_insert(p->scopes->pdata[p->scopes->len - 1], g_strconcat(kind, name, NULL),
			    type);
}

/* Return: NULL: nothing is called so. */
static struct ft_ctf_type *name_find(const struct ft_ctf_parser *p, const char *kind,
				     const char *name)
{
	char *key = g_strconcat(kind, name, NULL);
	struct ft_ctf_type *found = NULL;

	for (guint i = p->scopes->len; i && !found; i--)
		found = g_hash_table_lookup(p->scopes->pdata[i - 1], key);
	g_free(key);
	return found;
}

static bool parse_align(struct ft_ctf_parser *p, uint64_t *align)
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
		return parse_align(p, &t->align);
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
		return parse_align(p, &t->align);
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

static struct ft_ctf_type *parse_integer(struct ft_ctf_parser *p)
{
	struct ft_ctf_type *t = type_new(p, FT_CTF_INTEGER);

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

static struct ft_ctf_type *parse_float(struct ft_ctf_parser *p)
{
	struct ft_ctf_type *t = type_new(p, FT_CTF_FLOAT);

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

static struct ft_ctf_type *parse_string(struct ft_ctf_parser *p)
{
	struct ft_ctf_type *t = type_new(p, FT_CTF_STRING);

	t->align = 8;
	return !ft_ctf_is(p, "{") || parse_attributes(p, t, string_attribute) ? t : NULL;
}

/* [n], [field], any number of them, behind a name: the last is the innermost. */
static struct ft_ctf_type *parse_dimensions(struct ft_ctf_parser *p, struct ft_ctf_type *of)
{
	struct ft_ctf_type *t, *inner;

	if (!ft_ctf_accept(p, "["))
		return of;
	t = type_new(p, FT_CTF_ARRAY);
	if (p->token == FT_CTF_NUMBER) {
		t->count = p->number;
		ft_ctf_lex(p);
	} else {
		t->kind = FT_CTF_SEQUENCE;
		t->tag = ft_ctf_path(p);
	}
	if (!ft_ctf_want(p, "]"))
		return NULL;
	if (++p->depth > FT_CTF_DEPTH) {
		ft_ctf_fail(p, "more than %d dimensions: expected fewer", FT_CTF_DEPTH);
		return NULL;
	}
	inner = parse_dimensions(p, of);
	p->depth--;
	if (!inner)
		return NULL;
	t->of = inner;
	t->align = inner->align;
	t->empty = t->kind == FT_CTF_SEQUENCE || !t->count || inner->empty;
	return t;
}

/* A type, names with dimensions, and the ";". */
static bool parse_member(struct ft_ctf_parser *p, struct ft_ctf_type *to)
{
	struct ft_ctf_type *type = ft_ctf_type(p);

	if (!type)
		return false;
	do {
		struct ft_ctf_member member = {0};

		if (p->token != FT_CTF_WORD && p->token != FT_CTF_QUOTED)
			return ft_ctf_expected(p, "a field's name");
		member.name = g_string_chunk_insert(p->meta->strings, p->word);
		ft_ctf_lex(p);
		member.type = parse_dimensions(p, type);
		if (!member.type)
			return false;
		g_array_append_val(to->members, member);
	} while (ft_ctf_accept(p, ","));
	return ft_ctf_want(p, ";");
}

static bool parse_members(struct ft_ctf_parser *p, struct ft_ctf_type *t)
{
	bool ok = true;

	if (!ft_ctf_want(p, "{"))
		return false;
	t->members = g_array_new(FALSE, FALSE, sizeof(struct ft_ctf_member));
	ft_ctf_scope_push(p);
	while (ok && !ft_ctf_accept(p, "}"))
		ok = ft_ctf_declares(p) ? ft_ctf_declaration(p) : parse_member(p, t);
	ft_ctf_scope_pop(p);
	return ok && !p->error;
}

/* The name behind struct, variant or enum, if there is one. */
static char *parse_tag_name(struct ft_ctf_parser *p)
{
	char *name = NULL;

	if (p->token == FT_CTF_WORD) {
		name = g_strdup(p->word);
		ft_ctf_lex(p);
	}
	return name;
}

/* Of "struct NAME" and the like without a body: what was declared before. */
static struct ft_ctf_type *type_named(struct ft_ctf_parser *p, const char *kind, const char *name)
{
	struct ft_ctf_type *t = name ? name_find(p, kind, name) : NULL;

	if (!t && name)
		ft_ctf_fail(p, "%s%s is not declared: expected a type that is", kind, name);
	else if (!t)
		ft_ctf_expected(p, "a name or \"{\"");
	return t;
}

static void struct_measure(struct ft_ctf_type *t)
{
	t->empty = true;
	for (guint i = 0; i < t->members->len; i++) {
		const struct ft_ctf_type *member =
			g_array_index(t->members, struct ft_ctf_member, i).type;

		t->align = MAX(t->align, member->align);
		t->empty &= member->empty;
	}
}

static struct ft_ctf_type *parse_struct(struct ft_ctf_parser *p)
{
	char *name = ft_ctf_is(p, "align") ? NULL : parse_tag_name(p);
	struct ft_ctf_type *t;

	if (!ft_ctf_is(p, "{")) {
		t = type_named(p, "struct ", name);
	} else {
		t = type_new(p, FT_CTF_STRUCT);
		if (!parse_members(p, t))
			t = NULL;
		else if (ft_ctf_accept(p, "align") &&
			 (!ft_ctf_want(p, "(") || !parse_align(p, &t->align) ||
			  !ft_ctf_want(p, ")")))
			t = NULL;
		else
			struct_measure(t);
		if (t && name)
			name_add(p, "struct ", name, t);
	}
	g_free(name);
	return t;
}

/* <tag>: a variant that was declared without one gets it where it is used. */
static bool parse_tag(struct ft_ctf_parser *p, const char **tag)
{
	if (!ft_ctf_accept(p, "<"))
		return true;
	*tag = ft_ctf_path(p);
	return *tag && ft_ctf_want(p, ">");
}

static struct ft_ctf_type *variant_tagged(struct ft_ctf_parser *p, struct ft_ctf_type *t,
					  const char *tag)
{
	struct ft_ctf_type *copy;

	if (!t || !tag || t->tag == tag)
		return t;
	copy = type_new(p, FT_CTF_VARIANT);
	*copy = *t;
	copy->members = g_array_ref(t->members);
	copy->tag = tag;
	return copy;
}

static struct ft_ctf_type *parse_variant(struct ft_ctf_parser *p)
{
	char *name = parse_tag_name(p);
	const char *tag = NULL;
	struct ft_ctf_type *t = NULL;

	if (!parse_tag(p, &tag))
		goto out;
	if (!name && !ft_ctf_is(p, "{"))
		name = parse_tag_name(p);
	if (!ft_ctf_is(p, "{")) {
		t = variant_tagged(p, type_named(p, "variant ", name), tag);
		goto out;
	}
	t = type_new(p, FT_CTF_VARIANT);
	t->tag = tag;
	t->empty = true;
	if (!parse_members(p, t) || (!tag && !parse_tag(p, &t->tag)))
		t = NULL;
	if (t && name)
		name_add(p, "variant ", name, t);
out:
	g_free(name);
	return t;
}

static bool parse_labels(struct ft_ctf_parser *p, struct ft_ctf_type *t)
{
	uint64_t next = 0;

	t->labels = g_array_new(FALSE, FALSE, sizeof(struct ft_ctf_label));
	if (!ft_ctf_want(p, "{"))
		return false;
	while (!ft_ctf_accept(p, "}")) {
		struct ft_ctf_label label = {.from = next};

		if (p->token != FT_CTF_WORD && p->token != FT_CTF_QUOTED)
			return ft_ctf_expected(p, "a label or \"}\"");
		label.name = g_string_chunk_insert(p->meta->strings, p->word);
		ft_ctf_lex(p);
		if (ft_ctf_accept(p, "=") && !ft_ctf_integer(p, &label.from))
			return false;
		label.to = label.from;
		if (ft_ctf_accept(p, "...") && !ft_ctf_integer(p, &label.to))
			return false;
		g_array_append_val(t->labels, label);
		next = label.to + 1;
		if (!ft_ctf_accept(p, ",") && !ft_ctf_is(p, "}"))
			return ft_ctf_expected(p, "\",\" or \"}\"");
	}
	return !p->error;
}

static struct ft_ctf_type *parse_enum(struct ft_ctf_parser *p)
{
	char *name = parse_tag_name(p);
	struct ft_ctf_type *t = NULL, *of = NULL;

	if (ft_ctf_accept(p, ":")) {
		of = ft_ctf_type(p);
		if (of && of->kind != FT_CTF_INTEGER)
			ft_ctf_fail(p, "an enum of something else: expected an integer");
	} else if (ft_ctf_is(p, "{")) {
		of = name_find(p, "", "int");
		if (!of)
			ft_ctf_expected(p, "\":\" and an integer, for no \"int\" is declared");
	} else {
		t = type_named(p, "enum ", name);
	}
	if (of && !p->error) {
		t = type_new(p, FT_CTF_ENUM);
		t->of = of;
		t->align = of->align;
		if (!parse_labels(p, t))
			t = NULL;
		if (t && name)
			name_add(p, "enum ", name, t);
	}
	g_free(name);
	return t;
}

/* As "unsigned long": as many words as are a name together. In a member, the last one is its own. */
static struct ft_ctf_type *parse_alias(struct ft_ctf_parser *p)
{
	GString *name = g_string_new(NULL);
	struct ft_ctf_type *t = NULL, *longer;

	for (int words = 0; p->token == FT_CTF_WORD && words < 8; words++) {
		gsize before = name->len;

		g_string_append_printf(name, "%s%s", name->len ? " " : "", p->word);
		longer = name_find(p, "", name->str);
		if (t && !longer) {
			g_string_truncate(name, before);
			break;
		}
		t = longer;
		ft_ctf_lex(p);
		if (!t && p->token != FT_CTF_WORD)
			break;
	}
	if (!t && name->len)
		ft_ctf_fail(p, "%s: no such type is declared before: expected one that is",
			    name->str);
	else if (!t)
		ft_ctf_expected(p, "a type");
	g_string_free(name, TRUE);
	return p->error ? NULL : t;
}

struct ft_ctf_type *ft_ctf_type(struct ft_ctf_parser *p)
{
	struct ft_ctf_type *t;

	if (++p->depth > FT_CTF_DEPTH) {
		ft_ctf_fail(p, "types within types, more than %d deep: expected fewer",
			    FT_CTF_DEPTH);
		return NULL;
	}
	ft_ctf_accept(p, "const");
	if (ft_ctf_accept(p, "integer"))
		t = parse_integer(p);
	else if (ft_ctf_accept(p, "floating_point"))
		t = parse_float(p);
	else if (ft_ctf_accept(p, "string"))
		t = parse_string(p);
	else if (ft_ctf_accept(p, "struct"))
		t = parse_struct(p);
	else if (ft_ctf_accept(p, "variant"))
		t = parse_variant(p);
	else if (ft_ctf_accept(p, "enum"))
		t = parse_enum(p);
	else
		t = parse_alias(p);
	p->depth--;
	return p->error ? NULL : t;
}

bool ft_ctf_declares(const struct ft_ctf_parser *p)
{
	return ft_ctf_is(p, "typealias") || ft_ctf_is(p, "typedef");
}

/* Behind ":=": words up to the ";". */
static bool parse_new_name(struct ft_ctf_parser *p, struct ft_ctf_type *t)
{
	GString *name = g_string_new(NULL);

	while (p->token == FT_CTF_WORD) {
		g_string_append_printf(name, "%s%s", name->len ? " " : "", p->word);
		ft_ctf_lex(p);
	}
	if (!name->len)
		ft_ctf_expected(p, "a name");
	else
		name_add(p, "", name->str, t);
	g_string_free(name, TRUE);
	return !p->error && ft_ctf_want(p, ";");
}

bool ft_ctf_declaration(struct ft_ctf_parser *p)
{
	bool alias = ft_ctf_accept(p, "typealias");
	struct ft_ctf_type *t;
	char *name;

	if (!alias && !ft_ctf_accept(p, "typedef"))
		return (t = ft_ctf_type(p)) && ft_ctf_want(p, ";");
	t = ft_ctf_type(p);
	if (!t)
		return false;
	if (alias)
		return ft_ctf_want(p, ":=") && parse_new_name(p, t);
	name = p->token == FT_CTF_WORD ? g_strdup(p->word) : NULL;
	if (!name)
		return ft_ctf_expected(p, "a name");
	ft_ctf_lex(p);
	t = parse_dimensions(p, t);
	if (t)
		name_add(p, "", name, t);
	g_free(name);
	return t && ft_ctf_want(p, ";");
}
