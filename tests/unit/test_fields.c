/* SPDX-License-Identifier: MIT */
/*
 * test_fields.c - the fields of an event, as metadata.c describes them and babeltrace2 shows them:
 * of packets made by hand, and of a process that records every type.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fasttrace.h"
#include "fixture.h"
#include "table.h"
#include "trace.h"

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

static void body_types(void)
{
	static const int8_t i8[] = {INT8_MIN, 65};
	static const int16_t i16[] = {INT16_MIN};
	static const int32_t i32[] = {INT32_MIN, 1, 2};
	static const int64_t i64[] = {INT64_MIN};
	static const uint8_t u8[] = {65, 66, 0, 67};
	static const uint16_t u16[] = {UINT16_MAX};
	static const uint32_t u32[] = {UINT32_MAX};
	static const uint64_t u64[] = {UINT64_MAX};
	static const float f[] = {0.5f, NAN};
	static const double d[] = {-INFINITY, NAN, 0.25};
	static const bool b[] = {true, false};
	int x = 1;

	FASTTRACE(all, arrays, (i8, FASTTRACE_ARRAY(i8, 2)), (i16, FASTTRACE_ARRAY(i16, 1)),
		  (i32, FASTTRACE_ARRAY(i32, 3)), (i64, FASTTRACE_ARRAY(i64, 1)),
		  (u8, FASTTRACE_ARRAY(u8, 4)), (u16, FASTTRACE_ARRAY(u16, 1)),
		  (u32, FASTTRACE_ARRAY(u32, 1)), (u64, FASTTRACE_ARRAY(u64, 1)),
		  (f, FASTTRACE_ARRAY(f, 2)), (d, FASTTRACE_ARRAY(d, 3)),
		  (b, FASTTRACE_ARRAY(b, 2)), (none, FASTTRACE_ARRAY(d, 0)),
		  (bytes, FASTTRACE_BYTES(u8, 4)), (no_bytes, FASTTRACE_BYTES(u8, 0)),
		  (string, "gr\xc3\xbc\xc3\x9f"), (strn, FASTTRACE_STRN("cut off", 3)));
	FASTTRACE(all, scalars, (hex8, FASTTRACE_HEX(u8[0])), (hex16, FASTTRACE_HEX(u16[0])),
		  (hex32, FASTTRACE_HEX(u32[0])), (hex64, FASTTRACE_HEX(u64[0])), (nan, d[1]),
		  (inf, d[0]), (nanf, f[1]), (b, b[0]), (empty, ""));
	FASTTRACE_BEGIN(all, span, (x, x));
	FASTTRACE_COUNTER(all, level, -7);
	if (FASTTRACE_ENABLED(all, guard))
		FASTTRACE_END(all, span);
	FASTTRACE_PRINTF("%d of %s", x, "them");
	body_say('.');
	body_hear();
}

static const struct fixture_body bodies[] = {{"types", body_types}, {NULL, NULL}};

static void process_that_records_every_type_is_read(void **state)
{
	struct fasttrace_snapshot *s;
	struct fasttrace_arena *a;
	pid_t pid;

	assert_int_equal(fixture_setup(state), 0);
	pid = fixture_spawn("types", NULL);
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_snapshot_take(a, &s), 0);
	assert_int_equal(s->streams, 1);
	assert_int_equal(s->stream[0].events, 6);
	file_write("0", s->stream[0].data, s->stream[0].bytes);
	file_write("metadata", s->metadata, s->metadata_bytes);
	fasttrace_snapshot_free(s);
	fasttrace_arena_close(a);
	fixture_kill(pid);
	fixture_teardown(state);
	babeltrace("");
	assert_string_equal(warnings, "");
	assert_has("{ _i8_length = 2, i8 = [ [0] = -128, [1] = 65 ], "
		   "_i16_length = 1, i16 = [ [0] = -32768 ], "
		   "_i32_length = 3, i32 = [ [0] = -2147483648, [1] = 1, [2] = 2 ], "
		   "_i64_length = 1, i64 = [ [0] = -9223372036854775808 ], "
		   "_u8_length = 4, u8 = [ [0] = 65, [1] = 66, [2] = 0, [3] = 67 ], "
		   "_u16_length = 1, u16 = [ [0] = 65535 ], "
		   "_u32_length = 1, u32 = [ [0] = 4294967295 ], "
		   "_u64_length = 1, u64 = [ [0] = 18446744073709551615 ], "
		   "_f_length = 2, f = [ [0] = 0.5, [1] = nan ], "
		   "_d_length = 3, d = [ [0] = -inf, [1] = nan, [2] = 0.25 ], "
		   "_b_length = 2, b = [ [0] = 1, [1] = 0 ], _none_length = 0, none = [ ], "
		   "_bytes_length = 4, bytes = [ [0] = 0x41, [1] = 0x42, [2] = 0x0, [3] = 0x43 ], "
		   "_no_bytes_length = 0, no_bytes = [ ], "
		   "string = \"gr\xc3\xbc\xc3\x9f\", strn = \"cut\" }");
	assert_has("{ hex8 = 0x41, hex16 = 0xFFFF, hex32 = 0xFFFFFFFF, hex64 = 0xFFFFFFFFFFFFFFFF, "
		   "nan = nan, inf = -inf, nanf = nan, b = 1, empty = \"\" }");
	assert_has("all:span:begin: { tid = ");
	assert_has("{ x = 1 }");
	assert_has("all:level:counter: { tid = ");
	assert_has("{ value = -7 }");
	assert_has("all:span:end: { tid = ");
	assert_has("fasttrace:printf: { tid = ");
	assert_has("{ message = \"1 of them\" }");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, trace_setup, trace_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(every_type_is_shown_as_what_it_is),
		TEST(hex_is_shown_in_base_16),
		TEST(arrays_are_shown_by_element),
		TEST(all_fields_may_be_arrays_beside_their_lengths),
		TEST(names_may_differ_by_an_underscore),
		TEST(hostile_names_leave_the_text_valid),
		TEST(process_that_records_every_type_is_read),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
