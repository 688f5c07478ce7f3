/* SPDX-License-Identifier: MIT */
/*
 * dpdk.h - the trace point of dpdk.c. In the file that registers it the same words describe it.
 */
#ifndef DPDK_H
#define DPDK_H
#include <rte_trace_point.h>

RTE_TRACE_POINT(bench_one, RTE_TRACE_POINT_ARGS(uint64_t value), rte_trace_point_emit_u64(value);)
#endif
