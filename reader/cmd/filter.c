/* SPDX-License-Identifier: MIT */
/*
 * filter.c - which events are wanted. What holds for a class of events is found out once for it.
 */
#include <stdio.h>

#include "cmd.h"
#include "filter.h"
#include "ft-rules.h"
#include "out.h"
#include "where.h"

struct ft_filter ft_filter_options;

const GOptionEntry *ft_filter_entries(void)
{
	static struct ft_filter *const f = &ft_filter_options;
	static GOptionEntry entries[FT_FILTER_ENTRIES];

	memcpy(entries,
	       (GOptionEntry[]){
		       {"from", 0, 0, G_OPTION_ARG_STRING, &f->from, "no events before", "TIME"},
		       {"to", 0, 0, G_OPTION_ARG_STRING, &f->to, "no events after", "TIME"},
		       {"last", 0, 0, G_OPTION_ARG_STRING, &f->last,
			"none before that long before the end: 5s, 100ms, 2min", "DURATION"},
		       {"event", 'e', 0, G_OPTION_ARG_STRING, &f->events,
			"PROVIDER:EVENT globs, with commas between; !GLOB excludes", "GLOBS"},
		       {"level", 'l', 0, G_OPTION_ARG_STRING, &f->level,
			"none less severe: err, warning, notice, info, debug ..", "LEVEL"},
		       {"tid", 't', 0, G_OPTION_ARG_STRING_ARRAY, &f->tids,
			"of this thread; may be given again", "TID"},
		       {"where", 'w', 0, G_OPTION_ARG_FILENAME_ARRAY, &f->where,
			"as 'total > 100 && (name ~ b* || !(id = 1))'; again: all", "EXPR"},
		       G_OPTION_ENTRY_NULL},
	       sizeof(entries));
	return entries;
}

/* Digits, and up to nine behind a point. Return: what follows; NULL: no such number. */
static const char *decimal_parse(const char *text, int64_t *whole, int64_t *nano)
{
	char *end;
	int64_t scale = 100000000;

	if (!g_ascii_isdigit(*text))
		return NULL;
	errno = 0;
	*whole = (int64_t)g_ascii_strtoull(text, &end, 10);
	*nano = 0;
	if (*end == '.')
		for (end++; g_ascii_isdigit(*end); end++, scale /= 10)
			*nano += (*end - '0') * scale;
	return errno || *whole < 0 ? NULL : end;
}

/* "5s", "1.5ms", "2min". */
static bool duration_parse(const char *text, int64_t *ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {{"ns", 1},
		     {"us", 1000},
		     {"ms", 1000000},
		     {"s", FT_NS_PER_S},
		     {"", FT_NS_PER_S},
		     {"min", 60 * FT_NS_PER_S},
		     {"h", 3600 * FT_NS_PER_S},
		     {"d", 86400 * FT_NS_PER_S}};
	int64_t whole, nano;
	const char *end = decimal_parse(text, &whole, &nano);

	for (size_t i = 0; end && i < G_N_ELEMENTS(units); i++) {
		if (strcmp(end, units[i].name) || whole > INT64_MAX / 2 / units[i].ns)
			continue;
		*ns = whole * units[i].ns + (int64_t)((double)nano / 1e9 * (double)units[i].ns);
		return true;
	}
	return false;
}

/* Seconds since 1970, or a date of ISO 8601. */
static bool time_parse(const char *text, int64_t *ns)
{
	GTimeZone *here = g_time_zone_new_local();
	int64_t whole, nano;
	const char *end = decimal_parse(text, &whole, &nano);
	GDateTime *date = g_date_time_new_from_iso8601(text, here);
	bool good = true;

	if (end && !*end && whole < INT64_MAX / FT_NS_PER_S)
		*ns = whole * FT_NS_PER_S + nano;
	else if (date)
		*ns = g_date_time_to_unix(date) * FT_NS_PER_S +
		      g_date_time_get_microsecond(date) * INT64_C(1000);
	else
		good = false;
	if (date)
		g_date_time_unref(date);
	g_time_zone_unref(here);
	return good;
}

static int times_parse(struct ft_filter *f)
{
	static const char times[] =
		"expected seconds since 1970 (1700000000.5), or a date and time "
		"(2026-02-03T04:05:06.7, with Z for UTC)";
	int64_t ns;

	f->from_ns = INT64_MIN;
	f->to_ns = INT64_MAX;
	if (f->from && !time_parse(f->from, &f->from_ns))
		return ft_misused("--from=%s: %s", f->from, times);
	if (f->to && !time_parse(f->to, &f->to_ns))
		return ft_misused("--to=%s: %s", f->to, times);
	if (f->last && !duration_parse(f->last, &ns))
		return ft_misused("--last=%s: expected a number and ns, us, ms, s, min, h or d",
				  f->last);
	return EXIT_SUCCESS;
}

