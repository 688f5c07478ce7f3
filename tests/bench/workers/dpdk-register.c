/* SPDX-License-Identifier: MIT */
/*
 * dpdk-register.c - registers the trace point of dpdk.c: in that file it would be described anew at
 * each event.
 */
#include <rte_trace_point_register.h>

#include "dpdk.h"

RTE_TRACE_POINT_REGISTER(bench_one, bench.one)
