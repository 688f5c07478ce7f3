#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# latency.py [ROUNDS [EVENTS]] - figure `latency`: how long one event takes at worst (latency.c).
"""Both tracers have 64 MiB of 128 KiB sub-buffers, which EVENTS do not fill, and overwrite them."""
import sys

import figure

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
EVENTS = sys.argv[2] if len(sys.argv) > 2 else "2000000"
PAGES = ("pages untouched", "pages touched")  # nothing happens to the floor in either


def unit(case):
    """Of what latency.c prints."""
    return "times" if case.endswith(", switched out") else "ns"


with figure.Figure("latency") as f:
    programs = {s: f.build("latency", s) for s in ("floor", "fasttrace", "lttng")}
    for _ in range(ROUNDS):
        for subject, program in programs.items():
            if not program:
                continue
            if subject == "lttng":
                said = f.run_lttng("--overwrite --subbuf-size=128K --num-subbuf=512",
                                   [program, EVENTS])
            else:
                said = f.run([program, EVENTS], FASTTRACE_SUBBUF_SIZE="128K",
                             FASTTRACE_SUBBUFS="512")
            for case, value in (line.split("\t") for line in said.splitlines()):
                for name in (case.replace("nothing", p) for p in PAGES[:1 + (subject == "floor")]):
                    f.add(name, subject, unit(name), float(value))
    f.print([f"{p}, {q}" for p in PAGES for q in ("p50", "p99", "p99.99", "max")])
