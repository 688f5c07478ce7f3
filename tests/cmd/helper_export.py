# SPDX-License-Identifier: MIT
"""helper_export.py FILE CSV [LINES] - is an export as JSON of the Trace Event Format, or as
Perfetto's protobuf, what `fasttrace stats --csv` counts: complete spans of each name?  Do the spans of
each track nest?  With the lines of `fasttrace read --json`, which are of one process: is it what they
say: times, threads, fields, and of spans what belongs together?

Prints: SPANS OPEN INSTANTS COUNTERS."""
import collections
import decimal
import csv
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
    """As items of (kind, name, track, ns, duration, fields, fields of the end), and names of tracks."""
    tracks, items, events = {}, [], collections.defaultdict(list)
    for packet in message(data)[1]:
        p = message(packet)
        assert p[10] == [1]
        if p[11]:
            e = message(p[11][0])
            events[e[11][0]].append((p[8][0], e))
            continue
        track = message(p[60][0])
        uuid = track[1][0]
        assert uuid not in tracks
        parent = tracks[track[5][0]] if track[5] else None
        if track[3]:
            m = message(track[3][0])
            tracks[uuid] = {"pid": m[1][0], "name": m[6][0].decode() if m[6] else None}
        elif track[4]:
            m = message(track[4][0])
            assert m[1][0] == parent["pid"]
            tracks[uuid] = {"pid": m[1][0], "tid": m[2][0], "name": m[5][0].decode() if m[5] else None}
        else:
            tracks[uuid] = dict(parent, tid=None, name=track[2][0].decode(), counter=bool(track[8]))
    for uuid, those in events.items():
        track, stack = tracks[uuid], []
        where = track["pid"], track["tid"], track["name"]
        for ns, e in sorted(those, key=lambda item: item[0]):
            assert track.get("counter", False) == (e[9] == [4])
            fields = dict(annotation(v) for v in e[4])
            if e[9] == [1]:
                stack.append(["X", e[23][0].decode(), where, ns, None, fields, None])
            elif e[9] == [2]:
                span = stack.pop()
                items.append((*span[:4], ns - span[3], span[5], fields))
            elif e[9] == [3]:
                items.append(("i", e[23][0].decode(), where, ns, None, fields, None))
            else:
                value = {"value": signed(e[30][0]) if e[30] else e[44][0]}
                items.append(("C", track["name"], (track["pid"], None, None), ns, None, value, None))
            assert e[9] in ([2], [4]) or e[22][0].decode() in (e[23][0].decode().split(":")[0], "lost")
        items += [("B", *span[1:]) for span in stack]
    return items


class Number(float):
    """What stands there: a float is too short for nanoseconds of many years."""

    def __new__(cls, text):
        self = super().__new__(cls, text)
        self.text = text
        return self


def ns_exactly(us):
    return round(decimal.Decimal(getattr(us, "text", us)) * 1000)


def chrome(data):
    """The same of JSON."""
    trace, items, names = json.loads(data, parse_float=Number), [], {}
    begin = ns_of(trace["otherData"]["begin"])
    tracks = collections.defaultdict(list)
    for e in trace["traceEvents"]:
        thread = e["pid"], e["tid"]
        if e["ph"] == "M":
            names[e["name"], thread] = e["args"]["name"]
            continue
        assert e["cat"] in (e["name"].split(":")[0], "lost")
        where = (*thread, names.get(("thread_name", thread)))
        ns, end, fields = ns_exactly(e["ts"]), None, e["args"]
        if e["ph"] == "X":
            tracks[thread].append((ns, -ns_exactly(e["dur"])))
            end = fields.pop("end", {})
        items.append((e["ph"], e["name"], where, begin + ns,
                      ns_exactly(e["dur"]) if e["ph"] == "X" else None, fields, end))
    for thread, spans in tracks.items():
        stack = []
        for ns, took in sorted(spans):
            while stack and stack[-1] <= ns:
                stack.pop()
            assert not stack or ns - took <= stack[-1], f"{thread}: {ns}: does not nest"
            stack.append(ns - took)
    return items


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


