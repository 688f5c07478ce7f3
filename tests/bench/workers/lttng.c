/* SPDX-License-Identifier: MIT */
/*
 * lttng.c - the events of fasttrace.c, as LTTng-UST's.
 *
 * To be started with LTTNG_UST_REGISTER_TIMEOUT=-1, so that they are on when main begins.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng.h"

#include "worker.h"

static const char text[] = "sixteen letters.";

static void one_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		lttng_ust_tracepoint(bench, one, i);
}

static void four_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		lttng_ust_tracepoint(bench, four, (int)i, (int)i + 1, (int)i + 2, (int)i + 3);
}

static void string_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		const char *s = text;

		__asm__("" : "+r"(s)); /* its length is not known */
		lttng_ust_tracepoint(bench, string, s);
	}
}

static void sixteen_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		lttng_ust_tracepoint(bench, sixteen, i);
}

static const struct worker_kind kinds[] = {{"one", one_loop},
					   {"four", four_loop},
					   {"string", string_loop},
					   {"sixteen", sixteen_loop},
					   {0}};

int main(void)
{
	return worker_serve(kinds, lttng_ust_tracepoint_enabled(bench, one)
					   ? NULL
					   : "no session of LTTng records bench:one");
}
