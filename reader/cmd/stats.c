/* SPDX-License-Identifier: MIT */
/*
 * stats.c - fasttrace stats: how many events there are, and how long spans took.
 */
#include <math.h>

#include "cmd.h"
#include "filter.h"
#include "inputs.h"
#include "tally.h"

static gboolean as_csv;
static char **drawn;

/* Of what comes after a name, with the time that all took. */
struct page {
	GString *text;
	double seconds;
	int width; /* of names */
};

static double rate_of(const struct page *page, const struct ft_tally_event *event)
{
	return page->seconds > 0 ? (double)event->count / page->seconds : 0;
}

static char *number_text(double value)
{
	bool whole = fabs(value) < 1e15 && value == floor(value);

	return g_strdup_printf(whole ? "%.0f" : "%.6g", value);
}

/* Of ns: three digits. */
static char *duration_text(double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	size_t unit = 0;

	for (; unit < G_N_ELEMENTS(units) - 1 && fabs(ns) >= 999.5; unit++)
		ns /= 1000;
	return g_strdup_printf("%.*f %s",
			       !unit || fabs(ns) >= 99.95 ? 0
			       : fabs(ns) >= 9.995	  ? 1
							  : 2,
			       ns, units[unit]);
}

static void duration_append(GString *to, double ns)
{
	char *text = duration_text(ns);

	g_string_append_printf(to, " %7s", text);
	g_free(text);
}

static gboolean width_find(gpointer name, gpointer value, gpointer data)
{
	struct page *page = data;
	char *safe = ft_safe_text(name, strlen(name));

	(void)value;
	page->width = MAX(page->width, (int)g_utf8_strlen(safe, -1));
	g_free(safe);
	return FALSE;
}

static void name_append(struct page *page, const char *name)
{
	char *safe = ft_safe_text(name, strlen(name));

	g_string_append_printf(page->text, "%s%*s", safe,
			       page->width - (int)g_utf8_strlen(safe, -1), "");
	g_free(safe);
}

static gboolean event_show(gpointer name, gpointer value, gpointer data)
{
	const struct ft_tally_event *event = value;
	struct page *page = data;

	name_append(page, name);
	g_string_append_printf(page->text,
			       " %12" G_GUINT64_FORMAT " %12.1f %14" G_GUINT64_FORMAT "\n",
			       event->count, rate_of(page, event), (event->bits + 7) / 8);
	return FALSE;
}

static gboolean spans_show(gpointer name, gpointer value, gpointer data)
{
	static const double shares[] = {0.5, 0.9, 0.99};
	const struct ft_spans *spans = value;
	const struct ft_histogram *h = &spans->durations;
	struct page *page = data;

	name_append(page, name);
	g_string_append_printf(page->text, " %9" G_GUINT64_FORMAT, h->count);
	if (h->count) {
		duration_append(page->text, (double)h->total);
		duration_append(page->text, (double)(h->total / h->count));
		for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
			duration_append(page->text, ft_histogram_at(h, shares[i]));
		duration_append(page->text, h->max);
	}
	g_string_append_c(page->text, '\n');
	return FALSE;
}

static gboolean lone_show(gpointer name, gpointer value, gpointer data)
{
	const struct ft_spans *spans = value;
	struct page *page = data;
	char *safe = ft_safe_text(name, strlen(name));

	if (spans->lone_begins)
		g_string_append_printf(page->text,
				       "%s: %" G_GUINT64_FORMAT " begun without an end\n", safe,
				       spans->lone_begins);
	if (spans->lone_ends)
		g_string_append_printf(page->text,
				       "%s: %" G_GUINT64_FORMAT " ended without a begin\n", safe,
				       spans->lone_ends);
	g_free(safe);
	return FALSE;
}

static void tables_show(const struct ft_tally *t, struct page *page)
{
	page->width = (int)strlen("EVENT");
	g_tree_foreach(t->events, width_find, page);
	g_string_append_printf(page->text, "%-*s %12s %12s %14s\n", page->width, "EVENT", "COUNT",
			       "PER SECOND", "BYTES");
	g_tree_foreach(t->events, event_show, page);
	g_string_append_printf(page->text, "%" G_GUINT64_FORMAT " events in %.9f s", t->count,
			       page->seconds);
	if (t->lost_events || t->lost_packets)
		g_string_append_printf(page->text,
				       ", LOST %" G_GUINT64_FORMAT " EVENTS %" G_GUINT64_FORMAT
				       " PACKETS",
				       t->lost_events, t->lost_packets);
	g_string_append_c(page->text, '\n');
	if (!g_tree_nnodes(t->spans))
		return;
	page->width = (int)strlen("SPAN");
	g_tree_foreach(t->spans, width_find, page);
	g_string_append_printf(page->text, "\n%-*s %9s %7s %7s %7s %7s %7s %7s\n", page->width,
			       "SPAN", "COUNT", "TOTAL", "MEAN", "P50", "P90", "P99", "MAX");
	g_tree_foreach(t->spans, spans_show, page);
	g_tree_foreach(t->spans, lone_show, page);
}

/* RFC 4180. */
static void csv_name(GString *to, const char *kind, const char *name)
{
	char *valid = g_utf8_make_valid(name, -1);

	g_string_append_printf(to, "%s,\"", kind);
	for (const char *p = valid; *p; p++) {
		if (*p == '"')
			g_string_append_c(to, '"');
		g_string_append_c(to, *p);
	}
	g_string_append(to, "\",");
	g_free(valid);
}

static gboolean event_csv(gpointer name, gpointer value, gpointer data)
{
	const struct ft_tally_event *event = value;
	struct page *page = data;

	csv_name(page->text, "event", name);
	g_string_append_printf(page->text,
			       "%" G_GUINT64_FORMAT ",%.3f,%" G_GUINT64_FORMAT ",,,,,,,,\n",
			       event->count, rate_of(page, event), (event->bits + 7) / 8);
	return FALSE;
}

