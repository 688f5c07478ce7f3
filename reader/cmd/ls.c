/* SPDX-License-Identifier: MIT */
/*
 * ls.c - fasttrace ls: the traced processes of a directory, a line each.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cmd.h"

/* What there is to tell of a process. */
struct row {
	const struct ft_found *found;
	char *state;
	uint64_t events_per_second;
	int64_t age_ns;
	int64_t last_ns; /* since 1970; 0: nothing is readable */
};

static void row_fill(struct row *r, const struct ft_found *f)
{
	struct fasttrace_arena *arena = f->arena;
	unsigned n = fasttrace_arena_buffers(arena);

	*r = (struct row){.found = f, .state = ft_state_text(arena)};
	r->age_ns = ft_now_ns() - (int64_t)f->info->created_realtime_ns;
	for (unsigned i = 0; i < n; i++) {
		struct fasttrace_buffer_info info;
		struct fasttrace_stats stats;
		struct fasttrace_times times;

		/* What contradicts itself is left out. */
		if (fasttrace_buffer_get_info(arena, i, &info) ||
		    fasttrace_buffer_times(arena, i, info.serial, &times) ||
		    fasttrace_buffer_stats(arena, i, info.serial, &stats))
			continue;
		r->last_ns = MAX(r->last_ns, times.newest_ns);
		if (times.until_ns > times.oldest_ns)
			r->events_per_second +=
				(uint64_t)((double)stats.readable * (double)FT_NS_PER_S /
					   ((double)times.until_ns - (double)times.oldest_ns));
	}
}

enum { PID, STATE, COMM, SIZE, AGE, RATE, LAST, COLUMNS };
static const char *const heads[COLUMNS] = {"PID", "STATE",    "COMM",	   "SIZE",
					   "AGE", "EVENTS/S", "LAST EVENT"};
static const bool numeric[COLUMNS] = {[PID] = true, [SIZE] = true, [AGE] = true, [RATE] = true};

static void row_cells(const struct row *r, char *cells[COLUMNS])
{
	char *last = r->last_ns ? ft_age_text(ft_now_ns() - r->last_ns) : NULL;

	cells[PID] = g_strdup_printf("%" PRIu32, r->found->info->pid);
	cells[STATE] = g_strdup(r->state);
	cells[COMM] = ft_safe_text(r->found->info->comm, sizeof(r->found->info->comm));
	cells[SIZE] = ft_size_text(r->found->bytes);
	cells[AGE] = ft_age_text(r->age_ns);
	cells[RATE] = g_strdup_printf("%" PRIu64, r->events_per_second);
	cells[LAST] = last ? g_strconcat(last, " ago", NULL) : g_strdup("none");
	g_free(last);
}

static void line_append(GString *s, char *const cells[COLUMNS], const long *widths)
{
	for (int c = 0; c < COLUMNS; c++) {
		long pad = widths[c] - g_utf8_strlen(cells[c], -1);

		if (numeric[c])
			g_string_append_printf(s, "%*s%s", (int)pad, "", cells[c]);
		else if (c == COLUMNS - 1)
			g_string_append(s, cells[c]);
		else
			g_string_append_printf(s, "%s%*s", cells[c], (int)pad, "");
		g_string_append(s, c == COLUMNS - 1 ? "\n" : "  ");
	}
}

static void table_append(GString *s, const GArray *rows)
{
	char *(*cells)[COLUMNS] = g_malloc0_n(rows->len + 1, sizeof(*cells));
	long widths[COLUMNS] = {0};

	for (int c = 0; c < COLUMNS; c++)
		cells[0][c] = g_strdup(heads[c]);
	for (guint i = 0; i < rows->len; i++)
		row_cells(&g_array_index(rows, struct row, i), cells[i + 1]);
	for (guint i = 0; i <= rows->len; i++)
		for (int c = 0; c < COLUMNS; c++)
			widths[c] = MAX(widths[c], g_utf8_strlen(cells[i][c], -1));
	for (guint i = 0; i <= rows->len; i++) {
		line_append(s, cells[i], widths);
		for (int c = 0; c < COLUMNS; c++)
			g_free(cells[i][c]);
	}
	g_free(cells);
}

static void json_string(GString *s, const char *text)
{
	char *valid = g_utf8_make_valid(text, -1);

	g_string_append_c(s, '"');
	for (const char *p = valid; *p; p++)
		if (*p == '"' || *p == '\\')
			g_string_append_printf(s, "\\%c", *p);
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			g_string_append_printf(s, "\\u%04x", (unsigned)*p);
		else
			g_string_append_c(s, *p);
	g_string_append_c(s, '"');
	g_free(valid);
}

