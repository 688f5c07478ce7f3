/* SPDX-License-Identifier: MIT */
/*
 * test_event.c - call sites enter the event table. The process around it is a fake one.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-rules.h"
#include "ft-tracer.h"

#define EVENTS_OFFSET 4096u
#define EVENTS_BYTES  (8u << 20)

static union {
	struct ft_arena arena;
	char bytes[EVENTS_OFFSET + EVENTS_BYTES + 2 * FT_RULES_BYTES];
} memory __attribute__((aligned(4096)));
static struct ft_arena *arena;
static uint32_t space_left;
static void (*on_space)(void); /* runs once in the middle of a registration, as a handler would */

static struct fasttrace_thread thread;
__thread struct fasttrace_thread *fasttrace_self = &thread;

struct ft_arena *ft_process_arena(void)
{
	errno = EDOM;
	return arena;
}

static bool arena_later; /* it is not there, but may come */
static uint64_t lost;

bool ft_process_off(void)
{
	return !arena_later;
}

void ft_process_lost(uint64_t events)
{
	lost += events;
}

void *ft_process_event_space(uint32_t bytes, uint32_t *offset)
{
	uint32_t size = (bytes + 7) & ~7u, end;
	void (*run)(void) = on_space;

	on_space = NULL;
	if (run)
		run();
	if (size > space_left)
		return NULL;
	end = (uint32_t)ft_add_relaxed(&arena->events_end, size);
	*offset = EVENTS_OFFSET + end;
	return memory.bytes + *offset;
}

static int setup(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	arena = &memory.arena;
	arena->events_offset = EVENTS_OFFSET;
	arena->events_bytes = EVENTS_BYTES;
	arena->rules_offset = EVENTS_OFFSET + EVENTS_BYTES;
	space_left = UINT32_MAX;
	return 0;
}

#define SITE_OF_KIND(kind, text, n, ...)                   \
	((struct fasttrace_event){&fasttrace_unregistered, \
				  text,                    \
				  FASTTRACE_ABI,           \
				  FASTTRACE_INFO,          \
				  n,                       \
				  kind,                    \
				  {__VA_ARGS__}})
#define SITE(text, n, ...) SITE_OF_KIND(FASTTRACE_KIND_EVENT, text, n, __VA_ARGS__)
#define U8		   FASTTRACE_TYPE_U8

static const struct ft_event_entry *entry_of(const struct fasttrace_event *event)
{
	return (const void *)((const char *)event->on - offsetof(struct ft_event_entry, on));
}

/* Register a site and compare its names, each ended by a zero byte. */
static void assert_names(const char *text, unsigned n, const char *names, size_t bytes)
{
	struct fasttrace_event site = SITE(text, (uint8_t)n, U8, U8, U8, U8);
	const struct ft_event_entry *e;

	assert_int_not_equal(fasttrace_event_register(&site), 0);
	e = entry_of(&site);
	assert_int_equal(e->size, sizeof(*e) + bytes);
	assert_memory_equal(e->strings, names, bytes);
	assert_int_equal(e->provider_len, strlen(names));
	assert_int_equal(e->name_len, strlen(names + e->provider_len + 1));
}
#define ASSERT_NAMES(text, n, names) assert_names(text, n, names, sizeof(names))

static void names_are_taken_as_they_are_written(void **state)
{
	(void)state;
	ASSERT_NAMES("shop, opened", 0, "shop\0opened");
	ASSERT_NAMES("  shop ,\topened  ", 0, "shop\0opened");
	ASSERT_NAMES("shop, errno, (linux, 1), (new, 2)", 2, "shop\0errno\0linux\0new");
	ASSERT_NAMES("a, b, ( c , d ) , (e, f)", 2, "a\0b\0c\0e");
	ASSERT_NAMES("a,b,(c,d),(e,f)", 2, "a\0b\0c\0e");
	ASSERT_NAMES("p, \xc3\xa4, (gr\xc3\xb6\xc3\x9f"
		     "e, 1)",
		     1,
		     "p\0\xc3\xa4\0gr\xc3\xb6\xc3\x9f"
		     "e");
}

