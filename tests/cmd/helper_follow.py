#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_follow.py [EVENTS] - of the ticks that `fasttrace read --follow` has shown, on stdin:

Times never go back, no event is there twice, and what is missing was told of as lost: what was seen
and what was lost are EVENTS; without it, as many as the last one of each thread says.
Prints how many were seen and how many were lost.
"""
import re
import sys


def main():
    last, seen, lost, before, wrong = {}, 0, 0, "", 0
    for line in sys.stdin:
        time = re.search(r" (\d+\.\d{9}): ", line).group(1)
        if time < before:
            print("time goes back from %s: %s" % (before, line), end="")
            wrong += 1
        before = time
        missed = re.search(r": LOST (\d+) EVENTS$", line)
        tick = re.search(r": test:tick: thread=(\d+) n=(\d+)$", line)
        if missed:
            lost += int(missed.group(1))
        elif tick:
            thread, n = map(int, tick.groups())
            if n <= last.get(thread, -1):
                print("comes again, or too late: %s" % line, end="")
                wrong += 1
            last[thread] = n
            seen += 1
        elif not line.endswith(": test:begin:\n"):
            print("what is this? %s" % line, end="")
            wrong += 1
    want = int(sys.argv[1]) if len(sys.argv) > 1 else sum(n + 1 for n in last.values())
    if seen + lost != want:
        print("%d events, expected" % want)
        wrong += 1
    print("%d seen, %d lost" % (seen, lost))
    sys.exit(wrong > 0)


main()
