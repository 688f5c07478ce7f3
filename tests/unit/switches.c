/* SPDX-License-Identifier: MIT */
/* switches.c - see switches.h. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "switches.h"
#include "table.h"

struct fasttrace_arena *traced;
char switches_path[FIXTURE_DIR_BYTES + 16];

struct fasttrace_arena *arena_open(unsigned flags)
{
	struct fasttrace_arena *a = NULL;
	const char *why = "";

	if (fasttrace_arena_open(AT_FDCWD, switches_path, flags, &a, &why))
		fail_msg("%s: %s", switches_path, why);
	return a;
}

int switches_setup(void **state)
{
	if (fixture_setup(state))
		return -1;
	snprintf(switches_path, sizeof(switches_path), "%s/table", fixture_dir);
	table_file(switches_path);
	traced = arena_open(FASTTRACE_OPEN_CONSUME);
	return 0;
}

int switches_teardown(void **state)
{
	fasttrace_arena_close(traced);
	return fixture_teardown(state);
}

struct ft_event_entry *event_add(const char *provider, const char *name)
{
	return table_add(traced, 0, NULL, TABLE_NAMES(provider, name));
}

bool is_on(unsigned id)
{
	struct fasttrace_event_info info;

	assert_int_equal(fasttrace_event_get_info(traced, id, &info), 0);
	return info.on;
}

struct ft_span rules(void)
{
	uint64_t word = ft_load_acquire(&traced->shared->rules); /* rules:R */

	return (struct ft_span){(const char *)traced->map + TABLE_RULES_OFFSET +
					ft_rules_half(word) * FT_RULES_BYTES,
				ft_rules_bytes(word)};
}

void rules_are(const char *text)
{
	struct ft_span now = rules();

	if (now.len != strlen(text) || memcmp(now.text, text, now.len))
		fail_msg("rules: %.*s, not %s", (int)now.len, now.text, text);
}

void rules_set(const char *text)
{
	strcpy((char *)traced->map + TABLE_RULES_OFFSET, text);
	traced->shared->rules = ft_rules_word(traced->shared->rules, 0, strlen(text));
}

int turn(const char *provider, const char *event, bool on)
{
	return fasttrace_events_switch(traced, provider, event, on);
}
