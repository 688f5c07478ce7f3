/* SPDX-License-Identifier: MIT */
/*
 * test_events.c - what the reader says of events, and what switching them does to the entries: of
 * all kinds, of a living process, beside one that enters events meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-rules.h"
#include "ft-walk.h"
#include "switches.h"
#include "table.h"

/* Goes round for each byte it hears; at a "!" it meets one event more. */
static void body_shop(void)
{
	int c;

	FASTTRACE(shop, opened);
	body_say('.');
	while ((c = body_hear()) > 0) {
		FASTTRACE(shop, order, (id, c));
		FASTTRACE(bank, order, (id, c));
		if (c == '!')
			FASTTRACE(bank, late);
		body_say(FASTTRACE_ENABLED(shop, order) ? '1' : '0');
	}
}

static const struct fixture_body bodies[] = {{"shop", body_shop}, {NULL, NULL}};

static void info_is_what_the_entry_says(void **state)
{
	struct fasttrace_event_info info;
	struct ft_event_entry *e;

	(void)state;
	assert_int_equal(fasttrace_arena_events(traced), 0);
	event_add("shop", "opened");
	e = table_add(traced, 2, TABLE_TYPES(FASTTRACE_TYPE_U64, FASTTRACE_TYPE_STRING),
		      TABLE_NAMES("shop", "order", "id", "customer"));
	e->kind = FASTTRACE_KIND_BEGIN;
	e->level = 3;
	assert_int_equal(fasttrace_event_get_info(traced, 2, &info), -ENOENT); /* not looked at */
	assert_int_equal(fasttrace_arena_events(traced), 2);
	assert_int_equal(fasttrace_event_get_info(traced, 0, &info), -ENOENT);
	assert_int_equal(fasttrace_event_get_info(traced, 3, &info), -ENOENT);
	assert_int_equal(fasttrace_event_get_info(traced, 1, &info), 0);
	assert_int_equal(info.nfields, 0);
	assert_int_equal(info.kind, FASTTRACE_EVENT_PLAIN);
	assert_int_equal(fasttrace_event_get_info(traced, 2, &info), 0);
	assert_int_equal(info.id, 2);
	assert_string_equal(info.provider, "shop");
	assert_string_equal(info.name, "order");
	assert_int_equal(info.kind, FASTTRACE_EVENT_BEGIN);
	assert_int_equal(info.level, 3);
	assert_int_equal(info.nfields, 2);
	assert_string_equal(info.field[0].name, "id");
	assert_string_equal(info.field[1].name, "customer");
	assert_true(info.on);
	e->on = 0;
	assert_false(is_on(2));
	assert_true(is_on(1));
}

static void types_are_named(void **state)
{
	static const struct {
		unsigned type;
		const char *name;
		unsigned bytes;
	} types[] = {{FASTTRACE_TYPE_I8, "i8", 1},
		     {FASTTRACE_TYPE_I16, "i16", 2},
		     {FASTTRACE_TYPE_I32, "i32", 4},
		     {FASTTRACE_TYPE_I64, "i64", 8},
		     {FASTTRACE_TYPE_U8, "u8", 1},
		     {FASTTRACE_TYPE_U16, "u16", 2},
		     {FASTTRACE_TYPE_U32, "u32", 4},
		     {FASTTRACE_TYPE_U64, "u64", 8},
		     {FASTTRACE_TYPE_BOOL, "bool", 1},
		     {FASTTRACE_TYPE_FLOAT, "float", 4},
		     {FASTTRACE_TYPE_DOUBLE, "double", 8},
		     {FASTTRACE_TYPE_HEX8, "hex8", 1},
		     {FASTTRACE_TYPE_HEX16, "hex16", 2},
		     {FASTTRACE_TYPE_HEX32, "hex32", 4},
		     {FASTTRACE_TYPE_HEX64, "hex64", 8},
		     {FASTTRACE_TYPE_CHAR, "char", 1}, /* and what has no arrays */
		     {FASTTRACE_TYPE_STRING, "string", 0},
		     {FASTTRACE_TYPE_POINTER, "pointer", 8}};

	(void)state;
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++) {
		bool array = i < 15;
		uint8_t both[2] = {(uint8_t)types[i].type,
				   (uint8_t)(types[i].type | (array ? FASTTRACE_TYPE_ARRAY : 0))};
		struct fasttrace_event_info info;
		char name[16];

		table_add(traced, 2, both, TABLE_NAMES("p", "typed", "", "x"));
		assert_int_equal(fasttrace_arena_events(traced), i + 1);
		assert_int_equal(fasttrace_event_get_info(traced, i + 1, &info), 0);
		assert_string_equal(info.field[0].name, "field"); /* it has none */
		assert_string_equal(info.field[0].type, types[i].name);
		assert_int_equal(info.field[0].bytes, types[i].bytes);
		snprintf(name, sizeof(name), "%s%s", types[i].name, array ? "[]" : "");
		assert_string_equal(info.field[1].type, name);
		assert_int_equal(info.field[1].bytes, types[i].bytes);
	}
}

