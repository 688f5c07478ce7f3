/* SPDX-License-Identifier: MIT */
/*
 * fasttrace.h - events of your program, in one line each.
 *
 *     FASTTRACE(shop, opened);
 *     FASTTRACE(shop, order_placed, (id, order->id), (customer, order->name));
 *     FASTTRACE_LEVEL(FASTTRACE_DEBUG, shop, cache_miss, (key, key));
 *
 * Nothing needs to be declared before. Link with -lfasttrace. C11 and C++17, gcc and clang.
 *
 * A field is (name, value); there may be 16. Its type is that of the value: every integer, bool,
 * char, enum, float, double, long double (recorded as double); char * and const char *, arrays of
 * char and string literals as strings that end with a zero byte, NULL as "(null)"; any other
 * pointer as an address. A value of another type does not compile. A bit-field is recorded with its
 * type in C++, with 64 bits in C. In C++17 a value must not contain a lambda.
 *
 * Values are evaluated once, in order, and only when the event is on. An event may stand in an
 * inline function, a template, a lambda, a signal handler. errno is kept. Names are taken as they
 * are written, so `errno`, `new` and `linux` are good names for events and fields.
 */
#ifndef FASTTRACE_H
#define FASTTRACE_H

#include "fasttrace-abi.h"

#ifdef __cplusplus
#include <type_traits>
#endif

#ifndef FASTTRACE_VERSION
#define FASTTRACE_VERSION "0.1.0"
#endif

/* An event of level FASTTRACE_INFO: FASTTRACE(provider, event, (name, value)...) */
#define FASTTRACE(...) FASTTRACE_SITE_(FASTTRACE_INFO, #__VA_ARGS__, __VA_ARGS__)

/* The same of another level, which must be constant: an enum fasttrace_level. */
#define FASTTRACE_LEVEL(level, ...) FASTTRACE_SITE_(level, #__VA_ARGS__, __VA_ARGS__)

/*
 * What follows is not for use by programs.
 */

/* A longer string is cut, so that sizes cannot overflow; it is too big for any sub-buffer. */
#define FASTTRACE_STRING_MAX_BYTES 0x1000000u

/* A field's value on its way into the ring. */
struct fasttrace_value {
	uint64_t bits;	  /* the value, or what a float or double consists of */
	const char *text; /* of a string */
	uint32_t bytes;	  /* that it takes */
	uint32_t type;	  /* enum fasttrace_type */
};

#ifdef __cplusplus
extern "C" {
#endif

/**
 * fasttrace_put_string() - copy a string of `bytes`, its final zero byte included.
 * Another thread may be changing it: what follows a zero byte that turned up is replaced by '?', so
 * that the bytes counted stay one string.
 * Context: async-signal-safe.
 */
FASTTRACE_API void fasttrace_put_string(unsigned char *to, const char *text, size_t bytes);

/**
 * fasttrace_thread_prepare() - do now what the calling thread's first event would do.
 * After it the thread's events make no system call, whatever reads them, and whichever they are:
 * for threads that seccomp is to confine, or that must meet deadlines. So, in block mode, they do
 * not wait for room: they are lost and counted; and a reader that sleeps on `stream` hears of them
 * at its next switch period only.
 * Context: not a signal handler.
 * Return: 0, or a negative errno: -ENOMEM there is no buffer for it, or tracing is off.
 */
FASTTRACE_API int fasttrace_thread_prepare(void);

#ifdef __cplusplus
}
#endif

