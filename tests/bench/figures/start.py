#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# start.py [ROUNDS] - figure `start`: what a tracer adds to a program's life, and its first events.
"""The programs do nothing else (life.c)."""
import statistics
import sys

import figure

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
RUNS = 15  # of a program whose first event is looked at, in a round
FIRST = ("first event of the process", "first event of a thread")
# 1 MiB for a thread, and 64 MiB, of ours; LTTng-UST has as many for each processor.
BUFFERS = {"": ("128K", "8"), ", 64 MiB": ("128K", "512")}


def measure(f, subject, program, suffix):
    """One round of one subject."""
    size, count = BUFFERS[suffix]
    command = ["sh", "-c", f"""
        {program} spawn 0; {program} spawn 1
        for _ in $(seq {RUNS}); do {program} first 0; done"""]
    if subject == "lttng":
        said = f.run_lttng(f"--subbuf-size={size} --num-subbuf={count}", command)
    else:
        said = f.run(command, FASTTRACE_SUBBUF_SIZE=size, FASTTRACE_SUBBUFS=count,
                     FASTTRACE_MAX_MEMORY="4G")
    without, with_one, *firsts = said.splitlines()
    f.add("program, no event" + suffix, subject, "us", float(without))
    f.add("program, one event" + suffix, subject, "us", float(with_one))
    if subject == "none":
        return  # it has no event
    for case, values in zip(FIRST, zip(*(line.split() for line in firsts))):
        f.add(case + suffix, subject, "us", statistics.median(map(float, values)))


with figure.Figure("start") as figures:
    programs = {s: figures.build("life", s) for s in ("none", "fasttrace", "lttng")}
    for _ in range(ROUNDS):
        for buffers in BUFFERS:
            for who, path in programs.items():
                if path:
                    measure(figures, who, path, buffers)
    figures.print()
