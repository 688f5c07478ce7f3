/* SPDX-License-Identifier: MIT */
/*
 * events.h - tracepoints of LTTng-UST: each type of field that it has.
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER lt
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./events.h"
#if !defined(EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define EVENTS_H
#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_ENUM(lt, color, LTTNG_UST_TP_ENUM_VALUES(
	lttng_ust_field_enum_value("RED", 0)
	lttng_ust_field_enum_range("SOME", 2, 5)
	lttng_ust_field_enum_value("NINE", 9)
	lttng_ust_field_enum_value("NEGATIVE", -3)))

LTTNG_UST_TRACEPOINT_ENUM(lt, count, LTTNG_UST_TP_ENUM_VALUES(
	lttng_ust_field_enum_auto("ZERO")
	lttng_ust_field_enum_auto("ONE")
	lttng_ust_field_enum_value("TEN", 10)
	lttng_ust_field_enum_auto("ELEVEN")
	lttng_ust_field_enum_range("ALL", 0, 11)))

LTTNG_UST_TRACEPOINT_EVENT(lt, all,
	LTTNG_UST_TP_ARGS(int, i, const char *, s, unsigned, n, const int *, a, double, d),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(int, i, i)
		lttng_ust_field_integer(uint8_t, u8, i)
		lttng_ust_field_integer_hex(uint64_t, hex, (uint64_t)i << 33)
		lttng_ust_field_integer_network(uint16_t, net, i)
		lttng_ust_field_integer(int64_t, negative, -(int64_t)i)
		lttng_ust_field_string(s, s)
		lttng_ust_field_array(int, array, a, 3)
		lttng_ust_field_array_text(char, text, "abcdef", 4)
		lttng_ust_field_sequence(int, sequence, a, unsigned, n)
		lttng_ust_field_sequence_text(char, part, s, size_t, 2)
		lttng_ust_field_float(double, d, d)
		lttng_ust_field_float(float, f, (float)d)
		lttng_ust_field_enum(lt, color, int, color, i % 11 - 3)
		lttng_ust_field_array_network_hex(uint16_t, words, a, 2)))

LTTNG_UST_TRACEPOINT_EVENT(lt, other,
	LTTNG_UST_TP_ARGS(unsigned, n, const uint16_t *, a, const char *, s, double, d),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer_network_hex(int32_t, net, -(int)n)
		lttng_ust_field_integer_nowrite(int, unwritten, n)
		lttng_ust_field_string_nowrite(unwritten_s, s)
		lttng_ust_field_array_hex(int16_t, hexes, a, 2)
		lttng_ust_field_array_network(int16_t, nets, a, 2)
		lttng_ust_field_sequence_hex(uint16_t, hex_sequence, a, uint8_t, n)
		lttng_ust_field_sequence_network(uint16_t, net_sequence, a, size_t, n)
		lttng_ust_field_sequence_network_hex(int16_t, net_hexes, a, uint64_t, n)
		lttng_ust_field_array(char, chars, s, 3)
		lttng_ust_field_array(unsigned char, bytes, s, 3)
		lttng_ust_field_array_text(char, whole, s, 9)
		lttng_ust_field_enum(lt, count, unsigned char, count, n * 3)
		lttng_ust_field_enum(lt, color, int64_t, color, -3)
		lttng_ust_field_float_nowrite(double, unwritten_d, d)
		lttng_ust_field_unused(d)
		lttng_ust_field_integer(_Bool, truth, n & 1)
		lttng_ust_field_integer(long, last, n)))
LTTNG_UST_TRACEPOINT_LOGLEVEL(lt, other, LTTNG_UST_TRACEPOINT_LOGLEVEL_WARNING)

/* A class, and many events of it. */
LTTNG_UST_TRACEPOINT_EVENT_CLASS(lt, many, LTTNG_UST_TP_ARGS(int, n),
	LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, n, n)))
#define MANY_TEN(of, x) of(x##0) of(x##1) of(x##2) of(x##3) of(x##4) of(x##5) of(x##6) of(x##7) of(x##8) of(x##9)
#define MANY(of) MANY_TEN(of, m1) MANY_TEN(of, m2) MANY_TEN(of, m3) MANY_TEN(of, m4)
#define MANY_EVENT(name) LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(lt, many, lt, name, LTTNG_UST_TP_ARGS(int, n))
MANY(MANY_EVENT)

LTTNG_UST_TRACEPOINT_EVENT(lt, tick, LTTNG_UST_TP_ARGS(int, n),
	LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, n, n)))

LTTNG_UST_TRACEPOINT_EVENT(lt, none, LTTNG_UST_TP_ARGS(), LTTNG_UST_TP_FIELDS())
/* clang-format on */
#endif
#include <lttng/tracepoint-event.h>
