/* SPDX-License-Identifier: MIT */
/*
 * test_walk.c - the event table as a hostile text, and events of a body counted.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "ft-walk.h"
#include "table.h"

#define NOW UINT64_C(0x0000555566667777)

static struct fasttrace_arena *arena;
static unsigned char body[4096];

/* 1: no field; 2: u64; 3: u8, string, u16 */
static int setup(void **state)
{
	(void)state;
	arena = table_new();
	memset(body, 0xee, sizeof(body));
	table_add(arena, 0, NULL, TABLE_NAMES("p", "none"));
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U64), TABLE_NAMES("p", "one", "x"));
	table_add(arena, 3,
		  TABLE_TYPES(FASTTRACE_TYPE_U8, FASTTRACE_TYPE_STRING, FASTTRACE_TYPE_U16),
		  TABLE_NAMES("p", "text", "a", "b", "c"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	table_free(arena);
	return 0;
}

static struct ft_walk walk(size_t bytes, uint64_t anchor)
{
	struct ft_walk w;

	assert_int_equal(ft_events_walk(arena, body, bytes, anchor, &w), 0);
	return w;
}

/* An event of class 3 with this text. Return: its end. */
static unsigned char *text_event(unsigned char *to, uint64_t time, const char *text)
{
	unsigned char *p = table_event(to, time, 3);

	*p++ = 1;
	p = (unsigned char *)stpcpy((char *)p, text) + 3;
	return to + ((size_t)(p - to + 7) & ~(size_t)7);
}

static void empty_body_has_no_events(void **state)
{
	struct ft_walk w = walk(0, NOW);

	(void)state;
	assert_int_equal(w.events, 0);
	assert_int_equal(w.bytes, 0);
}

static void events_of_all_sizes_are_counted(void **state)
{
	unsigned char *p = table_event(body, NOW, 1);
	struct ft_walk w;

	(void)state;
	p = table_event(p, NOW + 5, 2) + 8;
	p = text_event(p, NOW + 5, "");
	p = text_event(p, NOW + 6, "hello");
	p = text_event(p, NOW + 9, "a longer text than fits into a few units");
	w = walk((size_t)(p - body), NOW + (UINT64_C(1) << 40));
	assert_int_equal(w.events, 5);
	assert_int_equal(w.bytes, p - body);
	assert_int_equal(w.pad, (8 - (8 + 1 + 41 + 2) % 8) % 8);
	assert_int_equal(w.first, NOW);
	assert_int_equal(w.last, NOW + 9);
}

static void event_that_does_not_fit_ends_the_valid_part(void **state)
{
	unsigned char *p = table_event(body, NOW, 2) + 8, *end;

	(void)state;
	end = text_event(p, NOW + 1, "0123456789");
	for (size_t n = 16; n < (size_t)(end - body); n++) {
		struct ft_walk w = walk(n, NOW);

		assert_int_equal(w.events, 1);
		assert_int_equal(w.bytes, 16);
	}
	assert_int_equal(walk((size_t)(end - body), NOW).events, 2);
}

/* What ends the body is the end of what may be read, which a sanitizer sees. */
static void padding_is_that_of_the_last_whole_event(void **state)
{
	unsigned char *p = body;
	struct ft_walk w;

	(void)state;
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U16), TABLE_NAMES("p", "short", "x"));
	for (unsigned i = 0; i < 3; i++) /* of classes 1, 1 and 4 */
		p = table_event(p, NOW + i, i < 2 ? 1 : 4) + (i < 2 ? 0 : 8);
	table_event(p, NOW + 3, 2);
	for (size_t room = 0; room < 16; room += 8) { /* for the last one, of 16 */
		w = walk((size_t)(p - body) + room, NOW);
		assert_int_equal(w.events, 3);
		assert_int_equal(w.bytes, p - body);
		assert_int_equal(w.pad, 6);
		assert_int_equal(w.last, NOW + 2);
	}
	assert_int_equal(walk((size_t)(p - body) + 16, NOW).pad, 0);
}

