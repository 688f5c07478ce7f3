#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""off.py - what an event costs that is off, beside the load of a word and a branch: in a loop, and in a
function that does little else, where registers that the event would need if it were on may be saved
in vain."""
import workers

N = 500000

with workers.fasttrace() as worker:
    for case, suffix in ("in a loop", ""), ("in a function of its own", "_call"):
        workers.turns("off", case, {
            "fasttrace": lambda s=suffix: worker.run("off" + s, N, N // 10)[1],
            "floor": lambda s=suffix: worker.run("off_floor" + s, N, N // 10)[1]},
                      labels={"floor": "load + branch"})