static void values_may_hold_any_brackets_and_commas(void **state)
{
	(void)state;
	ASSERT_NAMES("p, e, (a, f(x, (y, z))), (b, v[g(1, 2)])", 2, "p\0e\0a\0b");
	ASSERT_NAMES("p, e, (a, f<x, y>(1)), (b, (struct s){1, 2}.x)", 2, "p\0e\0a\0b");
	ASSERT_NAMES("p, e, (a, x < y), (b, x > y), (c, x >> 1)", 3, "p\0e\0a\0b\0c");
	ASSERT_NAMES("p, e, (a, [&]{ return h(1, 2); }()), (b, 2)", 2, "p\0e\0a\0b");
}

static void values_may_hold_any_literals(void **state)
{
	(void)state;
	ASSERT_NAMES("p, e, (a, \"),(\"), (b, 2)", 2, "p\0e\0a\0b");
	ASSERT_NAMES("p, e, (a, \"\\\"),(\\\\\"), (b, 2)", 2, "p\0e\0a\0b");
	ASSERT_NAMES("p, e, (a, ')'), (b, '\\''), (c, '\"')", 3, "p\0e\0a\0b\0c");
	ASSERT_NAMES("p, e, (a, L')'), (b, u8\"(\"), (c, 3)", 3, "p\0e\0a\0b\0c");
	ASSERT_NAMES("p, e, (a, 1'000'000), (b, 0x1'f + f('x'))", 2, "p\0e\0a\0b");
	ASSERT_NAMES("p, e, (a, R\"(\",()\"), (b, LR\"x()\")x\"), (c, 3)", 3, "p\0e\0a\0b\0c");
	ASSERT_NAMES("p, e, (a, u8R\"(\")\"), (b, \"%\"PRIXPTR\"(\"), (c, 3)", 3, "p\0e\0a\0b\0c");
}

static void names_that_are_no_identifiers_become_some(void **state)
{
	(void)state;
	ASSERT_NAMES("my::app, 3d, (\"x\", 1), (a b, 2)", 2, "my__app\0_d\0_x_\0a_b");
	ASSERT_NAMES(", ", 0, "\0");
	ASSERT_NAMES("", 1, "\0\0");
	ASSERT_NAMES("p, e, ((((", 4, "p\0e\0___\0\0\0");
	ASSERT_NAMES("p, e, (a, \"unterminated", 2, "p\0e\0a\0");
}

static void long_names_are_cut(void **state)
{
	char text[1024], expected[260] = "";
	struct fasttrace_event site = SITE(text, 0, 0);
	const struct ft_event_entry *e;

	(void)state;
	memset(text, 'x', 600);
	strcpy(text + 600, ", e");
	memset(expected, 'x', 255);
	assert_int_not_equal(fasttrace_event_register(&site), 0);
	e = entry_of(&site);
	assert_int_equal(e->provider_len, 255);
	assert_string_equal(e->strings, expected);
	assert_string_equal(e->strings + 256, "e");
}

static void event_is_on_with_the_next_id(void **state)
{
	struct fasttrace_event a = SITE("p, a", 0, 0), b = SITE("p, b, (x, 1)", 1, U8);

	(void)state;
	assert_int_equal(fasttrace_event_register(&a), 1);
	assert_int_equal(fasttrace_event_register(&b), 2);
	assert_int_equal(*a.on, 1);
	assert_int_equal(*b.on, 2);
	assert_int_equal(entry_of(&b)->id, 2);
	assert_int_equal(entry_of(&b)->nfields, 1);
	assert_int_equal(entry_of(&b)->types[0], U8);
	assert_int_equal(entry_of(&b)->level, FASTTRACE_INFO);
	assert_int_equal(entry_of(&b)->next, 0);
	assert_int_equal(arena->events_count, 2);
	assert_int_equal(arena->lost_no_event, 0);
}

static void same_event_elsewhere_shares_the_entry(void **state)
{
	struct fasttrace_event a = SITE("p, e, (x, 1)", 1, U8), b = SITE("p,e,( x , y + 2)", 1, U8);

	(void)state;
	fasttrace_event_register(&a);
	assert_int_equal(fasttrace_event_register(&b), 1);
	assert_ptr_equal(a.on, b.on);
	assert_int_equal(fasttrace_event_register(&a), 1);
	assert_int_equal(arena->events_count, 1);
}

