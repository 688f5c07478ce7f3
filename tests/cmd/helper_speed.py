#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_speed.py BUILD LEAST TURNS ROUNDS TRACE... SHORT - is `fasttrace read` fast enough?

As text, and merely counting, of the first TRACE: LEAST times as fast as babeltrace2, which writes
text, or nothing. Of processor time, the best of ROUNDS in turns. An event of the others takes at most
TURNS times as long as one of the first. Of SHORT, which is like the first but has few events, it takes as much memory.
"""
import os
import subprocess
import sys

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def seconds(command):
    """Of processor time."""
    child = subprocess.Popen(command, **QUIET)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit("%s: status %d" % (command, status))
    return used.ru_utime + used.ru_stime


def peak(helper, command):
    """The most memory that it takes, in KiB."""
    return max(int(subprocess.check_output([helper, *command])) for _ in range(2))


def main():
    build, (least, turns, rounds), traces = sys.argv[1], map(float, sys.argv[2:5]), sys.argv[5:]
    fasttrace, helper = build + "/fasttrace", build + "/tests/cmd/helper_peak"
    events = {t: int(subprocess.check_output([fasttrace, "read", "--count", t])) for t in traces}
    short, slow = traces.pop(), []
    for what, ours, theirs in (("text", [], []), ("count", ["--count"], ["-o", "dummy"])):
        each, other = {}, []
        for _ in range(int(rounds)):
            for trace in traces:
                took = seconds([fasttrace, "read", *ours, trace]) / events[trace]
                each[trace] = min(took, each.get(trace, took))
            other.append(seconds(["babeltrace2", *theirs, traces[0]]) / events[traces[0]])
        one = each[traces[0]]
        print("%s: %.1f ns an event, babeltrace2 %.1f ns: %.1f times as fast" % (
            what, one * 1e9, min(other) * 1e9, min(other) / one))
        slow += ["babeltrace2 is near"] if min(other) / one < least else []
        for trace in traces[1:]:
            print("%s: %.1f ns an event of %s: %.2f times as long" % (
                what, each[trace] * 1e9, os.path.basename(trace), each[trace] / one))
            slow += [trace + ": too long"] if each[trace] > turns * one else []
        long_kib, short_kib = (peak(helper, [fasttrace, "read", *ours, t]) for t in (traces[0], short))
        print("%s: %d KiB, of the short trace %d KiB" % (what, long_kib, short_kib))
        slow += ["memory grows with the trace"] if long_kib > 1.2 * short_kib + 2048 else []
    sys.exit("\n".join(slow) or 0)


main()
