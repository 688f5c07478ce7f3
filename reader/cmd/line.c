/* SPDX-License-Identifier: MIT */
/*
 * line.c - an event as a line for people, as `trace` of a mount has it:
 *
 *   NAME-TID SECONDS.NANOSECONDS: PROVIDER:EVENT: FIELD=VALUE FIELD=VALUE
 *
 * and "[CPU] " behind the tid where packets tell it.
 */
#include "cmd.h"
#include "out.h"

/* What the lines of a stream begin with, unless each event says it. */
struct who_text {
	int64_t tid, cpu;
	size_t bytes;
	char text[]; /* as for ft_out_fixed() */
};

static char *who_make(const struct ft_who *who)
{
	GString *name = g_string_new(NULL), *text = g_string_new(NULL);
	char *all;

	if (who->comm)
		ft_append_escaped(name, who->comm, who->comm_bytes, '\\');
	if (who->tid >= 0)
		g_string_printf(text, "%" G_GINT64_FORMAT, who->tid);
	all = who->cpu < 0 ? g_strdup_printf("%16s-%-7s ", name->str, text->str)
			   : g_strdup_printf("%16s-%-7s [%03d] ", name->str, text->str,
					     (int)MIN(who->cpu, 99999));
	g_string_free(name, TRUE);
	g_string_free(text, TRUE);
	return all;
}

static struct who_text *who_cached(struct ft_ctf_stream *s)
{
	struct who_text *cached = s->user;
	int64_t tid = (int64_t)s->cursor.slots[FT_CTF_TID];
	int64_t cpu = (int64_t)s->cursor.slots[FT_CTF_CPU];
	struct ft_who who;
	char *text;

	if (cached && cached->tid == tid && cached->cpu == cpu)
		return cached;
	ft_who_get(s, &who);
	text = who_make(&who);
	g_free(cached);
	s->user = cached = g_malloc0(sizeof(*cached) + ((strlen(text) + 31) & ~(size_t)31));
	cached->bytes = strlen(text);
	memcpy(cached->text, text, cached->bytes);
	cached->tid = tid;
	cached->cpu = cpu;
	g_free(text);
	return cached;
}

static void spaces(struct ft_out *out, size_t written, size_t width)
{
	if (written >= width)
		return;
	memset(out->at, ' ', width - written);
	out->at += width - written;
}

/* As who_make(), of each event. */
static void who_each(struct ft_out *out, struct ft_ctf_stream *s)
{
	struct ft_who who;
	char *begin;

	ft_who_get(s, &who);
	spaces(out, who.comm_bytes, 16);
	if (who.comm_bytes)
		ft_out_plain(out, who.comm, who.comm_bytes);
	ft_out_char(out, '-');
	begin = out->at;
	if (who.tid >= 0)
		ft_out_i64(out, who.tid);
	spaces(out, (size_t)(out->at - begin), 7);
	if (who.cpu >= 0) {
		ft_out_bytes(out, " [", 2);
		ft_out_bytes(out, "000", who.cpu < 10 ? 2 : who.cpu < 100 ? 1 : 0);
		ft_out_i64(out, who.cpu);
		ft_out_char(out, ']');
	}
	ft_out_char(out, ' ');
}

static void who_write(struct ft_out *out, struct ft_ctf_stream *s)
{
	struct who_text *who;

	if (s->what == FT_CTF_EVENT && s->cursor.stream->context.ops) {
		who_each(out, s);
		return;
	}
	who = who_cached(s);
	ft_out_need(out, who->bytes + FT_OUT_ROOM);
	ft_out_fixed(out, who->text, who->bytes);
}

/* "LABEL(VALUE)", "ONE|TWO(VALUE)", or the value alone. */
static void enum_write(struct ft_out *out, const struct ft_ctf_op *op, uint64_t value)
{
	const GArray *labels = op->type->labels;
	bool any = false;

	for (guint i = 0; i < labels->len; i++) {
		const struct ft_ctf_label *l = &g_array_index(labels, struct ft_ctf_label, i);

		if (!ft_ctf_label_is(l, value, op->is_signed))
			continue;
		if (any)
			ft_out_char(out, '|');
		ft_out_plain(out, l->name, strlen(l->name));
		any = true;
	}
	if (any)
		ft_out_char(out, '(');
	ft_out_integer(out, op, value);
	if (any)
		ft_out_char(out, ')');
}