static void other_fields_or_another_level_are_another_event(void **state)
{
	struct fasttrace_event sites[] = {
		SITE("p, e, (x, 1)", 1, U8), SITE("p, e, (x, 1)", 1, FASTTRACE_TYPE_I8),
		SITE("p, e, (y, 1)", 1, U8), SITE("p, e", 0, 0),
		SITE("p, e, (x, 1)", 1, U8), SITE("pe, , (x, 1)", 1, U8),
	};

	(void)state;
	sites[4].level = FASTTRACE_DEBUG;
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(fasttrace_event_register(&sites[i]), i + 1);
}

static void event_switched_off_registers_as_off(void **state)
{
	struct fasttrace_event a = SITE("p, e", 0, 0), b = SITE("p, e", 0, 0);

	(void)state;
	fasttrace_event_register(&a);
	*(uint32_t *)(uintptr_t)a.on = 0;
	assert_int_equal(fasttrace_event_register(&b), 0);
	assert_int_equal(*b.on, 0);
}

static void process_that_is_not_traced_has_all_events_off(void **state)
{
	struct fasttrace_event a = SITE("p, e", 0, 0);

	(void)state;
	arena = NULL;
	assert_int_equal(fasttrace_event_register(&a), 0);
	assert_int_equal(*a.on, 0);
}

static void event_without_room_counts_each_time(void **state)
{
	struct fasttrace_event a = SITE("p, e", 0, 0);

	(void)state;
	space_left = 0;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(*a.on, FASTTRACE_UNREGISTERED);
		assert_int_equal(fasttrace_event_register(&a), 0);
	}
	assert_int_equal(arena->lost_no_event, 3);
}

static void event_without_room_finds_it_later(void **state)
{
	struct fasttrace_event a = SITE("p, e", 0, 0);

	(void)state;
	space_left = 0;
	assert_int_equal(fasttrace_event_register(&a), 0);
	space_left = UINT32_MAX;
	for (unsigned i = 1; i < 1024; i++)
		assert_int_equal(fasttrace_event_register(&a), 0); /* it does not look each time */
	assert_int_equal(fasttrace_event_register(&a), 1);
	assert_int_equal(*a.on, 1);
	assert_int_equal(arena->lost_no_event, 1024);
}

static void more_events_than_ids_are_lost(void **state)
{
	struct fasttrace_event sites[3] = {SITE("p, a", 0, 0), SITE("p, b", 0, 0),
					   SITE("p, c", 0, 0)};

	(void)state;
	fasttrace_event_register(&sites[0]);
	((struct ft_event_entry *)(uintptr_t)entry_of(&sites[0]))->id = FT_MAX_EVENTS - 1;
	assert_int_equal(fasttrace_event_register(&sites[1]), FT_MAX_EVENTS);
	assert_int_equal(fasttrace_event_register(&sites[2]), 0);
	assert_int_equal(arena->lost_no_event, 1);
}

static void site_without_an_arena_yet_asks_again(void **state)
{
	struct ft_arena *later = arena;
	struct fasttrace_event site = SITE("shop, opened", 0, 0);

	(void)state;
	arena = NULL;
	arena_later = true;
	lost = 0;
	assert_int_equal(fasttrace_event_register(&site), 0);
	assert_int_equal(*site.on, FASTTRACE_UNREGISTERED);
	assert_int_equal(lost, 1);
	arena = later;
	assert_int_equal(fasttrace_event_register(&site), 1);
	assert_int_equal(*site.on, 1);
	arena_later = false;
}

static void site_of_another_abi_is_off(void **state)
{
	struct fasttrace_event a = SITE("p, e", 0, 0);
	char line[512] = "";
	int fds[2], saved = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	for (unsigned i = 0; i < 2; i++) {
		a.abi = FASTTRACE_ABI + 1;
		assert_int_equal(fasttrace_event_register(&a), 0);
	}
	dup2(saved, STDERR_FILENO);
	close(fds[1]);
	close(saved);
	assert_true(read(fds[0], line, sizeof(line) - 1) > 0);
	close(fds[0]);
	assert_int_equal(*a.on, 0);
	assert_int_equal(arena->events_count, 0);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1); /* one line, once */
}

