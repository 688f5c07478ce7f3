/* SPDX-License-Identifier: MIT */
/*
 * test_events.c - what the reader says of events, and what switching them does: to the rules, to
 * the entries, beside a process that enters events meanwhile, and with rules that lie.
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
#include "table.h"

/* Records one event of each kind each time it hears '+'; '!' is an event that it meets then. */
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

static struct fasttrace_arena *arena;
static char path[FIXTURE_DIR_BYTES + 16];

static struct fasttrace_arena *arena_open(unsigned flags)
{
	struct fasttrace_arena *a = NULL;
	const char *why = "";

	if (fasttrace_arena_open(AT_FDCWD, path, flags, &a, &why))
		fail_msg("%s: %s", path, why);
	return a;
}

static int setup(void **state)
{
	if (fixture_setup(state))
		return -1;
	snprintf(path, sizeof(path), "%s/table", fixture_dir);
	table_file(path);
	arena = arena_open(FASTTRACE_OPEN_CONSUME);
	return 0;
}

static int teardown(void **state)
{
	fasttrace_arena_close(arena);
	return fixture_teardown(state);
}

static struct ft_event_entry *event_add(const char *provider, const char *name)
{
	return table_add(arena, 0, NULL, TABLE_NAMES(provider, name));
}

static bool is_on(unsigned id)
{
	struct fasttrace_event_info info;

	assert_int_equal(fasttrace_event_get_info(arena, id, &info), 0);
	return info.on;
}

/* The rules as a process reads them. */
static struct ft_span rules(void)
{
	uint64_t word = ft_load_acquire(&arena->shared->rules); /* rules:R */

	return (struct ft_span){(const char *)arena->map + TABLE_RULES_OFFSET +
					ft_rules_half(word) * FT_RULES_BYTES,
				ft_rules_bytes(word)};
}

static void rules_are(const char *text)
{
	struct ft_span now = rules();

	if (now.len != strlen(text) || memcmp(now.text, text, now.len))
		fail_msg("rules: %.*s, not %s", (int)now.len, now.text, text);
}

/* As the process leaves them at its start. */
static void rules_set(const char *text)
{
	strcpy((char *)arena->map + TABLE_RULES_OFFSET, text);
	arena->shared->rules = ft_rules_word(0, 0, strlen(text));
}

static int turn(const char *provider, const char *event, bool on)
{
	return fasttrace_events_switch(arena, provider, event, on);
}

