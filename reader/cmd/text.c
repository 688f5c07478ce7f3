/* SPDX-License-Identifier: MIT */
/*
 * text.c - numbers, times and names as a person reads them.
 */
#include <inttypes.h>
#include <time.h>

#include "cmd.h"

char *ft_state_text(struct fasttrace_arena *arena)
{
	int code;

	switch (fasttrace_arena_end(arena, &code)) {
	case FASTTRACE_RUNNING:
		return g_strdup("running");
	case FASTTRACE_EXITED:
		return code < 0 ? g_strdup("exited") : g_strdup_printf("exited %d", code);
	case FASTTRACE_KILLED:
		return g_strdup_printf("killed %d", code);
	case FASTTRACE_REPLACED:
		return g_strdup("replaced");
	default:
		return g_strdup("ended");
	}
}

char *ft_size_text(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double n = (double)bytes;
	unsigned u = 0;

	while (n >= 1023.5) {
		n /= 1024;
		u++;
	}
	return u && n < 9.95 ? g_strdup_printf("%.1f%c", n, units[u])
			     : g_strdup_printf("%.0f%c", n, units[u]);
}

char *ft_age_text(int64_t ns)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}};
	int64_t s = MAX(ns, 0) / FT_NS_PER_S;

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
		if (s >= 2 * units[i].seconds)
			return g_strdup_printf("%" PRIi64 " %s", s / units[i].seconds,
					       units[i].name);
	return g_strdup_printf("%" PRIi64 " s", s);
}

char *ft_safe_text(const char *text, size_t bytes)
{
	char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, bytes));
	GString *s = g_string_new(NULL);

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(s, g_unichar_isprint(c) ? c : '?');
	}
	g_free(valid);
	return g_string_free(s, FALSE);
}

int64_t ft_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * FT_NS_PER_S + t.tv_nsec;
}
