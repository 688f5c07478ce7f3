/* SPDX-License-Identifier: MIT */
/*
 * test_decode.c - an event as text: every type, its limits, and values that would break a line.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "ft-lines.h"
#include "table.h"

static struct fasttrace_arena *arena;
static struct ft_decoder *decoder;
static GString *out;

static int setup(void **state)
{
	(void)state;
	arena = table_new();
	decoder = ft_decoder_new(arena);
	out = g_string_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	g_string_free(out, TRUE);
	ft_decoder_free(decoder);
	table_free(arena);
	return 0;
}

static const char *decode(unsigned id, const void *payload)
{
	assert_int_equal(ft_classes_refresh(arena), 0);
	assert_true(id <= arena->nclasses);
	g_string_truncate(out, 0);
	ft_decode(decoder, id, payload, out);
	return out->str;
}

/* The value of an event with one field x of this type. */
static const char *value(uint8_t type, const void *payload)
{
	static const char before[] = "p:e: x=";

	table_add(arena, 1, &type, TABLE_NAMES("p", "e", "x"));
	ft_classes_refresh(arena);
	assert_memory_equal(decode(arena->nclasses, payload), before, sizeof(before) - 1);
	return out->str + sizeof(before) - 1;
}

static const char *text_value(const char *text)
{
	return value(FASTTRACE_TYPE_STRING, text);
}

static void integers_are_shown_up_to_their_limits(void **state)
{
	static const uint64_t ones = UINT64_MAX, top = UINT64_C(1) << 63, zero = 0, ten = 10;

	(void)state;
	assert_string_equal(value(FASTTRACE_TYPE_I8, (int8_t[]){INT8_MIN}), "-128");
	assert_string_equal(value(FASTTRACE_TYPE_I8, (int8_t[]){INT8_MAX}), "127");
	assert_string_equal(value(FASTTRACE_TYPE_I16, (int16_t[]){INT16_MIN}), "-32768");
	assert_string_equal(value(FASTTRACE_TYPE_I32, (int32_t[]){INT32_MIN}), "-2147483648");
	assert_string_equal(value(FASTTRACE_TYPE_I64, &top), "-9223372036854775808");
	assert_string_equal(value(FASTTRACE_TYPE_I64, &ones), "-1");
	assert_string_equal(value(FASTTRACE_TYPE_U8, &ones), "255");
	assert_string_equal(value(FASTTRACE_TYPE_U16, &ones), "65535");
	assert_string_equal(value(FASTTRACE_TYPE_U32, &ones), "4294967295");
	assert_string_equal(value(FASTTRACE_TYPE_U64, &ones), "18446744073709551615");
	assert_string_equal(value(FASTTRACE_TYPE_U64, &zero), "0");
	assert_string_equal(value(FASTTRACE_TYPE_U32, &ten), "10");
	assert_string_equal(value(FASTTRACE_TYPE_BOOL, "\1"), "1");
	assert_string_equal(value(FASTTRACE_TYPE_BOOL, "\0"), "0");
}

static void hex_and_pointers_are_shown_in_base_16(void **state)
{
	static const uint64_t ones = UINT64_MAX, zero = 0, pointer = 0xdeadbeef;

	(void)state;
	assert_string_equal(value(FASTTRACE_TYPE_HEX8, &ones), "0xff");
	assert_string_equal(value(FASTTRACE_TYPE_HEX16, &ones), "0xffff");
	assert_string_equal(value(FASTTRACE_TYPE_HEX32, &ones), "0xffffffff");
	assert_string_equal(value(FASTTRACE_TYPE_HEX64, &ones), "0xffffffffffffffff");
	assert_string_equal(value(FASTTRACE_TYPE_HEX64, &zero), "0x0");
	assert_string_equal(value(FASTTRACE_TYPE_POINTER, &pointer), "0xdeadbeef");
}

static const char *double_value(double x)
{
	return value(FASTTRACE_TYPE_DOUBLE, &x);
}

static const char *float_value(float x)
{
	return value(FASTTRACE_TYPE_FLOAT, &x);
}