static void errno_is_kept(void **state)
{
	struct fasttrace_event a = SITE("p, e", 0, 0);

	(void)state;
	errno = EXDEV;
	fasttrace_event_register(&a);
	assert_int_equal(errno, EXDEV);
}

static struct fasttrace_event nested = SITE("p, nested", 0, 0), same = SITE("p, e", 0, 0);

static void register_both(void)
{
	fasttrace_event_register(&nested);
	fasttrace_event_register(&same);
}

static void handler_in_the_middle_may_register_the_same_event(void **state)
{
	struct fasttrace_event a = SITE("p, e", 0, 0);

	(void)state;
	on_space = register_both;
	assert_int_equal(fasttrace_event_register(&a), 2);
	assert_ptr_equal(a.on, same.on);
	assert_int_equal(*nested.on, 1);
	assert_int_equal(arena->events_count, 2);
}

#define THREADS	     4
#define THREAD_SITES 500

static struct fasttrace_event thread_sites[THREADS][THREAD_SITES];
static char thread_texts[THREAD_SITES][32];

static void *thread_register(void *sites)
{
	for (unsigned i = 0; i < THREAD_SITES; i++)
		fasttrace_event_register((struct fasttrace_event *)sites + i);
	return NULL;
}

static void threads_agree_on_one_entry_for_each_event(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREAD_SITES; i++)
		snprintf(thread_texts[i], sizeof(thread_texts[i]), "p, event_%u", i);
	for (unsigned t = 0; t < THREADS; t++)
		for (unsigned i = 0; i < THREAD_SITES; i++)
			thread_sites[t][i] = SITE(thread_texts[i], 0, 0);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_create(&threads[t], NULL, thread_register, thread_sites[t]);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	assert_int_equal(arena->events_count, THREAD_SITES);
	for (unsigned i = 0; i < THREAD_SITES; i++)
		for (unsigned t = 1; t < THREADS; t++)
			assert_ptr_equal(thread_sites[t][i].on, thread_sites[0][i].on);
}

static void string_that_shrinks_while_it_is_copied_stays_one_string(void **state)
{
	unsigned char out[9];

	(void)state;
	fasttrace_put_string(out, "ab\0cdefg", 9);
	assert_memory_equal(out, "ab?cdefg", 9);
	fasttrace_put_string(out, "\0\0a\0\0\0b\0", 9);
	assert_memory_equal(out, "??a???b?", 9);
	fasttrace_put_string(out, "abcdefghi", 9); /* and one that grew */
	assert_memory_equal(out, "abcdefgh", 9);
	fasttrace_put_string(out, "", 1);
	assert_int_equal(out[0], 0);
}

static void string_of_any_length_is_copied_and_no_more(void **state)
{
	unsigned char out[48], expected[48];
	char text[40];

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		for (size_t zero = 0; zero <= n; zero++) { /* the last: none */
			memset(out, 'x', sizeof(out));
			memset(expected, 'x', sizeof(expected));
			for (size_t i = 0; i < n; i++) {
				text[i] = (char)(i == zero ? 0 : 0x80 + i);
				expected[1 + i] = (unsigned char)(text[i] ? text[i] : '?');
			}
			expected[1 + n] = 0;
			fasttrace_put_string(out + 1, text, n + 1);
			assert_memory_equal(out, expected, sizeof(out));
		}
	}
}

/* What the consumer of the arena does: the text in the other half, then the word. */
static void rules_write(const char *rules)
{
	unsigned half = !ft_rules_half(arena->rules);

	strcpy((char *)arena + arena->rules_offset + half * FT_RULES_BYTES, rules);
	ft_store_release(&arena->rules, ft_rules_word(arena->rules, half, strlen(rules)));
}

static void rules_decide_how_an_event_starts(void **state)
{
	struct fasttrace_event on = SITE("shop, sold", 0, 0);
	struct fasttrace_event off = SITE("shop, cache_hit", 0, 0);
	struct fasttrace_event other = SITE("bank, sold", 0, 0);

	(void)state;
	rules_write("shop,!shop:cache_*");
	assert_int_equal(fasttrace_event_register(&on), 1);
	assert_int_equal(fasttrace_event_register(&off), 0);
	assert_int_equal(fasttrace_event_register(&other), 0);
	assert_int_equal(entry_of(&off)->id, 2);
	rules_write("*");
	off.on = &fasttrace_unregistered;
	assert_int_equal(fasttrace_event_register(&off), 0); /* whoever writes rules switches it */
}

