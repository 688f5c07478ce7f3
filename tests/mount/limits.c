/* SPDX-License-Identifier: MIT */
/*
 * limits.c - records every type of value at its limits, and prints what babeltrace2 is to show.
 *
 * What is printed goes through printf() alone: it is what was meant to be recorded.
 */
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fasttrace.h"

#define SUBBUF 4096u
#define ROOM   (SUBBUF - 96u) /* for fields */

/* An event of a type's two ends and zero; f formats one. */
#define NUMBERS(name, type, f, a, b)                                                              \
	do {                                                                                      \
		type a_ = (a), b_ = (b), z_ = 0;                                                  \
		FASTTRACE(limits, name, (min, a_), (max, b_), (zero, z_));                        \
		printf("limits:" #name ": { min = " f ", max = " f ", zero = " f " }\n", a_, b_,  \
		       z_);                                                                       \
		type both_[] = {a_, b_};                                                          \
		FASTTRACE(limits, name, (x, FASTTRACE_ARRAY(both_, 2)));                          \
		printf("limits:" #name ": { _x_length = 2, x = [ [0] = " f ", [1] = " f " ] }\n", \
		       a_, b_);                                                                   \
	} while (0)
#define HEX(name, type, a)                                                                \
	do {                                                                              \
		type a_ = (a);                                                            \
		FASTTRACE(limits, name, (x, FASTTRACE_HEX(a_)), (y, FASTTRACE_HEX(~a_))); \
		printf("limits:" #name ": { x = 0x%" PRIX64 ", y = 0x%" PRIX64 " }\n",    \
		       (uint64_t)a_, mask_of(sizeof(~a_)) & (uint64_t)~a_);               \
	} while (0)

static uint64_t mask_of(size_t bytes)
{
	return UINT64_MAX >> (64 - 8 * bytes);
}

static void numbers(void)
{
	NUMBERS(i8, int8_t, "%d", INT8_MIN, INT8_MAX);
	NUMBERS(u8, uint8_t, "%u", 0, UINT8_MAX);
	NUMBERS(i16, int16_t, "%d", INT16_MIN, INT16_MAX);
	NUMBERS(u16, uint16_t, "%u", 0, UINT16_MAX);
	NUMBERS(i32, int32_t, "%d", INT32_MIN, INT32_MAX);
	NUMBERS(u32, uint32_t, "%u", 0, UINT32_MAX);
	NUMBERS(i64, int64_t, "%" PRId64, INT64_MIN, INT64_MAX);
	NUMBERS(u64, uint64_t, "%" PRIu64, 0, UINT64_MAX);
	NUMBERS(boolean, bool, "%d", false, true);
	NUMBERS(f32, float, "%g", FLT_MIN, -FLT_MAX);
	NUMBERS(f64, double, "%g", -DBL_MIN, DBL_MAX);
	NUMBERS(infinite, double, "%g", -INFINITY, INFINITY);
	NUMBERS(tiny, double, "%g", DBL_TRUE_MIN, -DBL_TRUE_MIN);
	NUMBERS(no_number, double, "%g", (double)NAN, (double)-NAN);
	NUMBERS(no_float, float, "%g", NAN, INFINITY);
	HEX(x8, unsigned char, UINT8_MAX);
	HEX(x16, unsigned short, UINT16_MAX);
	HEX(x32, uint32_t, 0);
	HEX(x64, uint64_t, 1);
}

static void texts(void)
{
	char zero[] = "a\0b", *none = NULL;
	static const char utf8[] = "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x98";

	FASTTRACE(limits, texts, (empty, ""), (none, none), (utf8, utf8), (zero, zero),
		  (cut, FASTTRACE_STRN(utf8, 4)), (all, FASTTRACE_STRN(zero, sizeof(zero))),
		  (nil, FASTTRACE_STRN(none, 4)), (nothing, FASTTRACE_STRN(zero, 0)));
	printf("limits:texts: { empty = \"\", none = \"(null)\", utf8 = \"%s\", zero = \"a\", "
	       "cut = \"%.4s\", all = \"a\", nil = \"(null)\", nothing = \"\" }\n",
	       utf8, utf8);
}