static void bad_entry_hides_what_follows_it_only(void **state)
{
	(void)state;
	event_add("p", "good");
	event_add("p", "bad")->id = 77;
	event_add("p", "unreachable");
	assert_int_equal(fasttrace_arena_events(traced), -EPROTO);
	assert_int_equal(turn("p", NULL, false), -EPROTO);
	assert_false(is_on(1));
	rules_are("!p");
}

static void what_is_not_a_name_is_refused(void **state)
{
	static const char *const bad[] = {"",	 "*",	"a*",	"?",   "!a",	"a,b",
					  "a b", "a:b", "9a",	"a-b", "a.b",	"a/b",
					  "..",	 "a\n", "\x7f", "a\"", "a\x1b", "a=b"};
	char longest[257];

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(turn(bad[i], NULL, true), -EINVAL);
		assert_int_equal(turn("a", bad[i], true), -EINVAL);
	}
	assert_int_equal(turn(NULL, "a", true), -EINVAL);
	memset(longest, 'x', 256);
	longest[256] = '\0';
	assert_int_equal(turn(longest, NULL, true), -EINVAL);
	assert_int_equal(traced->shared->rules, 0);
	assert_int_equal(turn(longest + 1, NULL, true), 0);
	assert_int_equal(turn("_a9Z", "gr\xc3\xbc\xc3\x9f", false), 0);
}

static void who_does_not_consume_may_not_switch(void **state)
{
	struct fasttrace_arena *other = arena_open(FASTTRACE_OPEN_CONSUME);

	(void)state;
	event_add("p", "a");
	assert_int_equal(fasttrace_events_switch(other, NULL, NULL, false), -EBUSY);
	assert_int_equal(fasttrace_arena_events(other), 1);
	assert_int_equal(turn(NULL, NULL, false), 0);
	fasttrace_arena_close(other);
}

static void every_class_of_an_event_is_switched_guards_too(void **state)
{
	(void)state;
	event_add("p", "a");
	event_add("p", "a")->kind = FASTTRACE_KIND_GUARD;
	event_add("p", "b");
	event_add("q", "a")->kind = FASTTRACE_KIND_GUARD;
	event_add("p", "a")->kind = FASTTRACE_KIND_END;
	assert_int_equal(turn("p", "a", false), 0);
	assert_true(!is_on(1) && !is_on(2) && is_on(3) && is_on(4) && !is_on(5));
	assert_int_equal(turn(NULL, NULL, false), 0);
	assert_true(!is_on(3) && !is_on(4));
	assert_int_equal(turn("q", NULL, true), 0);
	assert_true(!is_on(1) && !is_on(3) && is_on(4));
	assert_int_equal(turn("p", "a", true), 0);
	for (unsigned id = 1; id <= 5; id++) {
		struct ft_event_entry *e = (void *)(traced->map + traced->classes[id - 1].offset);

		assert_int_equal(e->on, id == 3 ? 0 : id); /* the id, which events carry */
	}
}

static void arena_without_room_for_rules_is_refused(void **state)
{
	static const uint64_t offsets[] = {0,
					   64,
					   TABLE_RULES_OFFSET + 8,
					   TABLE_RULES_OFFSET + 10 * FT_RULES_BYTES,
					   UINT64_MAX - FT_RULES_BYTES,
					   UINT64_MAX - 63};

	(void)state;
	for (unsigned i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		struct fasttrace_arena *a = NULL;

		traced->shared->rules_offset = offsets[i];
		assert_int_equal(turn("p", NULL, true), 0); /* was checked when it was opened */
		fasttrace_arena_close(traced);
		assert_int_equal(fasttrace_arena_open(AT_FDCWD, switches_path,
						      FASTTRACE_OPEN_CONSUME, &a, NULL),
				 -EPROTO);
		table_file(switches_path);
		traced = arena_open(FASTTRACE_OPEN_CONSUME);
	}
}

