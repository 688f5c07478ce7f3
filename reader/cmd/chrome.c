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

static void whose_write(struct ft_out *out, const struct ft_thread *t)
{
	ft_out_need(out, FT_OUT_ROOM);
	text_write(out, ",\"pid\":");
	ft_out_i64(out, t->pid);
	text_write(out, ",\"tid\":");
	ft_out_i64(out, t->tid);
}

static void name_write(struct ft_export *x, const struct ft_thread *t, const char *what,
		       const char *name)
{
	if (!name)
		return;
	separate(x);
	text_write(x->out, "{\"ph\":\"M\",\"name\":\"");
	text_write(x->out, what);
	ft_out_char(x->out, '"');
	whose_write(x->out, t);
	text_write(x->out, ",\"args\":{\"name\":");
	ft_json_string(x->out, name, strlen(name));
	ft_out_need(x->out, FT_OUT_ROOM);
	text_write(x->out, "}}");
}

static void thread_write(struct ft_export *x, const struct ft_thread *t)
{
	if (t->first)
		name_write(x, t, "process_name", t->process);
	name_write(x, t, "thread_name", t->name);
}

static void time_write(struct ft_out *out, int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	text_write(out, ns < 0 ? ",\"ts\":-" : ",\"ts\":");
	ft_out_u64(out, size / 1000);
	ft_out_char(out, '.');
	ft_out_char(out, (char)('0' + size / 100 % 10));
	ft_out_char(out, (char)('0' + size / 10 % 10));
	ft_out_char(out, (char)('0' + size % 10));
}

static void args_write(struct ft_out *out, const struct ft_item *item)
{
	if (!item->stream)
		return;
	text_write(out, ",\"args\":");
	if (item->kind != FT_LOST) {
		ft_json_args(out, &item->stream->cursor);
		return;
	}
	text_write(out, "{\"count\":");
	ft_out_u64(out, item->stream->lost);
	ft_out_char(out, '}');
}

static void item_write(struct ft_export *x, const struct ft_thread *t, const struct ft_item *item)
{
	static const char *const phases[] = {
		[FT_INSTANT] = "{\"ph\":\"i\",\"s\":\"t\"",
		[FT_BEGIN] = "{\"ph\":\"B\"",
		[FT_END] = "{\"ph\":\"E\"",
		[FT_COUNTER] = "{\"ph\":\"C\"",
		[FT_LOST] = "{\"ph\":\"i\",\"s\":\"t\"",
	};

	separate(x);
	text_write(x->out, phases[item->kind]);
	text_write(x->out, ",\"cat\":");
	ft_json_string(x->out, item->kind == FT_LOST ? "lost" : item->name,
		       item->kind == FT_LOST ? strlen("lost") : item->provider_bytes);
	ft_out_need(x->out, FT_OUT_ROOM);
	text_write(x->out, ",\"name\":");
	ft_json_string(x->out, item->name, item->bytes);
	whose_write(x->out, t);
	time_write(x->out, item->ns - x->begin_ns);
	args_write(x->out, item);
	ft_out_need(x->out, FT_OUT_ROOM);
	ft_out_char(x->out, '}');
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
	.thread = thread_write,
	.item = item_write,
	.end = end_write,
};
