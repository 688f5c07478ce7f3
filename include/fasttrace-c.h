/* SPDX-License-Identifier: MIT */
/*
 * fasttrace-c.h - the values of events in C: their types, and how an event is recorded.
 *
 * A part of fasttrace.h, which includes it.
 */
#ifndef FASTTRACE_C_H
#define FASTTRACE_C_H

/* Is it one of gcc's integer, char, enum, bool, pointer or real classes (typeclass.h)? */
#define FASTTRACE_IS_SCALAR_(...)  ((1 << __builtin_classify_type(__VA_ARGS__)) & 0x13e)
#define FASTTRACE_IS_POINTER_(...) (__builtin_classify_type(__VA_ARGS__) == 5)
/* The value; 0 in place of a struct and the like, for what would not even compile with one. */
#define FASTTRACE_SCALAR_(...) \
	__builtin_choose_expr(FASTTRACE_IS_SCALAR_(__VA_ARGS__), (__VA_ARGS__), 0)

/* Any integer as (unsigned) long long, also a bit-field; a pointer or floating point as it is. */
#define FASTTRACE_WIDE_(...) (1 ? FASTTRACE_SCALAR_(__VA_ARGS__) : 0LL)

#define FASTTRACE_LONG_(type) (sizeof(long) == 8 ? type##64 : type##32)

/* Structs for values that say themselves what they are: FASTTRACE_HEX() and so on. */
#define FASTTRACE_EACH_HEX_(m) m(hex8, HEX8) m(hex16, HEX16) m(hex32, HEX32) m(hex64, HEX64)
#define FASTTRACE_EACH_ARRAY_(m)                                                                 \
	m(bytes, HEX8) m(i8s, I8) m(i16s, I16) m(i32s, I32) m(i64s, I64) m(u8s, U8) m(u16s, U16) \
		m(u32s, U32) m(u64s, U64) m(bools, BOOL) m(floats, FLOAT) m(doubles, DOUBLE)

#define FASTTRACE_TAGGED_(name)                                                                   \
	struct fasttrace_as_##name {                                                              \
		struct fasttrace_value value;                                                     \
	};                                                                                        \
	FASTTRACE_INLINE struct fasttrace_value fasttrace_of_##name(uint32_t type,                \
								    struct fasttrace_as_##name x) \
	{                                                                                         \
		(void)type;                                                                       \
		return x.value;                                                                   \
	}
