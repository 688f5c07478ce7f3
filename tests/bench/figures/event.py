#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""event.py - what an event costs that is recorded: overwrite mode, one thread, beside the least that it
could cost, DPDK's trace library and LTTng-UST as a flight recorder."""
import contextlib

import workers

FIGURE = "event"
LARGE = 64 << 20
KINDS = {"4 integers": "four", "a 16-byte string": "string", "16 fields": "sixteen"}


def cost(worker, kind, operations, warm_up):
    return lambda: worker.run(kind, operations, warm_up)[1]


def one(case, ring, operations, lttng_options):
    """With one u64. Before each turn the caches see as much of the ring as they will."""
    warm_up = min(ring // 16, operations)
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(workers.fasttrace(ring))
        started = {"fasttrace": (ours, "one"), "floor": (ours, "floor")}
        for name, start in ("dpdk", workers.dpdk(ring)), ("lttng", workers.lttng(*lttng_options)):
            started[name] = (workers.enter(stack, FIGURE, [case], name, start), "one")
        subjects = {name: cost(worker, kind, operations, warm_up)
                    for name, (worker, kind) in started.items() if worker}
        for worker, kind in started.values():
            if worker:
                worker.run(kind, ring // 8)  # every page has been written
        workers.turns(FIGURE, case, subjects)


def kinds():
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(workers.fasttrace())
        lttng = workers.enter(stack, FIGURE, KINDS, "lttng", workers.lttng())
        for case, kind in KINDS.items():
            subjects = {"fasttrace": cost(ours, kind, 50000, 50000)}
            if lttng:
                subjects["lttng"] = cost(lttng, kind, 50000, 50000)
            workers.turns(FIGURE, case, subjects)


one("one u64, in L2", workers.small_ring(), 100000, [])
one("one u64, 64 MiB", LARGE, 600000, ["--subbuf-size=8M", "--num-subbuf=8"])
kinds()
