/* SPDX-License-Identifier: MIT */
/*
 * json.c - an event as a line of JSON:
 *
 *   {"time":"SECONDS.NANOSECONDS","comm":"NAME","tid":1,"event":"PROVIDER:EVENT","fields":{...}}
 *
 * The time is a string, for few readers keep 19 digits of a number. Fields of contexts stand in
 * "context". An enum is {"label":"NAME","value":1}; numbers that are none in JSON are strings.
 */
#include <math.h>

#include "cmd.h"
#include "out.h"

static size_t plain_bytes(const char *text, size_t bytes)
{
	size_t n = 0;

	while (n < bytes && text[n] >= ' ' && text[n] < 0x7f && text[n] != '\\' && text[n] != '"')
		n++;
	return n;
}

static void character_escape(GString *to, char c)
{
	if (c == '"' || c == '\\')
		g_string_append_printf(to, "\\%c", c);
	else if ((unsigned char)c < ' ' || c == 0x7f)
		g_string_append_printf(to, "\\u%04x", (unsigned char)c);
	else
		g_string_append_c(to, c);
}

void ft_json_string(struct ft_out *out, const char *text, size_t bytes)
{
	size_t plain = plain_bytes(text, bytes);
	char *valid;

	ft_out_need(out, plain + FT_OUT_ROOM);
	ft_out_char(out, '"');
	ft_out_bytes(out, text, plain);
	if (plain < bytes) {
		valid = g_utf8_make_valid(text + plain, (gssize)(bytes - plain));
		g_string_truncate(out->scratch, 0);
		for (const char *p = valid; *p; p++)
			character_escape(out->scratch, *p);
		g_free(valid);
		ft_out_need(out, out->scratch->len + FT_OUT_ROOM);
		ft_out_bytes(out, out->scratch->str, out->scratch->len);
	}
	ft_out_char(out, '"');
}

static void text_write(struct ft_out *out, const char *text)
{
	ft_out_bytes(out, text, strlen(text));
}

static void key_write(struct ft_out *out, const char *name, bool *begun)
{
	if (!*begun)
		ft_out_char(out, ',');
	*begun = false;
	if (!*name)
		return;
	ft_json_string(out, name, strlen(name));
	ft_out_char(out, ':');
}

static void number_write(struct ft_out *out, const struct ft_ctf_op *op, uint64_t value)
{
	if (op->is_signed)
		ft_out_i64(out, (int64_t)value);
	else
		ft_out_u64(out, value);
}

static void enum_write(struct ft_out *out, const struct ft_ctf_op *op, uint64_t value)
{
	const GArray *labels = op->type->labels;

	ft_out_char(out, '{');
	for (guint i = 0; i < labels->len; i++) {
		const struct ft_ctf_label *l = &g_array_index(labels, struct ft_ctf_label, i);

		if (!ft_ctf_label_is(l, value, op->is_signed))
			continue;
		text_write(out, "\"label\":");
		ft_json_string(out, l->name, strlen(l->name));
		ft_out_char(out, ',');
		break;
	}
	text_write(out, "\"value\":");
	number_write(out, op, value);
	ft_out_char(out, '}');
}

static void value_write(struct ft_out *out, const struct ft_ctf_value *value, bool *begun)
{
	switch (value->op->code) {
	case FT_CTF_OP_INT:
		if (value->op->type->kind == FT_CTF_ENUM)
			enum_write(out, value->op, value->u);
		else
			number_write(out, value->op, value->u);
		break;
	case FT_CTF_OP_FLOAT:
		if (!isfinite(value->real))
			ft_out_char(out, '"');
		ft_out_real(out, value->real, value->op->bits == 32);
		if (!isfinite(value->real))
			ft_out_char(out, '"');
		break;
	case FT_CTF_OP_STRING:
	case FT_CTF_OP_TEXT:
		ft_json_string(out, value->text, value->bytes);
		break;
	case FT_CTF_OP_ARRAY:
		ft_out_char(out, '[');
		*begun = true;
		break;
	default:
		ft_out_char(out, '{');
		*begun = true;
	}
}