#define FASTTRACE_HEX_(name, t)                                                            \
	FASTTRACE_TAGGED_(name)                                                            \
	FASTTRACE_INLINE struct fasttrace_as_##name fasttrace_##name(unsigned long long x) \
	{                                                                                  \
		struct fasttrace_as_##name as;                                             \
		as.value = fasttrace_of_bits(FASTTRACE_TYPE_##t, x);                       \
		return as;                                                                 \
	}
#define FASTTRACE_ARRAY_(name, t)                                                               \
	FASTTRACE_TAGGED_(name)                                                                 \
	FASTTRACE_INLINE struct fasttrace_as_##name fasttrace_##name(size_t n,                  \
								     const volatile void *p)    \
	{                                                                                       \
		struct fasttrace_as_##name as;                                                  \
		as.value = fasttrace_of_array(FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_##t, p, n); \
		return as;                                                                      \
	}
FASTTRACE_EACH_HEX_(FASTTRACE_HEX_)
FASTTRACE_EACH_ARRAY_(FASTTRACE_ARRAY_)
FASTTRACE_TAGGED_(strn)

FASTTRACE_INLINE struct fasttrace_as_strn fasttrace_strn(size_t n, const char *p)
{
	struct fasttrace_as_strn as;

	as.value = fasttrace_of_chars(p, n);
	return as;
}

/* Never called: its type is refused, with the name of the field. */
struct fasttrace_refused {
	int unused;
};
struct fasttrace_refused fasttrace_refuse(unsigned long long n, ...);

/* clang-format off */
#define FASTTRACE_HEX(...) \
	_Generic((__VA_ARGS__), \
		_Bool: fasttrace_hex8, \
		char: fasttrace_hex8, \
		signed char: fasttrace_hex8, \
		unsigned char: fasttrace_hex8, \
		short: fasttrace_hex16, \
		unsigned short: fasttrace_hex16, \
		int: fasttrace_hex32, \
		unsigned int: fasttrace_hex32, \
		default: _Generic(FASTTRACE_WIDE_(__VA_ARGS__), \
			long long: __builtin_choose_expr(FASTTRACE_IS_SCALAR_(__VA_ARGS__), \
							 fasttrace_hex64, fasttrace_refuse), \
			unsigned long long: fasttrace_hex64, \
			default: fasttrace_refuse))( \
		(unsigned long long)FASTTRACE_SCALAR_(__VA_ARGS__))

#define FASTTRACE_STRN(p, ...) \
	_Generic((p), \
		char *: fasttrace_strn, \
		const char *: fasttrace_strn, \
		default: fasttrace_refuse)((size_t)(__VA_ARGS__), (p))

#define FASTTRACE_BYTES(p, ...)                                          \
	__builtin_choose_expr(FASTTRACE_IS_POINTER_(p), fasttrace_bytes, \
			      fasttrace_refuse)((size_t)(__VA_ARGS__), (p))

#if '\xff' < 0
#define FASTTRACE_CHARS_ fasttrace_i8s
#else
#define FASTTRACE_CHARS_ fasttrace_u8s
#endif

#define FASTTRACE_LONGS_(i) \
	__builtin_choose_expr(sizeof(long) == 8, fasttrace_##i##64s, fasttrace_##i##32s)
#define FASTTRACE_POINTERS_(type, name) \
	type * : name, const type * : name, volatile type * : name, const volatile type * : name

#define FASTTRACE_ARRAY(p, ...) \
	_Generic((p), \
		FASTTRACE_POINTERS_(_Bool, fasttrace_bools), \
		FASTTRACE_POINTERS_(char, FASTTRACE_CHARS_), \
		FASTTRACE_POINTERS_(signed char, fasttrace_i8s), \
		FASTTRACE_POINTERS_(short, fasttrace_i16s), \
		FASTTRACE_POINTERS_(int, fasttrace_i32s), \
		FASTTRACE_POINTERS_(long, FASTTRACE_LONGS_(i)), \
		FASTTRACE_POINTERS_(long long, fasttrace_i64s), \
		FASTTRACE_POINTERS_(unsigned char, fasttrace_u8s), \
		FASTTRACE_POINTERS_(unsigned short, fasttrace_u16s), \
		FASTTRACE_POINTERS_(unsigned int, fasttrace_u32s), \
		FASTTRACE_POINTERS_(unsigned long, FASTTRACE_LONGS_(u)), \
		FASTTRACE_POINTERS_(unsigned long long, fasttrace_u64s), \
		FASTTRACE_POINTERS_(float, fasttrace_floats), \
		FASTTRACE_POINTERS_(double, fasttrace_doubles), \
		default: fasttrace_refuse)((size_t)(__VA_ARGS__), (p))

#define FASTTRACE_HEX_TYPE_(name, t) struct fasttrace_as_##name : FASTTRACE_TYPE_##t,
#define FASTTRACE_ARRAY_TYPE_(name, t) \
	struct fasttrace_as_##name : FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_##t,
#define FASTTRACE_TAGGED_OF_(name, t) struct fasttrace_as_##name : fasttrace_of_##name,

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
		struct fasttrace_as_strn: FASTTRACE_TYPE_STRING, \
		FASTTRACE_EACH_HEX_(FASTTRACE_HEX_TYPE_) \
		FASTTRACE_EACH_ARRAY_(FASTTRACE_ARRAY_TYPE_) \
		default: _Generic(FASTTRACE_WIDE_(__VA_ARGS__), \
			long long: FASTTRACE_INTEGER_TYPE_(FASTTRACE_TYPE_I64, __VA_ARGS__), \
			unsigned long long: FASTTRACE_INTEGER_TYPE_(FASTTRACE_TYPE_U64, __VA_ARGS__), \
			default: FASTTRACE_POINTER_TYPE_(__VA_ARGS__)))

#define FASTTRACE_INTEGER_TYPE_(type, ...) \
	(FASTTRACE_IS_SCALAR_(__VA_ARGS__) ? type : FASTTRACE_TYPE_NONE)
#define FASTTRACE_POINTER_TYPE_(...) \
	(FASTTRACE_IS_POINTER_(__VA_ARGS__) ? FASTTRACE_TYPE_POINTER : FASTTRACE_TYPE_NONE)

#define FASTTRACE_OF_(...) \
	__extension__ _Generic((__VA_ARGS__), \
		struct fasttrace_as_strn: fasttrace_of_strn, \
		FASTTRACE_EACH_HEX_(FASTTRACE_TAGGED_OF_) \
		FASTTRACE_EACH_ARRAY_(FASTTRACE_TAGGED_OF_) \
		default: _Generic(FASTTRACE_WIDE_(__VA_ARGS__), \
			long long: fasttrace_of_signed, \
			unsigned long long: fasttrace_of_unsigned, \
			float: fasttrace_of_float, \
			double: fasttrace_of_double, \
			long double: fasttrace_of_long_double, \
			char *: fasttrace_of_string, \
			const char *: fasttrace_of_string, \
			default: fasttrace_of_pointer))(FASTTRACE_TYPE_OF_(__VA_ARGS__), __VA_ARGS__)

/* clang-format on */

#define FASTTRACE_ASSERT_(what, message) _Static_assert(what, message);
#define FASTTRACE_LEVEL_OK_(level)	 ((unsigned)(level) <= FASTTRACE_DEBUG)

#define FASTTRACE_M_EVALUATE_0
#define FASTTRACE_M_EVALUATE_(i, field) \
	const struct fasttrace_value fasttrace_value_##i##_ = FASTTRACE_OF_(FASTTRACE_VALUE_ field);
#define FASTTRACE_M_BYTES_0
#define FASTTRACE_M_BYTES_(i, field) +fasttrace_value_##i##_.bytes
#define FASTTRACE_M_PUT_0
#define FASTTRACE_M_PUT_(i, field) \
	fasttrace_at_ = fasttrace_put(fasttrace_at_, fasttrace_value_##i##_);

/* Record event `id`; then what to do when it is. */
#define FASTTRACE_RECORD_(id, then, each, ...)                                                 \
	each(FASTTRACE_M_EVALUATE_,                                                            \
	     __VA_ARGS__) struct fasttrace_reservation fasttrace_reservation_;                 \
	unsigned char *fasttrace_at_ =                                                         \
		fasttrace_reserve(&fasttrace_reservation_,                                     \
				  (8u each(FASTTRACE_M_BYTES_, __VA_ARGS__) + 7u) / 8u, id);   \
	if (FASTTRACE_LIKELY(fasttrace_at_)) {                                                 \
		fasttrace_at_ += 8;                                                            \
		each(FASTTRACE_M_PUT_, __VA_ARGS__) fasttrace_commit(&fasttrace_reservation_); \
		then                                                                           \
	}

#endif