static void body_may_end_anywhere_in_an_event(void **state)
{
	static const uint8_t types[] = {FASTTRACE_TYPE_STRING, FASTTRACE_TYPE_U64,
					FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_U64,
					FASTTRACE_TYPE_DOUBLE, FASTTRACE_TYPE_STRING};
	unsigned char *exact = malloc(64);
	struct ft_walk w;

	(void)state;
	table_add(arena, 5, types, TABLE_NAMES("p", "long", "a", "b", "c", "d", "e"));
	memset(body, 0, sizeof(body));
	for (size_t text = 0; text < 24; text++) {
		size_t whole = 8 + text + 1 + 8 + 4 + 8 + 1;

		memset(table_event(body, NOW, 4), 'x', text);
		for (size_t bytes = 8; bytes <= 64; bytes += 8) {
			memcpy(exact + 64 - bytes, body, bytes);
			assert_int_equal(ft_events_walk(arena, exact + 64 - bytes, bytes, NOW, &w),
					 0);
			assert_int_equal(w.events, whole <= bytes);
		}
	}
	free(exact);
}

static void string_without_an_end_ends_the_valid_part(void **state)
{
	unsigned char *p = table_event(body, NOW, 1);

	(void)state;
	table_event(p, NOW, 3);
	assert_int_equal(walk(sizeof(body), NOW).bytes, 8);
}

static void undeclared_id_ends_the_valid_part(void **state)
{
	static const unsigned ids[] = {0, 4, 0xffff};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		table_event(table_event(body, NOW, 1), NOW, ids[i]);
		assert_int_equal(walk(64, NOW).events, 1);
	}
}

static void event_declared_after_the_first_look_is_found(void **state)
{
	(void)state;
	assert_int_equal(walk(8, NOW).events, 0);
	table_add(arena, 0, NULL, TABLE_NAMES("p", "late"));
	table_event(body, NOW, 4);
	assert_int_equal(walk(8, NOW).events, 1);
}

static void event_of_a_guard_ends_the_valid_part(void **state)
{
	(void)state;
	table_add(arena, 0, NULL, TABLE_NAMES("p", "guard"))->kind = FASTTRACE_KIND_GUARD;
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U64), TABLE_NAMES("p", "count", "value"))
		->kind = FASTTRACE_KIND_COUNTER;
	table_event(table_event(body, NOW, 5) + 8, NOW, 4);
	assert_int_equal(walk(64, NOW).events, 1);
	assert_int_equal(walk(64, NOW).bytes, 16);
}

/* An array's count and `bytes` of elements. Return: their end. */
static unsigned char *array(unsigned char *to, uint32_t count, size_t bytes)
{
	memcpy(to, &count, 4);
	return to + 4 + bytes;
}

static void arrays_are_counted_by_their_elements(void **state)
{
	static const uint8_t bases[] = {
		FASTTRACE_TYPE_I8,    FASTTRACE_TYPE_I16,    FASTTRACE_TYPE_I32,
		FASTTRACE_TYPE_I64,   FASTTRACE_TYPE_U8,     FASTTRACE_TYPE_U16,
		FASTTRACE_TYPE_U32,   FASTTRACE_TYPE_U64,    FASTTRACE_TYPE_BOOL,
		FASTTRACE_TYPE_FLOAT, FASTTRACE_TYPE_DOUBLE, FASTTRACE_TYPE_HEX8,
		FASTTRACE_TYPE_HEX16, FASTTRACE_TYPE_HEX32,  FASTTRACE_TYPE_HEX64};
	static const uint8_t bytes[] = {1, 2, 4, 8, 1, 2, 4, 8, 1, 4, 8, 1, 2, 4, 8};

	(void)state;
	for (unsigned i = 0; i < sizeof(bases); i++) {
		uint8_t type = bases[i] | FASTTRACE_TYPE_ARRAY;
		unsigned id = 4 + i;

		table_add(arena, 1, &type, TABLE_NAMES("p", "array", "x"));
		for (uint32_t n = 0; n < 20; n++) {
			unsigned char *end = array(table_event(body, NOW, id), n, n * bytes[i]);
			size_t exact = (size_t)(end - body), padded = (exact + 7) & ~(size_t)7;

			assert_int_equal(walk(padded - 8, NOW).events, 0);
			assert_int_equal(walk(padded, NOW).events, 1);
			assert_int_equal(walk(padded, NOW).pad, padded - exact);
		}
	}
}

