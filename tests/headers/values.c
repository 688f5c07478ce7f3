/* SPDX-License-Identifier: MIT */
/*
 * values.c - every type of value, C and C++: what stands in the event's record, byte by byte, and
 * what the call site says of it. In place of libfasttrace there are a few lines here.
 */
#include <fasttrace.h>
#include <float.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct fasttrace_thread thread;
static struct fasttrace_slot slot;
static unsigned char record[4096];
static uint32_t record_units;
static struct fasttrace_event *site;
static uint32_t site_on = 7;
static int failures;

__thread struct fasttrace_thread *fasttrace_self = &thread;
const uint32_t fasttrace_unregistered = FASTTRACE_UNREGISTERED;

uint32_t fasttrace_event_register(struct fasttrace_event *event)
{
	site = event; /* stays unregistered: we hear of every event */
	return site_on;
}

unsigned char *fasttrace_reserve_slow(struct fasttrace_reservation *r, uint32_t units, uint32_t id)
{
	(void)id;
	memset(record, 0xee, sizeof(record));
	thread.ring.unit_bits = 10;
	record_units = units;
	r->thread = &thread;
	r->slot = &slot;
	slot.committed = r->before = 11;
	slot.word = r->after = 12;
	return record;
}

void fasttrace_commit_nested(const struct fasttrace_reservation *r)
{
	(void)r;
	failures++;
}

void fasttrace_commit_again(const struct fasttrace_reservation *r)
{
	(void)r;
	failures++;
}

uint64_t fasttrace_clock_monotonic(void)
{
	return 0;
}

void fasttrace_put_string(unsigned char *to, const char *text, size_t bytes)
{
	memcpy(to, text, bytes);
	to[bytes - 1] = 0;
}

static void check(int ok, int line, const char *what)
{
	if (ok)
		return;
	failures++;
	printf("values.c:%d: %s\n", line, what);
}

/* One field: its type, its bytes. */
static void check_field(int line, uint8_t type, const void *bytes, size_t n)
{
	check(site->nfields == 1 && site->types[0] == type, line, "type");
	check(!memcmp(record + 8, bytes, n), line, "bytes");
	check(record_units == (8 + n + 7) / 8, line, "size");
	check(slot.committed == 12, line, "committed");
}

