/* SPDX-License-Identifier: MIT */
/*
 * macros.c - FASTTRACE_HEX(), STRN(), BYTES() and ARRAY(), C and C++.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mmap() */
#endif
#include "standin.h"

#include <float.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum plain { PLAIN_A, PLAIN_B = 77 };
enum negative { NEGATIVE = -5, POSITIVE = 5 };
struct bits {
	unsigned a : 3;
	int b : 5;
	unsigned long long c : 40;
	bool d : 1;
};

#define CHECK_HEX(width, value)                                                        \
	do {                                                                           \
		uint##width##_t expected_ = (uint##width##_t)(value);                  \
		FASTTRACE(p, e, (x, FASTTRACE_HEX(value)));                            \
		check_field(__FILE__, __LINE__, FASTTRACE_TYPE_HEX##width, &expected_, \
			    sizeof(expected_));                                        \
	} while (0)

/* A length that the compiler does not know, or it would warn, and rightly. */
static size_t hide(size_t n)
{
	volatile size_t hidden = n;

	return hidden;
}

static void hex(void)
{
	bool yes = true;
	char c = (char)-1;
	signed char sc = SCHAR_MIN;
	unsigned char uc = UCHAR_MAX;
	short s = -2;
	unsigned short us = USHRT_MAX;
	const int i = INT_MIN;
	volatile unsigned u = UINT_MAX;
	long l = LONG_MIN;
	unsigned long ul = ULONG_MAX;
	long long ll = -1;
	unsigned long long ull = ULLONG_MAX;
	enum plain plain = PLAIN_B;
	enum negative negative = NEGATIVE;
	struct bits b = {5, -7, 0xabcdef0123, true};

	CHECK_HEX(8, yes);
	CHECK_HEX(8, c);
	CHECK_HEX(8, sc);
	CHECK_HEX(8, uc);
	CHECK_HEX(16, s);
	CHECK_HEX(16, us);
	CHECK_HEX(32, i);
	CHECK_HEX(32, u);
	CHECK_HEX(64, l);
	CHECK_HEX(64, ul);
	CHECK_HEX(64, ll);
	CHECK_HEX(64, ull);
	CHECK_HEX(32, plain);
	CHECK_HEX(32, negative);
	CHECK_HEX(32, s + 1);
	CHECK_HEX(64, sizeof(int));
	CHECK_HEX(32, -1);
#if defined(__cplusplus) || defined(__clang__)
	CHECK_HEX(32, b.a);
	CHECK_HEX(32, b.b);
#else
	CHECK_HEX(64, b.a);
	CHECK_HEX(64, b.b);
#endif
	CHECK_HEX(64, b.c);
	CHECK_HEX(8, b.d);
}

static const char *null_text(void)
{
	return NULL;
}

static void strn(void)
{
	char array[8] = "array";
	char *p = array;
	const char *const cp = array;
	int n = 3;
	volatile int minus = -1;
	size_t all = 8;

	CHECK_STRING("arr", FASTTRACE_STRN(array, 3));
	CHECK_STRING("arr", FASTTRACE_STRN(p, n));
	CHECK_STRING("array", FASTTRACE_STRN(cp, all));
	CHECK_STRING("array", FASTTRACE_STRN(p, hide(SIZE_MAX)));
	CHECK_STRING("array", FASTTRACE_STRN(p, minus));
	CHECK_STRING("", FASTTRACE_STRN(p, 0));
	CHECK_STRING("(null)", FASTTRACE_STRN(null_text(), 3));
	CHECK_STRING("(null)", FASTTRACE_STRN(null_text(), 0));
	CHECK_STRING("ay", FASTTRACE_STRN(p + 3, hide(all)));
	/* Of constants: what the compiler knows of them all. */
	CHECK_STRING("li", FASTTRACE_STRN("literal", 2));
	CHECK_STRING("literal", FASTTRACE_STRN("literal", 7));
	CHECK_STRING("literal", FASTTRACE_STRN("literal", 8));
	CHECK_STRING("a", FASTTRACE_STRN("a\0b", 3));
	CHECK_STRING("", FASTTRACE_STRN("literal", 0));
}