static void info_is_what_the_entry_says(void **state)
{
	struct fasttrace_event_info info;
	struct ft_event_entry *e;

	(void)state;
	assert_int_equal(fasttrace_arena_events(arena), 0);
	event_add("shop", "opened");
	e = table_add(arena, 2, TABLE_TYPES(FASTTRACE_TYPE_U64, FASTTRACE_TYPE_STRING),
		      TABLE_NAMES("shop", "order", "id", "customer"));
	e->kind = FASTTRACE_KIND_BEGIN;
	e->level = 3;
	assert_int_equal(fasttrace_event_get_info(arena, 2, &info), -ENOENT); /* not looked at */
	assert_int_equal(fasttrace_arena_events(arena), 2);
	assert_int_equal(fasttrace_event_get_info(arena, 0, &info), -ENOENT);
	assert_int_equal(fasttrace_event_get_info(arena, 3, &info), -ENOENT);
	assert_int_equal(fasttrace_event_get_info(arena, 1, &info), 0);
	assert_int_equal(info.nfields, 0);
	assert_int_equal(info.kind, FASTTRACE_EVENT_PLAIN);
	assert_int_equal(fasttrace_event_get_info(arena, 2, &info), 0);
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

		table_add(arena, 2, both, TABLE_NAMES("p", "typed", "", "x"));
		assert_int_equal(fasttrace_arena_events(arena), i + 1);
		assert_int_equal(fasttrace_event_get_info(arena, i + 1, &info), 0);
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
	assert_int_equal(fasttrace_arena_events(arena), -EPROTO);
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
	assert_int_equal(arena->shared->rules, 0);
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

/* Old rules, a switch, new rules. */
static void rules_become(const char *old, const char *provider, const char *event, bool on,
			 const char *now)
{
	rules_set(old);
	assert_int_equal(turn(provider, event, on), 0);
	rules_are(now);
}

static void rules_are_kept_and_what_is_useless_is_dropped(void **state)
{
	(void)state;
	rules_become("", NULL, NULL, true, "*");
	rules_become("", NULL, NULL, false, "!*");
	rules_become("a,!b:c d", NULL, NULL, false, "!*");
	rules_become("a,!b:c d", "e", NULL, true, "a,!b:c,d,e");
	rules_become("a,!b:c d", "e", "f", false, "a,!b:c,d,!e:f");
	rules_become("a,b:c", "b", "c", false, "a,!b:c");
	rules_become("a,!b:c,b:cc,bb:c", "b", "c", true, "a,b:cc,bb:c,b:c");
	rules_become("a,b,!b:c,b:x*,bb:c,b*,*:c", "b", NULL, false, "a,bb:c,b*,*:c,!b");
	rules_become("a,b", "b", "c", false, "a,b,!b:c");
	rules_become("*,!b:c", "b", "c", true, "*,b:c");
	rules_become(" ,a , b\t", "c", NULL, true, "a,b,c");
}

static void events_that_no_rule_names_stay_as_they_were(void **state)
{
	(void)state;
	rules_become("", "b", "c", true, "*,b:c"); /* were on */
	rules_become("", "b", "c", false, "!b:c");
	rules_become("!b:c", "b", "c", true, "*,b:c");
	rules_become("!b:c,!d", "b", "c", true, "!d,b:c");
	rules_become("!b:c,d", "b", NULL, false, "*,d,!b");
	rules_become("b:c", "b", "c", false, "!*,!b:c"); /* were off */
	rules_become("b:c", "b", "c", true, "b:c");
	rules_become("b:c,!d", "b", NULL, true, "!*,!d,b");
}

/* Rules at random, of few names, so that they meet. */
static size_t rules_random(char *to)
{
	static const char *const parts[] = {"a", "b", "ab", "*", "a*", "?", "*b"};
	unsigned n = (unsigned)rand() % 5;
	char *p = to;

	for (*p = '\0'; n--; p = stpcpy(p, rand() % 3 ? "," : " ,\t")) {
		p = stpcpy(p, rand() % 2 ? "!" : "");
		p = stpcpy(p, parts[rand() % 7]);
		if (rand() % 3)
			p = stpcpy(stpcpy(p, ":"), parts[rand() % 7]);
	}
	return (size_t)(p - to);
}

/* What a switch concerns is as it says; all else is as it was, in entries and in rules. */
static void switch_says_what_is_on_and_nothing_else(void **state)
{
	static const char *const names[] = {"a", "b", "ab", "c"};
	char old[128];

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 16; i++)
		event_add(names[i / 4], names[i % 4]);
	for (unsigned round = 0; round < 20000; round++) {
		struct ft_span before = {old, rules_random(old)};
		const char *provider = rand() % 8 ? names[rand() % 4] : NULL;
		const char *event = provider && rand() % 3 ? names[rand() % 4] : NULL;
		bool on = rand() % 2, was[16];

		rules_set(old);
		for (unsigned i = 0; fasttrace_arena_events(arena) == 16 && i < 16; i++)
			was[i] = is_on(i + 1);
		assert_int_equal(turn(provider, event, on), 0);
		assert_true(ft_rules_valid(rules()));
		for (unsigned i = 0; i < 16; i++) {
			const char *p = names[i / 4], *n = names[i % 4];
			struct ft_span p_span = {p, strlen(p)}, n_span = {n, strlen(n)};
			bool mine = (!provider || !strcmp(provider, p)) &&
				    (!event || !strcmp(event, n));

			if (ft_rules_on(rules(), p_span, n_span) !=
			    (mine ? on : ft_rules_on(before, p_span, n_span)))
				fail_msg("%s + %s%s:%s = %.*s: %s:%s", old, on ? "" : "!", provider,
					 event ? event : "", (int)rules().len, rules().text, p, n);
			assert_int_equal(is_on(i + 1), mine ? on : was[i]);
		}
	}
}

static void rules_do_not_grow_with_the_times_they_change(void **state)
{
	static const char *const names[] = {"a", "b", "ab", "c"};

	(void)state;
	srand(2);
	for (unsigned round = 0; round < 20000; round++) {
		assert_int_equal(
			turn(names[rand() % 4], rand() % 4 ? names[rand() % 4] : NULL, rand() % 2),
			0);
		assert_true(rules().len <= 3 + 4 * 4 + 16 * 7); /* one for each, and the first */
	}
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
		struct ft_event_entry *e = (void *)(arena->map + arena->classes[id - 1].offset);

		assert_int_equal(e->on, id == 3 ? 0 : id); /* the id, which events carry */
	}
}

static void halves_take_turns(void **state)
{
	const char *half[2] = {(char *)arena->map + TABLE_RULES_OFFSET,
			       (char *)arena->map + TABLE_RULES_OFFSET + FT_RULES_BYTES};

	(void)state;
	rules_set("first");
	arena->shared->rules |= UINT64_C(0xffffffff) << 32; /* a generation before the wrap */
	assert_int_equal(turn("second", NULL, true), 0);
	assert_int_equal(arena->shared->rules >> 32, 0);
	assert_int_equal(ft_rules_half(arena->shared->rules), 1);
	assert_memory_equal(half[0], "first", 5); /* a process may be reading it */
	assert_memory_equal(half[1], "first,second", 12);
	assert_int_equal(turn("third", NULL, true), 0);
	assert_int_equal(arena->shared->rules >> 32, 1);
	assert_int_equal(ft_rules_half(arena->shared->rules), 0);
	assert_memory_equal(half[1], "first,second", 12);
	rules_are("first,second,third");
}

