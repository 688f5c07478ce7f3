/* SPDX-License-Identifier: MIT */
/*
 * fasttrace.h - events of your program, in one line each.
 *
 *     FASTTRACE(shop, opened);
 *     FASTTRACE(shop, order_placed, (id, order->id), (customer, order->name));
 *     FASTTRACE_LEVEL(FASTTRACE_DEBUG, shop, cache_miss, (key, FASTTRACE_HEX(key)));
 *     FASTTRACE_SCOPE(shop, checkout, (id, order->id));
 *     FASTTRACE_COUNTER(shop, queue_length, n);
 *     FASTTRACE_PRINTF("retry %d of %s", n, host);
 *
 * Nothing needs to be declared before. Link with -lfasttrace. C11 and C++17, gcc and clang.
 *
 * FIELDS. A field is (name, value); there may be 16. Its type is that of the value:
 *
 *   integers, char, bool   as they are. An enum is its integer. A bit-field is recorded with its
 *                          type, but with 64 bits in gcc's C
 *   float, double          as they are; long double as double
 *   char *, char[]         a string up to its zero byte; NULL: "(null)"
 *   std::string,           and whatever has data() and size() of char: a string; a zero byte in it
 *   std::string_view       is recorded as '?', as a string cannot hold one
 *   other pointers         the address, in base 16; nullptr too
 *   FASTTRACE_HEX(x)       an integer, shown in base 16, unsigned, as wide as x
 *   FASTTRACE_STRN(p, n)   a string of n bytes at most, which a zero byte may end before
 *   FASTTRACE_BYTES(p, n)  n bytes of memory, shown in base 16
 *   FASTTRACE_ARRAY(p, n)  n integers, bools, floats or doubles; chars as numbers. Of BYTES and
 *                          ARRAY NULL is recorded as empty
 *
 * A value of another type does not compile; the error names the field. In C++17 a value must not
 * contain a lambda, for g++ no statement expression, as FASTTRACE_ENABLED() is one. No event may
 * stand in a constexpr function. Write names and fields out: those that come out of a macro of yours
 * are recorded, but under the macro's name.
 *
 * Values are evaluated once, in order, and only when the event is on. An event may stand in an
 * inline function, a template, a lambda, a header, a signal handler. errno is kept. Names are taken
 * as they are written, so `errno`, `new` and `linux` are good names for events and fields.
 *
 * An event has to fit into a sub-buffer (128 KiB, less 96 bytes): one that does not is not
 * recorded, nor cut, but counted as lost (`lost_too_big`).
 *
 * What has one provider and one name is one event with one switch, however many places it stands
 * in, with whatever fields.
 */
#ifndef FASTTRACE_H
#define FASTTRACE_H

#include "fasttrace-abi.h"

#ifndef FASTTRACE_VERSION
#define FASTTRACE_VERSION "0.1.0"
#endif

