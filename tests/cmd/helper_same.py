#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_same.py FASTTRACE TRACE - `fasttrace read` and babeltrace2 say the same of a trace.

Text and JSON of the one and text of the other are parsed into (time, name, context, fields), put in
the order of time, and compared value by value. Prints how many events there are, or the first ones
that differ. Both may complain of lost events only.
"""
import json
import math
import re
import subprocess
import sys

ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}


class Text:
    """A line that is read from left to right."""

    def __init__(self, line):
        self.line, self.at = line, 0

    def take(self, pattern):
        found = re.compile(pattern).match(self.line, self.at)
        if found:
            self.at = found.end()
        return found

    def want(self, pattern):
        found = self.take(pattern)
        if not found:
            raise ValueError("no %s at %r in %r" % (pattern, self.line[self.at:], self.line))
        return found

    def quoted(self):
        body = self.want(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
        body, out = body.group(1) if body.group(1) is not None else body.group(2), bytearray()
        pieces = re.findall(r"\\x[0-9a-f]{2}|\\.|[^\\]+", body)
        for piece in pieces:
            if piece[0] != "\\":
                out += piece.encode("utf-8", "surrogateescape")
            elif piece[1] == "x":
                out.append(int(piece[2:], 16))
            else:
                out.append(ESCAPES.get(piece[1], ord(piece[1])))
        return bytes(out)

    def number(self):
        return number(self.want(r"[^\s,()\[\]{}]+").group(0))


def number(word):
    if re.fullmatch(r"-?[0-9]+", word) and not re.fullmatch(r"0[0-7]+", word):
        return int(word)
    if re.fullmatch(r"0x[0-9a-fA-F]+", word):
        return int(word, 16)
    if re.fullmatch(r"0b[01]+", word):
        return int(word, 2)
    if re.fullmatch(r"0[0-7]+", word):
        return int(word, 8)
    return float(word)


def theirs(t):
    """A value of babeltrace2's text."""
    if t.take(r"\{ <\w+> = "):  # a variant's
        value = theirs(t)
        t.want(r" \}")
        return value
    if t.take(r"\{ ?"):
        out = []
        while not t.take(r" ?\}"):
            name = t.take(r"(\w+) = ")
            value = theirs(t)
            out.append((name.group(1) if name else None, value))
            t.take(r", ")
        return out if not out or out[0][0] else out[0][1]
    if t.take(r"\[ "):
        out = []
        while not t.take(r" ?\]"):
            t.want(r"\[\d+\] = ")
            out.append(theirs(t))
            t.take(r", ")
        return out_list(out)
    if t.take(r"\( "):
        labels = set()
        if t.take(r"\{ "):
            while not t.take(r" \}"):
                labels.add(t.quoted())
                t.take(r", ")
        elif not t.take(r"<unknown>"):
            labels.add(t.quoted())
            while t.take(r", "):
                labels.add(t.quoted())
        t.want(r" : container = ")
        value = t.number()
        t.want(r" \)")
        return ("enum", labels, value)
    return t.quoted() if t.line[t.at] == '"' else t.number()


def out_list(values):
    return ("list", values)


def ours(t):
    """A value of our text."""
    if t.take(r"\{"):
        out = []
        while not t.take(r" ?\}"):
            out.append((t.want(r" ?(\w+)=").group(1), ours(t)))
        return out
    if t.take(r"\["):
        out = []
        while not t.take(r"\]"):
            out.append(ours(t))
            t.take(r",")
        return out_list(out)
    label = t.take(r"([A-Za-z_][\w |]*)\(")
    if label:
        value = t.number()
        t.want(r"\)")
        return ("enum", {l.encode() for l in label.group(1).split("|")}, value)
    return t.quoted() if t.line[t.at] in "\"'" else t.number()


def of_json(value):
    if isinstance(value, dict):
        if "value" in value and set(value) <= {"label", "value"}:
            return ("enum", {value["label"].encode()} if "label" in value else set(), value["value"])
        return [(k, of_json(v)) for k, v in value.items()]
    if isinstance(value, list):
        return out_list([of_json(v) for v in value])
    if isinstance(value, str):
        return value.encode()
    return value


def lengths_drop(fields):
    """What a sequence says itself."""
    return [(n, v) for i, (n, v) in enumerate(fields)
            if not (i + 1 < len(fields) and n.lstrip("_") == fields[i + 1][0].lstrip("_") + "_length")]


def equal(a, b):
    if isinstance(a, tuple) and isinstance(b, tuple):
        if a[0] == "list" or b[0] == "list":
            return a[0] == b[0] and len(a[1]) == len(b[1]) and all(map(equal, a[1], b[1]))
        return (a[1] == b[1] or (len(b[1]) == 1 and b[1] <= a[1])) and a[2] == b[2]
    if isinstance(a, tuple) or isinstance(b, tuple):  # an enum without a label
        a, b = [x[2] if isinstance(x, tuple) and x[0] == "enum" and not x[1] else x for x in (a, b)]
        return not isinstance(a, tuple) and not isinstance(b, tuple) and equal(a, b)
    if isinstance(a, list) and isinstance(b, list):
        a, b = lengths_drop(a), lengths_drop(b)
        return len(a) == len(b) and all(x[0] == y[0] and equal(x[1], y[1]) for x, y in zip(a, b))
    if isinstance(b, bytes) and not isinstance(a, bytes):
        b = float(b)  # JSON has no infinity
    if isinstance(a, float) or isinstance(b, float):
        a, b = float(a), float(b)
        # babeltrace2 shows six digits.
        return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=6e-6)
    if isinstance(a, bytes) and isinstance(b, bytes):
        return a == b or a == b.replace("\ufffd".encode(), b"\xff")
    if isinstance(a, int) and isinstance(b, int):  # in base 16 a sign is bits
        return a == b or any(a == b & (1 << n) - 1 for n in range(1, 67) if b < 0)
    return False