static void arrays_and_strings_may_stand_together(void **state)
{
	static const uint8_t types[] = {
		FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_U16, FASTTRACE_TYPE_STRING,
		FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_DOUBLE, FASTTRACE_TYPE_HEX16};
	unsigned char *p, *end;

	(void)state;
	table_add(arena, 4, types, TABLE_NAMES("p", "mixed", "a", "b", "c", "d"));
	p = array(table_event(body, NOW, 4), 3, 6);
	p = (unsigned char *)stpcpy((char *)p, "text") + 1;
	end = array(p, 2, 16) + 2;
	assert_int_equal(walk(sizeof(body), NOW).bytes, (size_t)(end - body + 7) & ~(size_t)7);
	memset(p, 0xff, 4); /* 2^32 - 1 doubles */
	assert_int_equal(walk(sizeof(body), NOW).events, 0);
}

static void array_longer_than_the_body_ends_the_valid_part(void **state)
{
	static const uint32_t counts[] = {502,	      503,	  504,	      505,
					  0x1fffffff, 0x20000000, 0x7fffffff, 0x80000000,
					  0xfffffff8, UINT32_MAX};
	uint8_t types[FASTTRACE_MAX_FIELDS];
	unsigned char *exact = malloc(4096), *p = exact;

	(void)state;
	memset(types, FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_U64, sizeof(types));
	table_add(arena, 16, types,
		  TABLE_NAMES("p", "many", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
			      "l", "m", "n", "o", "p"));
	table_event(p, NOW, 4);
	memset(p + 8, 0, 4088);
	for (unsigned i = 0; i < 16; i++) /* each field in turn, after empty ones */
		for (unsigned j = 0; j < sizeof(counts) / sizeof(*counts); j++) {
			struct ft_walk w;

			memcpy(p + 8 + 4 * i, &counts[j], 4);
			assert_int_equal(ft_events_walk(arena, p, 4096, NOW, &w), 0);
			assert_int_equal(w.events, counts[j] <= (4096 - 8 - 64) / 8);
			memset(p + 8 + 4 * i, 0, 4);
		}
	for (size_t bytes = 0; bytes < 72; bytes += 8) { /* the body ends in each count */
		struct ft_walk w;

		memmove(exact + 4096 - bytes, p, bytes);
		assert_int_equal(ft_events_walk(arena, exact + 4096 - bytes, bytes, NOW, &w), 0);
		assert_int_equal(w.events, 0);
	}
	free(exact);
}

static void time_that_goes_back_ends_the_valid_part(void **state)
{
	unsigned char *p = table_event(body, NOW, 1);

	(void)state;
	table_event(p, NOW - 1, 1);
	assert_int_equal(walk(16, NOW).events, 1);
	table_event(p, NOW, 1);
	assert_int_equal(walk(16, NOW).events, 2);
}

static void time_that_passes_its_end_ends_the_valid_part(void **state)
{
	unsigned char *p = body;

	(void)state;
	for (unsigned n = 1; n <= 4; n++) {
		struct ft_walk w;

		p = table_event(p, UINT64_MAX, 1);
		table_event(p, 5, 1);
		w = walk(8 * (size_t)n + 8, UINT64_MAX);
		assert_int_equal(w.events, n);
		assert_int_equal(w.last, UINT64_MAX);
	}
}

static void time_is_followed_over_the_wrap_of_48_bits(void **state)
{
	uint64_t time = UINT64_C(0x00fffffffffffff0);
	unsigned char *p = body;
	struct ft_walk w;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		p = table_event(p, time + ((uint64_t)i << 46), 1);
	w = walk((size_t)(p - body), time);
	assert_int_equal(w.events, 10);
	assert_int_equal(w.last, time + (UINT64_C(9) << 46));
}

