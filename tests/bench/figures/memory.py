#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# memory.py [ROUNDS] - figure `memory`: what a tracer holds, of a program and of each of its threads.
"""
The program's share (PSS) of what is resident, and all of it (RSS), of /proc/self/smaps_rollup. Of a
thread it is what THREADS more add, divided. Rings are of 1 MiB: ours has one for each thread that
traces, LTTng-UST one for each processor, of which the daemon that has them mapped as well has a share.
"""
import sys

import figure

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
THREADS = 16
CASES = {  # what is run, less what, over how many
    "idle program": ("memory 0 0", None, 1),
    "idle thread": (f"memory {THREADS} 0", "memory 0 0", THREADS),
    "thread that recorded an event": (f"memory 0 {THREADS + 1}", "memory 0 1", THREADS),
    "thread that filled its ring": (f"fill {THREADS + 1}", "fill 1", THREADS),
}
COMMANDS = sorted({c for run, less, _ in CASES.values() for c in (run, less) if c})

with figure.Figure("memory") as f:
    programs = {s: f.build("life", s) for s in ("none", "fasttrace", "lttng")}
    for _ in range(ROUNDS):
        for subject, program in programs.items():
            if not program:
                continue
            script = "; ".join(f"{program} {c}" for c in COMMANDS)
            if subject == "lttng":
                said = f.run_lttng("--overwrite --subbuf-size=128K --num-subbuf=8",
                                   ["sh", "-c", script])
            else:
                said = f.run(["sh", "-c", script])
            found = dict(zip(COMMANDS, (line.split() for line in said.splitlines())))
            for case, (run, less, over) in CASES.items():
                for i, kind in enumerate(("RSS", "PSS")):
                    kib = int(found[run][i]) - (int(found[less][i]) if less else 0)
                    f.add(f"{case}, {kind}", subject, "KiB", kib / over)
    f.print()