/** FASTTRACE(provider, event, (name, value)...) - an event of level FASTTRACE_INFO. */
#define FASTTRACE(...) \
	FASTTRACE_SITE_(FASTTRACE_INFO, FASTTRACE_KIND_EVENT, #__VA_ARGS__, __VA_ARGS__)

/** FASTTRACE_LEVEL() - the same of another level: a constant enum fasttrace_level. */
#define FASTTRACE_LEVEL(level, ...) \
	FASTTRACE_SITE_(level, FASTTRACE_KIND_EVENT, #__VA_ARGS__, __VA_ARGS__)

/**
 * FASTTRACE_BEGIN(), FASTTRACE_END() - a span of this thread's time; as FASTTRACE().
 * Spans nest: an END belongs to the innermost BEGIN of its name in its thread that has none yet.
 * They are one event with two classes, `provider:event:begin` and `:end` in the trace.
 */
#define FASTTRACE_BEGIN(...) \
	FASTTRACE_SITE_(FASTTRACE_INFO, FASTTRACE_KIND_BEGIN, #__VA_ARGS__, __VA_ARGS__)
#define FASTTRACE_END(...) \
	FASTTRACE_SITE_(FASTTRACE_INFO, FASTTRACE_KIND_END, #__VA_ARGS__, __VA_ARGS__)

/**
 * FASTTRACE_SCOPE() - a span from here to the end of the block, however that is left: a
 * declaration, of which a line holds one. As FASTTRACE_BEGIN(). Its end is recorded if its begin
 * was, and it is still on. No `goto` or `case` of C may jump over it into the block.
 */
#define FASTTRACE_SCOPE(...) \
	FASTTRACE_SCOPE_(FASTTRACE_CAT_(fasttrace_scope_, __LINE__), #__VA_ARGS__, __VA_ARGS__)

/**
 * FASTTRACE_COUNTER(provider, event, value) - what a quantity is from now on; a number.
 * Its field is called `value`; `provider:event:counter` in the trace.
 */
#define FASTTRACE_COUNTER(provider, event, ...)                                          \
	do {                                                                             \
		FASTTRACE_QUIET_BEGIN_                                                   \
		FASTTRACE_ASSERT_(FASTTRACE_IS_NUMBER_(FASTTRACE_TYPE_OF_(__VA_ARGS__)), \
				  "FASTTRACE_COUNTER: expected a number: " #event)       \
		FASTTRACE_QUIET_END_                                                     \
		FASTTRACE_SITE_(FASTTRACE_INFO, FASTTRACE_KIND_COUNTER,                  \
				#provider ", " #event ", (value)", provider, event,      \
				(value, __VA_ARGS__));                                   \
	} while (0)

/**
 * FASTTRACE_PRINTF(format, ...) - the event fasttrace:printf with a string `message`.
 * Formatted at once by vsnprintf(3), which is as safe in a signal handler as libc makes it, and
 * takes ten times as long as an event does. A longer message than FASTTRACE_PRINTF_BYTES - 1 is cut
 * and ends in "...".
 */
#define FASTTRACE_PRINTF(...)                                                                     \
	do {                                                                                      \
		FASTTRACE_STATIC_(fasttrace_site_, FASTTRACE_INFO, FASTTRACE_KIND_EVENT,          \
				  "fasttrace, printf, (message)", 1, FASTTRACE_TYPE_STRING)       \
		uint32_t fasttrace_id_ = fasttrace_event_id(FASTTRACE_SITE_OF_(fasttrace_site_)); \
		if (fasttrace_id_)                                                                \
			fasttrace_print(fasttrace_id_, __VA_ARGS__);                              \
	} while (0)
#define FASTTRACE_PRINTF_BYTES 1024

/**
 * FASTTRACE_ENABLED(provider, event) - is the event on? An expression, for what costs too much to
 * be prepared in vain. Costs what an event that is off costs.
 */
#define FASTTRACE_ENABLED(provider, event)                                               \
	(__extension__({                                                                 \
		FASTTRACE_STATIC_(fasttrace_site_, FASTTRACE_INFO, FASTTRACE_KIND_GUARD, \
				  #provider ", " #event, 0, FASTTRACE_TYPE_NONE)         \
		fasttrace_event_id(FASTTRACE_SITE_OF_(fasttrace_site_)) != 0;            \
	}))

/*
 * What follows is not for use by programs.
 */

/* What is C and C++ casts as C does. */
#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#endif

/* A longer string or array counts as so long, so that sizes cannot overflow: no sub-buffer has
 * room. */
#define FASTTRACE_MAX_BYTES 0x1000000u

/* A field's value on its way into the ring. */
struct fasttrace_value {
	uint64_t bits;	  /* the value, or what a float or double consists of; an array's count; of
			   * a string, whether `bytes` end with its first zero byte */
	const void *from; /* of a string or array; not used up before it is put */
	uint32_t bytes;	  /* that it takes */
	uint32_t type;	  /* enum fasttrace_type, perhaps with FASTTRACE_TYPE_ARRAY */
};

/* The end of a FASTTRACE_SCOPE(), or NULL: its begin was not recorded. */
struct fasttrace_scope {
	void *end; /* struct fasttrace_event, hidden where a coroutine's frame is not */
};

#ifdef __cplusplus
extern "C" {
#endif

/**
 * fasttrace_put_string() - copy a string of `bytes`, its final zero byte included.
 * A zero byte before it, be it that another thread is changing the string, is replaced by '?', so
 * that the bytes counted stay one string.
 * Context: async-signal-safe.
 */
FASTTRACE_API void fasttrace_put_string(unsigned char *to, const char *text, size_t bytes);

/**
 * fasttrace_thread_prepare() - do now what the calling thread's first event would do, and fault in its
 * buffer's pages.
 * After it the thread's events make no system call, whatever reads them, and whichever they are:
 * for threads that seccomp is to confine, or that must meet deadlines. So, in block mode, they do
 * not wait for room: they are lost and counted; and a reader that sleeps on `stream` hears of them
 * at its next switch period only.
 * Context: not a signal handler.
 * Return: 0, or a negative errno: -ENOMEM there is no buffer for it, or tracing is off.
 */
FASTTRACE_API int fasttrace_thread_prepare(void);

/** fasttrace_print() - record what vsnprintf() makes of this as event @id's string. */
FASTTRACE_COLD void fasttrace_print(uint32_t id, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

FASTTRACE_INLINE uint32_t fasttrace_type_bytes(uint32_t type)
{
	switch (type & ~FASTTRACE_TYPE_ARRAY) {
	case FASTTRACE_TYPE_I8:
	case FASTTRACE_TYPE_U8:
	case FASTTRACE_TYPE_BOOL:
	case FASTTRACE_TYPE_CHAR:
	case FASTTRACE_TYPE_HEX8:
		return 1;
	case FASTTRACE_TYPE_I16:
	case FASTTRACE_TYPE_U16:
	case FASTTRACE_TYPE_HEX16:
		return 2;
	case FASTTRACE_TYPE_I32:
	case FASTTRACE_TYPE_U32:
	case FASTTRACE_TYPE_HEX32:
	case FASTTRACE_TYPE_FLOAT:
		return 4;
	default:
		return 8;
	}
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_bits(uint32_t type, uint64_t bits)
{
	struct fasttrace_value value;

	value.bits = bits;
	value.from = NULL;
	value.bytes = fasttrace_type_bytes(type);
	value.type = type;
	return value;
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_signed(uint32_t type, long long x)
{
	return fasttrace_of_bits(type, (uint64_t)x);
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_unsigned(uint32_t type, unsigned long long x)
{
	return fasttrace_of_bits(type, x);
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_float(uint32_t type, float x)
{
	uint32_t bits;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	return fasttrace_of_bits(type, bits);
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_double(uint32_t type, double x)
{
	uint64_t bits;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	return fasttrace_of_bits(type, bits);
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_long_double(uint32_t type, long double x)
{
	return fasttrace_of_double(type, (double)x);
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_pointer(uint32_t type, const volatile void *x)
{
	return fasttrace_of_bits(type, (uintptr_t)x);
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_text(const char *text, size_t length)
{
	struct fasttrace_value value;

	value.bits = 0;
	value.from = text;
	value.bytes =
		(uint32_t)(FASTTRACE_LIKELY(length < FASTTRACE_MAX_BYTES) ? length + 1
									  : FASTTRACE_MAX_BYTES);
	value.type = FASTTRACE_TYPE_STRING;
	return value;
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_string(uint32_t type, const char *x)
{
	struct fasttrace_value value;

	(void)type;
	if (!x)
		x = "(null)";
	value = fasttrace_of_text(x, __builtin_strlen(x));
	value.bits = 1;
	return value;
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_chars(const char *x, size_t n)
{
	const void *zero;

	if (!x)
		return fasttrace_of_text("(null)", 6);
	zero = __builtin_memchr(x, 0, n);
	return fasttrace_of_text(x, zero ? (size_t)((const char *)zero - x) : n);
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_array(uint32_t type, const volatile void *x,
							   size_t n)
{
	struct fasttrace_value value;
	uint32_t size = fasttrace_type_bytes(type);

	value.bits = x ? n : 0;
	value.from = (const void *)(uintptr_t)x;
	value.bytes = value.bits < FASTTRACE_MAX_BYTES / size ? 4 + (uint32_t)value.bits * size
							      : FASTTRACE_MAX_BYTES;
	value.type = type;
	return value;
}

/* Write a value at `to`; little-endian: low bytes first. Return: where the next one goes. */
FASTTRACE_INLINE unsigned char *fasttrace_put(unsigned char *to, struct fasttrace_value value)
{
	if (value.type & FASTTRACE_TYPE_ARRAY) {
		__builtin_memcpy(to, &value.bits, 4);
		__builtin_memcpy(to + 4, value.from ? value.from : to, value.bytes - 4);
	} else if (value.type != FASTTRACE_TYPE_STRING) {
		__builtin_memcpy(to, &value.bits, value.bytes);
	} else if (value.bits && __builtin_constant_p(value.bytes) && value.bytes <= 64) {
		__builtin_memcpy(to, value.from, value.bytes); /* a literal */
	} else {
		fasttrace_put_string(to, (const char *)value.from, value.bytes);
	}
	return to + value.bytes;
}

/* The event's id, or 0: it is off, which costs two loads, one after the other, and a branch. */
FASTTRACE_INLINE uint32_t fasttrace_event_id(struct fasttrace_event *event)
{
	/* Who reads an event finds its entry, for who writes one has seen it. */
	const uint32_t *at = __atomic_load_n(&event->on, __ATOMIC_ACQUIRE); /* site:R */
	uint32_t on = __atomic_load_n(at, __ATOMIC_RELAXED); /* nothing hangs on the switch */

	if (FASTTRACE_LIKELY(!on))
		return 0;
	return FASTTRACE_UNLIKELY(on == FASTTRACE_UNREGISTERED) ? fasttrace_event_register(event)
								: on;
}

FASTTRACE_INLINE void fasttrace_scope_end(const struct fasttrace_scope *scope)
{
	struct fasttrace_reservation r;
	uint32_t id;

	if (!scope->end)
		return;
	id = fasttrace_event_id((struct fasttrace_event *)scope->end);
	if (id && fasttrace_reserve(&r, 1, id))
		fasttrace_commit(&r);
}

#ifdef __cplusplus
#pragma GCC diagnostic pop
#include "fasttrace-cxx.h"
#else
#include "fasttrace-c.h"
#endif

/*
 * What is no mistake of the program: a value that has side effects stands in unevaluated places
 * too, there a float becomes double, and C++ casts each value to its decayed type. Nor is a site in
 * an inline function of C99 with external linkage: each place that it is inlined in has its own.
 * Gcc minds it not if the site is const, and as it is volatile it is in writable memory all the
 * same.
 */
#ifdef __clang__
#define FASTTRACE_QUIET_BEGIN_                                                   \
	_Pragma("clang diagnostic push")                                         \
		_Pragma("clang diagnostic ignored \"-Wunevaluated-expression\"") \
			_Pragma("clang diagnostic ignored \"-Wstatic-local-in-inline\"")
#define FASTTRACE_QUIET_END_ _Pragma("clang diagnostic pop")
#else
#ifdef __cplusplus
#define FASTTRACE_QUIET_CASTS_ _Pragma("GCC diagnostic ignored \"-Wuseless-cast\"")
#else
#define FASTTRACE_QUIET_CASTS_ _Pragma("GCC diagnostic ignored \"-Wdouble-promotion\"")
#endif
#define FASTTRACE_QUIET_BEGIN_ _Pragma("GCC diagnostic push") FASTTRACE_QUIET_CASTS_
#define FASTTRACE_QUIET_END_   _Pragma("GCC diagnostic pop")
#endif

#if defined(__cplusplus) || defined(__clang__)
#define FASTTRACE_SITE_QUALIFIERS_
#define FASTTRACE_SITE_OF_(name) (&(name))
#else
#define FASTTRACE_SITE_QUALIFIERS_ const volatile
#define FASTTRACE_SITE_OF_(name)   ((struct fasttrace_event *)(uintptr_t) & (name))
#endif

#define FASTTRACE_STATIC_(name, level, kind, text, n, ...)                                    \
	FASTTRACE_QUIET_BEGIN_                                                                \
	static FASTTRACE_SITE_QUALIFIERS_ struct fasttrace_event name = {                     \
		&fasttrace_unregistered, text, FASTTRACE_ABI, level, n, kind, {__VA_ARGS__}}; \
	FASTTRACE_QUIET_END_

#define FASTTRACE_CAT_(a, b)  FASTTRACE_CAT2_(a, b)
#define FASTTRACE_CAT2_(a, b) a##b

/* How many fields follow provider and event. */
#define FASTTRACE_FIELDS_(...)                                                                     \
	FASTTRACE_PICK_(__VA_ARGS__, too_many_fields, too_many_fields, too_many_fields,            \
			too_many_fields, too_many_fields, too_many_fields, too_many_fields,        \
			too_many_fields, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, \
			name_is_missing, )
#define FASTTRACE_PICK_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, \
			z, count, ...)                                                             \
	count

/* clang-format off */
/* Expand m(number, field) for each field, m##0 if there is none. */
#define FASTTRACE_EACH_too_many_fields(...) FASTTRACE_ASSERT_(0, "FASTTRACE: an event has 16 fields at most")
#define FASTTRACE_EACH_name_is_missing(...) FASTTRACE_ASSERT_(0, "FASTTRACE: expected provider, event")
#define FASTTRACE_EACH_0(m, provider, event) m##0
#define FASTTRACE_EACH_1(m, provider, event, a) m(1, a)
#define FASTTRACE_EACH_2(m, provider, event, a, ...) \
	m(2, a) FASTTRACE_EACH_1(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_3(m, provider, event, a, ...) \
	m(3, a) FASTTRACE_EACH_2(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_4(m, provider, event, a, ...) \
	m(4, a) FASTTRACE_EACH_3(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_5(m, provider, event, a, ...) \
	m(5, a) FASTTRACE_EACH_4(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_6(m, provider, event, a, ...) \
	m(6, a) FASTTRACE_EACH_5(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_7(m, provider, event, a, ...) \
	m(7, a) FASTTRACE_EACH_6(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_8(m, provider, event, a, ...) \
	m(8, a) FASTTRACE_EACH_7(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_9(m, provider, event, a, ...) \
	m(9, a) FASTTRACE_EACH_8(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_10(m, provider, event, a, ...) \
	m(10, a) FASTTRACE_EACH_9(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_11(m, provider, event, a, ...) \
	m(11, a) FASTTRACE_EACH_10(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_12(m, provider, event, a, ...) \
	m(12, a) FASTTRACE_EACH_11(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_13(m, provider, event, a, ...) \
	m(13, a) FASTTRACE_EACH_12(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_14(m, provider, event, a, ...) \
	m(14, a) FASTTRACE_EACH_13(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_15(m, provider, event, a, ...) \
	m(15, a) FASTTRACE_EACH_14(m, provider, event, __VA_ARGS__)
#define FASTTRACE_EACH_16(m, provider, event, a, ...) \
	m(16, a) FASTTRACE_EACH_15(m, provider, event, __VA_ARGS__)

/* clang-format on */

/* The value of a field: all that follows its name, which may hold commas, as f<a, b>() does. */
#define FASTTRACE_VALUE_(name, ...) __VA_ARGS__

#define FASTTRACE_M_CHECK_0
#define FASTTRACE_M_CHECK_(i, field)                                                   \
	FASTTRACE_ASSERT_(FASTTRACE_IS_FIELD_(field),                                  \
			  "FASTTRACE: expected (name, value) for: " #field)            \
	FASTTRACE_ASSERT_(sizeof(FASTTRACE_VALUE_TEXT_ field) > 1,                     \
			  "FASTTRACE: there is no value: " FASTTRACE_NAME_TEXT_ field) \
	FASTTRACE_ASSERT_(                                                             \
		FASTTRACE_TYPE_OF_(FASTTRACE_VALUE_ field) != FASTTRACE_TYPE_NONE,     \
		"FASTTRACE: a value of this type cannot be traced: " FASTTRACE_NAME_TEXT_ field)
#define FASTTRACE_M_TYPE_0	    FASTTRACE_TYPE_NONE
#define FASTTRACE_M_TYPE_(i, field) FASTTRACE_TYPE_OF_(FASTTRACE_VALUE_ field),

#define FASTTRACE_IS_NUMBER_(type) ((type) >= FASTTRACE_TYPE_I8 && (type) <= FASTTRACE_TYPE_DOUBLE)

/* Does it stand in parentheses? */
#define FASTTRACE_IS_FIELD_(field)	 FASTTRACE_PROBED_(FASTTRACE_PROBE_ field, 0, )
#define FASTTRACE_PROBED_(...)		 FASTTRACE_SECOND_(__VA_ARGS__)
#define FASTTRACE_PROBE_(...)		 0, 1
#define FASTTRACE_SECOND_(a, b, ...)	 b
#define FASTTRACE_NAME_TEXT_(name, ...)	 #name
#define FASTTRACE_VALUE_TEXT_(name, ...) #__VA_ARGS__

/* Text is made of the arguments as they were written, before any macro in them is expanded. */
#define FASTTRACE_SITE_(level, kind, text, ...) \
	FASTTRACE_SITE_N_(level, kind, text, FASTTRACE_FIELDS_(__VA_ARGS__), __VA_ARGS__)
#define FASTTRACE_SITE_N_(level, kind, text, n, ...) \
	FASTTRACE_EVENT_(level, kind, text, n, FASTTRACE_CAT_(FASTTRACE_EACH_, n), __VA_ARGS__)

/* clang-format off */
#define FASTTRACE_EVENT_(level, kind, text, n, each, ...) \
	do { \
		FASTTRACE_ASSERT_(FASTTRACE_LEVEL_OK_(level), \
				  "FASTTRACE_LEVEL: expected an enum fasttrace_level: " #level) \
		FASTTRACE_QUIET_BEGIN_ \
		each(FASTTRACE_M_CHECK_, __VA_ARGS__) \
		FASTTRACE_STATIC_(fasttrace_site_, level, kind, text, n, \
				  each(FASTTRACE_M_TYPE_, __VA_ARGS__)) \
		uint32_t fasttrace_id_ = fasttrace_event_id(FASTTRACE_SITE_OF_(fasttrace_site_)); \
		if (fasttrace_id_) { \
			FASTTRACE_RECORD_(fasttrace_id_, , each, __VA_ARGS__) \
		} \
		FASTTRACE_QUIET_END_ \
	} while (0)

#define FASTTRACE_SCOPE_(name, text, ...) \
	FASTTRACE_SCOPE_N_(name, text, FASTTRACE_FIELDS_(__VA_ARGS__), __VA_ARGS__)
#define FASTTRACE_SCOPE_N_(name, text, n, ...) \
	FASTTRACE_SCOPE_EVENT_(name, text, n, FASTTRACE_CAT_(FASTTRACE_EACH_, n), __VA_ARGS__)
#define FASTTRACE_SCOPE_EVENT_(name, text, n, each, ...) \
	struct fasttrace_scope name __attribute__((cleanup(fasttrace_scope_end))) = {NULL}; \
	do { \
		FASTTRACE_QUIET_BEGIN_ \
		each(FASTTRACE_M_CHECK_, __VA_ARGS__) \
		FASTTRACE_STATIC_(fasttrace_site_, FASTTRACE_INFO, FASTTRACE_KIND_BEGIN, text, n, \
				  each(FASTTRACE_M_TYPE_, __VA_ARGS__)) \
		FASTTRACE_STATIC_(fasttrace_end_, FASTTRACE_INFO, FASTTRACE_KIND_END, text, 0, \
				  FASTTRACE_TYPE_NONE) \
		uint32_t fasttrace_id_ = fasttrace_event_id(FASTTRACE_SITE_OF_(fasttrace_site_)); \
		if (fasttrace_id_) { \
			FASTTRACE_RECORD_(fasttrace_id_, \
					  (name).end = FASTTRACE_SITE_OF_(fasttrace_end_);, each, \
					  __VA_ARGS__) \
		} \
		FASTTRACE_QUIET_END_ \
	} while (0)
/* clang-format on */

#endif