LOST = re.compile(r"WARNING: Tracer discarded (\d+) (event|packet)s? ")


def run(*command):
    """Lines of output, and how many events and packets a warning says are lost."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    lines = done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]
    bad = [l for l in done.stderr.decode().split("\n") if l and not re.match("WARNING: Tracer (may have )?discarded", l)]
    if done.returncode or bad:
        sys.exit("%s: status %d: %s" % (command, done.returncode, bad[:3]))
    lost = {"event": 0, "packet": 0, "unknown": len(re.findall("Tracer may have discarded", done.stderr.decode()))}
    for n, what in LOST.findall(done.stderr.decode()):
        lost[what] += int(n)
    return lines, lost


def parse_theirs(line):
    t = Text(line)
    time = t.want(r"\[(\d+)\.(\d+)\] ")
    name = t.want(r"(.+?): (?=\{|$)").group(1)
    groups = [theirs(t)] if t.at < len(line) else [[]]
    while t.take(r", "):
        groups.append(theirs(t))
    context = [f for g in groups[:-1] for f in g]
    return int(time.group(1) + time.group(2)), name, context, groups[-1]


def parse_ours(line):
    t = Text(line)
    who = t.want(r" *(.*?)-(\d*) +(?:\[(\d+)\] )?(?=\d+\.\d{9}: )").groups()
    time = t.want(r"(\d+)\.(\d{9}): ")
    lost = t.take(r"LOST (\d+) (EVENT|PACKET)S$")
    if lost:
        return Lost(int(lost.group(1)), lost.group(2).lower())
    name, fields = t.want(r"(.+?):(?= \w+=|$)").group(1), []
    while t.at < len(t.line):
        fields.append((t.want(r" (\w+)=").group(1), ours(t)))
    return int(time.group(1) + time.group(2)), name, [], fields, who


def parse_json(line):
    event = json.loads(line)
    if "event" not in event:
        return next(Lost(event["lost_%ss" % what], what) for what in ("event", "packet") if "lost_%ss" % what in event)
    time = int(event["time"].replace(".", ""))
    context, fields = [[(k, of_json(v)) for k, v in event.get(name, {}).items()]
                       for name in ("context", "fields")]
    return time, event["event"], context, fields, (event.get("comm"), event.get("tid"), event.get("cpu"))


class Lost:
    def __init__(self, n, what):
        self.n, self.what = n, what


SAID = {"cpu_id", "tid", "vtid", "procname"}  # in front of a line


def who_same(context, who):
    """Is an event whose its contexts say it is?"""
    said, (comm, tid, cpu) = dict(context), who
    tid, cpu = (int(n) if n not in (None, "") else None for n in (tid, cpu))
    return ("procname" not in said or said["procname"] == comm.encode()) and \
        ("cpu_id" not in said or said["cpu_id"] == cpu) and \
        (not said.keys() & {"vtid", "tid"} or said.get("vtid", said.get("tid")) == tid)


def same(a, b, c):
    """An event of babeltrace2's, and ours as text and as JSON."""
    said = [f for f in a[2] if f[0] not in SAID]
    packet = [f for f in a[2] if f[0] in ("cpu_id", "tid")]
    return a[0] == b[0] == c[0] and (" " + a[1]).endswith(" " + b[1]) and b[1] == c[1] and \
        equal(said + a[3], b[3]) and equal(a[3], c[3]) and equal(a[2], packet + c[2]) and \
        who_same(a[2], b[4]) and who_same(a[2], c[4])


def events_of(lines, lost, parse):
    """@lost: what it is to be."""
    out = [parse(line) for line in lines]
    for what in ("event", "packet") if lost else ():
        said = sum(e.n for e in out if isinstance(e, Lost) and e.what == what)
        if said < lost[what] or (said > lost[what] and not lost["unknown"]):
            sys.exit("%d %ss are lost: expected %d" % (said, what, lost[what]))
    return [e for e in out if not isinstance(e, Lost)]


def main():
    fasttrace, trace = sys.argv[1:]
    lines, lost = run("babeltrace2", "--clock-seconds", "--no-delta", trace)
    want = events_of(lines, {}, parse_theirs)
    text = events_of(run(fasttrace, "read", trace)[0], lost, parse_ours)
    objects = events_of(run(fasttrace, "read", "--json", trace)[0], lost, parse_json)
    for name, got in ("text", text), ("JSON", objects):
        if [e[0] for e in got] != sorted(e[0] for e in got):
            sys.exit(name + ": not in the order of time")
        if len(got) != len(want):
            sys.exit("%s: %d events, expected %d" % (name, len(got), len(want)))
    for events in want, text, objects:
        events.sort(key=lambda e: (e[0], e[1].rsplit(" ", 1)[-1]))
    differ = 0
    for a, b, c in zip(want, text, objects):
        if not same(a, b, c):
            differ += 1
            if differ <= 3:
                print(*("%s %.6000s" % x for x in (("expected", a), ("text", b), ("JSON", c))), sep="\n  ")
    if differ:
        sys.exit("%d of %d events differ" % (differ, len(want)))
    print(len(want))


if __name__ == "__main__":
    main()