def ns_of(text):
    seconds, rest = text.split(".")
    return int(seconds) * 10**9 + int(rest)


def of_lines(lines):
    """The items that are to be, by the rule of the manual page."""
    items, threads = [], collections.defaultdict(list)
    for line in lines:
        tid, at = line["tid"], ns_of(line["time"])
        stack = threads[tid]
        if "event" not in line:
            items += [("i", name + ":begin", tid, ns, None, fields, None) for name, ns, fields in stack]
            stack.clear()
            key = "lost_events" if "lost_events" in line else "lost_packets"
            items.append(("i", key.replace("_", " "), tid, at, None, {"count": line[key]}, None))
            continue
        event, fields = line["event"], dict(line.get("context", {}), **line["fields"])
        name, _, side = event.rpartition(":")
        if ":" not in name:
            side = None
        same = [i for i, span in enumerate(stack) if span[0] == name]
        if side == "begin":
            stack.append((name, at, fields))
        elif side == "end" and same:
            _, begun, of_begin = stack.pop(same[-1])
            items.append(("X", name, tid, begun, at - begun, of_begin, fields))
        elif side == "counter" and not isinstance(fields["value"], str):
            items.append(("C", name, tid, at, None, fields, None))
        else:
            items.append(("i", event, tid, at, None, fields, None))
    for tid, stack in threads.items():
        items += [("B", name, tid, ns, None, fields, None) for name, ns, fields in stack]
    return items


data = open(sys.argv[1], "rb").read()
is_json = data.startswith(b"{")
items = chrome(data) if is_json else perfetto(data)


def text(fields, kind):
    """To compare."""
    if kind == "C" and fields:  # of int64, or double
        fields = {k: float(v) if isinstance(v, int) and v >> 63 > 0 else v for k, v in fields.items()}
    if not is_json:
        fields = {k: plain(v) for k, v in (fields or {}).items()}
    return json.dumps(fields or {}, sort_keys=True)


def keys(all_items):
    for kind, name, tid, ns, took, fields, end in all_items:
        yield kind, name, tid, ns, took, text(fields, kind), text(end, kind)


stats = [row for row in csv.DictReader(open(sys.argv[2], newline="", encoding="utf-8"))]
counted = {row["name"]: int(row["count"]) for row in stats if row["kind"] == "span" and row["count"] != "0"}
spans = collections.Counter(item[1] for item in items if item[0] == "X")
assert spans == counted, f"{spans}, but stats counts {counted}"
took = collections.Counter()
for item in items:
    if item[0] == "X":
        took[item[1]] += item[4]
for row in stats:
    if row["kind"] != "span":
        continue
    assert int(row["total_ns"]) == took[row["name"]], f"{row}: {took[row['name']]} ns"
    lone = sum(1 for i in items if i[0] == "B" and i[1] == row["name"] or i[:2] == ("i", row["name"] + ":begin"))
    assert int(row["lone_begins"]) == lone, f"{row}: {lone} begins"
    lone = sum(1 for i in items if i[:2] == ("i", row["name"] + ":end"))
    assert int(row["lone_ends"]) == lone, f"{row}: {lone} ends"
if len(sys.argv) > 3:
    lines = [json.loads(line) for line in open(sys.argv[3], encoding="utf-8")]
    names = {line["tid"]: line["comm"] for line in lines}
    found = []
    for item in items:
        pid, tid, name = item[2]
        beside = name and name.endswith(", overlapping") and item[0] in "XB"
        assert tid is None or beside or names[tid] == name, f"{item}: {name}"
        found.append((*item[:2], None if beside else tid, *item[3:]))
    wanted = collections.Counter(keys(of_lines(lines)))
    for key in sorted(keys(found), key=lambda key: key[2] is None):
        if key[2] is None:  # of any thread: those that are certain went before
            key = next((k for k in wanted if k[:2] == key[:2] and k[3:] == key[3:]), key)
        assert wanted[key], f"never traced: {key}"
        wanted[key] -= 1
        if not wanted[key]:
            del wanted[key]
    assert not wanted, f"missing: {list(wanted)[:3]}"
print(*(sum(1 for item in items if item[0] == kind) for kind in "XBiC"))