/* Not a byte is read beyond n: a page that may not be read comes next. */
static void strn_at_the_end_of_a_page(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two = (char *)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *last = two + page - 3;

	EXPECT(two != MAP_FAILED && !mprotect(two + page, page, PROT_NONE));
	memcpy(last, "xyz", 3);
	CHECK_STRING("xyz", FASTTRACE_STRN(last, 3));
	CHECK_STRING("", FASTTRACE_STRN(two + page, 0));
	CHECK_ARRAY(HEX8, last, 3, FASTTRACE_BYTES(last, 3));
	CHECK_NOTHING(HEX8, FASTTRACE_BYTES(two + page, 0));
	last[1] = 0;
	CHECK_STRING("x", FASTTRACE_STRN(last, 1000));
	munmap(two, 2 * page);
}

static void bytes(void)
{
	struct bits object = {5, -7, 0xabcdef0123, true};
	const volatile int n[2] = {1, -1};
	const int same[2] = {1, -1};
	const void *v = same;
	const struct bits *none = NULL;
	const struct bits *o = &object;

	CHECK_ARRAY(HEX8, (const char *)o, sizeof(object),
		    FASTTRACE_BYTES(&object, sizeof(object)));
	CHECK_ARRAY(HEX8, (const char *)o, 3, FASTTRACE_BYTES(o, 3));
	CHECK_ARRAY(HEX8, (const char *)same, 8, FASTTRACE_BYTES(n, 8));
	CHECK_ARRAY(HEX8, (const char *)same, 8, FASTTRACE_BYTES(v, sizeof(same)));
	CHECK_ARRAY(HEX8, "a\0b", 4, FASTTRACE_BYTES("a\0b", 4));
	CHECK_NOTHING(HEX8, FASTTRACE_BYTES(o, 0));
	CHECK_NOTHING(HEX8, FASTTRACE_BYTES(none, 0));
	CHECK_NOTHING(HEX8, FASTTRACE_BYTES(none, sizeof(object)));
	CHECK_NOTHING(HEX8, FASTTRACE_BYTES((void *)none, SIZE_MAX));
}

#define CHECK_NUMBERS(t, type, a, b)                                                 \
	do {                                                                         \
		type numbers_[2] = {(type)(a), (type)(b)};                           \
		const type *const_ = numbers_;                                       \
		volatile type *volatile_ = numbers_;                                 \
		const volatile type *both_ = numbers_;                               \
		const type *none_ = NULL;                                            \
		CHECK_ARRAY(t, numbers_, 2, FASTTRACE_ARRAY(numbers_, 2));           \
		CHECK_ARRAY(t, numbers_, 1, FASTTRACE_ARRAY(const_, 1));             \
		CHECK_ARRAY(t, numbers_ + 1, 1, FASTTRACE_ARRAY(volatile_ + 1, 1u)); \
		CHECK_ARRAY(t, numbers_, 2, FASTTRACE_ARRAY(both_, (size_t)2));      \
		CHECK_NOTHING(t, FASTTRACE_ARRAY(both_, 0));                         \
		CHECK_NOTHING(t, FASTTRACE_ARRAY(none_, 2));                         \
	} while (0)