/* Of LTTng's, which go on from those of syslog(3): 14 is its plain DEBUG. -1: no such level. */
static int level_parse(const char *text)
{
	static const char *const names[] = {"emerg",   "alert",	 "crit", "err",
					    "warning", "notice", "info"};
	char *end;
	uint64_t number = g_ascii_strtoull(text, &end, 10);

	if (*text && !*end && number <= 14)
		return (int)number;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (!g_ascii_strcasecmp(text, names[i]))
			return (int)i;
	return g_ascii_strcasecmp(text, "debug") ? -1 : 14;
}

static int tids_parse(struct ft_filter *f)
{
	f->numbers = g_array_new(FALSE, FALSE, sizeof(int64_t));
	for (char **tid = f->tids; tid && *tid; tid++) {
		char *end;
		int64_t number = g_ascii_strtoll(*tid, &end, 10);

		if (!**tid || *end || number < 0)
			return ft_misused("--tid=%s: expected a thread's number", *tid);
		g_array_append_val(f->numbers, number);
	}
	return EXIT_SUCCESS;
}

static void where_free(gpointer where)
{
	ft_where_free(where);
}

static int where_parse(struct ft_filter *f)
{
	f->conditions = g_ptr_array_new_with_free_func(where_free);
	for (char **text = f->where; text && *text; text++) {
		struct ft_where *where = ft_where_parse(*text);

		if (!where)
			return FT_EXIT_USAGE;
		g_ptr_array_add(f->conditions, where);
	}
	return EXIT_SUCCESS;
}

/* Names of other tracers have any characters, and what is printed may be asked for: "httpd:serve:end". */
static bool globs_valid(const char *text)
{
	struct ft_span globs = {text, strlen(text)}, glob;

	while (ft_rules_next(&globs, &glob))
		if (glob.len == (size_t)(*glob.text == '!'))
			return false;
	return true;
}

int ft_filter_parse(struct ft_filter *f)
{
	int status = times_parse(f);

	if (f->events && !globs_valid(f->events))
		return ft_misused("--event=%s: expected " FT_RULES_ACCEPTED, f->events);
	if (f->level && level_parse(f->level) < 0)
		return ft_misused("--level=%s: expected emerg, alert, crit, err, warning, notice, "
				  "info, debug or a number from 0 to 14",
				  f->level);
	if (!status)
		status = tids_parse(f);
	if (!status)
		status = where_parse(f);
	f->any = f->from || f->to || f->last || f->events || f->level || f->tids || f->where;
	return status;
}

static bool class_wanted(const struct ft_filter *f, const struct ft_ctf_event_class *event)
{
	size_t left = strcspn(event->name, ":");
	const char *right = event->name[left] ? event->name + left + 1 : event->name;

	if (f->level && event->loglevel > level_parse(f->level))
		return false;
	return !f->events || ft_rules_on((struct ft_span){f->events, strlen(f->events)},
					 (struct ft_span){event->name, left},
					 (struct ft_span){right, strlen(right)});
}

void ft_filter_declared(const struct ft_filter *f, struct ft_ctf_trace *trace)
{
	for (guint i = 0; i < trace->meta->events->len; i++) {
		struct ft_ctf_event_class *event = trace->meta->events->pdata[i];

		event->wanted = class_wanted(f, event);
	}
}

void ft_filter_since(struct ft_filter *f, int64_t end_ns)
{
	int64_t ns;

	if (f->last && duration_parse(f->last, &ns))
		f->from_ns = MAX(f->from_ns, end_ns - ns);
}

void ft_filter_begin(struct ft_filter *f, struct ft_ctf_reader *reader)
{
	for (guint i = 0; reader->traces && i < reader->traces->len; i++)
		ft_filter_declared(f, reader->traces->pdata[i]);
	if (f->last)
		ft_filter_since(f, ft_ctf_reader_end(reader));
	reader->from_ns = f->from_ns;
}

static bool where_holds(const struct ft_filter *f, struct ft_ctf_cursor *c)
{
	for (guint i = 0; i < f->conditions->len; i++)
		if (!ft_where_holds(f->conditions->pdata[i], c))
			return false;
	return true;
}

static bool tid_wanted(const struct ft_filter *f, struct ft_ctf_stream *s)
{
	struct ft_who who;

	if (!f->numbers->len)
		return true;
	ft_who_get(s, &who);
	for (guint i = 0; i < f->numbers->len; i++)
		if (g_array_index(f->numbers, int64_t, i) == who.tid)
			return true;
	return false;
}

bool ft_filter_passes(const struct ft_filter *f, struct ft_ctf_stream *s)
{
	if (s->ns < f->from_ns || s->ns > f->to_ns || !tid_wanted(f, s))
		return false;
	return s->what != FT_CTF_EVENT || (s->cursor.event->wanted && where_holds(f, &s->cursor));
}

void ft_filter_clear(struct ft_filter *f)
{
	g_free(f->from);
	g_free(f->to);
	g_free(f->last);
	g_free(f->events);
	g_free(f->level);
	g_strfreev(f->tids);
	g_strfreev(f->where);
	if (f->numbers)
		g_array_unref(f->numbers);
	if (f->conditions)
		g_ptr_array_unref(f->conditions);
}
