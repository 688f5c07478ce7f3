/* SPDX-License-Identifier: MIT */
/*
 * where.c - conditions on fields: parsed by recursive descent, evaluated as a tree.
 */
#include "where.h"

#include <math.h>

#include "cmd.h"
#include "ft-rules.h"

#define DEPTH 64 /* of ! and ( within each other */

/* FIELD OPERATOR VALUE */
struct term {
	char *name;
	char operator; /* = ! < l > g ~: l and g with = */
	char *text;
	bool is_number;
	double real;
	int64_t number;
	bool is_real;
};

enum kind { TERM, NOT, AND, OR };

struct ft_where {
	enum kind kind;
	struct ft_where *left, *right; /* NOT: left alone */
	struct term term;
};

struct parser {
	const char *text, *at;
	unsigned depth;
	const char *expected; /* there; NULL: all is well so far */
};

static struct ft_where *any_parse(struct parser *p);

static struct ft_where *wrong(struct parser *p, const char *expected)
{
	if (!p->expected)
		p->expected = expected;
	return NULL;
}

static bool skip(struct parser *p, const char *sign)
{
	p->at += strspn(p->at, " \t");
	if (strncmp(p->at, sign, strlen(sign)))
		return false;
	p->at += strlen(sign);
	return true;
}

static char operator_parse(struct parser *p)
{
	static const char signs[][3] = {"!=", "<=", ">=", "==", "=", "<", ">", "~"};
	static const char codes[] = "!lg==<>~";

	for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
		if (skip(p, signs[i]))
			return codes[i];
	wrong(p, "one of = == != < <= > >= ~");
	return 0;
}

static char *quoted_parse(struct parser *p)
{
	const char *begin = p->at;
	char quote = *p->at++;
	GString *text = g_string_new(NULL);

	for (; *p->at && *p->at != quote; p->at++) {
		if (*p->at == '\\' && p->at[1])
			p->at++;
		g_string_append_c(text, *p->at);
	}
	if (*p->at == quote) {
		p->at++;
		return g_string_free(text, FALSE);
	}
	g_string_free(text, TRUE);
	p->at = begin;
	wrong(p, "a quote at the end of what begins with one");
	return NULL;
}

static char *word_parse(struct parser *p)
{
	const char *end = p->at;
	char *word;

	while (*end && !strchr(" \t()", *end) && strncmp(end, "&&", 2) && strncmp(end, "||", 2))
		end++;
	if (end == p->at) {
		wrong(p, "a value");
		return NULL;
	}
	word = g_strndup(p->at, (gsize)(end - p->at));
	p->at = end;
	return word;
}

static void numbers_parse(struct term *t)
{
	char *end;

	errno = 0;
	t->number = g_ascii_strtoll(t->text, &end, 0);
	t->is_number = !*end && errno != ERANGE;
	t->real = g_ascii_strtod(t->text, &end);
	t->is_real = !*end;
}

static struct ft_where *term_parse(struct parser *p)
{
	size_t bytes = strcspn(p->at, " \t=!<>~()&|\"'");
	struct ft_where *where;
	struct term t = {.name = NULL};
	const char *value;

	if (!bytes)
		return wrong(p, "a field, ! or (");
	t.name = g_strndup(p->at, bytes);
	p->at += bytes;
	t.operator= operator_parse(p);
	value = p->at += strspn(p->at, " \t");
	if (t.operator) {
		if (*p->at == '"' || *p->at == '\'')
			t.text = quoted_parse(p);
		else if ((t.text = word_parse(p)))
			numbers_parse(&t);
	}
	if (t.text && strchr("<>lg", t.operator) && !t.is_real) {
		p->at = value;
		wrong(p, "a number");
	}
	where = g_new0(struct ft_where, 1);
	where->term = t;
	return where;
}

static struct ft_where *node_new(enum kind kind, struct ft_where *left, struct ft_where *right)
{
	struct ft_where *where = g_new0(struct ft_where, 1);

	where->kind = kind;
	where->left = left;
	where->right = right;
	return where;
}

static struct ft_where *not_parse(struct parser *p)
{
	struct ft_where *where;

	if (p->depth == DEPTH)
		return wrong(p, "at most 64 of ! and ( within each other");
	p->depth++;
	if (skip(p, "!")) {
		where = node_new(NOT, not_parse(p), NULL);
	} else if (skip(p, "(")) {
		where = any_parse(p);
		if (!p->expected && !skip(p, ")"))
			wrong(p, "&&, || or )");
	} else {
		where = term_parse(p);
	}
	p->depth--;
	return where;
}

static struct ft_where *all_parse(struct parser *p)
{
	struct ft_where *where = not_parse(p);

	while (!p->expected && skip(p, "&&"))
		where = node_new(AND, where, not_parse(p));
	return where;
}

