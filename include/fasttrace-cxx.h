/* SPDX-License-Identifier: MIT */
/*
 * fasttrace-cxx.h - the values of events in C++: their types, and how an event is recorded.
 *
 * A part of fasttrace.h, which includes it.
 */
#ifndef FASTTRACE_CXX_H
#define FASTTRACE_CXX_H

#include <type_traits>

/* A value that says itself what it is: FASTTRACE_HEX() and so on. */
template <uint8_t Type> struct fasttrace_tagged {
	static constexpr uint8_t type = Type;
	fasttrace_value value;
};

template <typename T, typename = void> struct fasttrace_is_tagged : std::false_type {
};
template <uint8_t Type> struct fasttrace_is_tagged<fasttrace_tagged<Type>> : std::true_type {
};

/* Has it data() and size(), of chars? */
template <typename T, typename = void> struct fasttrace_is_text : std::false_type {
};
template <typename T> const T &fasttrace_cxx_some() noexcept;
template <typename T>
struct fasttrace_is_text<T, std::void_t<decltype(fasttrace_cxx_some<T>().data()),
					decltype(fasttrace_cxx_some<T>().size())>>
    : std::is_convertible<decltype(fasttrace_cxx_some<T>().data()), const char *> {
};

/* The enum fasttrace_type of a decayed type; NONE: it cannot be traced. */
template <typename T> constexpr uint8_t fasttrace_cxx_type()
{
	if constexpr (std::is_void_v<T>)
		return FASTTRACE_TYPE_NONE;
	else if constexpr (std::is_enum_v<T>)
		return fasttrace_cxx_type<std::underlying_type_t<T>>();
	else if constexpr (fasttrace_is_tagged<T>::value)
		return T::type;
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
	else if constexpr (std::is_class_v<T>)
		return fasttrace_is_text<T>::value ? FASTTRACE_TYPE_STRING : FASTTRACE_TYPE_NONE;
	else
		return FASTTRACE_TYPE_NONE;
}

template <typename T> constexpr uint8_t fasttrace_cxx_hex_type()
{
	constexpr uint8_t type = fasttrace_cxx_type<T>();

	if constexpr (type >= FASTTRACE_TYPE_I8 && type <= FASTTRACE_TYPE_CHAR)
		return static_cast<uint8_t>(FASTTRACE_TYPE_HEX8 + (sizeof(T) > 1) +
					    (sizeof(T) > 2) + (sizeof(T) > 4));
	else
		return FASTTRACE_TYPE_NONE;
}

/* Of an array of T: char is a number in it. */
template <typename T> constexpr uint8_t fasttrace_cxx_array_type()
{
	constexpr uint8_t type = fasttrace_cxx_type<T>();

	if constexpr (std::is_same_v<T, long double>)
		return FASTTRACE_TYPE_NONE;
	else if constexpr (type == FASTTRACE_TYPE_CHAR)
		return FASTTRACE_TYPE_ARRAY |
		       (std::is_signed_v<T> ? FASTTRACE_TYPE_I8 : FASTTRACE_TYPE_U8);
	else if constexpr (type >= FASTTRACE_TYPE_I8 && type <= FASTTRACE_TYPE_DOUBLE)
		return FASTTRACE_TYPE_ARRAY | type;
	else
		return FASTTRACE_TYPE_NONE;
}

/*
 * How a value gets here: an object by reference, anything else by value, for a constant of a class
 * may have no address, and arrays decay.
 */
template <typename T>
using fasttrace_cxx_pass = std::conditional_t<std::is_class_v<std::decay_t<T>>,
					      const std::decay_t<T> &, std::decay_t<T>>;