static void arrays(void)
{
	enum plain plain[2] = {PLAIN_A, PLAIN_B};
	enum negative negative[2] = {NEGATIVE, POSITIVE};

	CHECK_NUMBERS(I8, signed char, SCHAR_MIN, SCHAR_MAX);
	CHECK_NUMBERS(U8, unsigned char, 0, UCHAR_MAX);
	CHECK_NUMBERS(I16, short, SHRT_MIN, SHRT_MAX);
	CHECK_NUMBERS(U16, unsigned short, 0, USHRT_MAX);
	CHECK_NUMBERS(I32, int, INT_MIN, INT_MAX);
	CHECK_NUMBERS(U32, unsigned, 0, UINT_MAX);
	CHECK_NUMBERS(I64, long, LONG_MIN, LONG_MAX);
	CHECK_NUMBERS(U64, unsigned long, 0, ULONG_MAX);
	CHECK_NUMBERS(I64, long long, LLONG_MIN, LLONG_MAX);
	CHECK_NUMBERS(U64, unsigned long long, 0, ULLONG_MAX);
	CHECK_NUMBERS(BOOL, bool, false, true);
	CHECK_NUMBERS(FLOAT, float, FLT_MIN, -FLT_MAX);
	CHECK_NUMBERS(DOUBLE, double, __builtin_nan(""), -__builtin_inf());
	CHECK_ARRAY(U32, plain, 2, FASTTRACE_ARRAY(plain, 2));
	CHECK_ARRAY(I32, negative, 2, FASTTRACE_ARRAY(negative, 2));
#if CHAR_MIN < 0
	CHECK_NUMBERS(I8, char, 'a', CHAR_MIN);
#else
	CHECK_NUMBERS(U8, char, 'a', CHAR_MAX);
#endif
}

/* What no sub-buffer has room for asks for as much as can be counted, whatever n is. */
static void huge_arrays(void)
{
	static const double d[1] = {1};
	volatile int minus = -1;

#define CHECK_HUGE(bytes, n)                                                   \
	do {                                                                   \
		CHECK_BIG(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_DOUBLE, bytes, \
			  FASTTRACE_ARRAY(d, hide((size_t)(n))));              \
	} while (0)
	CHECK_HUGE(FASTTRACE_MAX_BYTES, SIZE_MAX);
	CHECK_HUGE(FASTTRACE_MAX_BYTES, SIZE_MAX / 2 + 1);
	CHECK_HUGE(FASTTRACE_MAX_BYTES, SIZE_MAX / 8 + 2);	 /* times 8 is 8 */
	CHECK_HUGE(FASTTRACE_MAX_BYTES, (size_t)UINT32_MAX + 2); /* 1, if cut to 32 bits */
	CHECK_HUGE(FASTTRACE_MAX_BYTES, FASTTRACE_MAX_BYTES / 8);
	CHECK_HUGE(FASTTRACE_MAX_BYTES - 4, FASTTRACE_MAX_BYTES / 8 - 1);
	CHECK_BIG(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_DOUBLE, FASTTRACE_MAX_BYTES,
		  FASTTRACE_ARRAY(d, minus));
	CHECK_BIG(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_HEX8, FASTTRACE_MAX_BYTES,
		  FASTTRACE_BYTES(d, hide(SIZE_MAX)));
	CHECK_BIG(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_HEX8, FASTTRACE_MAX_BYTES,
		  FASTTRACE_BYTES(d, hide(FASTTRACE_MAX_BYTES)));
	CHECK_BIG(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_HEX8, FASTTRACE_MAX_BYTES + 3,
		  FASTTRACE_BYTES(d, hide(FASTTRACE_MAX_BYTES - 1)));
}

static int calls;

static int call(int x)
{
	calls++;
	return x;
}

static const char *call_text(const char *text)
{
	calls++;
	return text;
}

static void evaluated_once(void)
{
	int n[2] = {1, 2}, i = 0;

	calls = 0;
	FASTTRACE(p, e, (a, FASTTRACE_HEX(call(1))), (b, FASTTRACE_STRN(call_text("x"), call(1))),
		  (c, FASTTRACE_BYTES(call_text("y"), call(1))), (d, FASTTRACE_ARRAY(n + i++, 1)));
	EXPECT(calls == 5 && i == 1);
	switched_on = 0;
	FASTTRACE(p, e, (a, FASTTRACE_HEX(call(1))), (b, FASTTRACE_STRN(call_text("x"), call(1))),
		  (c, FASTTRACE_BYTES(call_text("y"), call(1))), (d, FASTTRACE_ARRAY(n + i++, 1)));
	EXPECT(calls == 5 && i == 1);
	switched_on = 1;
}

void check_macros(void)
{
	hex();
	strn();
	strn_at_the_end_of_a_page();
	bytes();
	arrays();
	huge_arrays();
	evaluated_once();
}
