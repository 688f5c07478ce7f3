/* SPDX-License-Identifier: MIT */
/*
 * lttng.h - the tracepoints of lttng.c.
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./lttng.h"
#if !defined(LTTNG_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define LTTNG_H
#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(bench, one, LTTNG_UST_TP_ARGS(uint64_t, value),
	LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint64_t, value, value)))

LTTNG_UST_TRACEPOINT_EVENT(bench, four, LTTNG_UST_TP_ARGS(int, a, int, b, int, c, int, d),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(int, a, a)
		lttng_ust_field_integer(int, b, b)
		lttng_ust_field_integer(int, c, c)
		lttng_ust_field_integer(int, d, d)))

LTTNG_UST_TRACEPOINT_EVENT(bench, string, LTTNG_UST_TP_ARGS(const char *, text),
	LTTNG_UST_TP_FIELDS(lttng_ust_field_string(text, text)))

/* It has ten arguments at most, and as many fields as one likes. */
#define FIELD(n) lttng_ust_field_integer(uint64_t, f##n, i + n)
LTTNG_UST_TRACEPOINT_EVENT(bench, sixteen, LTTNG_UST_TP_ARGS(uint64_t, i),
	LTTNG_UST_TP_FIELDS(
		FIELD(0) FIELD(1) FIELD(2) FIELD(3) FIELD(4) FIELD(5) FIELD(6) FIELD(7)
		FIELD(8) FIELD(9) FIELD(10) FIELD(11) FIELD(12) FIELD(13) FIELD(14) FIELD(15)))
/* clang-format on */
#endif
#include <lttng/tracepoint-event.h>
