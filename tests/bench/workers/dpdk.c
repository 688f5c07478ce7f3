/* SPDX-License-Identifier: MIT */
/*
 * dpdk.c EAL_ARGUMENT... - the event of fasttrace.c with one u64, as DPDK's trace library has it.
 *
 * To be started with --trace=bench.one --trace-mode=overwrite, and without huge pages and devices.
 */
#include <rte_eal.h>
#include <unistd.h>

#include "dpdk.h"
#include "worker.h"

static void one_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		bench_one(i);
}

static const struct worker_kind kinds[] = {{"one", one_loop}, {0}};

int main(int argc, char **argv)
{
	const char *error = NULL;
	int code;

	if (rte_eal_init(argc, argv) < 0)
		error = "DPDK's EAL does not start";
	else if (!rte_trace_point_is_enabled(&__bench_one))
		error = "bench.one is off";
	code = worker_serve(kinds, error);
	fflush(stdout);
	_exit(code); /* rte_eal_cleanup() would save the trace */
}