#define CHECK(type, stored, value)                                                           \
	do {                                                                                 \
		const stored expected_ = (stored)(value);                                    \
		FASTTRACE(p, e, (x, value));                                                 \
		check_field(__LINE__, FASTTRACE_TYPE_##type, &expected_, sizeof(expected_)); \
	} while (0)
#define CHECK_STRING(text, value)                                                 \
	do {                                                                      \
		FASTTRACE(p, e, (x, value));                                      \
		check_field(__LINE__, FASTTRACE_TYPE_STRING, text, sizeof(text)); \
	} while (0)

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
	size_t size = sizeof(record);

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

static void enums_and_bit_fields(void)
{
	enum plain plain = PLAIN_B;
	enum negative negative = NEGATIVE;
	struct bits b = {5, -7, 0xabcdef0123, true};
	const struct bits *p = &b;

	CHECK(U32, uint32_t, plain);
	CHECK(I32, int32_t, negative);
	FASTTRACE(p, e, (a, b.a), (b, p->b), (c, b.c), (d, b.d));
	check(site->nfields == 4 && site->types[3] == FASTTRACE_TYPE_BOOL, __LINE__, "bit-fields");
	check(record[8] == 5, __LINE__, "unsigned bit-field");
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
	check(site->types[0] == FASTTRACE_TYPE_POINTER && site->types[1] == FASTTRACE_TYPE_POINTER,
	      __LINE__, "array and function");
}

static void fields(void)
{
	FASTTRACE(p, e);
	check(site->nfields == 0 && record_units == 1, __LINE__, "no field");
	check(!strcmp(site->text, "p, e") && site->level == FASTTRACE_INFO &&
		      site->abi == FASTTRACE_ABI,
	      __LINE__, "site");
	FASTTRACE(p, e, (a, 1), (b, "x"), (c, 3), (d, 4), (e, 5), (f, 6), (g, 7), (h, 8), (i, 9),
		  (j, 10), (k, 11), (l, 12), (m, 13), (n, 14), (o, 15), (p, 16));
	check(site->nfields == 16 && record_units == (8 + 15 * 4 + 2 + 7) / 8, __LINE__,
	      "16 fields");
	check(!memcmp(record + 8, "\1\0\0\0x\0\3\0\0\0\4", 11) && record[8 + 58] == 16, __LINE__,
	      "in order");
	FASTTRACE_LEVEL(FASTTRACE_DEBUG, p, e, (a, 1));
	check(site->level == FASTTRACE_DEBUG && !strcmp(site->text, "p, e, (a, 1)"), __LINE__,
	      "level");
}

#define renamed other_name
static void names(void)
{
	int renamed = 3;

	FASTTRACE(new, class, (renamed, renamed), (linux, 1), (errno, 2), (event, 3), (level, 4));
	check(!strcmp(site->text, "new, class, (renamed, renamed), (linux, 1), (errno, 2), "
				  "(event, 3), (level, 4)"),
	      __LINE__, "text");
	check(record[8] == 3 && record[12] == 1, __LINE__, "values of names");
}

static int calls;

static int call(int x)
{
	check(calls++ == x, __LINE__, "order");
	return x;
}

static int nest(int x)
{
	FASTTRACE(p, inner, (x, x));
	return x;
}

static inline int inlined(int x)
{
	FASTTRACE(p, inlined, (x, x));
	return x;
}

static void evaluation(void)
{
	int i = 0;

	FASTTRACE(p, e, (a, call(0)), (b, call(1)), (c, call(2)), (i, i++));
	check(calls == 3 && i == 1, __LINE__, "once, in order");
	site_on = 0;
	FASTTRACE(p, e, (a, call(9)), (i, i++));
	check(calls == 3 && i == 1, __LINE__, "not at all when off");
	site_on = 7;
	FASTTRACE(p, e, (a, nest(1)), (b, inlined(2)));
	check(record[8] == 1 && record[12] == 2, __LINE__, "nested");
	if (i)
		FASTTRACE(p, e, (i, i));
	else
		FASTTRACE(p, e);
	check(site->nfields == 1, __LINE__, "a statement");
}

#ifdef __cplusplus
enum class scoped : short { one = 1 };

template <typename A, typename B> static int pair()
{
	return sizeof(A) + sizeof(B);
}

template <typename T> static void in_template(T x)
{
	FASTTRACE(p, e, (x, x), (size, sizeof(T)));
	check(site->nfields == 2, __LINE__, "template");
}

static void cxx(void)
{
	int n = 3;
	int &ref = n;
	scoped sc = scoped::one;
	wchar_t w = L'x';
	char16_t c16 = u'x';
	auto lambda = [&](int x) { FASTTRACE(p, e, (x, x), (n, n)); };

	CHECK(I32, int32_t, ref);
	CHECK(I16, int16_t, sc);
	CHECK(I32, int32_t, w);
	CHECK(U16, uint16_t, c16);
	FASTTRACE(p, e, (f, pair<int, char>()), (g, nullptr));
	check(record[8] == 5 && site->types[1] == FASTTRACE_TYPE_POINTER, __LINE__, "f<a, b>()");
	lambda(4);
	check(record[8] == 4 && record[12] == 3, __LINE__, "lambda");
	in_template(1);
	in_template("text");
	in_template(2.5);
	auto [a, b] = point{1, 2};
	FASTTRACE(p, e, (a, a), (b, b));
	check(record[8] == 1 && record[12] == 2, __LINE__, "structured binding");
}
#else
static void cxx(void)
{
}
#endif

int main(void)
{
	integers();
	enums_and_bit_fields();
	floats();
	strings();
	pointers();
	fields();
	names();
	evaluation();
	cxx();
	return failures != 0;
}