static void class_is_what_the_entry_says(void **state)
{
	(void)state;
	assert_int_equal(ft_classes_refresh(arena), 0);
	assert_int_equal(arena->nclasses, 3);
	assert_int_equal(arena->classes[0].bytes, 8);
	assert_int_equal(arena->classes[1].bytes, 16);
	assert_int_equal(arena->classes[2].bytes, 0);
	assert_memory_equal(arena->classes[2].names, "p\0text\0a\0b\0c", 13);
}

/* What the class that is added with this name is called. */
static const char *called(const char *provider, const char *name)
{
	unsigned id = arena->nclasses;

	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U8), TABLE_NAMES(provider, name, name));
	assert_int_equal(ft_classes_refresh(arena), 0);
	assert_int_equal(arena->nclasses, id + 1);
	return arena->classes[id].names;
}

static void names_are_fit_for_folders(void **state)
{
	char too_long[NAME_MAX + 2];

	(void)state;
	ft_classes_refresh(arena);
	assert_memory_equal(called("", ""), "_\0_\0", 5);
	assert_memory_equal(called(".", ".."), "_\0_.\0..", 8);
	assert_memory_equal(called("..", "..."), "_.\0...\0...", 11);
	assert_memory_equal(called("../../etc", "a/b"), ".._.._etc\0a_b\0a_b", 18);
	assert_memory_equal(called("\x1b[2J\n\t\x7f", "x"), "_[2J___\0x\0x", 12);
	assert_memory_equal(called("\xc2\x9b"
				   "2J\xc3\xa4\xc2",
				   "\xc2\xa0"),
			    "_2J\xc3\xa4\xc2\0\xc2\xa0\0\xc2\xa0", 13);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	called("p", too_long + 1);
	table_add(arena, 0, NULL, TABLE_NAMES("p", too_long));
	assert_int_equal(ft_classes_refresh(arena), -EPROTO);
}

/* A fourth entry that is spoilt; the three before it must stay. */
static struct ft_event_entry *spoilt(void)
{
	return table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U8), TABLE_NAMES("p", "bad", "x"));
}

static void assert_refused(struct ft_event_entry *e)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ft_classes_refresh(arena), -EPROTO);
		assert_int_equal(arena->nclasses, 3);
	}
	memset(e, 0, e->size < 256 ? e->size : 256);
	((struct ft_event_entry *)(void *)(arena->map + arena->classes_last))->next = 0;
	arena->shared->events_end = TABLE_EVENTS_BYTES / 2;
}

static void bad_entry_is_refused_and_those_before_it_stay(void **state)
{
	struct ft_event_entry *e;

	(void)state;
	(e = spoilt())->id = 9;
	assert_refused(e);
	(e = spoilt())->size = 8;
	assert_refused(e);
	(e = spoilt())->size = UINT32_MAX;
	assert_refused(e);
	(e = spoilt())->size = sizeof(*e) + 4;
	assert_refused(e);
	(e = spoilt())->nfields = 17;
	assert_refused(e);
	(e = spoilt())->types[0] = 19;
	assert_refused(e);
	(e = spoilt())->types[0] = FASTTRACE_TYPE_ARRAY;
	assert_refused(e);
	(e = spoilt())->types[0] = FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_CHAR;
	assert_refused(e);
	(e = spoilt())->types[0] = FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_STRING;
	assert_refused(e);
	(e = spoilt())->types[0] = FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_POINTER;
	assert_refused(e);
	(e = spoilt())->types[0] = 0x80 | FASTTRACE_TYPE_U8;
	assert_refused(e);
	(e = spoilt())->kind = FASTTRACE_KIND_MARKER + 1;
	assert_refused(e);
	(e = spoilt())->types[0] = 0;
	assert_refused(e);
	(e = spoilt())->provider_len = 0xffff;
	assert_refused(e);
	(e = spoilt())->name_len = 2;
	assert_refused(e);
	e = spoilt();
	memset(e->strings, 'x', e->size - sizeof(*e));
	assert_refused(e);
}