static void integer_write(struct ft_out *out, const struct ft_ctf_value *value)
{
	char letter = (char)value->u;

	if (G_UNLIKELY(value->op->type->kind == FT_CTF_ENUM))
		enum_write(out, value->op, value->u);
	else if (value->op->text && value->op->bits == 8)
		ft_out_quoted(out, &letter, 1, '\'');
	else
		ft_out_integer(out, value->op, value->u);
}

/* " name=", "name=" where something begins, "," between elements. */
static inline void label_write(struct ft_out *out, const struct ft_ctf_op *op, bool *begun)
{
	bool first = *begun;

	*begun = false;
	if (G_LIKELY(op->label_bytes && !first)) {
		memcpy(out->at, op->label, sizeof(op->label));
		out->at += op->label_bytes;
	} else if (op->name_bytes) {
		ft_out_need(out, op->name_bytes + FT_OUT_ROOM);
		if (!first)
			ft_out_char(out, ' ');
		ft_out_bytes(out, op->name, op->name_bytes);
		ft_out_char(out, '=');
	} else if (!first) {
		ft_out_char(out, ',');
	}
}

static void text_write(struct ft_out *out, const struct ft_ctf_value *value)
{
	/* A single character, as our tracer declares it. */
	if (value->op->count == 1 && !value->op->length_slot)
		ft_out_quoted(out, value->text, 1, '\'');
	else
		ft_out_quoted(out, value->text, value->bytes, '"');
}

/* @begun: nothing stands before it in its compound. @whole: all fields: none is said elsewhere. */
static void value_write(struct ft_out *out, const struct ft_ctf_value *value, bool *begun)
{
	switch (value->op->code) {
	case FT_CTF_OP_INT:
		integer_write(out, value);
		break;
	case FT_CTF_OP_FLOAT:
		ft_out_real(out, value->real, value->op->bits == 32);
		break;
	case FT_CTF_OP_STRING:
		ft_out_quoted(out, value->text, value->bytes, '"');
		break;
	case FT_CTF_OP_TEXT:
		text_write(out, value);
		break;
	case FT_CTF_OP_ARRAY:
		ft_out_char(out, '[');
		*begun = true;
		break;
	default: /* a struct */
		ft_out_char(out, '{');
		*begun = true;
	}
}

/* Return: true: it is an end, or nothing. */
static bool end_write(struct ft_out *out, struct ft_ctf_values *values, const struct ft_ctf_op *op,
		      bool *begun)
{
	switch (op->code) {
	case FT_CTF_OP_VARIANT:
	case FT_CTF_OP_VARIANT_END: /* its member stands for it */
		return true;
	case FT_CTF_OP_STRUCT_END:
		ft_out_char(out, '}');
		break;
	case FT_CTF_OP_ARRAY_END:
		if (values->op == op + 1) /* the last element */
			ft_out_char(out, ']');
		break;
	default:
		return false;
	}
	*begun = false;
	return true;
}

/* The values of a scope, which is a struct: its own braces are left out. */
static void values_write(struct ft_out *out, struct ft_ctf_cursor *c,
			 const struct ft_ctf_program *program, uint64_t at, bool who)
{
	const struct ft_ctf_op *last = program->ops + program->count - 2;
	struct ft_ctf_values values;
	struct ft_ctf_value value;
	bool begun = false;

	ft_ctf_values_at(c, program, at, &values);
	while (ft_ctf_value_next(&values, &value)) {
		const struct ft_ctf_op *op = value.op;

		if (op == program->ops || op == last || op->hidden || (who && op->who))
			continue;
		ft_out_need(out, FT_OUT_ROOM);
		if (end_write(out, &values, op, &begun))
			continue;
		label_write(out, op, &begun);
		value_write(out, &value, &begun);
	}
}

