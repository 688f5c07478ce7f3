/* SPDX-License-Identifier: MIT */
/*
 * ctf-type.c - TSDL's types: those that are made of others, and names.
 *
 * Types refer to each other but never to themselves: a name means what was declared before it. So
 * depth is bounded by that of the text (FT_CTF_DEPTH) here, and where they are compiled.
 */
#include <stdlib.h>
#include <string.h>

#include "ft-ctf-parse.h"

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

/* [n], [field], any number of them, behind a name: the last is the innermost. */
static struct ft_ctf_type *parse_dimensions(struct ft_ctf_parser *p, struct ft_ctf_type *of)
{
	struct ft_ctf_type *t, *inner;

	if (!ft_ctf_accept(p, "["))
		return of;
	t = ft_ctf_type_new(p, FT_CTF_ARRAY);
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
		ft_ctf_fail(p, "%s%.200s is not declared: expected a type that is", kind, name);
	else if (!t)
		ft_ctf_expected(p, "a name or \"{\"");
	return t;
}

/* A variant takes no bits if one of its members does not; a struct if none does. */
static void variant_measure(struct ft_ctf_type *t)
{
	for (guint i = 0; i < t->members->len; i++)
		t->empty |= g_array_index(t->members, struct ft_ctf_member, i).type->empty;
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
		t = ft_ctf_type_new(p, FT_CTF_STRUCT);
		if (!parse_members(p, t))
			t = NULL;
		else if (ft_ctf_accept(p, "align") &&
			 (!ft_ctf_want(p, "(") || !ft_ctf_align(p, &t->align) ||
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
	copy = ft_ctf_type_new(p, FT_CTF_VARIANT);
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
	t = ft_ctf_type_new(p, FT_CTF_VARIANT);
	t->tag = tag;
	if (!parse_members(p, t) || (!tag && !parse_tag(p, &t->tag)))
		t = NULL;
	else
		variant_measure(t);
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
		t = ft_ctf_type_new(p, FT_CTF_ENUM);
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
		ft_ctf_fail(p, "%.200s: no such type is declared before: expected one that is",
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
		t = ft_ctf_number_type(p);
	else if (ft_ctf_accept(p, "floating_point"))
		t = ft_ctf_float_type(p);
	else if (ft_ctf_accept(p, "string"))
		t = ft_ctf_string_type(p);
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
