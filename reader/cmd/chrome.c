/* SPDX-License-Identifier: MIT */
/*
 * chrome.c - events as JSON of the Trace Event Format.
 *
 * Its times are microseconds, which its readers keep as floating point numbers: since 1970 they would
 * lose their nanoseconds, so they count from the first event on, and otherData tells when that was.
 */
#include "cmd.h"
#include "export.h"

static void text_write(struct ft_out *out, const char *text)
{
	ft_out_bytes(out, text, strlen(text));
}

static void begin_write(struct ft_export *x)
{
	text_write(x->out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
}

static void separate(struct ft_export *x)
{
	ft_out_need(x->out, FT_OUT_ROOM);
	text_write(x->out, x->begun ? ",\n" : "\n");
	x->begun = true;
}

static void name_write(struct ft_export *x, const char *what, int64_t pid, int64_t tid,
		       const char *name)
{
	separate(x);
	text_write(x->out, "{\"ph\":\"M\",\"name\":\"");
	text_write(x->out, what);
	text_write(x->out, "\",\"pid\":");
	ft_out_i64(x->out, pid);
	text_write(x->out, ",\"tid\":");
	ft_out_i64(x->out, tid);
	text_write(x->out, ",\"args\":{\"name\":");
	ft_json_string(x->out, name, strlen(name));
	ft_out_need(x->out, FT_OUT_ROOM);
	text_write(x->out, "}}");
}

static void process_write(struct ft_export *x, const struct ft_process *p)
{
	char *name = ft_process_name(p);

	if (name)
		name_write(x, "process_name", p->id, p->id, name);
	g_free(name);
}

static void track_write(struct ft_export *x, const struct ft_track *track)
{
	char *name = ft_track_name(track);

	if (name)
		name_write(x, "thread_name", track->thread->process->id, track->tid, name);
	g_free(name);
}

/* Microseconds. */
static void time_write(struct ft_out *out, const char *label, int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	text_write(out, label);
	if (ns < 0)
		ft_out_char(out, '-');
	ft_out_u64(out, size / 1000);
	ft_out_char(out, '.');
	ft_out_char(out, (char)('0' + size / 100 % 10));
	ft_out_char(out, (char)('0' + size / 10 % 10));
	ft_out_char(out, (char)('0' + size % 10));
}

/* Of a begin, those of its end with them. */
static void kept_write(struct ft_export *x, const struct ft_item *item)
{
	struct ft_out *out = x->out;

	ft_out_need(out, item->data->len + FT_OUT_ROOM);
	ft_out_bytes(out, item->data->str, item->data->len);
	if (!item->stream)
		return;
	x->cell.at = x->cell.begin;
	ft_json_args(&x->cell, &item->stream->cursor);
	if (x->cell.at - x->cell.begin <= (ptrdiff_t)strlen("{}"))
		return;
	out->at--;
	text_write(out, item->data->len > strlen("{}") ? ",\"end\":" : "\"end\":");
	ft_out_need(out, (size_t)(x->cell.at - x->cell.begin) + FT_OUT_ROOM);
	ft_out_bytes(out, x->cell.begin, (size_t)(x->cell.at - x->cell.begin));
	ft_out_char(out, '}');
}

/* Its readers keep 64 bits with a sign, or a double. */
static void counter_write(struct ft_out *out, const struct ft_ctf_value *value)
{
	text_write(out, "{\"value\":");
	if (value->op->code == FT_CTF_OP_FLOAT)
		ft_out_real(out, value->real, value->op->bits == 32);
	else if (value->op->is_signed)
		ft_out_i64(out, (int64_t)value->u);
	else if (value->u <= INT64_MAX)
		ft_out_u64(out, value->u);
	else
		ft_out_real(out, (double)value->u, false);
	ft_out_char(out, '}');
}

static void args_write(struct ft_export *x, const struct ft_item *item)
{
	text_write(x->out, ",\"args\":");
	if (item->data) {
		kept_write(x, item);
	} else if (item->kind == FT_COUNTER) {
		counter_write(x->out, &item->value);
	} else if (item->kind == FT_LOST) {
		text_write(x->out, "{\"count\":");
		ft_out_u64(x->out, item->stream->lost);
		ft_out_char(x->out, '}');
	} else {
		ft_json_args(x->out, &item->stream->cursor);
	}
}

static void data_keep(struct ft_export *x, GString *data, struct ft_ctf_stream *s)
{
	x->cell.at = x->cell.begin;
	ft_json_args(&x->cell, &s->cursor);
	g_string_append_len(data, x->cell.begin, x->cell.at - x->cell.begin);
}

static void item_write(struct ft_export *x, const struct ft_track *track,
		       const struct ft_item *item)
{
	static const char *const phases[] = {
		[FT_INSTANT] = "{\"ph\":\"i\",\"s\":\"t\",\"cat\":",
		[FT_SPAN] = "{\"ph\":\"X\",\"cat\":",
		[FT_OPEN] = "{\"ph\":\"B\",\"cat\":",
		[FT_COUNTER] = "{\"ph\":\"C\",\"cat\":",
		[FT_LOST] = "{\"ph\":\"i\",\"s\":\"t\",\"cat\":",
	};
	struct ft_out *out = x->out;

	separate(x);
	text_write(out, phases[item->kind]);
	ft_json_string(out, item->kind == FT_LOST ? "lost" : item->name->text,
		       item->kind == FT_LOST ? strlen("lost") : item->name->provider_bytes);
	ft_out_need(out, FT_OUT_ROOM);
	text_write(out, ",\"name\":");
	ft_json_string(out, item->name->text, item->name->bytes);
	ft_out_need(out, FT_OUT_ROOM);
	text_write(out, ",\"pid\":");
	ft_out_i64(out, track->thread->process->id);
	text_write(out, ",\"tid\":");
	ft_out_i64(out, track->tid);
	time_write(out, ",\"ts\":", item->ns - x->begin_ns);
	if (item->kind == FT_SPAN)
		time_write(out, ",\"dur\":", item->end_ns - item->ns);
	args_write(x, item);
	ft_out_need(out, FT_OUT_ROOM);
	ft_out_char(out, '}');
}

static void end_write(struct ft_export *x)
{
	ft_out_need(x->out, FT_OUT_ROOM);
	text_write(x->out, "\n],\"otherData\":{\"begin\":\"");
	ft_out_time(x->out, x->begin_ns);
	text_write(x->out, "\",\"clock\":\"seconds since 1970\"}}\n");
}

const struct ft_format ft_format_chrome = {
	.name = "chrome",
	.begin = begin_write,
	.process = process_write,
	.track = track_write,
	.keep = data_keep,
	.item = item_write,
	.end = end_write,
};
