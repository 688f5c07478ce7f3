/* SPDX-License-Identifier: MIT */
/*
 * test_metadata.c - the TSDL, as babeltrace2 reads it together with packets made by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "ft-clock.h"
#include "ft-walk.h"
#include "table.h"
#include "trace.h"

static void trace_without_events_is_valid(void **state)
{
	(void)state;
	trace_read("");
	assert_string_equal(text, "");
}

static void kinds_are_told_by_the_name(void **state)
{
	char *tsdl;

	(void)state;
	table_add(arena, 0, NULL, TABLE_NAMES("shop", "load"));
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U8), TABLE_NAMES("shop", "load", "b"))
		->kind = FASTTRACE_KIND_BEGIN;
	table_add(arena, 0, NULL, TABLE_NAMES("shop", "secret"))->kind = FASTTRACE_KIND_GUARD;
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U8), TABLE_NAMES("shop", "load", "e"))
		->kind = FASTTRACE_KIND_END;
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_I8), TABLE_NAMES("shop", "load", "value"))
		->kind = FASTTRACE_KIND_COUNTER;
	packet_add(1, NOW, "", 0);
	packet_add(2, NOW, "\1", 1);
	packet_add(4, NOW, "\2", 1);
	packet_add(5, NOW, "\xff", 1);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("");
	assert_has("shop:load: {");
	assert_has("shop:load:begin: { tid = 0 }, { b = 1 }");
	assert_has("shop:load:end: { tid = 0 }, { e = 2 }");
	assert_has("shop:load:counter: { tid = 0 }, { value = -1 }");
	tsdl = metadata();
	assert_null(strstr(tsdl, "secret"));
	assert_null(strstr(tsdl, "\tid = 3;"));
	free(tsdl);
}

static void events_follow_each_other_on_eight_bytes(void **state)
{
	(void)state;
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_STRING), TABLE_NAMES("p", "s", "text"));
	table_add(arena, 0, NULL, TABLE_NAMES("p", "none"));
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U8), TABLE_NAMES("p", "byte", "b"));
	packet_add(1, NOW, "", 1);
	packet_add(2, NOW, "", 0);
	packet_add(1, NOW + 1, "1234567", 8);
	packet_add(1, NOW + 1, "12345678", 9);
	packet_add(3, NOW + 2, "\7", 1);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW + 2});
	packet_add(3, NOW + 3, "\x8", 1); /* and another packet: padding was no event */
	packet_write("1", (struct ft_packet_fields){.begin = NOW + 3, .end = NOW + 3, .seq = 1});
	trace_read("");
	assert_has("{ text = \"\" }");
	assert_has("p:none:");
	assert_has("{ text = \"1234567\" }");
	assert_has("{ text = \"12345678\" }");
	assert_has("{ b = 7 }");
	assert_has("{ b = 8 }");
}

static void time_is_what_the_realtime_clock_showed(void **state)
{
	(void)state;
	table_add(arena, 0, NULL, TABLE_NAMES("p", "none"));
	packet_add(1, NOW, "", 0);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("--clock-seconds");
	assert_has("[1700000000.000002000]");
}

static void time_is_exact_for_cycles_too(void **state)
{
	uint64_t ticks = UINT64_C(2995200000) * 86400 * 30 + 12345; /* 30 days, in cycles */

	(void)state;
	arena->info.raw_clock = true;
	arena->shared->clock_hz = UINT64_C(2995200000);
	arena->shared->clock_ticks = ticks;
	arena->shared->clock_realtime_ns = UINT64_C(1700000000123456789);
	table_add(arena, 0, NULL, TABLE_NAMES("p", "none"));
	packet_add(1, ticks + 2995200, "", 0); /* 1 ms */
	packet_write("0",
		     (struct ft_packet_fields){.begin = ticks + 2995200, .end = ticks + 2995200});
	trace_read("--clock-seconds");
	assert_has("[1700000000.12445678");
}

static void time_wraps_inside_a_packet(void **state)
{
	uint64_t time = (UINT64_C(5) << 48) - 1000000000;

	(void)state;
	table_add(arena, 0, NULL, TABLE_NAMES("p", "none"));
	packet_add(1, time, "", 0);
	packet_add(1, time + 2000000000, "", 0);
	packet_write("0", (struct ft_packet_fields){.begin = time, .end = time + 2000000000});
	trace_read("");
	assert_has("(+2.000000000)");
}

static void process_is_named(void **state)
{
	(void)state;
	table_add(arena, 0, NULL, TABLE_NAMES("p", "none"));
	packet_add(1, NOW, "", 0);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW, .tid = 77});
	trace_read("-f all");
	assert_has("table");
	assert_has("4711");
	assert_has("tid = 77");
}

static void name_of_a_process_does_not_reach_the_terminal(void **state)
{
	char *tsdl;

	(void)state;
	strcpy(arena->info.comm, "a\xc2\x9b"
				 "1m\x1b[2J\x7f\x9b");
	tsdl = metadata();
	assert_non_null(strstr(tsdl, "procname = \"a_1m_[2J_\xef\xbf\xbd\""));
	free(tsdl);
}