static gboolean spans_csv(gpointer name, gpointer value, gpointer data)
{
	const struct ft_spans *spans = value;
	const struct ft_histogram *h = &spans->durations;
	struct page *page = data;

	csv_name(page->text, "span", name);
	g_string_append_printf(page->text, "%" G_GUINT64_FORMAT ",,,", h->count);
	if (h->count)
		g_string_append_printf(page->text, "%.0Lf,%.3Lf,%.3f,%.3f,%.3f,%.0f,", h->total,
				       h->total / h->count, ft_histogram_at(h, 0.5),
				       ft_histogram_at(h, 0.9), ft_histogram_at(h, 0.99), h->max);
	else
		g_string_append(page->text, "0,,,,,,");
	g_string_append_printf(page->text, "%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "\n",
			       spans->lone_begins, spans->lone_ends);
	return FALSE;
}

static void csv_show(const struct ft_tally *t, struct page *page)
{
	g_string_append(page->text,
			"kind,name,count,per_second,bytes,total_ns,mean_ns,p50_ns,p90_ns,p99_ns,"
			"max_ns,lone_begins,lone_ends\n");
	g_tree_foreach(t->events, event_csv, page);
	g_tree_foreach(t->spans, spans_csv, page);
	g_string_append_printf(page->text,
			       "lost,\"events\",%" G_GUINT64_FORMAT ",,,,,,,,,,\n"
			       "lost,\"packets\",%" G_GUINT64_FORMAT ",,,,,,,,,,\n",
			       t->lost_events, t->lost_packets);
}

/* Return: EXIT_SUCCESS; EXIT_FAILURE: there is nothing of that name. */
static int drawn_show(const struct ft_tally *t, const struct ft_tally_drawn *d, GString *to)
{
	const struct ft_spans *spans = g_tree_lookup(t->spans, d->given);
	const struct ft_histogram *h = spans ? &spans->durations : &d->values;

	if (h->count) {
		g_string_append_printf(to, "\n%s\n", d->given);
		ft_histogram_draw(h, spans ? duration_text : number_text, to);
		return EXIT_SUCCESS;
	}
	if (spans)
		ft_report("--histogram=%s: no such span has begun and ended", d->given);
	else if (d->field)
		ft_report("--histogram=%s: expected a field that is a number", d->given);
	else if (d->event)
		ft_report("--histogram=%s: the event has no such field", d->given);
	else
		ft_report("--histogram=%s: no such event: expected EVENT.FIELD, or a span, as in "
			  "the tables",
			  d->given);
	return EXIT_FAILURE;
}

static int all_show(const struct ft_tally *t)
{
	struct page page = {g_string_new(NULL), (double)(t->last_ns - t->first_ns) / 1e9, 0};
	int status = EXIT_SUCCESS;

	if (as_csv)
		csv_show(t, &page);
	else
		tables_show(t, &page);
	for (guint i = 0; i < t->drawn->len; i++)
		if (drawn_show(t, t->drawn->pdata[i], page.text))
			status = EXIT_FAILURE;
	if (ft_print(page.text->str))
		status = EXIT_FAILURE;
	g_string_free(page.text, TRUE);
	return status;
}

static int sources_count(const GPtrArray *operands, struct ft_filter *filter)
{
	struct ft_inputs inputs;
	struct ft_ctf_stream *s;
	struct ft_tally tally;
	int status = ft_inputs_open(&inputs, operands, NULL);

	ft_tally_init(&tally, drawn);
	ft_filter_begin(filter, &inputs.reader);
	while (!ft_interrupted() && (s = ft_ctf_reader_next(&inputs.reader)) &&
	       s->ns <= filter->to_ns)
		if (!filter->any || ft_filter_passes(filter, s))
			ft_tally_add(&tally, s);
	ft_tally_end(&tally);
	if (ft_interrupted())
		status = 128 + ft_interrupted();
	else if (all_show(&tally) || inputs.reader.complaints)
		status = EXIT_FAILURE;
	ft_tally_clear(&tally);
	ft_inputs_close(&inputs);
	return status;
}

int ft_stats(int argc, char **argv)
{
	GOptionEntry entries[2 + FT_FILTER_ENTRIES] = {
		{"csv", 0, 0, G_OPTION_ARG_NONE, &as_csv, "the tables as comma-separated values",
		 NULL},
		{"histogram", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &drawn,
		 "draw EVENT.FIELD, or a SPAN's durations; again: also", "NAME"},
	};
	const struct ft_usage usage = {
		"stats", "SOURCE...",
		"Count events by name, and tell how long spans took: from each begin to the end\n"
		"of its name in its thread.",
		"\nA SOURCE is what `fasttrace read` accepts. Nothing is consumed. Percentiles "
		"are\nthose of log-linear buckets, with an error of 0.4 % at most.\n",
		entries};
	GPtrArray *operands = g_ptr_array_new();
	int status;

	memcpy(entries + 2, ft_filter_entries(), FT_FILTER_ENTRIES * sizeof(*entries));
	if (ft_usage_parse(&usage, argc, argv, operands, &status)) {
		status = ft_filter_parse(&ft_filter_options);
		if (!status && !operands->len)
			status = ft_misused("SOURCE is missing: expected a trace or a process");
		else if (!status && as_csv && drawn)
			status = ft_misused("--csv, --histogram: expected one of them");
		else if (!status)
			status = sources_count(operands, &ft_filter_options);
	}
	g_strfreev(drawn);
	ft_filter_clear(&ft_filter_options);
	g_ptr_array_unref(operands);
	return status;
}