static void floating_point_is_shown_as_short_as_it_can_be(void **state)
{
	(void)state;
	assert_string_equal(double_value(0.1), "0.1");
	assert_string_equal(double_value(-0.25), "-0.25");
	assert_string_equal(double_value(0.1 + 0.2), "0.30000000000000004");
	assert_string_equal(double_value(-0.0), "-0");
	assert_string_equal(double_value(DBL_MAX), "1.7976931348623157e+308");
	assert_string_equal(double_value(NAN), "nan");
	assert_string_equal(double_value(-NAN), "nan");
	assert_string_equal(double_value(-INFINITY), "-inf");
	assert_string_equal(float_value(0.1f), "0.1");
	assert_string_equal(float_value(16777217.0f), "16777216");
	assert_string_equal(float_value(FLT_MAX), "3.4028235e+38");
	assert_string_equal(float_value(INFINITY), "inf");
}

static void floating_point_can_be_read_back(void **state)
{
	uint8_t types[] = {FASTTRACE_TYPE_DOUBLE, FASTTRACE_TYPE_FLOAT};
	struct __attribute__((packed)) {
		double d;
		float f;
	} v;
	char *end;

	(void)state;
	srand(3);
	table_add(arena, 2, types, TABLE_NAMES("p", "e", "d", "f"));
	for (int i = 0; i < 20000; i++) {
		for (size_t n = 0; n < sizeof(v); n++)
			((unsigned char *)&v)[n] = (unsigned char)rand();
		if (isnan(v.d) || isnan(v.f))
			continue;
		assert_true(strtod(strchr(decode(1, &v), '=') + 1, &end) == v.d);
		assert_true(strtof(strchr(end, '=') + 1, &end) == v.f);
		assert_int_equal(*end, '\0');
	}
}

static void strings_stand_in_quotation_marks(void **state)
{
	(void)state;
	assert_string_equal(text_value(""), "\"\"");
	assert_string_equal(text_value("a b=c"), "\"a b=c\"");
	assert_string_equal(text_value("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7"),
			    "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7\"");
}

static void what_ends_a_line_or_controls_a_terminal_is_escaped(void **state)
{
	(void)state;
	assert_string_equal(text_value("a\nb\r\t\a\b\v\f"), "\"a\\nb\\r\\t\\a\\b\\v\\f\"");
	assert_string_equal(text_value("\x1b[2J\x7f\x01"), "\"\\x1b[2J\\x7f\\x01\"");
	assert_string_equal(text_value("say \"hi\" \\n 'x'"), "\"say \\\"hi\\\" \\\\n 'x'\"");
	assert_string_equal(text_value("\xc2\x9b\xc2\x85"), "\"\\xc2\\x9b\\xc2\\x85\"");
	assert_string_equal(text_value("\xff\xc3"), "\"\\xff\\xc3\"");
	assert_string_equal(text_value("\xe2\x82"), "\"\\xe2\\x82\"");
	assert_string_equal(text_value("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"");
	assert_string_equal(text_value("\xc3\nx"), "\"\\xc3\\nx\"");
}

static void characters_stand_in_single_ones(void **state)
{
	(void)state;
	assert_string_equal(value(FASTTRACE_TYPE_CHAR, "x"), "'x'");
	assert_string_equal(value(FASTTRACE_TYPE_CHAR, "\""), "'\"'");
	assert_string_equal(value(FASTTRACE_TYPE_CHAR, "'"), "'\\''");
	assert_string_equal(value(FASTTRACE_TYPE_CHAR, "\n"), "'\\n'");
	assert_string_equal(value(FASTTRACE_TYPE_CHAR, "\0"), "'\\x00'");
	assert_string_equal(value(FASTTRACE_TYPE_CHAR, "\xc3\xbc"), "'\\xc3'");
}

/* Random bytes: printable, in one line, and the same bytes once it is unescaped. */
static void any_string_can_be_read_back(void **state)
{
	char text[32], *again;
	const char *shown;

	(void)state;
	srand(5);
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_STRING), TABLE_NAMES("p", "e", "x"));
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)rand() % sizeof(text), len;

		for (size_t j = 0; j < n; j++)
			text[j] = (char)(1 + rand() % 255);
		text[n] = '\0';
		shown = strchr(decode(1, text), '=') + 2;
		assert_true(g_utf8_validate(shown, -1, NULL));
		for (const char *p = shown; *p; p++)
			assert_int_equal(ft_control_bytes(p), 0);
		/* g_strcompress() knows octal numbers, not \x and not \a. */
		for (char *p = out->str; (p = strchr(p, '\\')); p += 2)
			if (p[1] == 'x') {
				unsigned c = (unsigned)strtoul((char[]){p[2], p[3], 0}, NULL, 16);
				char octal[5];

				g_snprintf(octal, sizeof(octal), "\\%03o", c);
				memcpy(p, octal, 4);
			} else if (p[1] == 'a') {
				p[1] = '\a'; /* stands for itself */
			}
		again = g_strcompress(strchr(out->str, '=') + 2);
		len = strlen(again);
		assert_int_equal(len, n + 1);
		assert_memory_equal(again, text, n);
		g_free(again);
	}
}

