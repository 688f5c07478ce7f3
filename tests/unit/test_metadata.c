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

static void hex_is_shown_in_base_16(void **state)
{
	static const struct __attribute__((packed)) {
		uint8_t a;
		uint16_t b;
		uint32_t c;
		uint64_t d;
	} v = {0xab, 0xffff, 0x80000000, UINT64_MAX};

	(void)state;
	table_add(arena, 4,
		  TABLE_TYPES(FASTTRACE_TYPE_HEX8, FASTTRACE_TYPE_HEX16, FASTTRACE_TYPE_HEX32,
			      FASTTRACE_TYPE_HEX64),
		  TABLE_NAMES("p", "hex", "a", "b", "c", "d"));
	packet_add(1, NOW, &v, sizeof(v));
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("");
	assert_has("{ a = 0xAB, b = 0xFFFF, c = 0x80000000, d = 0xFFFFFFFFFFFFFFFF }");
}

/* Payloads of events, field by field. */
static unsigned char payload[1024];
static size_t payload_bytes;

static void payload_array(uint32_t count, const void *elements, size_t bytes)
{
	memcpy(payload + payload_bytes, &count, 4);
	memcpy(payload + payload_bytes + 4, elements, bytes);
	payload_bytes += 4 + bytes;
}

static void payload_add(unsigned id)
{
	packet_add(id, NOW, payload, payload_bytes);
	payload_bytes = 0;
}

#define ARRAY(type) (FASTTRACE_TYPE_##type | FASTTRACE_TYPE_ARRAY)

/* One array of each type with two elements, and then one without any. */
static void arrays_are_shown_by_element(void **state)
{
	static const struct {
		uint8_t type, bytes;
		uint64_t v[2]; /* by bits */
		const char *shown;
	} arrays[] = {
		{ARRAY(I8), 1, {0x80, 65}, "[0] = -128, [1] = 65"},
		{ARRAY(I16), 2, {0x8000, 0x7fff}, "[0] = -32768, [1] = 32767"},
		{ARRAY(I32), 4, {0x80000000, 1}, "[0] = -2147483648, [1] = 1"},
		{ARRAY(I64), 8, {UINT64_MAX, 2}, "[0] = -1, [1] = 2"},
		{ARRAY(U8), 1, {65, 0}, "[0] = 65, [1] = 0"}, /* numbers, no text */
		{ARRAY(U16), 2, {0xffff, 3}, "[0] = 65535, [1] = 3"},
		{ARRAY(U32), 4, {0xffffffff, 4}, "[0] = 4294967295, [1] = 4"},
		{ARRAY(U64), 8, {UINT64_MAX, 5}, "[0] = 18446744073709551615, [1] = 5"},
		{ARRAY(BOOL), 1, {1, 0}, "[0] = 1, [1] = 0"},
		{ARRAY(FLOAT), 4, {0x3f000000, 0x7fc00000}, "[0] = 0.5, [1] = nan"},
		{ARRAY(DOUBLE),
		 8,
		 {UINT64_C(0xfff0000000000000), UINT64_C(0x7ff8000000000000)},
		 "[0] = -inf, [1] = nan"},
		{ARRAY(HEX8), 1, {0xab, 0}, "[0] = 0xAB, [1] = 0x0"},
		{ARRAY(HEX16), 2, {0xabcd, 1}, "[0] = 0xABCD, [1] = 0x1"},
		{ARRAY(HEX32), 4, {0xdeadbeef, 2}, "[0] = 0xDEADBEEF, [1] = 0x2"},
		{ARRAY(HEX64), 8, {UINT64_MAX, 3}, "[0] = 0xFFFFFFFFFFFFFFFF, [1] = 0x3"},
	};
	enum { N = sizeof(arrays) / sizeof(*arrays) };

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		unsigned char elements[16];

		for (unsigned j = 0; j < 2; j++)
			memcpy(elements + j * arrays[i].bytes, &arrays[i].v[j], arrays[i].bytes);
		table_add(arena, 2, (const uint8_t[]){arrays[i].type, FASTTRACE_TYPE_U8},
			  TABLE_NAMES("p", "array", "x", "after"));
		for (uint32_t n = 0; n <= 2; n += 2) {
			payload_array(n, elements, n * arrays[i].bytes);
			payload[payload_bytes++] = (unsigned char)(100 + i);
			payload_add(i + 1);
		}
	}
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("");
	for (unsigned i = 0; i < N; i++) {
		char line[256];

		snprintf(line, sizeof(line), "{ _x_length = 2, x = [ %s ], after = %u }",
			 arrays[i].shown, 100 + i);
		assert_has(line);
		snprintf(line, sizeof(line), "{ _x_length = 0, x = [ ], after = %u }", 100 + i);
		assert_has(line);
	}
}

static void all_fields_may_be_arrays_beside_their_lengths(void **state)
{
	uint8_t types[FASTTRACE_MAX_FIELDS];

	(void)state;
	memset(types, ARRAY(U16), sizeof(types));
	types[2] = types[4] = types[15] = FASTTRACE_TYPE_U8;
	table_add(arena, 16, types,
		  TABLE_NAMES("p", "all", "x", "x", "x_length", "x_length", "_y_length", "y", "",
			      "z_length", "z", "_z_length", "event", "f1", "f2", "f3", "f4",
			      "_f4_length"));
	for (uint16_t i = 0; i < 16; i++) {
		if (types[i] == FASTTRACE_TYPE_U8)
			payload[payload_bytes++] = (unsigned char)(200 + i);
		else
			payload_array(i % 2, &i, i % 2 * 2);
	}
	payload_add(1);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("");
	assert_has(
		"{ _x_length = 0, x = [ ], _x_2_length = 1, x_2 = [ [0] = 1 ], x_length_2 = 202, "
		"_x_length_3_length = 1, x_length_3 = [ [0] = 3 ], _y_length = 204, "
		"_y_length_2 = 1, y = [ [0] = 5 ], _field_length = 0, field = [ ], "
		"_z_length_length = 1, z_length = [ [0] = 7 ], _z_length_2 = 0, z = [ ], "
		"__z_length_3_length = 1, _z_length_3 = [ [0] = 9 ], _event_length = 0, "
		"event = [ ], _f1_length = 1, f1 = [ [0] = 11 ], _f2_length = 0, f2 = [ ], "
		"_f3_length = 1, f3 = [ [0] = 13 ], _f4_length = 0, f4 = [ ], "
		"_f4_length_2 = 215 }");
}

static void names_may_differ_by_an_underscore(void **state)
{
	(void)state;
	table_add(arena, 3, TABLE_TYPES(FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8),
		  TABLE_NAMES("p", "under", "_x", "x", "__x"));
	packet_add(1, NOW, "\1\2\3", 3);
	packet_write("0", (struct ft_packet_fields){.begin = NOW, .end = NOW});
	trace_read("");
	assert_has("{ _x = 1, x_2 = 2, __x_2 = 3 }");
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
		TEST(hex_is_shown_in_base_16),
		TEST(arrays_are_shown_by_element),
		TEST(all_fields_may_be_arrays_beside_their_lengths),
		TEST(names_may_differ_by_an_underscore),
		TEST(kinds_are_told_by_the_name),
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