static void level_is_that_of_syslog(void **state)
{
	(void)state;
	for (uint8_t level = FASTTRACE_EMERG; level <= FASTTRACE_DEBUG; level++) {
		table_add(arena, 0, NULL, TABLE_NAMES("p", "none"))->level = level;
		packet_add(level + 1u, NOW, "", 0);
	}
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("-f loglevel");
	assert_has("TRACE_EMERG (0)");
	assert_has("TRACE_WARNING (4)");
	assert_has("TRACE_INFO (6)");
	assert_has("TRACE_DEBUG (14)");
}

static void two_classes_may_have_one_name(void **state)
{
	(void)state;
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U8), TABLE_NAMES("p", "same", "x"));
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_STRING), TABLE_NAMES("p", "same", "x"));
	packet_add(1, NOW, "\5", 1);
	packet_add(2, NOW, "five", 5);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("");
	assert_has("p:same: { tid = 0 }, { x = 5 }");
	assert_has("{ x = \"five\" }");
}

static void text_only_grows(void **state)
{
	char *before, *after;

	(void)state;
	table_add(arena, 0, NULL, TABLE_NAMES("p", "one"));
	before = metadata();
	after = metadata();
	assert_string_equal(before, after);
	free(after);
	table_add(arena, 0, NULL, TABLE_NAMES("p", "two"));
	after = metadata();
	assert_true(strlen(after) > strlen(before));
	assert_memory_equal(before, after, strlen(before));
	assert_non_null(strstr(after, "\"p:two\""));
	free(before);
	free(after);
}

static void bad_entry_leaves_the_events_before_it(void **state)
{
	char *tsdl;

	(void)state;
	table_add(arena, 0, NULL, TABLE_NAMES("p", "good"));
	table_add(arena, 0, NULL, TABLE_NAMES("p", "bad"))->id = 77;
	tsdl = metadata();
	assert_non_null(strstr(tsdl, "\"p:good\""));
	assert_null(strstr(tsdl, "\"p:bad\""));
	free(tsdl);
}

static void lost_events_are_told(void **state)
{
	(void)state;
	table_add(arena, 0, NULL, TABLE_NAMES("p", "none"));
	packet_add(1, NOW, "", 0);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	packet_add(1, NOW + 1, "", 0);
	packet_write("1", (struct ft_packet_fields){
				  .begin = NOW + 1, .end = NOW + 1, .seq = 1, .lost = 12});
	trace_read_warned("");
	assert_non_null(strstr(warnings, "discarded 12 events"));
}

static void frequency_is_measured_once_and_kept(void **state)
{
	struct ft_clock first, again;
	uint64_t kept;

	(void)state;
#if !defined(__x86_64__) && !defined(__aarch64__)
	skip();
#endif
	arena->info.raw_clock = true;
	arena->writable = true;
	ft_clock_get(arena, &first); /* the boot id is another one's: nothing may be kept */
	assert_true(first.guessed);
	assert_int_equal(arena->shared->clock_hz, 0);
	ft_clock_get(arena, &again);
	assert_true(first.hz > again.hz - again.hz / 10000 &&
		    first.hz < again.hz + again.hz / 10000);
	if (system("grep -q . /proc/sys/kernel/random/boot_id"))
		skip();
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
	char c;

	for (unsigned i = 0; i < 32 && fscanf(f, " %c", &c) == 1;)
		if (c != '-') {
			unsigned v = (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);

			arena->info.boot_id[i / 2] = (uint8_t)(arena->info.boot_id[i / 2] << 4 | v);
			i++;
		}
	fclose(f);
	ft_clock_get(arena, &first);
	kept = arena->shared->clock_hz;
	assert_false(first.guessed);
	assert_int_equal(first.hz, kept);
	ft_clock_get(arena, &again);
	assert_int_equal(again.hz, kept);
}

static void offset_may_be_before_the_epoch(void **state)
{
	struct ft_clock clock = {.hz = 3};

	(void)state;
	ft_clock_offset(&clock, 7, 1000000000); /* 3 ticks of realtime less 7 */
	assert_int_equal(clock.offset_s, -2);
	assert_int_equal(clock.offset, 2);
	ft_clock_offset(&clock, 3, 1000000000);
	assert_int_equal(clock.offset_s, 0);
	assert_int_equal(clock.offset, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, trace_setup, trace_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trace_without_events_is_valid),
		TEST(kinds_are_told_by_the_name),
		TEST(events_follow_each_other_on_eight_bytes),
		TEST(time_is_what_the_realtime_clock_showed),
		TEST(time_is_exact_for_cycles_too),
		TEST(time_wraps_inside_a_packet),
		TEST(process_is_named),
		TEST(name_of_a_process_does_not_reach_the_terminal),
		TEST(level_is_that_of_syslog),
		TEST(two_classes_may_have_one_name),
		TEST(text_only_grows),
		TEST(bad_entry_leaves_the_events_before_it),
		TEST(lost_events_are_told),
		TEST(frequency_is_measured_once_and_kept),
		TEST(offset_may_be_before_the_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