/* The same of a plain program, which is most of what there is: no more than it takes. */
static void plain_write(struct ft_out *out, const struct ft_ctf_cursor *c,
			const struct ft_ctf_program *program, uint64_t at, bool who)
{
	struct ft_ctf_plain plain = ft_ctf_plain_at(c, program, at);
	struct ft_ctf_value value;
	bool begun = false;

	while (ft_ctf_plain_next(&plain, &value)) {
		const struct ft_ctf_op *op = value.op;

		if (who && op->who) {
			if (op->code == FT_CTF_OP_STRING)
				plain.at += ft_ctf_string_bytes(value.text, value.bytes) + 1;
			continue;
		}
		ft_out_need(out, FT_OUT_ROOM);
		label_write(out, op, &begun);
		if (op->simple)
			ft_out_u64(out, value.u);
		else if (op->code == FT_CTF_OP_STRING)
			plain.at += ft_out_string(out, value.text, value.bytes) + 1;
		else
			value_write(out, &value, &begun);
	}
}

static void scope_write(struct ft_out *out, struct ft_ctf_cursor *c,
			const struct ft_ctf_program *program, uint64_t at, bool who)
{
	if (program->plain)
		plain_write(out, c, program, at, who);
	else if (program->ops)
		values_write(out, c, program, at, who);
}

/* Of a terminal's eight, which have the look that its user gave them. */
#define DIM    "\033[2m"
#define PLAIN  "\033[0m"
#define RED    "\033[1;31m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"

static const char *level_colour(int level)
{
	if (level < 0 || level > FASTTRACE_WARNING)
		return CYAN;
	return level < FASTTRACE_WARNING ? RED : YELLOW;
}

static void colour_write(struct ft_out *out, const char *colour)
{
	if (G_UNLIKELY(out->colour))
		ft_out_bytes(out, colour, strlen(colour));
}

/* ": NAME:" of an event. */
struct event_text {
	size_t bytes;
	char text[]; /* as for ft_out_fixed() */
};

static struct event_text *event_text(struct ft_ctf_event_class *event, bool colour)
{
	GString *text = g_string_new(": ");
	struct event_text *made;

	if (colour)
		g_string_append(text, level_colour(event->loglevel));
	ft_append_escaped(text, event->name, strlen(event->name), '\\');
	if (colour)
		g_string_append(text, PLAIN);
	g_string_append_c(text, ':');
	event->user = made = g_malloc0(sizeof(*made) + ((text->len + 31) & ~(gsize)31));
	made->bytes = text->len;
	memcpy(made->text, text->str, text->len);
	g_string_free(text, TRUE);
	return made;
}

static void event_write(struct ft_out *out, struct ft_ctf_cursor *c)
{
	struct ft_ctf_event_class *event = c->event;
	struct event_text *text = event->user ? event->user : event_text(event, out->colour);

	ft_out_need(out, text->bytes + FT_OUT_ROOM);
	ft_out_fixed(out, text->text, text->bytes);
	if (c->stream->packet.shown)
		scope_write(out, c, &c->stream->packet, c->packet_at, false);
	scope_write(out, c, &c->stream->context, c->context, true);
	scope_write(out, c, &event->context, c->own, false);
	scope_write(out, c, &event->fields, c->fields, false);
}

void ft_line_write(struct ft_out *out, struct ft_ctf_stream *s)
{
	ft_out_need(out, FT_OUT_ROOM);
	who_write(out, s);
	colour_write(out, DIM);
	ft_out_time(out, s->ns);
	colour_write(out, PLAIN);
	if (G_LIKELY(s->what == FT_CTF_EVENT)) {
		event_write(out, &s->cursor);
	} else {
		ft_out_bytes(out, ": ", 2);
		colour_write(out, RED);
		ft_out_bytes(out, "LOST ", 5);
		ft_out_u64(out, s->lost);
		if (s->what == FT_CTF_LOST_EVENTS)
			ft_out_bytes(out, " EVENTS", 7);
		else
			ft_out_bytes(out, " PACKETS", 8);
		colour_write(out, PLAIN);
	}
	ft_out_need(out, 1);
	ft_out_char(out, '\n');
}
