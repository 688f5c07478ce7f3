#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scope.py - what FASTTRACE_SCOPE costs, beside the two events that it is."""
import workers

N = 50000

with workers.fasttrace() as worker:
    workers.turns("scope", "one u64", {
        "fasttrace": lambda: worker.run("scope", N, N)[1],
        "none": lambda: worker.run("two", N, N)[1]}, labels={"none": "two events"})
