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

LTTNG_UST_TRACEPOINT_EVENT(lt, tick, LTTNG_UST_TP_ARGS(int, n),
	LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, n, n)))

LTTNG_UST_TRACEPOINT_EVENT(lt, none, LTTNG_UST_TP_ARGS(), LTTNG_UST_TP_FIELDS())
/* clang-format on */
#endif
#include <lttng/tracepoint-event.h>
