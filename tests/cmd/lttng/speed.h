/* SPDX-License-Identifier: MIT */
/*
 * speed.h - the tracepoint of record_speed.c.
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER speed
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./speed.h"
#if !defined(SPEED_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SPEED_H
#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(speed, tick, LTTNG_UST_TP_ARGS(uint64_t, n),
	LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint64_t, n, n)))
/* clang-format on */
#endif
#include <lttng/tracepoint-event.h>