static struct ft_where *any_parse(struct parser *p)
{
	struct ft_where *where = all_parse(p);

	while (!p->expected && skip(p, "||"))
		where = node_new(OR, where, all_parse(p));
	return where;
}

/* The text, and a caret below the place. */
static void tell(const struct parser *p)
{
	char *before = ft_safe_text(p->text, (size_t)(p->at - p->text));
	char *all = ft_safe_text(p->text, strlen(p->text));

	ft_misused("--where=%s: expected %s\n  %s\n  %*s^", all, p->expected, all,
		   (int)g_utf8_strlen(before, -1), "");
	g_free(before);
	g_free(all);
}

static bool ended(struct parser *p)
{
	return skip(p, "") && !*p->at;
}

struct ft_where *ft_where_parse(const char *text)
{
	struct parser p = {text, text, 0, NULL};
	struct ft_where *where = any_parse(&p);

	if (!p.expected && !ended(&p))
		wrong(&p, "&&, || or the end");
	if (!p.expected)
		return where;
	tell(&p);
	ft_where_free(where);
	return NULL;
}

static bool number_holds(const struct term *t, int order)
{
	switch (t->operator) {
	case '=':
		return order == 0;
	case '!':
		return order != 0;
	case '<':
		return order < 0;
	case 'l':
		return order <= 0;
	case '>':
		return order > 0;
	default:
		return t->operator== 'g' && order >= 0;
	}
}

static bool text_holds(const struct term *t, const char *text, size_t bytes)
{
	struct ft_span value = {text, bytes}, glob = {t->text, strlen(t->text)};
	bool same = bytes == glob.len && !memcmp(text, glob.text, bytes);

	if (t->operator== '~')
		return ft_glob_match(glob, value);
	return t->operator== '=' ? same : t->operator== '!' && !same;
}

static bool label_holds(const struct term *t, const struct ft_ctf_value *value)
{
	const GArray *labels = value->op->type->labels;

	for (guint i = 0; i < labels->len; i++) {
		const struct ft_ctf_label *l = &g_array_index(labels, struct ft_ctf_label, i);

		if (ft_ctf_label_is(l, value->u, value->op->is_signed))
			return text_holds(t, l->name, strlen(l->name));
	}
	return t->operator== '!';
}

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static bool value_holds(const struct term *t, const struct ft_ctf_value *value)
{
	switch (value->op->code) {
	case FT_CTF_OP_INT:
		if (value->op->type->kind == FT_CTF_ENUM && !t->is_number)
			return label_holds(t, value);
		if (t->is_number && (value->op->is_signed || value->u <= INT64_MAX))
			return number_holds(t, ORDER((int64_t)value->u, t->number));
		return t->is_real && number_holds(t, ORDER((double)value->u, t->real));
	case FT_CTF_OP_FLOAT:
		if (isnan(value->real) || isnan(t->real))
			return t->operator== '!';
		return t->is_real && number_holds(t, ORDER(value->real, t->real));
	case FT_CTF_OP_STRING:
	case FT_CTF_OP_TEXT:
		return text_holds(t, value->text, value->bytes);
	default:
		return false;
	}
}

/* Does it hold for any field of that name? */
static bool scope_holds(const struct term *t, struct ft_ctf_cursor *c,
			const struct ft_ctf_program *program, uint64_t at)
{
	struct ft_ctf_values values;
	struct ft_ctf_value value;

	if (!program->ops)
		return false;
	ft_ctf_values_at(c, program, at, &values);
	while (ft_ctf_value_next(&values, &value))
		if (!strcmp(value.op->name, t->name) && value_holds(t, &value))
			return true;
	return false;
}

static bool term_holds(const struct term *t, struct ft_ctf_cursor *c)
{
	return scope_holds(t, c, &c->event->fields, c->fields) ||
	       scope_holds(t, c, &c->event->context, c->own) ||
	       scope_holds(t, c, &c->stream->context, c->context) ||
	       (c->stream->packet.shown && scope_holds(t, c, &c->stream->packet, c->packet_at));
}

bool ft_where_holds(const struct ft_where *where, struct ft_ctf_cursor *c)
{
	switch (where->kind) {
	case NOT:
		return !ft_where_holds(where->left, c);
	case AND:
		return ft_where_holds(where->left, c) && ft_where_holds(where->right, c);
	case OR:
		return ft_where_holds(where->left, c) || ft_where_holds(where->right, c);
	default:
		return term_holds(&where->term, c);
	}
}

void ft_where_free(struct ft_where *where)
{
	if (!where)
		return;
	ft_where_free(where->left);
	ft_where_free(where->right);
	g_free(where->term.name);
	g_free(where->term.text);
	g_free(where);
}
