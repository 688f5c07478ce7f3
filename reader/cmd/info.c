/* SPDX-License-Identifier: MIT */
/*
 * info.c - fasttrace info: all that an arena says of itself.
 */
#include <inttypes.h>

#include "cmd.h"
#include "ft-clock.h"

static void line(GString *s, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void line(GString *s, const char *name, const char *format, ...)
{
	va_list args;

	g_string_append_printf(s, "%-12s ", name);
	va_start(args, format);
	g_string_append_vprintf(s, format, args);
	va_end(args);
	g_string_append_c(s, '\n');
}

static void name_line(GString *s, const char *name, const char *text, size_t bytes)
{
	char *safe = ft_safe_text(text, bytes);

	line(s, name, "%s", safe);
	g_free(safe);
}

/* Arguments as a shell takes them. */
static void cmdline_line(GString *s, const struct fasttrace_process_info *info)
{
	GString *words = g_string_new(NULL);
	const char *end = info->cmdline + info->cmdline_bytes;

	for (const char *p = info->cmdline; p < end; p += strlen(p) + 1) {
		char *quoted = strpbrk(p, " \t\n'\"\\$&|;<>()*?[]#~`!") || !*p ? g_shell_quote(p)
									       : g_strdup(p);

		g_string_append_printf(words, "%s%s", words->len ? " " : "", quoted);
		g_free(quoted);
	}
	name_line(s, "cmdline", words->str, words->len);
	g_string_free(words, TRUE);
}

static char *time_text(int64_t ns)
{
	GDateTime *t = g_date_time_new_from_unix_local(ns / FT_NS_PER_S);
	char *text = t ? g_date_time_format(t, "%Y-%m-%d %H:%M:%S %z") : g_strdup("?");

	if (t)
		g_date_time_unref(t);
	return text;
}

static void identity_append(GString *s, struct fasttrace_arena *arena)
{
	const struct fasttrace_process_info *info = fasttrace_arena_info(arena);
	char *state = ft_state_text(arena),
	     *created = time_text((int64_t)info->created_realtime_ns);
	GString *uuid = g_string_new(NULL);

	for (unsigned i = 0; i < 16; i++)
		g_string_append_printf(uuid, "%s%02x",
				       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				       info->uuid[i]);
	line(s, "pid", "%" PRIu32, info->pid);
	line(s, "state", "%s", state);
	name_line(s, "comm", info->comm, sizeof(info->comm));
	name_line(s, "exe", info->exe, strlen(info->exe));
	cmdline_line(s, info);
	line(s, "uid", "%" PRIu32, info->uid);
	line(s, "uuid", "%s", uuid->str);
	line(s, "created", "%s", created);
	g_string_free(uuid, TRUE);
	g_free(created);
	g_free(state);
}

static void clock_append(GString *s, struct fasttrace_arena *arena)
{
	const struct fasttrace_process_info *info = fasttrace_arena_info(arena);
	struct ft_clock clock;

	ft_clock_get(arena, &clock);
	line(s, "clock", "%s, %" PRIu64 " Hz: %s", info->raw_clock ? "cycle counter" : "monotonic",
	     clock.hz, info->clock_why);
	line(s, "offset", "%" PRIi64 " s + %" PRIu64 " ticks since 1970%s", clock.offset_s,
	     clock.offset, clock.guessed ? "; the frequency is this machine's" : "");
}

static void mode_append(GString *s, struct fasttrace_arena *arena)
{
	static const char *const modes[] = {[FASTTRACE_OVERWRITE] = "overwrite",
					    [FASTTRACE_DISCARD] = "discard",
					    [FASTTRACE_BLOCK] = "block"};
	struct fasttrace_geometry g;

	line(s, "mode", "%s", modes[fasttrace_arena_info(arena)->mode]);
	line(s, "tracing", "%s", fasttrace_tracing_is_on(arena) ? "on" : "off");
	if (!fasttrace_geometry_get(arena, &g)) {
		char *bytes = ft_size_text(g.subbuf_bytes);

		line(s, "rings", "%" PRIu32 " x %s, of threads to come", g.subbufs, bytes);
		g_free(bytes);
	}
}

static int counts_append(GString *s, struct fasttrace_arena *arena)
{
	struct fasttrace_stats stats;
	int err = fasttrace_arena_stats(arena, &stats);

	if (err)
		return err;
	line(s, "events",
	     "%" PRIu64 " begun: %" PRIu64 " readable, %" PRIu64 " consumed, %" PRIu64
	     " overwritten, %" PRIu64 " in flight",
	     stats.begun, stats.readable, stats.consumed, stats.overwritten, stats.in_flight);
	line(s, "lost",
	     "%" PRIu64 " full, %" PRIu64 " too big, %" PRIu64 " nested, %" PRIu64
	     " no buffer, %" PRIu64 " no event",
	     stats.lost_full, stats.lost_too_big, stats.lost_nested, stats.lost_no_buffer,
	     stats.lost_no_event);
	line(s, "corrupted", "%" PRIu64 " sub-buffers", stats.corrupted);
	return 0;
}

static void threads_append(GString *s, struct fasttrace_arena *arena)
{
	unsigned n = fasttrace_arena_buffers(arena);

	g_string_append_printf(s, "\n%-10s %-16s %-7s %11s %12s %12s %12s %12s %10s\n", "TID",
			       "THREAD", "STATE", "RING", "BEGUN", "READABLE", "CONSUMED",
			       "OVERWRITTEN", "LOST");
	for (unsigned i = 0; i < n; i++) {
		struct fasttrace_buffer_info info;
		struct fasttrace_stats t;
		char *name, *ring, *bytes;

		if (fasttrace_buffer_get_info(arena, i, &info) ||
		    fasttrace_buffer_stats(arena, i, info.serial, &t))
			continue;
		name = ft_safe_text(info.name, sizeof(info.name));
		bytes = ft_size_text(info.subbuf_bytes);
		ring = g_strdup_printf("%" PRIu32 " x %s", info.subbufs, bytes);
		g_string_append_printf(s,
				       "%-10" PRIu32 " %-16s %-7s %11s %12" PRIu64 " %12" PRIu64
				       " %12" PRIu64 " %12" PRIu64 " %10" PRIu64 "\n",
				       info.tid, name, info.live ? "running" : "ended", ring,
				       t.begun, t.readable, t.consumed, t.overwritten,
				       t.lost_full + t.lost_too_big + t.lost_nested);
		g_free(name);
		g_free(bytes);
		g_free(ring);
	}
}

static void events_append(GString *s, struct fasttrace_arena *arena)
{
	static const char *const kinds[] = {[FASTTRACE_EVENT_PLAIN] = "",
					    [FASTTRACE_EVENT_BEGIN] = ":begin",
					    [FASTTRACE_EVENT_END] = ":end",
					    [FASTTRACE_EVENT_COUNTER] = ":counter",
					    [FASTTRACE_EVENT_MARKER] = ""};
	int n = fasttrace_arena_events(arena);

	g_string_append(s, "\n   ID  ON   EVENT\n");
	for (int id = 1; id <= n; id++) {
		struct fasttrace_event_info info;
		char *provider, *name;

		if (fasttrace_event_get_info(arena, (unsigned)id, &info) ||
		    info.kind == FASTTRACE_EVENT_GUARD)
			continue;
		provider = ft_safe_text(info.provider, strlen(info.provider));
		name = ft_safe_text(info.name, strlen(info.name));
		g_string_append_printf(s, "%5d  %-3s  %s:%s%s", id, info.on ? "on" : "off",
				       provider, name, kinds[info.kind]);
		for (unsigned f = 0; f < info.nfields; f++)
			g_string_append_printf(s, "%s%s %s", f ? ", " : " (", info.field[f].type,
					       info.field[f].name);
		g_string_append(s, info.nfields ? ")\n" : "\n");
		g_free(provider);
		g_free(name);
	}
}

static int info_print(const struct ft_source *source)
{
	struct fasttrace_arena *arena;
	GString *s = g_string_new(NULL);
	int status = EXIT_FAILURE;

	if (ft_source_open(source, 0, &arena))
		goto free_text;
	line(s, "arena", "%s", source->arena);
	identity_append(s, arena);
	clock_append(s, arena);
	mode_append(s, arena);
	if (!counts_append(s, arena)) {
		threads_append(s, arena);
		events_append(s, arena);
		status = ft_print(s->str);
	} else {
		ft_report("%s: contradicts itself: it was damaged, or is no arena", source->arena);
	}
	fasttrace_arena_close(arena);
free_text:
	g_string_free(s, TRUE);
	return status;
}

int ft_info(int argc, char **argv)
{
	const struct ft_usage usage = {
		"info", "SOURCE",
		"Show what an arena says of itself: whose it is, its clock, threads, events.",
		"\nSOURCE is a process id, the file of an arena, or the folder of a process in a "
		"mount.\nNothing is consumed.\n",
		NULL};
	GPtrArray *operands = g_ptr_array_new();
	struct ft_source source;
	int status;

	if (!ft_usage_parse(&usage, argc, argv, operands, &status))
		goto out;
	if (operands->len != 1)
		status = operands->len
				 ? ft_misused("%s: expected one SOURCE", (char *)operands->pdata[1])
				 : ft_misused("SOURCE is missing: expected a process");
	else if (ft_source_find(operands->pdata[0], FT_SOURCE_ARENA | FT_SOURCE_PROCESS, &source))
		status = EXIT_FAILURE;
	else {
		status = info_print(&source);
		ft_source_clear(&source);
	}
out:
	g_ptr_array_unref(operands);
	return status;
}
