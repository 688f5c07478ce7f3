# SPDX-License-Identifier: MIT
"""helper_chrome.py JSON LINES - is an export as JSON of the Trace Event Format what the lines of
`fasttrace read --json` say, less `dropped` ends, more `closed` ones?  Times, threads, fields, nesting.

Prints: BEGINS ENDS INSTANTS COUNTERS."""
import collections
import json
import sys

trace = json.load(open(sys.argv[1], encoding="utf-8"))
lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]


def ns(text):
    seconds, rest = text.split(".")
    return int(seconds) * 10**9 + int(rest)


def kind(name):
    parts = name.split(":")
    known = {"begin": "B", "end": "E", "counter": "C"}
    if len(parts) > 2 and parts[-1] in known:
        return known[parts[-1]], ":".join(parts[:-1])
    return "i", name


begin = ns(trace["otherData"]["begin"])
wanted = collections.Counter()
for line in lines:
    if "event" in line:
        ph, name = kind(line["event"])
        fields = dict(line.get("context", {}), **line["fields"])
        wanted[ph, name, line["tid"], ns(line["time"]), json.dumps(fields, sort_keys=True)] += 1
found = collections.Counter()
names = {}
stacks = collections.defaultdict(list)
counts = collections.Counter()
last = collections.defaultdict(int)
for e in trace["traceEvents"]:
    thread = e["pid"], e["tid"]
    if e["ph"] == "M":
        names.setdefault(e["name"], {})[thread] = e["args"]["name"]
        continue
    assert thread in names["thread_name"], f"{thread} has no name before its first event"
    assert e["pid"] in {pid for pid, _ in names["process_name"]}, f"{e['pid']} has no name"
    at = round(e["ts"] * 1000)
    assert at >= last[thread], f"{e}: before {last[thread]} ns"
    last[thread] = at
    counts[e["ph"]] += 1
    assert e["cat"] == e["name"].split(":")[0]
    if e["ph"] == "B":
        stacks[thread].append(e["name"])
    elif e["ph"] == "E":
        assert stacks[thread].pop() == e["name"], f"{e}: is not the innermost"
        if "args" not in e:
            continue
    found[e["ph"], e["name"], e["tid"], begin + at, json.dumps(e["args"], sort_keys=True)] += 1
extra = found - wanted
assert not extra, f"never traced: {extra}"
missing = wanted - found
assert all(k[0] == "E" for k in missing), f"missing: {missing}"
print(counts["B"], counts["E"], counts["i"], counts["C"])