static void bytes(void)
{
	FASTTRACE(limits, bytes, (none, FASTTRACE_BYTES((void *)0, 9)),
		  (two, FASTTRACE_BYTES("\xff", 2)), (p, (void *)0), (q, (void *)UINTPTR_MAX));
	printf("limits:bytes: { _none_length = 0, none = [ ], _two_length = 2, "
	       "two = [ [0] = 0xFF, [1] = 0x0 ], p = 0x0, q = 0x%" PRIX64 " }\n",
	       (uint64_t)UINTPTR_MAX);
}

/* Four-byte numbers to the last that has room; one more is none. */
static void arrays(void)
{
	static int n[ROOM / 4];

	for (int i = 0; i < (int)(ROOM / 4); i++)
		n[i] = i * 1000003;
	FASTTRACE(limits, many, (n, FASTTRACE_ARRAY(n, ROOM / 4 - 1)));
	FASTTRACE(limits, many, (n, FASTTRACE_ARRAY(n, ROOM / 4)));
	FASTTRACE(limits, many, (n, FASTTRACE_BYTES(n, ROOM - 3)));
	printf("limits:many: { _n_length = %u, n = [", ROOM / 4 - 1);
	for (unsigned i = 0; i < ROOM / 4 - 1; i++)
		printf("%s [%u] = %d", i ? "," : "", i, n[i]);
	printf(" ] }\n");
}

static void long_texts(void)
{
	static char text[ROOM + 1];

	memset(text, 'x', ROOM);
	FASTTRACE(limits, too_long, (text, text));
	text[ROOM - 1] = 0;
	FASTTRACE(limits, long_one, (text, text));
	FASTTRACE(limits, too_long, (text, text), (more, 'x'));
	printf("limits:long_one: { text = \"%s\" }\n", text);
}

static void sixteen(void)
{
	signed char a = -1;
	unsigned char b = 1;
	float f = 0.5f;

	FASTTRACE(limits, sixteen, (a, a), (b, b), (c, (short)-2), (d, (unsigned short)2), (e, -3),
		  (f, 3u), (g, -4LL), (h, 4ULL), (i, f), (j, 0.25), (k, "k"), (l, (bool)true),
		  (m, FASTTRACE_HEX(b)), (n, FASTTRACE_STRN("nn", 1)), (o, FASTTRACE_ARRAY(&a, 1)),
		  (p, FASTTRACE_BYTES(&b, 1)));
	printf("limits:sixteen: { a = -1, b = 1, c = -2, d = 2, e = -3, f = 3, g = -4, h = 4, "
	       "i = 0.5, j = 0.25, k = \"k\", l = 1, m = 0x1, n = \"n\", _o_length = 1, "
	       "o = [ [0] = -1 ], _p_length = 1, p = [ [0] = 0x1 ] }\n");
}

/* One name, two sites, other fields; and a guard of that name, which is no event. */
static void twice(void)
{
	for (int i = 0; i < 2; i++) {
		FASTTRACE(limits, twice, (i, i));
		printf("limits:twice: { i = %d }\n", i);
		if (FASTTRACE_ENABLED(limits, guarded) && FASTTRACE_ENABLED(limits, twice))
			FASTTRACE(limits, twice, (text, i ? "one" : "zero"), (i, (char)('0' + i)));
		printf("limits:twice: { text = \"%s\", i = \"%d\" }\n", i ? "one" : "zero", i);
	}
	FASTTRACE_BEGIN(limits, twice);
	FASTTRACE_COUNTER(limits, twice, UINT64_MAX);
	FASTTRACE_END(limits, twice, (i, 3));
	printf("limits:twice:begin: { }\nlimits:twice:counter: { value = %" PRIu64
	       " }\nlimits:twice:end: { i = 3 }\n",
	       UINT64_MAX);
}

int main(void)
{
	numbers();
	texts();
	bytes();
	arrays();
	long_texts();
	sixteen();
	twice();
	FASTTRACE_PRINTF("%s", "end");
	printf("fasttrace:printf: { message = \"end\" }\n");
	return 0;
}
