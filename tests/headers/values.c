/* SPDX-License-Identifier: MIT */
/*
 * values.c - every type of value, C and C++: what stands in the event's record, byte by byte.
 */
#include "standin.h"

#include <float.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

enum plain { PLAIN_A, PLAIN_B = 77 };
enum negative { NEGATIVE = -5, POSITIVE = 5 };
struct point {
	int x, y;
};
struct bits {
	unsigned a : 3;
	int b : 5;
	unsigned long long c : 40;
	bool d : 1;
};

static void integers(void)
{
	bool yes = true;
	char c = 'x';
	signed char sc = SCHAR_MIN;
	unsigned char uc = UCHAR_MAX;
	short s = SHRT_MIN;
	unsigned short us = USHRT_MAX;
	const int i = INT_MIN;
	volatile unsigned u = UINT_MAX;
	long l = LONG_MIN;
	unsigned long ul = ULONG_MAX;
	long long ll = LLONG_MIN;
	unsigned long long ull = ULLONG_MAX;
	uint8_t u8 = 200;
	int64_t i64 = -3;
	size_t size = sizeof(events);

	CHECK(BOOL, uint8_t, yes);
	CHECK(CHAR, char, c);
	CHECK(I8, int8_t, sc);
	CHECK(U8, uint8_t, uc);
	CHECK(I16, int16_t, s);
	CHECK(U16, uint16_t, us);
	CHECK(I32, int32_t, i);
	CHECK(U32, uint32_t, u);
	CHECK(I64, int64_t, l);
	CHECK(U64, uint64_t, ul);
	CHECK(I64, int64_t, ll);
	CHECK(U64, uint64_t, ull);
	CHECK(U8, uint8_t, u8);
	CHECK(I64, int64_t, i64);
	CHECK(U64, uint64_t, size);
	CHECK(I32, int32_t, 5);
	CHECK(I32, int32_t, u8 + 1);
	CHECK(U64, uint64_t, sizeof(int));
}

/* Both ends of each type. */
static void limits(void)
{
	CHECK(BOOL, uint8_t, (bool)false);
	CHECK(CHAR, char, (char)CHAR_MIN);
	CHECK(CHAR, char, (char)CHAR_MAX);
	CHECK(I8, int8_t, (int8_t)INT8_MIN);
	CHECK(I8, int8_t, (int8_t)INT8_MAX);
	CHECK(U8, uint8_t, (uint8_t)UINT8_MAX);
	CHECK(I16, int16_t, (int16_t)INT16_MIN);
	CHECK(I16, int16_t, (int16_t)INT16_MAX);
	CHECK(U16, uint16_t, (uint16_t)UINT16_MAX);
	CHECK(I32, int32_t, INT_MAX);
	CHECK(U32, uint32_t, UINT32_MAX);
	CHECK(I64, int64_t, INT64_MIN);
	CHECK(I64, int64_t, INT64_MAX);
	CHECK(U64, uint64_t, UINT64_MAX);
	CHECK(I64, int64_t, LLONG_MAX);
	CHECK(U64, uint64_t, ULLONG_MAX);
	CHECK(FLOAT, float, FLT_MIN);
	CHECK(FLOAT, float, -FLT_MAX);
	CHECK(FLOAT, float, __builtin_inff());
	CHECK(FLOAT, float, __builtin_nanf(""));
	CHECK(DOUBLE, double, DBL_MAX);
	CHECK(DOUBLE, double, -DBL_MAX);
	CHECK(DOUBLE, double, -__builtin_inf());
	CHECK(DOUBLE, double, LDBL_MAX); /* inf, where it is wider */
	CHECK(DOUBLE, double, (double)-0.0);
}

static void enums_and_bit_fields(void)
{
	enum plain plain = PLAIN_B;
	enum negative negative = NEGATIVE;
	struct bits b = {5, -7, 0xabcdef0123, true};
	const struct bits *p = &b;

	CHECK(U32, uint32_t, plain);
	CHECK(I32, int32_t, negative);
	/* In gcc's C a bit-field has a type of its own. */
#if defined(__cplusplus) || defined(__clang__)
	CHECK(U32, uint32_t, b.a);
	CHECK(I32, int32_t, p->b);
	CHECK(U64, uint64_t, b.c);
#else
	CHECK(I64, int64_t, b.a);
	CHECK(I64, int64_t, p->b);
	CHECK(I64, int64_t, b.c);
#endif
	CHECK(BOOL, uint8_t, b.d);
}

static void floats(void)
{
	float f = FLT_MAX;
	double d = -DBL_MIN, nan = __builtin_nan("");
	long double ld = 0.5L;
	const volatile float vf = -0.0f;

	CHECK(FLOAT, float, f);
	CHECK(DOUBLE, double, d);
	CHECK(DOUBLE, double, nan);
	CHECK(DOUBLE, double, ld);
	CHECK(FLOAT, float, vf);
	CHECK(DOUBLE, double, 1.5);
	CHECK(DOUBLE, double, f * 0.5);
}

static const char *null_text(void)
{
	return NULL;
}