FASTTRACE_INLINE uint32_t fasttrace_type_bytes(uint32_t type)
{
	switch (type) {
	case FASTTRACE_TYPE_I8:
	case FASTTRACE_TYPE_U8:
	case FASTTRACE_TYPE_BOOL:
	case FASTTRACE_TYPE_CHAR:
		return 1;
	case FASTTRACE_TYPE_I16:
	case FASTTRACE_TYPE_U16:
		return 2;
	case FASTTRACE_TYPE_I32:
	case FASTTRACE_TYPE_U32:
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
	value.text = NULL;
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
	return fasttrace_of_bits(type, (uint64_t)(uintptr_t)x);
}

FASTTRACE_INLINE struct fasttrace_value fasttrace_of_string(uint32_t type, const char *x)
{
	struct fasttrace_value value;
	size_t length;

	value.bits = 0;
	value.text = x ? x : "(null)";
	length = __builtin_strlen(value.text);
	if (length >= FASTTRACE_STRING_MAX_BYTES)
		length = FASTTRACE_STRING_MAX_BYTES - 1;
	value.bytes = (uint32_t)length + 1;
	value.type = type;
	return value;
}

/* Write a value at `to`. Return: where the next one goes. */
FASTTRACE_INLINE unsigned char *fasttrace_put(unsigned char *to, struct fasttrace_value value)
{
	if (value.type != FASTTRACE_TYPE_STRING)
		__builtin_memcpy(to, &value.bits, value.bytes); /* little-endian: low bytes first */
	else if (__builtin_constant_p(value.bytes) && value.bytes <= 64)
		__builtin_memcpy(to, value.text, value.bytes); /* a literal */
	else
		fasttrace_put_string(to, value.text, value.bytes);
	return to + value.bytes;
}

/* The event's switch: 0 while it is off. All that an event that is off costs. */
FASTTRACE_INLINE uint32_t fasttrace_event_on(const struct fasttrace_event *event)
{
	/* Relaxed: the second load depends on the first; nothing else hangs on the switch. */
	return __atomic_load_n(__atomic_load_n(&event->on, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

/* The event's id, from its switch that is not 0. */
FASTTRACE_INLINE uint32_t fasttrace_event_id(struct fasttrace_event *event, uint32_t on)
{
	return FASTTRACE_UNLIKELY(on == FASTTRACE_UNREGISTERED) ? fasttrace_event_register(event)
								: on;
}

#ifdef __cplusplus

/* The enum fasttrace_type of a decayed type; NONE: it cannot be traced. */
template <typename T> constexpr uint8_t fasttrace_cxx_type()
{
	if constexpr (std::is_enum_v<T>)
		return fasttrace_cxx_type<std::underlying_type_t<T>>();
	else if constexpr (std::is_same_v<T, bool>)
		return FASTTRACE_TYPE_BOOL;
	else if constexpr (std::is_same_v<T, char>)
		return FASTTRACE_TYPE_CHAR;
	else if constexpr (std::is_integral_v<T> &&
			   sizeof(T) <= 8) /* 1, 2, 4, 8 bytes: in this order */
		return static_cast<uint8_t>(
			(std::is_signed_v<T> ? FASTTRACE_TYPE_I8 : FASTTRACE_TYPE_U8) +
			(sizeof(T) > 1) + (sizeof(T) > 2) + (sizeof(T) > 4));
	else if constexpr (std::is_same_v<T, float>)
		return FASTTRACE_TYPE_FLOAT;
	else if constexpr (std::is_same_v<T, double> || std::is_same_v<T, long double>)
		return FASTTRACE_TYPE_DOUBLE;
	else if constexpr (std::is_same_v<T, char *> || std::is_same_v<T, const char *>)
		return FASTTRACE_TYPE_STRING;
	else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>)
		return FASTTRACE_TYPE_POINTER;
	else
		return FASTTRACE_TYPE_NONE;
}

/* The type of a field, from the decltype of its value. Classes would be told apart here. */
template <typename T> constexpr uint8_t fasttrace_cxx_field()
{
	constexpr uint8_t type = fasttrace_cxx_type<std::decay_t<T>>();

	static_assert(type != FASTTRACE_TYPE_NONE,
		      "FASTTRACE: a value of this type cannot be traced");
	return type;
}

template <typename T> FASTTRACE_INLINE fasttrace_value fasttrace_cxx_of(T x)
{
	constexpr uint8_t type = fasttrace_cxx_type<T>();

	if constexpr (type == FASTTRACE_TYPE_STRING)
		return fasttrace_of_string(type, x);
	else if constexpr (std::is_null_pointer_v<T>)
		return fasttrace_of_bits(type, 0);
	else if constexpr (std::is_pointer_v<T>)
		return fasttrace_of_bits(type, reinterpret_cast<uintptr_t>(x));
	else if constexpr (type == FASTTRACE_TYPE_FLOAT)
		return fasttrace_of_float(type, x);
	else if constexpr (type == FASTTRACE_TYPE_DOUBLE)
		return fasttrace_of_double(type, static_cast<double>(x));
	else
		return fasttrace_of_bits(type, static_cast<uint64_t>(x));
}

template <unsigned Level> constexpr uint8_t fasttrace_cxx_level()
{
	static_assert(Level <= FASTTRACE_DEBUG,
		      "FASTTRACE_LEVEL: an enum fasttrace_level is wanted");
	return Level;
}

#define FASTTRACE_LEVEL_OF_(level) fasttrace_cxx_level<(level)>()
#define FASTTRACE_TYPE_OF_(...)	   fasttrace_cxx_field<decltype(__VA_ARGS__)>()
#define FASTTRACE_OF_(...)	   fasttrace_cxx_of(__VA_ARGS__)
#define FASTTRACE_CHECK_(field, ...)

#else

#define FASTTRACE_LEVEL_OF_(level) (level)

/* Any integer as (unsigned) long long, also a bit-field; a pointer or floating point as it is. */
#define FASTTRACE_WIDE_(...)	   (1 ? (__VA_ARGS__) : 0LL)

#define FASTTRACE_LONG_(type) (sizeof(long) == 8 ? type##64 : type##32)

/* An enum is one of the integers. What is none of these is a bit-field or a pointer. */
#define FASTTRACE_TYPE_OF_(...) \
	_Generic((__VA_ARGS__), \
		_Bool: FASTTRACE_TYPE_BOOL, \
		char: FASTTRACE_TYPE_CHAR, \
		signed char: FASTTRACE_TYPE_I8, \
		short: FASTTRACE_TYPE_I16, \
		int: FASTTRACE_TYPE_I32, \
		long: FASTTRACE_LONG_(FASTTRACE_TYPE_I), \
		long long: FASTTRACE_TYPE_I64, \
		unsigned char: FASTTRACE_TYPE_U8, \
		unsigned short: FASTTRACE_TYPE_U16, \
		unsigned int: FASTTRACE_TYPE_U32, \
		unsigned long: FASTTRACE_LONG_(FASTTRACE_TYPE_U), \
		unsigned long long: FASTTRACE_TYPE_U64, \
		float: FASTTRACE_TYPE_FLOAT, \
		double: FASTTRACE_TYPE_DOUBLE, \
		long double: FASTTRACE_TYPE_DOUBLE, \
		char *: FASTTRACE_TYPE_STRING, \
		const char *: FASTTRACE_TYPE_STRING, \
		default: _Generic(FASTTRACE_WIDE_(__VA_ARGS__), \
			long long: FASTTRACE_TYPE_I64, \
			unsigned long long: FASTTRACE_TYPE_U64, \
			default: FASTTRACE_POINTER_TYPE_(__VA_ARGS__)))

/* pointer_type_class of gcc's typeclass.h. */
#define FASTTRACE_POINTER_TYPE_(...) \
	(__builtin_classify_type(__VA_ARGS__) == 5 ? FASTTRACE_TYPE_POINTER : FASTTRACE_TYPE_NONE)

#define FASTTRACE_OF_(...) \
	__extension__ _Generic(FASTTRACE_WIDE_(__VA_ARGS__), \
		long long: fasttrace_of_signed, \
		unsigned long long: fasttrace_of_unsigned, \
		float: fasttrace_of_float, \
		double: fasttrace_of_double, \
		long double: fasttrace_of_long_double, \
		char *: fasttrace_of_string, \
		const char *: fasttrace_of_string, \
		default: fasttrace_of_pointer)(FASTTRACE_TYPE_OF_(__VA_ARGS__), __VA_ARGS__)

#define FASTTRACE_CHECK_(field, ...)                                           \
	_Static_assert(FASTTRACE_TYPE_OF_(__VA_ARGS__) != FASTTRACE_TYPE_NONE, \
		       "FASTTRACE: this value cannot be traced: " #field);

#endif

/* A value that has side effects stands in unevaluated places too: no mistake. */
#ifdef __clang__
#define FASTTRACE_QUIET_BEGIN_           \
	_Pragma("clang diagnostic push") \
		_Pragma("clang diagnostic ignored \"-Wunevaluated-expression\"")
#define FASTTRACE_QUIET_END_ _Pragma("clang diagnostic pop")
#else
#define FASTTRACE_QUIET_BEGIN_
#define FASTTRACE_QUIET_END_
#endif

#define FASTTRACE_CAT_(a, b)  FASTTRACE_CAT2_(a, b)
#define FASTTRACE_CAT2_(a, b) a##b

/* How many fields follow provider and event. */
#define FASTTRACE_FIELDS_(...)                                                                 \
	FASTTRACE_PICK_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, \
			name_is_missing, )
#define FASTTRACE_PICK_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, count, ...) count

/* clang-format off */
/* Expand m(number, field) for each field, m##0 if there is none. */
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

#define FASTTRACE_M_TYPE_0	    FASTTRACE_TYPE_NONE
#define FASTTRACE_M_TYPE_(i, field) FASTTRACE_TYPE_OF_(FASTTRACE_VALUE_ field),
#define FASTTRACE_M_EVALUATE_0
#define FASTTRACE_M_EVALUATE_(i, field)                 \
	FASTTRACE_CHECK_(field, FASTTRACE_VALUE_ field) \
	const struct fasttrace_value fasttrace_value_##i##_ = FASTTRACE_OF_(FASTTRACE_VALUE_ field);
#define FASTTRACE_M_BYTES_0
#define FASTTRACE_M_BYTES_(i, field) +fasttrace_value_##i##_.bytes
#define FASTTRACE_M_PUT_0
#define FASTTRACE_M_PUT_(i, field) \
	fasttrace_at_ = fasttrace_put(fasttrace_at_, fasttrace_value_##i##_);

/* Text is made of the arguments as they were written, before any macro in them is expanded. */
#define FASTTRACE_SITE_(level, text, ...) \
	FASTTRACE_SITE_N_(level, text, FASTTRACE_FIELDS_(__VA_ARGS__), __VA_ARGS__)
#define FASTTRACE_SITE_N_(level, text, n, ...) \
	FASTTRACE_EVENT_(level, text, n, FASTTRACE_CAT_(FASTTRACE_EACH_, n), __VA_ARGS__)

/* clang-format off */
#define FASTTRACE_EVENT_(level, text, n, each, ...) \
	do { \
		FASTTRACE_QUIET_BEGIN_ \
		static struct fasttrace_event fasttrace_site_ = { \
			&fasttrace_unregistered, text, FASTTRACE_ABI, FASTTRACE_LEVEL_OF_(level), n, \
			FASTTRACE_KIND_EVENT, \
			{ each(FASTTRACE_M_TYPE_, __VA_ARGS__) } \
		}; \
		uint32_t fasttrace_id_ = fasttrace_event_on(&fasttrace_site_); \
		if (fasttrace_id_ && \
		    (fasttrace_id_ = fasttrace_event_id(&fasttrace_site_, fasttrace_id_)) != 0) { \
			each(FASTTRACE_M_EVALUATE_, __VA_ARGS__) \
			struct fasttrace_reservation fasttrace_reservation_; \
			unsigned char *fasttrace_at_ = fasttrace_reserve( \
				&fasttrace_reservation_, \
				(8u each(FASTTRACE_M_BYTES_, __VA_ARGS__) + 7u) / 8u, \
				fasttrace_id_); \
			if (FASTTRACE_LIKELY(fasttrace_at_)) { \
				fasttrace_at_ += 8; \
				each(FASTTRACE_M_PUT_, __VA_ARGS__) \
				fasttrace_commit(&fasttrace_reservation_); \
			} \
		} \
		FASTTRACE_QUIET_END_ \
	} while (0)
/* clang-format on */

#endif