/* The value of any type. What cannot be traced is refused elsewhere, with its field's name. */
template <typename T> FASTTRACE_INLINE fasttrace_value fasttrace_cxx_of(const T &x)
{
	constexpr uint8_t type = fasttrace_cxx_type<T>();

	if constexpr (type == FASTTRACE_TYPE_NONE)
		return fasttrace_of_bits(type, 0);
	else if constexpr (fasttrace_is_tagged<T>::value)
		return x.value;
	else if constexpr (std::is_class_v<T>)
		return fasttrace_of_text(x.size() ? x.data() : "", x.size());
	else if constexpr (type == FASTTRACE_TYPE_STRING)
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

/*
 * Record an event, in one expression, so that what temporaries own is copied before they go; in
 * braces, so that its arguments are evaluated in order.
 */
struct FASTTRACE_SITE_TYPE fasttrace_record {
	bool done;

	template <typename... T>
	FASTTRACE_INLINE explicit fasttrace_record(uint32_t id, const T &...x)
	    : done(put(id, fasttrace_cxx_of(x)...))
	{
	}

	template <typename... V> static FASTTRACE_INLINE bool put(uint32_t id, V... values)
	{
		fasttrace_reservation reservation;
		unsigned char *at =
			fasttrace_reserve(&reservation, ((8u + ... + values.bytes) + 7u) / 8u, id);

		if (FASTTRACE_UNLIKELY(!at))
			return false;
		at += 8;
		((at = fasttrace_put(at, values)), ...);
		fasttrace_commit(&reservation);
		return true;
	}
};

template <typename T> FASTTRACE_INLINE auto fasttrace_cxx_hex(const T &x)
{
	constexpr uint8_t type = fasttrace_cxx_hex_type<std::decay_t<T>>();

	if constexpr (type == FASTTRACE_TYPE_NONE)
		return fasttrace_tagged<type>{};
	else
		return fasttrace_tagged<type>{fasttrace_of_bits(type, static_cast<uint64_t>(x))};
}

template <typename T> FASTTRACE_INLINE auto fasttrace_cxx_strn(const T &p, size_t n)
{
	constexpr uint8_t type = fasttrace_cxx_type<std::decay_t<T>>();

	if constexpr (type != FASTTRACE_TYPE_STRING || std::is_class_v<T>)
		return fasttrace_tagged<FASTTRACE_TYPE_NONE>{};
	else
		return fasttrace_tagged<type>{fasttrace_of_chars(p, n)};
}

template <typename T> FASTTRACE_INLINE auto fasttrace_cxx_bytes(const T &p, size_t n)
{
	using P = std::remove_pointer_t<std::decay_t<T>>;
	constexpr uint8_t type = FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_HEX8;

	if constexpr (!std::is_pointer_v<std::decay_t<T>> || std::is_function_v<P>)
		return fasttrace_tagged<FASTTRACE_TYPE_NONE>{};
	else
		return fasttrace_tagged<type>{fasttrace_of_array(type, p, n)};
}

template <typename T> FASTTRACE_INLINE auto fasttrace_cxx_array(const T &p, size_t n)
{
	using E = std::remove_cv_t<std::remove_pointer_t<std::decay_t<T>>>;
	constexpr uint8_t type = fasttrace_cxx_array_type<E>();

	if constexpr (!std::is_pointer_v<std::decay_t<T>> || type == FASTTRACE_TYPE_NONE)
		return fasttrace_tagged<FASTTRACE_TYPE_NONE>{};
	else
		return fasttrace_tagged<type>{fasttrace_of_array(type, p, n)};
}

#define FASTTRACE_HEX(...) fasttrace_cxx_hex(FASTTRACE_PASS_(__VA_ARGS__))
#define FASTTRACE_STRN(p, ...) \
	fasttrace_cxx_strn(FASTTRACE_PASS_(p), static_cast<size_t>(__VA_ARGS__))
#define FASTTRACE_BYTES(p, ...) \
	fasttrace_cxx_bytes(FASTTRACE_PASS_(p), static_cast<size_t>(__VA_ARGS__))
#define FASTTRACE_ARRAY(p, ...) \
	fasttrace_cxx_array(FASTTRACE_PASS_(p), static_cast<size_t>(__VA_ARGS__))

#define FASTTRACE_ASSERT_(what, message) static_assert(what, message);
#define FASTTRACE_LEVEL_OK_(level)	 (static_cast<unsigned>(level) <= FASTTRACE_DEBUG)
#define FASTTRACE_TYPE_OF_(...)		 fasttrace_cxx_type<std::decay_t<decltype(__VA_ARGS__)>>()

#define FASTTRACE_M_ARGUMENT_0
#define FASTTRACE_M_ARGUMENT_(i, field) , FASTTRACE_PASS_(FASTTRACE_VALUE_ field)
#define FASTTRACE_PASS_(...)		static_cast<fasttrace_cxx_pass<decltype(__VA_ARGS__)>>(__VA_ARGS__)

/* Record event `id`; then what to do when it is. */
#define FASTTRACE_RECORD_(id, then, each, ...)                                    \
	if (fasttrace_record{id each(FASTTRACE_M_ARGUMENT_, __VA_ARGS__)}.done) { \
		then                                                              \
	}

#endif
