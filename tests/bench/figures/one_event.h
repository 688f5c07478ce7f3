/* SPDX-License-Identifier: MIT */
/*
 * one_event.h - EVENT(value): an event with one u64. Ours; with LTTNG defined, LTTng-UST's; with
 * UNLINKED, none, in a program that is linked with no tracer.
 */
#ifndef ONE_EVENT_H
#define ONE_EVENT_H

#if defined(LTTNG)
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "speed.h"
#define EVENT(value) lttng_ust_tracepoint(speed, tick, value)
#elif defined(UNLINKED)
#define EVENT(value) ((void)(value))
#else
#include <fasttrace.h>
#define EVENT(value) FASTTRACE(speed, tick, (n, value))
#endif

#endif