/* A line for each process: what jq and grep like. */
static void json_append(GString *s, const GArray *rows)
{
	for (guint i = 0; i < rows->len; i++) {
		const struct row *r = &g_array_index(rows, struct row, i);
		char *comm = g_strndup(r->found->info->comm, sizeof(r->found->info->comm));

		g_string_append_printf(s, "{\"pid\":%" PRIu32 ",\"state\":", r->found->info->pid);
		json_string(s, r->state);
		g_string_append(s, ",\"comm\":");
		json_string(s, comm);
		g_string_append(s, ",\"arena\":");
		json_string(s, r->found->path);
		g_string_append_printf(s,
				       ",\"bytes\":%" PRIu64 ",\"created_ns\":%" PRIu64
				       ",\"events_per_second\":%" PRIu64 ",\"last_ns\":%" PRIi64
				       "}\n",
				       r->found->bytes, r->found->info->created_realtime_ns,
				       r->events_per_second, r->last_ns);
		g_free(comm);
	}
}

static void row_clear(void *row)
{
	g_free(((struct row *)row)->state);
}

static char *sort_key;

/* As asked for; otherwise, and among equals, as ft_arenas_list() has them. */
static gint row_compare(gconstpointer a, gconstpointer b)
{
	const struct row *x = a, *y = b;
	int64_t d = 0;

	if (!g_strcmp0(sort_key, "size"))
		d = (int64_t)(y->found->bytes - x->found->bytes);
	else if (!g_strcmp0(sort_key, "age"))
		d = x->age_ns - y->age_ns;
	else if (!g_strcmp0(sort_key, "rate"))
		d = (int64_t)(y->events_per_second - x->events_per_second);
	else if (!g_strcmp0(sort_key, "last"))
		d = y->last_ns - x->last_ns;
	return d < 0 ? -1 : d > 0;
}

static int directory_list(const char *dir, bool json)
{
	GPtrArray *found = ft_arenas_list(dir, 0);
	GArray *rows;
	GString *s;
	int status;

	if (!found) {
		ft_report("%s: %s: expected a directory of arenas, as FASTTRACE_DIR", dir,
			  strerror(errno));
		return EXIT_FAILURE;
	}
	s = g_string_new(NULL);
	rows = g_array_new(FALSE, FALSE, sizeof(struct row));
	g_array_set_clear_func(rows, row_clear);
	g_array_set_size(rows, found->len);
	for (guint i = 0; i < found->len; i++)
		row_fill(&g_array_index(rows, struct row, i), found->pdata[i]);
	g_array_sort(rows, row_compare);
	if (json)
		json_append(s, rows);
	else
		table_append(s, rows);
	status = ft_print(s->str);
	g_array_unref(rows);
	g_string_free(s, TRUE);
	g_ptr_array_unref(found);
	return status;
}

static int ls(const GPtrArray *operands, bool json)
{
	struct ft_source source;
	int status;
	char *dir;

	if (sort_key &&
	    !g_strv_contains((const char *const[]){"pid", "size", "age", "rate", "last", NULL},
			     sort_key))
		return ft_misused("--sort=%s: expected pid, size, age, rate or last", sort_key);
	if (operands->len > 1)
		return ft_misused("%s: expected one SOURCE at most", (char *)operands->pdata[1]);
	if (!operands->len) {
		dir = ft_arenas_dir();
		/* Nobody has traced anything yet. */
		status = g_file_test(dir, G_FILE_TEST_EXISTS) || getenv("FASTTRACE_DIR")
				 ? directory_list(dir, json)
				 : EXIT_SUCCESS;
		g_free(dir);
		return status;
	}
	if (ft_source_find(operands->pdata[0], FT_SOURCE_MOUNT | FT_SOURCE_ARENAS, &source))
		return EXIT_FAILURE;
	status = directory_list(source.dir, json);
	ft_source_clear(&source);
	return status;
}

int ft_ls(int argc, char **argv)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{"json", 0, 0, G_OPTION_ARG_NONE, &json, "a JSON object in each line", NULL},
		{"sort", 0, 0, G_OPTION_ARG_FILENAME, &sort_key,
		 "pid (the default), size, age, rate or last", "KEY"},
		G_OPTION_ENTRY_NULL,
	};
	const struct ft_usage usage = {
		"ls", "[SOURCE]", "List traced processes, alive and dead.",
		"\nSOURCE is a directory of arenas, or the root of a mount of fasttracefs; without "
		"it\n$FASTTRACE_DIR, else /dev/shm/fasttrace-UID. SIZE is memory. EVENTS/S is of "
		"what can\nbe read: from its oldest event until now, or of the dead, until the "
		"newest.\n",
		entries};
	GPtrArray *operands = g_ptr_array_new();
	int status;

	if (ft_usage_parse(&usage, argc, argv, operands, &status))
		status = ls(operands, json);
	g_ptr_array_unref(operands);
	g_free(sort_key);
	return status;
}