static void link_that_leads_astray_is_refused(void **state)
{
	struct ft_event_entry *last;

	(void)state;
	assert_int_equal(ft_classes_refresh(arena), 0);
	last = (void *)(arena->map + arena->classes_last);
	const uint32_t astray[] = {1,
				   8,
				   TABLE_EVENTS_OFFSET - 8,
				   TABLE_EVENTS_OFFSET, /* a cycle */
				   arena->classes_last,
				   arena->classes_last + 4,
				   TABLE_EVENTS_OFFSET + (uint32_t)arena->shared->events_end,
				   TABLE_EVENTS_OFFSET + TABLE_EVENTS_BYTES - 8,
				   UINT32_MAX,
				   UINT32_MAX - 7};

	for (unsigned i = 0; i < sizeof(astray) / sizeof(astray[0]); i++) {
		last->next = astray[i];
		assert_int_equal(ft_classes_refresh(arena), -EPROTO);
		assert_int_equal(arena->nclasses, 3);
	}
	arena->shared->events_end = UINT64_MAX;
	assert_int_equal(ft_classes_refresh(arena), -EPROTO);
}

/* A file may be sparse, and what entries share is copied for each: the table's bytes are the bound. */
static void entries_that_overlap_end_the_table(void **state)
{
	uint32_t *sizes[1000];

	(void)state;
	arena->events_bytes = 64 << 10;
	for (unsigned i = 0; i < 1000; i++)
		sizes[i] = &table_add(arena, 0, NULL, TABLE_NAMES("p", "none"))->size;
	for (unsigned i = 0; i < 1000; i++)
		*sizes[i] = 4096;
	arena->shared->events_end = 64 << 10;
	assert_int_equal(ft_classes_refresh(arena), -EPROTO);
	assert_int_equal(arena->nclasses, 3 + 15);
}

static void random_bytes_never_lead_outside(void **state)
{
	unsigned char *exact = malloc(512);
	struct ft_walk w;

	(void)state;
	table_add(arena, 2,
		  TABLE_TYPES(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_U16, FASTTRACE_TYPE_STRING),
		  TABLE_NAMES("p", "array", "x", "y"));
	srand(1);
	for (int round = 0; round < 20000; round++) {
		size_t bytes = (size_t)(rand() % 64) * 8;

		for (size_t i = 0; i < bytes; i++)
			exact[512 - bytes + i] =
				(unsigned char)(i % 8 > 1 ? rand() % 3 : rand() % 5);
		assert_int_equal(ft_events_walk(arena, exact + 512 - bytes, bytes, NOW, &w), 0);
		assert_true(w.bytes <= bytes);
	}
	free(exact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_body_has_no_events),
		cmocka_unit_test(events_of_all_sizes_are_counted),
		cmocka_unit_test(event_that_does_not_fit_ends_the_valid_part),
		cmocka_unit_test(padding_is_that_of_the_last_whole_event),
		cmocka_unit_test(body_may_end_anywhere_in_an_event),
		cmocka_unit_test(string_without_an_end_ends_the_valid_part),
		cmocka_unit_test(undeclared_id_ends_the_valid_part),
		cmocka_unit_test(event_declared_after_the_first_look_is_found),
		cmocka_unit_test(event_of_a_guard_ends_the_valid_part),
		cmocka_unit_test(arrays_are_counted_by_their_elements),
		cmocka_unit_test(arrays_and_strings_may_stand_together),
		cmocka_unit_test(array_longer_than_the_body_ends_the_valid_part),
		cmocka_unit_test(time_that_goes_back_ends_the_valid_part),
		cmocka_unit_test(time_that_passes_its_end_ends_the_valid_part),
		cmocka_unit_test(time_is_followed_over_the_wrap_of_48_bits),
		cmocka_unit_test(class_is_what_the_entry_says),
		cmocka_unit_test(names_are_fit_for_folders),
		cmocka_unit_test(bad_entry_is_refused_and_those_before_it_stay),
		cmocka_unit_test(link_that_leads_astray_is_refused),
		cmocka_unit_test(entries_that_overlap_end_the_table),
		cmocka_unit_test(random_bytes_never_lead_outside),
	};
	struct CMUnitTest with[sizeof(tests) / sizeof(tests[0])];

	for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		with[i] = tests[i];
		with[i].setup_func = setup;
		with[i].teardown_func = teardown;
	}
	return cmocka_run_group_tests(with, NULL, NULL);
}