static bool end_write(struct ft_out *out, struct ft_ctf_values *values, const struct ft_ctf_op *op,
		      bool *begun)
{
	if (op->code == FT_CTF_OP_VARIANT || op->code == FT_CTF_OP_VARIANT_END)
		return true; /* its member stands for it */
	if (op->code == FT_CTF_OP_STRUCT_END)
		ft_out_char(out, '}');
	else if (op->code != FT_CTF_OP_ARRAY_END)
		return false;
	else if (values->op == op + 1)
		ft_out_char(out, ']');
	*begun = false;
	return true;
}

/* The values of a scope behind those before it. */
static void values_write(struct ft_out *out, struct ft_ctf_cursor *c,
			 const struct ft_ctf_program *program, uint64_t at, bool *begun)
{
	struct ft_ctf_values values;
	struct ft_ctf_value value;

	if (!program->ops)
		return;
	ft_ctf_values_at(c, program, at, &values);
	while (ft_ctf_value_next(&values, &value)) {
		const struct ft_ctf_op *op = value.op;

		if (op == program->ops || op == program->ops + program->count - 2 || op->hidden)
			continue;
		ft_out_need(out, FT_OUT_ROOM);
		if (end_write(out, &values, op, begun))
			continue;
		key_write(out, op->name, begun);
		value_write(out, &value, begun);
	}
	ft_out_need(out, FT_OUT_ROOM);
}

static void contexts_write(struct ft_out *out, struct ft_ctf_cursor *c, bool *begun)
{
	if (c->stream->packet.shown)
		values_write(out, c, &c->stream->packet, c->packet_at, begun);
	values_write(out, c, &c->stream->context, c->context, begun);
	values_write(out, c, &c->event->context, c->own, begun);
}

static void who_write(struct ft_out *out, struct ft_ctf_stream *s)
{
	struct ft_who who;

	ft_who_get(s, &who);
	if (who.comm) {
		text_write(out, ",\"comm\":");
		ft_json_string(out, who.comm, who.comm_bytes);
	}
	if (who.tid >= 0) {
		text_write(out, ",\"tid\":");
		ft_out_i64(out, who.tid);
	}
	if (who.cpu >= 0) {
		text_write(out, ",\"cpu\":");
		ft_out_i64(out, who.cpu);
	}
}

static void event_write(struct ft_out *out, struct ft_ctf_cursor *c)
{
	bool begun = true;

	text_write(out, ",\"event\":");
	ft_json_string(out, c->event->name, strlen(c->event->name));
	if (c->stream->packet.shown || c->stream->context.ops || c->event->context.ops) {
		text_write(out, ",\"context\":{");
		contexts_write(out, c, &begun);
		ft_out_char(out, '}');
	}
	begun = true;
	text_write(out, ",\"fields\":{");
	values_write(out, c, &c->event->fields, c->fields, &begun);
	ft_out_bytes(out, "}", 1);
}

void ft_json_args(struct ft_out *out, struct ft_ctf_cursor *c)
{
	bool begun = true;

	ft_out_need(out, FT_OUT_ROOM);
	ft_out_char(out, '{');
	contexts_write(out, c, &begun);
	values_write(out, c, &c->event->fields, c->fields, &begun);
	ft_out_char(out, '}');
}

void ft_json_write(struct ft_out *out, struct ft_ctf_stream *s)
{
	ft_out_need(out, FT_OUT_ROOM);
	text_write(out, "{\"time\":\"");
	ft_out_time(out, s->ns);
	ft_out_char(out, '"');
	who_write(out, s);
	if (s->what == FT_CTF_EVENT) {
		event_write(out, &s->cursor);
	} else {
		text_write(out, s->what == FT_CTF_LOST_EVENTS ? ",\"lost_events\":"
							      : ",\"lost_packets\":");
		ft_out_u64(out, s->lost);
	}
	ft_out_bytes(out, "}\n", 2);
}