static void strings(void)
{
	char array[8] = "array";
	const char constant[] = "constant";
	char *p = array;
	const char *const cp = constant;
	static const char longer[] =
		"a literal that is longer than what is copied in place, by all that we know of it";

	CHECK_STRING("array", array);
	CHECK_STRING("constant", constant);
	CHECK_STRING("array", p);
	CHECK_STRING("rray", p + 1);
	CHECK_STRING("constant", cp);
	CHECK_STRING("literal", "literal");
	CHECK_STRING("", "");
	CHECK_STRING("(null)", null_text());
	CHECK_STRING("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	CHECK_STRING("a literal that is longer than what is copied in place, by all that we know "
		     "of it",
		     longer);
}

/* The most that is counted: a longer one asks for no more, and sizes do not overflow. */
static void long_strings(void)
{
	size_t size = ((size_t)16 << 20) + 16;
	char *text = (char *)malloc(size);

	EXPECT(text != NULL);
	if (!text)
		return;
	memset(text, 'x', size);
	text[size - 1] = 0;
	CHECK_BIG(FASTTRACE_TYPE_STRING, FASTTRACE_MAX_BYTES, text);
	text[FASTTRACE_MAX_BYTES] = 0;
	CHECK_BIG(FASTTRACE_TYPE_STRING, FASTTRACE_MAX_BYTES, text);
	text[FASTTRACE_MAX_BYTES - 2] = 0;
	CHECK_BIG(FASTTRACE_TYPE_STRING, FASTTRACE_MAX_BYTES - 1, text);
	text[FASTTRACE_MAX_BYTES - 2] = 'x';
	text[FASTTRACE_MAX_BYTES] = 'x';
	FASTTRACE(p, e, (a, text), (b, text), (c, text), (d, text), (e, text), (f, text), (g, text),
		  (h, text), (i, text), (j, text), (k, text), (l, text), (m, text), (n, text),
		  (o, text), (p, text));
	EXPECT(record_units == (8 + 16 * FASTTRACE_MAX_BYTES + 7) / 8);
	text[100] = 0;
	FASTTRACE(p, e, (x, text));
	EXPECT(record_units == (8 + 101 + 7) / 8 && record[8 + 99] == 'x' && !record[8 + 100]);
	free(text);
}

static void function(void)
{
}

static void pointers(void)
{
	int n = 0;
	int numbers[4] = {0, 0, 0, 0};
	void *v = &n;
	const struct point *s = NULL;
	volatile char vc[2] = {'a', 0};
	unsigned char uc[2] = {'a', 0};
	void (*fp)(void) = function;
	struct incomplete;
	struct incomplete *in = NULL;
	const volatile int *cv = &n;
	char **pp = NULL;

	CHECK(POINTER, uintptr_t, v);
	CHECK(POINTER, uintptr_t, &n);
	CHECK(POINTER, uintptr_t, s);
	CHECK(POINTER, uintptr_t, (volatile char *)vc);
	CHECK(POINTER, uintptr_t, (unsigned char *)uc);
	CHECK(POINTER, uintptr_t, fp);
	CHECK(POINTER, uintptr_t, &function);
	CHECK(POINTER, uintptr_t, (int *)numbers);
	CHECK(POINTER, uintptr_t, in);
	CHECK(POINTER, uintptr_t, cv);
	CHECK(POINTER, uintptr_t, pp);
	FASTTRACE(p, e, (a, numbers), (b, function));
	EXPECT(site->types[0] == FASTTRACE_TYPE_POINTER);
	EXPECT(site->types[1] == FASTTRACE_TYPE_POINTER);
}

/* Sixteen, of all kinds. */
static void fields(void)
{
	const char *text = "text";
	double d = 2.5;
	int n = -1;

	FASTTRACE(p, e);
	EXPECT(site->nfields == 0 && record_units == 1);
	EXPECT_TEXT("p, e");
	EXPECT(site->level == FASTTRACE_INFO && site->abi == FASTTRACE_ABI);
	EXPECT_KIND(EVENT);
	FASTTRACE(p, e, (a, (char)1), (b, "x"), (c, (short)3), (d, 4), (e, 5LL), (f, d), (g, text),
		  (h, &n), (i, FASTTRACE_HEX(n)), (j, FASTTRACE_STRN(text, 2)),
		  (k, FASTTRACE_ARRAY(&n, 1)), (l, 1.0f), (m, (bool)1), (n, n),
		  (o, (unsigned char)15), (p, 16));
	EXPECT(site->nfields == 16);
	EXPECT(record_units ==
	       (8 + 1 + 2 + 2 + 4 + 8 + 8 + 5 + 8 + 4 + 3 + 8 + 4 + 1 + 4 + 1 + 4 + 7) / 8);
	EXPECT(!memcmp(record + 8, "\1x\0\3\0\4\0\0\0\5\0\0\0\0\0\0", 16));
	EXPECT(!memcmp(record + 8 + 25, "text", 5));
	EXPECT(!memcmp(record + 8 + 38, "\xff\xff\xff\xffte\0\1\0\0\0\xff\xff\xff\xff", 15));
	EXPECT(!memcmp(record + 8 + 57, "\1\xff\xff\xff\xff\x0f\x10\0\0\0\xee", 11));
}

void check_values(void)
{
	integers();
	limits();
	enums_and_bit_fields();
	floats();
	strings();
	long_strings();
	pointers();
	fields();
}
