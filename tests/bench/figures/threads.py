#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""threads.py - what an event costs where several threads trace at once, beside one. Time is that of the
processor, so it is per core also where threads share cores."""
import workers

COUNTS = (1, 2, 4, 16)
N = 200000

with workers.fasttrace(cpus=workers.CPUS) as worker, workers.fasttrace() as alone:
    for threads in COUNTS:
        workers.turns("threads", f"{threads} on {min(threads, len(workers.CPUS))} cores", {
            "fasttrace": lambda t=threads: worker.run("one", N, N // 2, t)[1],
            "none": lambda: alone.run("one", N, N // 2)[1]}, labels={"none": "one thread"})
