# SPDX-License-Identifier: MIT
"""helper_export.py FILE LINES - is an export as JSON of the Trace Event Format, or as Perfetto's
protobuf, what the lines of `fasttrace read --json` say, but for ends?  Times, threads, fields, nesting.

Prints: BEGINS ENDS INSTANTS COUNTERS."""
import collections
import json
import math
import struct
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def message(data):
    """Field numbers, each with the list of its values."""
    at, fields = 0, collections.defaultdict(list)
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        else:
            assert key & 7 == 2, f"byte {at}: wire type {key & 7}"
            size, at = varint(data, at)
            assert at + size <= len(data), f"byte {at}: {size} bytes"
            value, at = data[at : at + size], at + size
        fields[key >> 3].append(value)
    return fields


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def annotation(data):
    m = message(data)
    name = m[10][0].decode() if m[10] else None
    if m[3]:
        return name, m[3][0]
    if m[4]:
        return name, signed(m[4][0])
    if m[5]:
        return name, m[5][0]
    if m[6]:
        return name, m[6][0].decode()
    if m[12]:
        return name, [annotation(v)[1] for v in m[12]]
    return name, dict(annotation(v) for v in m[11])


def perfetto(data):
    tracks, events = {}, []
    for packet in message(data)[1]:
        p = message(packet)
        assert p[10] == [1]
        if p[60]:
            track = message(p[60][0])
            uuid = track[1][0]
            assert uuid not in tracks
            parent = tracks.get(track[5][0]) if track[5] else None
            if track[3]:
                m = message(track[3][0])
                tracks[uuid] = {"pid": m[1][0], "tid": None}
                meta = dict(tracks[uuid], name="process_name", args={"name": m[6][0].decode()})
                events.append(dict(meta, ph="M"))
            elif track[4]:
                m = message(track[4][0])
                tracks[uuid] = {"pid": m[1][0], "tid": m[2][0]}
                assert parent["pid"] == m[1][0]
                meta = dict(tracks[uuid], name="thread_name", args={"name": m[5][0].decode()})
                events.append(dict(meta, ph="M"))
            else:
                assert track[8] and parent["tid"] is None
                tracks[uuid] = dict(parent, counter=track[2][0].decode())
            continue
        e = message(p[11][0])
        event = dict(tracks[e[11][0]], ph=" BEiC"[e[9][0]], ts=p[8][0])
        if event["ph"] == "C":
            event["name"] = event.pop("counter")
            event["cat"] = event["name"].split(":")[0]
            event["args"] = {"value": signed(e[30][0]) if e[30] else e[44][0]}
        else:
            assert "counter" not in event
            event["name"], event["cat"] = e[23][0].decode(), e[22][0].decode()
            event["args"] = dict(annotation(v) for v in e[4])
        events.append(event)
    return {"traceEvents": events, "otherData": {"begin": "0.0"}}


def plain(value):
    """As both forms have it: labels for enums, one kind of float, no empty ones."""
    if isinstance(value, dict):
        if set(value) in ({"label", "value"}, {"value"}):
            return value.get("label", value["value"])
        return {k: plain(v) for k, v in value.items()} or None
    if isinstance(value, list):
        return [plain(v) for v in value] or None
    if isinstance(value, float) or value in ("nan", "inf", "-inf"):
        value = float(value)
        try:
            value = struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            pass
        if not math.isfinite(value):
            return str(value)
        return int(value) if value == int(value) else value
    return value


data = open(sys.argv[1], "rb").read()
is_json = data.startswith(b"{")
trace = json.loads(data) if is_json else perfetto(data)
scale = 1000 if is_json else 1
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


def same(fields, ph):
    if not is_json and ph == "C":  # of int64, or double
        fields = {k: float(v) if isinstance(v, int) and v >> 63 > 0 else v for k, v in fields.items()}
    if not is_json:
        fields = {k: plain(v) for k, v in fields.items()}
    return json.dumps(fields, sort_keys=True)


begin = ns(trace["otherData"]["begin"])
wanted = collections.Counter()
for line in lines:
    if "event" in line:
        ph, name = kind(line["event"])
        fields = dict(line.get("context", {}), **line["fields"])
        tid = None if ph == "C" and not is_json else line["tid"]
        wanted[ph, name, tid, ns(line["time"]), same(fields, ph)] += 1
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
    assert e["tid"] is None or thread in names["thread_name"], f"{thread} has no name before its first event"
    assert e["pid"] in {pid for pid, _ in names["process_name"]}, f"{e['pid']} has no name"
    at = round(e["ts"] * scale)
    assert at >= last[thread], f"{e}: before {last[thread]} ns"
    last[thread] = at
    counts[e["ph"]] += 1
    assert e["cat"] == e["name"].split(":")[0]
    if e["ph"] == "B":
        stacks[thread].append(e["name"])
    elif e["ph"] == "E":
        assert stacks[thread].pop() == e["name"], f"{e}: is not the innermost"
    key = e["ph"], e["name"], e["tid"], begin + at, same(e.get("args", {}), e["ph"])
    if e["ph"] == "E" and not e.get("args") and found[key] == wanted[key]:
        continue  # by the end of one around it
    found[key] += 1
extra = found - wanted
assert not extra, f"never traced: {list(extra)[:3]}"
missing = wanted - found
assert all(k[0] == "E" for k in missing), f"missing: {list(missing)[:3]}"
print(counts["B"], counts["E"], counts["i"], counts["C"])