static void rules_that_are_none_are_taken_as_empty(void **state)
{
	static const char *const bad[] = {"a,b:c:d", "a-b", "a,!", "a/b", "a\x1b", ":a:"};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		rules_become(bad[i], "p", NULL, false, "!p");
	rules_set("a,b");
	arena->shared->rules++; /* with the zero byte */
	assert_int_equal(turn("p", NULL, false), 0);
	rules_are("!p");
	arena->shared->rules = FT_RULES_BYTES + 1; /* they would end in the other half */
	assert_int_equal(turn("p", NULL, true), 0);
	rules_are("*,p");
	arena->shared->rules = UINT64_MAX; /* or far behind the file's end */
	assert_int_equal(turn("p", NULL, false), 0);
	rules_are("!p");
}

static void rules_that_do_not_fit_are_not_remembered(void **state)
{
	char *half = (char *)arena->map + TABLE_RULES_OFFSET;
	uint64_t word = ft_rules_word(0, 0, FT_RULES_BYTES - 3);

	(void)state;
	event_add("p", "a");
	event_add("q", "a");
	memset(half, 'x', FT_RULES_BYTES);
	arena->shared->rules = word;
	assert_int_equal(turn("pp", NULL, true), 0);
	assert_int_equal(ft_rules_bytes(arena->shared->rules), FT_RULES_BYTES); /* it just fits */
	arena->shared->rules = word;
	assert_int_equal(turn("p", "a", false), 0);
	assert_int_equal(arena->shared->rules, word);
	assert_true(!is_on(1) && is_on(2));
	assert_int_equal(turn(NULL, NULL, true), 0);
	rules_are("*");
	assert_true(is_on(1));
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

		arena->shared->rules_offset = offsets[i];
		assert_int_equal(turn("p", NULL, true), 0); /* was checked when it was opened */
		fasttrace_arena_close(arena);
		assert_int_equal(
			fasttrace_arena_open(AT_FDCWD, path, FASTTRACE_OPEN_CONSUME, &a, NULL),
			-EPROTO);
		table_file(path);
		arena = arena_open(FASTTRACE_OPEN_CONSUME);
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
	table_file(path);
	arena = arena_open(FASTTRACE_OPEN_CONSUME);
	event_add("p", "a");
	rules_set("a");
	snprintf(path, sizeof(path), "%s/fill", fixture_dir);
	fill = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fill, path, sizeof(path)) > 0)
		;
	word = arena->shared->rules;
	if (fasttrace_arena_events(arena) != 1)
		return 3;
	if (turn("p", NULL, false) != -ENOSPC || arena->shared->rules != word || !is_on(1))
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
	uint64_t before = fixture_begun(arena);

	fixture_say(how);
	assert_int_equal(fixture_hear(), enabled ? '1' : '0');
	return fixture_begun(arena) - before;
}

static void living_process_follows_at_once(void **state)
{
	pid_t pid = fixture_spawn_env("shop", "FASTTRACE_EVENTS=!shop:none");

	(void)state;
	fasttrace_arena_close(arena);
	assert_int_equal(fixture_hear(), '.');
	arena = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
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
	uint64_t seen = arena->shared->rules;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < REGISTERED; i++) {
		while (i % 16 == 0 && ft_load_acquire(&arena->shared->rules) == seen)
			sched_yield(); /* so that both get on together */
		seen = ft_load_acquire(&arena->shared->rules);

		char name[] = {(char)('a' + i % 4), '\0'};
		char provider[] = {(char)('p' + i / 4 % 4), '\0'};
		struct ft_event_entry *e = event_add(provider, name);
		uint64_t word, again;

		ft_fence_full();
		again = ft_load_acquire(&arena->shared->rules); /* rules:R */
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
			again = ft_load_acquire(&arena->shared->rules);
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
	assert_int_equal(fasttrace_arena_events(arena), REGISTERED);
	for (unsigned id = 1; id <= REGISTERED; id++) {
		const char *names = arena->classes[id - 1].names;

		assert_int_equal(is_on(id), ft_rules_on(rules(), (struct ft_span){names, 1},
							(struct ft_span){names + 2, 1}));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(info_is_what_the_entry_says),
		TEST(types_are_named),
		TEST(bad_entry_hides_what_follows_it_only),
		TEST(what_is_not_a_name_is_refused),
		TEST(who_does_not_consume_may_not_switch),
		TEST(rules_are_kept_and_what_is_useless_is_dropped),
		TEST(events_that_no_rule_names_stay_as_they_were),
		TEST(switch_says_what_is_on_and_nothing_else),
		TEST(rules_do_not_grow_with_the_times_they_change),
		TEST(every_class_of_an_event_is_switched_guards_too),
		TEST(halves_take_turns),
		TEST(rules_that_are_none_are_taken_as_empty),
		TEST(rules_that_do_not_fit_are_not_remembered),
		TEST(arena_without_room_for_rules_is_refused),
		TEST(full_tmpfs_is_an_error),
		TEST(living_process_follows_at_once),
		TEST(switches_beside_a_process_that_enters_events),
	};

	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
