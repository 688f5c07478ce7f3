#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_speed.py FASTTRACE TRACE LEAST - is `fasttrace read` LEAST times as fast as babeltrace2?

As text, and merely going through all events. Of processor time, the best of three in turns.
"""
import resource
import subprocess
import sys


def seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    fasttrace, trace, least = sys.argv[1:]
    slow = False
    for what, ours, theirs in (("text", [], []), ("count", ["--count"], ["-o", "dummy"])):
        pairs = [(seconds([fasttrace, "read", *ours, trace]), seconds(["babeltrace2", *theirs, trace]))
                 for _ in range(3)]
        mine, other = (min(times) for times in zip(*pairs))
        print("%s: %.3f s, babeltrace2 %.3f s: %.1f times as fast" % (what, mine, other, other / mine))
        slow |= other / mine < float(least)
    sys.exit(slow)


main()
