/* SPDX-License-Identifier: MIT */
/*
 * csv.c - events as a table of RFC 4180: the fields, which differ from event to event, are an object of
 * JSON in the last column.
 */
#include "cmd.h"
#include "export.h"

static void text_write(struct ft_out *out, const char *text)
{
	ft_out_bytes(out, text, strlen(text));
}

static void begin_write(struct ft_export *x)
{
	text_write(x->out, "time,comm,pid,tid,cpu,event,fields\n");
}

static void cell_write(struct ft_out *out, const char *text, size_t bytes)
{
	ft_out_need(out, 2 * bytes + FT_OUT_ROOM);
	ft_out_char(out, '"');
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '"')
			ft_out_char(out, '"');
		ft_out_char(out, text[i]);
	}
	ft_out_char(out, '"');
	ft_out_char(out, ',');
}

/* A name may hold anything. */
static void name_write(struct ft_out *out, const char *name, size_t bytes)
{
	char *valid = g_utf8_validate(name, (gssize)bytes, NULL)
			      ? NULL
			      : g_utf8_make_valid(name, (gssize)bytes);

	cell_write(out, valid ? valid : name, valid ? strlen(valid) : bytes);
	g_free(valid);
}

static void number_write(struct ft_out *out, int64_t number)
{
	if (number >= 0)
		ft_out_i64(out, number);
	ft_out_char(out, ',');
}

static void event_write(struct ft_export *x, struct ft_ctf_stream *s)
{
	const char *name = s->what == FT_CTF_EVENT	   ? s->cursor.event->name
			   : s->what == FT_CTF_LOST_EVENTS ? "lost events"
							   : "lost packets";

	name_write(x->out, name, strlen(name));
	x->cell.at = x->cell.begin;
	if (s->what == FT_CTF_EVENT) {
		ft_json_args(&x->cell, &s->cursor);
	} else {
		text_write(&x->cell, "{\"count\":");
		ft_out_u64(&x->cell, s->lost);
		ft_out_char(&x->cell, '}');
	}
	cell_write(x->out, x->cell.begin, (size_t)(x->cell.at - x->cell.begin));
	x->out->at[-1] = '\n';
}

static void line_write(struct ft_export *x, struct ft_ctf_stream *s)
{
	struct ft_who who;

	ft_who_get(s, &who);
	ft_out_need(x->out, FT_OUT_ROOM);
	ft_out_time(x->out, s->ns);
	ft_out_char(x->out, ',');
	name_write(x->out, who.comm ? who.comm : "", who.comm ? who.comm_bytes : 0);
	number_write(x->out, s->trace->vpid);
	number_write(x->out, who.tid);
	number_write(x->out, who.cpu);
	event_write(x, s);
}

const struct ft_format ft_format_csv = {
	.name = "csv",
	.begin = begin_write,
	.line = line_write,
};
