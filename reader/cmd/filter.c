/* SPDX-License-Identifier: MIT */
/*
 * filter.c - which events are wanted. What holds for a class of events is found out once for it.
 */
#include <stdio.h>

#include "cmd.h"
#include "filter.h"
#include "ft-rules.h"
#include "out.h"

/* FIELD OPERATOR VALUE */
struct term {
	char *name;
	char operator; /* = ! < l > g ~: l and g with = */
	const char *text;
	bool is_number;
	double real;
	int64_t number;
	bool is_real;
};

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
		       {"where", 'w', 0, G_OPTION_ARG_STRING_ARRAY, &f->where,
			"FIELD, one of = != < <= > >= ~ (a glob), VALUE; again: all", "EXPR"},
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

static void term_clear(gpointer term)
{
	g_free(((struct term *)term)->name);
}

static bool term_parse(const char *text, struct term *term)
{
	static const char names[][3] = {"!=", "<=", ">=", "=", "<", ">", "~"};
	static const char codes[] = "!lg=<>~";
	size_t n = strcspn(text, "=!<>~");
	char *end;

	*term = (struct term){.name = g_strstrip(g_strndup(text, n))};
	for (size_t i = 0; *term->name && i < G_N_ELEMENTS(names); i++) {
		if (strncmp(text + n, names[i], strlen(names[i])))
			continue;
		term->operator= codes[i];
		term->text = text + n + strlen(names[i]);
		term->text += strspn(term->text, " ");
		term->number = g_ascii_strtoll(term->text, &end, 0);
		if (*end == '\0' && *term->text && errno != ERANGE)
			term->is_number = true;
		term->real = g_ascii_strtod(term->text, &end);
		term->is_real = *end == '\0' && *term->text;
		return term->is_real || term->is_number || strchr("=!~", term->operator);
	}
	return false;
}

static int where_parse(struct ft_filter *f)
{
	f->terms = g_array_new(FALSE, FALSE, sizeof(struct term));
	g_array_set_clear_func(f->terms, term_clear);
	for (char **where = f->where; where && *where; where++) {
		struct term term;
		bool good;

		errno = 0;
		good = term_parse(*where, &term);
		g_array_append_val(f->terms, term);
		if (!good)
			return ft_misused(
				"--where=%s: expected a field, one of = != < <= > >= ~, and a "
				"value, as in 'status>=400'; < and > want a number",
				*where);
	}
	return EXIT_SUCCESS;
}

int ft_filter_parse(struct ft_filter *f)
{
	int status = times_parse(f);

	if (f->events && !ft_rules_valid((struct ft_span){f->events, strlen(f->events)}))
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

void ft_filter_begin(struct ft_filter *f, struct ft_ctf_reader *reader)
{
	int64_t ns;

	for (guint i = 0; reader->traces && i < reader->traces->len; i++) {
		struct ft_ctf_trace *trace = reader->traces->pdata[i];

		for (guint j = 0; j < trace->meta->events->len; j++) {
			struct ft_ctf_event_class *event = trace->meta->events->pdata[j];

			event->wanted = class_wanted(f, event);
		}
	}
	if (f->last && duration_parse(f->last, &ns))
		f->from_ns = MAX(f->from_ns, ft_ctf_reader_end(reader) - ns);
	reader->from_ns = f->from_ns;
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

static bool where_holds(const struct ft_filter *f, struct ft_ctf_cursor *c)
{
	for (guint i = 0; i < f->terms->len; i++) {
		const struct term *t = &g_array_index(f->terms, struct term, i);

		if (!scope_holds(t, c, &c->event->fields, c->fields) &&
		    !scope_holds(t, c, &c->event->context, c->own) &&
		    !scope_holds(t, c, &c->stream->context, c->context))
			return false;
	}
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
	if (f->terms)
		g_array_unref(f->terms);
}