/* On a tmpfs of its own that is full. Return: exit status. */
static int switch_without_memory(void)
{
	uint64_t word;
	int fill;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", fixture_dir, "tmpfs", 0, "size=64k"))
		return 77;
	table_file(switches_path);
	traced = arena_open(FASTTRACE_OPEN_CONSUME);
	event_add("p", "a");
	rules_set("a");
	snprintf(switches_path, sizeof(switches_path), "%s/fill", fixture_dir);
	fill = open(switches_path, O_WRONLY | O_CREAT, 0600);
	while (write(fill, switches_path, sizeof(switches_path)) > 0)
		;
	word = traced->shared->rules;
	if (fasttrace_arena_events(traced) != 1)
		return 3;
	if (turn("p", NULL, false) != -ENOSPC || traced->shared->rules != word || !is_on(1))
		return 1;
	if (ftruncate(fill, 0) || turn("p", NULL, false) || is_on(1))
		return 2;
	return 0;
}

static void full_tmpfs_is_an_error(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		_exit(switch_without_memory());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("SKIP: may not mount a tmpfs\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* Let the process of body_shop go round once. Return: events that it recorded. */
static uint64_t go_round(char how, bool enabled)
{
	uint64_t before = fixture_begun(traced);

	fixture_say(how);
	assert_int_equal(fixture_hear(), enabled ? '1' : '0');
	return fixture_begun(traced) - before;
}

static void living_process_follows_at_once(void **state)
{
	pid_t pid = fixture_spawn_env("shop", "FASTTRACE_EVENTS=!shop:none");

	(void)state;
	fasttrace_arena_close(traced);
	assert_int_equal(fixture_hear(), '.');
	traced = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(go_round('+', true), 2);
	assert_int_equal(turn("shop", "order", false), 0);
	assert_int_equal(go_round('+', false), 1);
	assert_int_equal(turn("bank", NULL, false), 0);
	assert_int_equal(go_round('!', false), 0); /* also one that it meets only now */
	assert_int_equal(turn(NULL, NULL, true), 0);
	assert_int_equal(go_round('!', true), 3);
	assert_int_equal(turn(NULL, NULL, false), 0);
	assert_int_equal(go_round('!', false), 0);
	fixture_kill(pid);
	assert_int_equal(turn("shop", NULL, true), 0); /* what is dead does not mind */
	assert_true(is_on(1));
}

#define REGISTERED 2000u

/* A process: links an entry, looks at the rules, sets the entry's switch, looks again. */
static void events_register(void)
{
	static char text[FT_RULES_BYTES];
	uint64_t seen = traced->shared->rules;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < REGISTERED; i++) {
		while (i % 16 == 0 && ft_load_acquire(&traced->shared->rules) == seen)
			sched_yield(); /* so that both get on together */
		seen = ft_load_acquire(&traced->shared->rules);

		char name[] = {(char)('a' + i % 4), '\0'};
		char provider[] = {(char)('p' + i / 4 % 4), '\0'};
		struct ft_event_entry *e = event_add(provider, name);
		uint64_t word, again;

		ft_fence_full();
		again = ft_load_acquire(&traced->shared->rules); /* rules:R */
		do {
			struct ft_span now = rules();
			bool on;

			word = again;
			memcpy(text, now.text, now.len);
			now.text = text;
			on = ft_rules_on(now, (struct ft_span){provider, 1},
					 (struct ft_span){name, 1});
			if (i % 4 == 0)
				sched_yield(); /* the rules are old now, now and then */
			ft_store_relaxed(&e->on, on ? e->id : 0);
			ft_fence_full();
			again = ft_load_acquire(&traced->shared->rules);
		} while (again != word);
	}
}

static void switches_beside_a_process_that_enters_events(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) {
		events_register();
		_exit(0);
	}
	srand(3);
	do {
		char provider[] = {(char)('p' + rand() % 4), '\0'};
		char event[] = {(char)('a' + rand() % 4), '\0'};

		assert_int_equal(turn(rand() % 64 ? provider : NULL, NULL, rand() % 2), 0);
		assert_int_equal(turn(provider, event, rand() % 2), 0);
	} while (waitpid(pid, &status, WNOHANG) == 0);
	assert_int_equal(status, 0);
	assert_int_equal(fasttrace_arena_events(traced), REGISTERED);
	for (unsigned id = 1; id <= REGISTERED; id++) {
		const char *names = traced->classes[id - 1].names;

		assert_int_equal(is_on(id), ft_rules_on(rules(), (struct ft_span){names, 1},
							(struct ft_span){names + 2, 1}));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, switches_setup, switches_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(info_is_what_the_entry_says),
		TEST(types_are_named),
		TEST(bad_entry_hides_what_follows_it_only),
		TEST(what_is_not_a_name_is_refused),
		TEST(who_does_not_consume_may_not_switch),
		TEST(every_class_of_an_event_is_switched_guards_too),
		TEST(arena_without_room_for_rules_is_refused),
		TEST(full_tmpfs_is_an_error),
		TEST(living_process_follows_at_once),
		TEST(switches_beside_a_process_that_enters_events),
	};

	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