static void arrays_stand_in_brackets(void **state)
{
	static const struct __attribute__((packed)) {
		uint32_t count;
		uint8_t b[3];
	} bytes = {3, {0xde, 0, 0x0f}};
	static const struct __attribute__((packed)) {
		uint32_t count;
		int32_t n[2];
	} numbers = {2, {-1, 7}};
	static const struct __attribute__((packed)) {
		uint32_t count;
		double d[2];
	} reals = {2, {0.5, INFINITY}};
	static const uint32_t none = 0;

	(void)state;
	assert_string_equal(value(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_HEX8, &bytes),
			    "[0xde,0x0,0xf]");
	assert_string_equal(value(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_I32, &numbers), "[-1,7]");
	assert_string_equal(value(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_DOUBLE, &reals),
			    "[0.5,inf]");
	assert_string_equal(value(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_BOOL, &none), "[]");
}

static void fields_follow_each_other_unaligned(void **state)
{
	static const char payload[] = "\1text\0\2\0\0\0\3\4\xff\xff";

	(void)state;
	table_add(arena, 4,
		  TABLE_TYPES(FASTTRACE_TYPE_U8, FASTTRACE_TYPE_STRING,
			      FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_U8, FASTTRACE_TYPE_I16),
		  TABLE_NAMES("shop", "all", "a", "b", "c", "d"));
	assert_string_equal(decode(1, payload), "shop:all: a=1 b=\"text\" c=[3,4] d=-1");
}

static void kinds_are_told_apart(void **state)
{
	static const struct {
		unsigned kind;
		const char *text;
	} kinds[] = {{FASTTRACE_KIND_EVENT, "p:e:"},
		     {FASTTRACE_KIND_BEGIN, "p:e:begin:"},
		     {FASTTRACE_KIND_END, "p:e:end:"},
		     {FASTTRACE_KIND_COUNTER, "p:e:counter:"}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		table_add(arena, 0, NULL, TABLE_NAMES("p", "e"))->kind = kinds[i].kind & 0xff;
		assert_string_equal(decode(i + 1, ""), kinds[i].text);
	}
}

static void hostile_names_stay_in_their_line(void **state)
{
	(void)state;
	table_add(arena, 4,
		  TABLE_TYPES(FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8, FASTTRACE_TYPE_U8,
			      FASTTRACE_TYPE_U8),
		  TABLE_NAMES("a\nb\x1b", "\xff\xc2\x9b", "x=1 y", "", "\n", "gr\xc3\xbc\xc3\x9f"));
	decode(1, "\1\2\3\4");
	assert_string_equal(out->str, "a_b_:\xef\xbf\xbd_: x_1_y=1 field=2 _=3 "
				      "gr\xc3\xbc\xc3\x9f=4");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(integers_are_shown_up_to_their_limits),
		TEST(hex_and_pointers_are_shown_in_base_16),
		TEST(floating_point_is_shown_as_short_as_it_can_be),
		TEST(floating_point_can_be_read_back),
		TEST(strings_stand_in_quotation_marks),
		TEST(what_ends_a_line_or_controls_a_terminal_is_escaped),
		TEST(characters_stand_in_single_ones),
		TEST(any_string_can_be_read_back),
		TEST(arrays_stand_in_brackets),
		TEST(fields_follow_each_other_unaligned),
		TEST(kinds_are_told_apart),
		TEST(hostile_names_stay_in_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