static void stopped_tracing_is_off_whatever_the_rules_say(void **state)
{
	struct fasttrace_event site = SITE("shop, sold", 0, 0);

	(void)state;
	rules_write("*");
	arena->rules = ft_rules_stop(arena->rules, true);
	assert_int_equal(fasttrace_event_register(&site), 0);
	assert_int_equal(entry_of(&site)->id, 1);
	assert_int_equal(entry_of(&site)->on, 0);
}

static void rules_change(void)
{
	rules_write("!*");
}

static void rules_that_change_in_the_middle_hold(void **state)
{
	struct fasttrace_event site = SITE("shop, sold", 0, 0);

	(void)state;
	on_space = rules_change;
	assert_int_equal(fasttrace_event_register(&site), 0);
}

static void kinds_of_one_name_are_classes_of_it(void **state)
{
	struct fasttrace_event begin = SITE_OF_KIND(FASTTRACE_KIND_BEGIN, "shop, sold", 0, 0);
	struct fasttrace_event end = SITE_OF_KIND(FASTTRACE_KIND_END, "shop, sold", 0, 0);

	(void)state;
	assert_int_equal(fasttrace_event_register(&begin), 1);
	assert_int_equal(fasttrace_event_register(&end), 2);
	assert_int_equal(entry_of(&begin)->kind, FASTTRACE_KIND_BEGIN);
	assert_int_equal(entry_of(&end)->kind, FASTTRACE_KIND_END);
}

/* Processor time that it takes to register so many events, with numbers in their names. */
static double registering(const char *before, const char *after)
{
	enum { EVENTS = 2000, BYTES = 128 };
	static struct fasttrace_event sites[EVENTS];
	static char texts[EVENTS][BYTES];
	clock_t begin;

	setup(NULL);
	for (unsigned i = 0; i < EVENTS; i++) {
		struct fasttrace_event site = SITE(texts[i], 0, 0);

		snprintf(texts[i], BYTES, "%s%u%s", before, i + 10000, after);
		memcpy(&sites[i], &site, sizeof(site));
	}
	begin = clock();
	for (unsigned i = 0; i < EVENTS; i++)
		fasttrace_event_register(&sites[i]);
	return (double)(clock() - begin);
}

static void names_that_begin_alike_take_no_longer(void **state)
{
	double alike = 1e9, unlike = 1e9;

	(void)state;
	for (int i = 0; i < 5; i++) {
		double a = registering("p, a_long_name_which_differs_at_its_end_alone_", "");
		double b = registering("p, a", "_long_name_which_differs_at_its_begin_alone");

		alike = a < alike ? a : alike;
		unlike = b < unlike ? b : unlike;
	}
	assert_true(alike < 2 * unlike + 1000);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_taken_as_they_are_written),
		TEST(values_may_hold_any_brackets_and_commas),
		TEST(values_may_hold_any_literals),
		TEST(names_that_are_no_identifiers_become_some),
		TEST(long_names_are_cut),
		TEST(event_is_on_with_the_next_id),
		TEST(same_event_elsewhere_shares_the_entry),
		TEST(other_fields_or_another_level_are_another_event),
		TEST(event_switched_off_registers_as_off),
		TEST(process_that_is_not_traced_has_all_events_off),
		TEST(event_without_room_counts_each_time),
		TEST(event_without_room_finds_it_later),
		TEST(more_events_than_ids_are_lost),
		TEST(site_without_an_arena_yet_asks_again),
		TEST(site_of_another_abi_is_off),
		TEST(errno_is_kept),
		TEST(handler_in_the_middle_may_register_the_same_event),
		TEST(threads_agree_on_one_entry_for_each_event),
		TEST(rules_decide_how_an_event_starts),
		TEST(stopped_tracing_is_off_whatever_the_rules_say),
		TEST(rules_that_change_in_the_middle_hold),
		TEST(kinds_of_one_name_are_classes_of_it),
		TEST(names_that_begin_alike_take_no_longer),
		TEST(string_that_shrinks_while_it_is_copied_stays_one_string),
		TEST(string_of_any_length_is_copied_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
