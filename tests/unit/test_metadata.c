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

#define NOW UINT64_C(2000) /* ns: 1000 after the arena was made */

static struct fasttrace_arena *arena;
static char dir[64];
/* What babeltrace2 printed. */
static char text[65536];
static char warnings[4096];
static unsigned char packet[8192];
static size_t packet_bytes;
static uint32_t packet_pad;

static int setup(void **state)
{
	(void)state;
	arena = table_new();
	strcpy(dir, "/tmp/test_metadata.XXXXXX");
	assert_non_null(mkdtemp(dir));
	packet_bytes = FASTTRACE_HEADER_BYTES;
	return 0;
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	table_free(arena);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%u", dir, i);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/metadata", dir);
	unlink(path);
	return rmdir(dir);
}

static void file_write(const char *name, const void *data, size_t bytes)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
}

static char *metadata(void)
{
	char *tsdl;
	size_t len;

	assert_int_equal(fasttrace_arena_metadata(arena, &tsdl, &len), 0);
	assert_int_equal(strlen(tsdl), len);
	return tsdl;
}

/* Append an event's payload to the packet. */
static void packet_add(unsigned id, uint64_t time, const void *payload, size_t bytes)
{
	unsigned char *p = table_event(packet + packet_bytes, time, id);

	memcpy(p, payload, bytes);
	packet_pad = (uint32_t)-bytes & 7;
	packet_bytes += 8 + bytes + packet_pad;
}

/* Write the packet under this name and begin another one. */
static void packet_write(const char *name, struct ft_packet_fields f)
{
	f.bytes = packet_bytes;
	f.pad = packet_pad;
	ft_packet_header(arena, &f, packet);
	file_write(name, packet, packet_bytes);
	memset(packet, 0xee, sizeof(packet));
	packet_bytes = FASTTRACE_HEADER_BYTES;
}

static void output_read(const char *command, char *out, size_t size)
{
	FILE *f = popen(command, "r");
	size_t len;

	assert_non_null(f);
	len = fread(out, 1, size - 1, f);
	out[len] = '\0';
	assert_int_equal(pclose(f), 0);
}

/* Run babeltrace2 on the folder; its text and its warnings. */
static void babeltrace(const char *options)
{
	char command[256];

	if (system("command -v babeltrace2 >/dev/null"))
		skip();
	snprintf(command, sizeof(command),
		 "prlimit --as=2000000000 babeltrace2 %s %s 2>%s.err </dev/null", options, dir,
		 dir);
	output_read(command, text, sizeof(text));
	snprintf(command, sizeof(command), "cat %s.err; rm %s.err", dir, dir);
	output_read(command, warnings, sizeof(warnings));
}

static void trace_read_warned(const char *options)
{
	char *tsdl = metadata();

	file_write("metadata", tsdl, strlen(tsdl));
	free(tsdl);
	babeltrace(options);
}

static void trace_read(const char *options)
{
	trace_read_warned(options);
	assert_string_equal(warnings, "");
}

static void assert_has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("missing: %s\nin: %s", what, text);
}

static void trace_without_events_is_valid(void **state)
{
	(void)state;
	trace_read("");
	assert_string_equal(text, "");
}

static void every_type_is_shown_as_what_it_is(void **state)
{
	static const uint8_t types[] = {
		FASTTRACE_TYPE_I8,     FASTTRACE_TYPE_I16,    FASTTRACE_TYPE_I32,
		FASTTRACE_TYPE_I64,    FASTTRACE_TYPE_U8,     FASTTRACE_TYPE_U16,
		FASTTRACE_TYPE_U32,    FASTTRACE_TYPE_U64,    FASTTRACE_TYPE_BOOL,
		FASTTRACE_TYPE_CHAR,   FASTTRACE_TYPE_FLOAT,  FASTTRACE_TYPE_DOUBLE,
		FASTTRACE_TYPE_STRING, FASTTRACE_TYPE_POINTER};
	static const struct __attribute__((packed)) {
		int8_t a;
		int16_t b;
		int32_t c;
		int64_t d;
		uint8_t e;
		uint16_t f;
		uint32_t g;
		uint64_t h;
		uint8_t i;
		char j;
		float k;
		double l;
		char m[7];
		uint64_t n;
	} v = {-1,	   -2, -3,  INT64_MIN, UINT8_MAX, UINT16_MAX,		UINT32_MAX,
	       UINT64_MAX, 1,  'x', 0.5f,      -0.25,	  "gr\xc3\xbc\xc3\x9f", 0xdeadbeef};

	(void)state;
	table_add(arena, 14, types,
		  TABLE_NAMES("shop", "all", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
			      "l", "m", "n"));
	packet_add(1, NOW, &v, sizeof(v));
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("");
	assert_has("shop:all:");
	assert_has("{ a = -1, b = -2, c = -3, d = -9223372036854775808, e = 255, f = 65535, "
		   "g = 4294967295, h = 18446744073709551615, i = 1, j = \"x\", k = 0.5, "
		   "l = -0.25, m = \"gr\xc3\xbc\xc3\x9f\", n = 0xDEADBEEF }");
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

static void hostile_names_leave_the_text_valid(void **state)
{
	(void)state;
	table_add(arena, 8,
		  TABLE_TYPES(FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8,
			      FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8,
			      FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8),
		  TABLE_NAMES("a\"b\\c\n\x1b[2J", "\xff\xc3 %s */", "event", "x", "x", "x_2", "",
			      "", "}; event { id = 1; }", "\xc3\xa4"));
	strcpy(arena->info.comm, "\";}\\\n\xff");
	packet_add(1, NOW, "\1\2\3\4\5\6\7\x8", 8);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("");
	assert_has("event = 1, x = 2, x_2 = 3, x_2_2 = 4, field = 5, field_2 = 6, "
		   "___event___id___1___ = 7, __ = 8 }");
	assert_null(strchr(text, 0x1b));
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trace_without_events_is_valid),
		TEST(every_type_is_shown_as_what_it_is),
		TEST(events_follow_each_other_on_eight_bytes),
		TEST(time_is_what_the_realtime_clock_showed),
		TEST(time_is_exact_for_cycles_too),
		TEST(time_wraps_inside_a_packet),
		TEST(process_is_named),
		TEST(level_is_that_of_syslog),
		TEST(hostile_names_leave_the_text_valid),
		TEST(two_classes_may_have_one_name),
		TEST(text_only_grows),
		TEST(bad_entry_leaves_the_events_before_it),
		TEST(lost_events_are_told),
		TEST(frequency_is_measured_once_and_kept),
		TEST(offset_may_be_before_the_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
