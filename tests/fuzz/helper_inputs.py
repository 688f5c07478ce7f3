#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_inputs.py - writes the inputs of the corpus that were made by hand, one for each lie.

Run it when a target's input changes its form. What fuzzers found is kept beside them, under other
names. The numbers are those of common_spoil.h and common_ops.h; places those of ft-layout.h.
"""
import os
import struct

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
OVERWRITE, DISCARD, BLOCK, RAW, ALIVE, CONSUME, TRUNCATED = 0, 1, 2, 3, 4, 8, 16
HEADER, PLACE, EVENT, RULE, BUFFER, SLOT, PAGE, PATH = range(8)
U64, U32, U16, U8, TEXT, WORD, ADD, BIT, COPY, HALF = range(10)
TABLE, PLACES, PAGES, FILL, SIZE, RING, TRUNCATE = range(0x40, 0x47)
(REOPEN, LIVES, NEXT, GET, PUT, UNGET, DROP, FLUSH, ACTIVE, STATS, SNAPSHOT, METADATA, EVENTS,
 SWITCH, END, WAIT) = range(16)

# struct ft_arena
MAGIC, ABI, HEADER_BYTES, ARENA_SIZE = 0, 8, 12, 16
COMM, MODE, CLOCK, CLOCK_HZ, TICKS, REALTIME = 80, 96, 100, 104, 112, 128
SHIFTS, PLACES_AT, EVENTS_AT, EVENTS_BYTES, RINGS_AT = 136, 160, 168, 176, 184
EXE_AT, CMDLINE_AT, CMDLINE_BYTES, CLOCK_WHY, RULES_AT = 192, 200, 208, 216, 240
BUFFERS, EVENTS_END, EVENTS_FIRST, RULES = 248, 264, 272, 336
# struct ft_event_entry; the entries of the image
NEXT_AT, ENTRY_SIZE, ID, NFIELDS, TYPES, PROVIDER_LEN, STRINGS = 0, 4, 12, 15, 16, 32, 40
ENTRY = [0, 56, 120, 176]
# struct ft_buffer, its hold; struct fasttrace_slot
HEAD, CONSUMED, HOLD, STATE, SERIAL, BASE = 0, 64, 128, 256, 264, 272
WORD_AT, COMMITTED, PAGE_AT, ANCHOR, SLOT_BYTES = 0, 8, 16, 24, 64
NOWHERE = [0, 0x3fffffc0, 1 << 63, (1 << 64) - 4096]


def put(part, place, value, kind=U64, index=0):
    """One change to a word."""
    form = {U64: "<Q", U32: "<I", U16: "<H", U8: "<B"}[kind]
    return bytes([0x80 | kind << 3 | part, index]) + struct.pack("<H", place) + struct.pack(
        form, value)


def text(part, place, value, index=0):
    return bytes([0x80 | TEXT << 3 | part, index]) + struct.pack("<HB", place, len(value)) + value


def bits(part, word, bit, index=0):
    return bytes([0x80 | BIT << 3 | part, index]) + struct.pack("<HB", word, bit)


def fill(part, place, count, byte, index=0):
    return bytes([FILL, part, index]) + struct.pack("<HIB", place, count, byte)


def call(op, index=0, *given):
    return bytes([op | index << 4, *given])


def table(count, stride, size):
    return bytes([TABLE]) + struct.pack("<HBH", count, stride // 8 - 1, size)


def ring(index, shift, slots):
    """Another geometry: 2^slots sub-buffers of 2^shift bytes, behind the other rings."""
    return bytes([RING, index, shift - 12 | slots - 1 << 4])


def entry_text(value):
    """The first event's provider and name: what fits into the entry."""
    provider, name = value
    strings = provider + b"\0" + name + b"\0id\0"
    return (put(EVENT, ENTRY[0] + ENTRY_SIZE, 40 + len(strings), U32) +
            put(EVENT, ENTRY[0] + PROVIDER_LEN, len(provider), U16) +
            put(EVENT, ENTRY[0] + PROVIDER_LEN + 2, len(name), U16) +
            text(EVENT, ENTRY[0] + STRINGS, strings) +
            put(EVENT, ENTRY[0] + NEXT_AT, 0, U32))


def header_lies():
    yield "header-other-magic", put(HEADER, MAGIC, 1)
    yield "header-newer-abi", put(HEADER, ABI, 99, U32)
    yield "header-other-size", put(HEADER, HEADER_BYTES, 8, U32)
    for name, at in [("size", ARENA_SIZE), ("places", PLACES_AT), ("events", EVENTS_AT),
                     ("events-bytes", EVENTS_BYTES), ("rings", RINGS_AT), ("exe", EXE_AT),
                     ("cmdline", CMDLINE_AT), ("cmdline-bytes", CMDLINE_BYTES),
                     ("rules", RULES_AT), ("buffers", BUFFERS), ("events-end", EVENTS_END),
                     ("rules-word", RULES)]:
        for i, value in enumerate(NOWHERE):
            yield f"header-{name}-{i}", put(HEADER, at, value)
    for i, hz in enumerate([0, 1, 10**11 + 1, (1 << 64) - 1]):
        yield f"clock-hz-{i}", put(HEADER, CLOCK_HZ, hz) + put(HEADER, TICKS, 1 << 63) + put(
            HEADER, REALTIME, (1 << 64) - 1)
    yield "clock-and-mode-out-of-range", put(HEADER, MODE, 7, U32) + put(HEADER, CLOCK, 9, U32)
    for shift in 0, 11, 25, 64, 255:
        yield f"header-shift-{shift}", put(HEADER, SHIFTS, shift << 32 | shift)
    yield "comm-with-escapes", text(HEADER, COMM, b"\x1b]0;x\x07\xc2\x9b\x9b31m")
    yield "comm-without-end", text(HEADER, COMM, b"\xff" * 16)
    yield "paths-without-end", fill(PATH, 0, 8192, 0x1b) + put(HEADER, CMDLINE_BYTES, 4096)


def event_lies():
    for i, value in enumerate([(b"../../etc", b"pass/wd"), (b".", b".."), (b"", b""),
                               (b"a\xc2\x9b1m", b"\x1b[2J"), (b"\x9b\x90", b"\xc2"),
                               (b"\xff\xfe", b"\xe0\x82\x9b"), (b"a\nb", b"c\rd\te"),
                               (b'";};', b"\\"), (b"*/", b"/*"), (b"-n", b"%s%n")]):
        yield f"event-text-{i}", entry_text(value)
    for at, lengths in (0, (300, 0)), (2, (0, 300)):
        names = fill(EVENT, ENTRY[0] + STRINGS, 301, 0) + fill(
            EVENT, ENTRY[0] + STRINGS + at // 2, 300, ord("x"))
        yield f"event-names-of-{lengths[0]}-and-{lengths[1]}", names + put(
            HEADER, EVENTS_END, 4096) + put(EVENT, ENTRY[0] + ENTRY_SIZE, 400, U32) + put(
                EVENT, ENTRY[0] + PROVIDER_LEN, lengths[0], U16) + put(
                    EVENT, ENTRY[0] + PROVIDER_LEN + 2, lengths[1], U16) + put(
                        EVENT, ENTRY[0] + NEXT_AT, 0, U32)
    yield "event-longer-than-the-table", put(HEADER, EVENTS_BYTES, 64) + put(
        EVENT, ENTRY[0] + ENTRY_SIZE, 4648, U32) + put(HEADER, EVENTS_END, 1 << 20)
    yield "event-behind-the-table", put(HEADER, EVENTS_BYTES, 64) + put(HEADER, EVENTS_END, 1 << 20)
    yield "event-name-without-end", fill(EVENT, STRINGS, 1 << 20, ord("x")) + put(
        EVENT, ENTRY_SIZE, 1 << 20, U32)
    yield "event-name-of-1M-in-a-larger-file", bytes([SIZE, 2]) + put(
        HEADER, EVENTS_BYTES, 3 << 20) + put(HEADER, EVENTS_END, 3 << 20) + fill(
            EVENT, STRINGS, 1 << 20, ord("x")) + put(EVENT, ENTRY_SIZE, 2 << 20, U32)
    for size in 0, 39, 40, 41, 4648, 4649, 0xffffffff:
        yield f"event-size-{size}", put(EVENT, ENTRY[1] + ENTRY_SIZE, size, U32)
    for length in 0, 3, 255, 256, 65535:
        yield f"event-name-len-{length}", put(EVENT, ENTRY[0] + PROVIDER_LEN + 2, length, U16)
    for number in 0, 1, 3, 65535:
        yield f"event-id-{number}", put(EVENT, ENTRY[1] + ID, number, U16)
    yield "event-17-fields", put(EVENT, ENTRY[0] + NFIELDS, 17, U8)
    yield "event-255-fields", put(EVENT, ENTRY[0] + NFIELDS, 255, U8)
    for kind in 0, 19, 63, 64, 0x4a, 0x4d, 0x4e, 255:
        yield f"event-type-{kind}", put(EVENT, ENTRY[0] + TYPES, kind, U8)
    for i, to in enumerate([4, 0x43000, 0x43038, 0x42ff8, 0x82ff8, 0xfffffff8]):
        yield f"event-next-{i}", put(EVENT, ENTRY[1] + NEXT_AT, to, U32)
    yield "events-outside", put(HEADER, EVENTS_AT, 0x3fffffc0) + put(
        HEADER, EVENTS_FIRST, 0x3fffffc0, U32)
    yield "event-first-outside", put(HEADER, EVENTS_FIRST, 0xfffffff0, U32)
    yield "events-in-a-cycle", put(EVENT, ENTRY[3] + NEXT_AT, 0x43000, U32)
    yield "events-16384", bytes([SIZE, 3]) + table(16384, 48, 46)
    yield "events-that-overlap", bytes([SIZE, 3]) + table(65535, 48, 4648)
    yield "events-that-overlap-half", bytes([SIZE, 3]) + table(4000, 1024, 2048)
    yield "events-that-overlap-all", bytes([SIZE, 3]) + table(65535, 8, 4648)


def buffer_lies():
    for i, value in enumerate(NOWHERE):
        for name, at in [("head", HEAD), ("consumed", CONSUMED), ("base", BASE)]:
            yield f"buffer-{name}-{i}", put(BUFFER, at, value)
        for name, at in [("offset", 0), ("pages", 8), ("shifts", 16)]:
            yield f"place-{name}-{i}", put(PLACE, at, value)
        for name, at in [("word", WORD_AT), ("committed", COMMITTED), ("page", PAGE_AT)]:
            yield f"slot-{name}-{i}", put(SLOT, at + SLOT_BYTES, value)
    yield "places-4096-in-one", bytes([PLACES]) + struct.pack("<HB", 4096, 0)
    yield "places-65535", bytes([PLACES]) + struct.pack("<HB", 65535, 0)
    yield "places-that-overlap-in-a-large-file", bytes([SIZE, 7]) + ring(0, 21, 2) + bytes(
        [PAGES, 0, 0, PLACES]) + struct.pack("<HB", 4096, 0)
    yield "slots-all-the-same-page", bytes([PAGES, 0, 0])
    yield "slots-all-the-same-page-4096", bytes([SIZE, 7]) + ring(0, 14, 12) + bytes([PAGES, 0, 0])
    yield "place-longer-than-the-file", put(PLACE, 16, 16 | 2 << 32) + bytes([PAGES, 0, 4])
    yield "slots-page-out-of-range", bytes([PAGES, 0, 5])
    yield "slots-largest", bytes([SIZE, 7]) + ring(0, 24, 1) + bytes([PAGES, 0, 0])
    yield "slots-two-the-same-page", b"".join(
        bytes([0x80 | COPY << 3 | SLOT, 0]) + struct.pack("<HH", slot * 8 + 2, 2)
        for slot in (1, 2))
    for i, state in enumerate([0, 1, 2, 3, 1 << 32]):
        yield f"hold-wild-{i}", b"".join(
            put(BUFFER, HOLD + 8 * at, (1 << 64) - 1 - i) for at in range(1, 11)) + put(
                BUFFER, HOLD, state)
    lapped = b"".join(put(SLOT, slot * SLOT_BYTES + PAGE_AT, 100 << 17 | slot, index=2)
                      for slot in range(4))
    yield "hold-aside", lapped
    for page in 5, 6, 0xffff, 0x10004, 1 << 32:
        yield f"hold-aside-page-{page}", lapped + put(BUFFER, HOLD + 16, page, index=2)
    for bit in 9, 10, 20:
        yield f"hold-aside-word-bit-{bit}", lapped + b"".join(
            bits(BUFFER, (HOLD + 24) // 8 + at, bit, 2) for at in (0, 1))
        yield f"slots-bit-{bit}", b"".join(
            bits(SLOT, slot * 8 + at, bit, index) for slot in range(4) for at in (0, 1)
            for index in range(3))
        yield f"committed-bit-{bit}", b"".join(
            bits(SLOT, slot * 8 + 1, bit, index) for slot in range(4) for index in range(3))
        yield f"nested-range-bit-{bit}", b"".join(
            bits(PAGE, page * 512 + word, bit, 1) for page in range(4) for word in (1, 3))
    yield "hold-page-of-a-slot", put(BUFFER, HOLD + 16, 0, index=2)
    for i, value in enumerate(NOWHERE):
        yield f"nested-range-{i}", b"".join(
            put(PAGE, page * 4096 + 8 * word, value, index=1)
            for page in range(4) for word in range(2))
    for state in 0, 1, 4, 5, 0xffffffff:
        yield f"buffer-state-{state}", put(BUFFER, STATE, state, U32)


def word_lies():
    """Lies that are others when the writer lives, in other modes, and for who is no consumer."""
    lapped = b"".join(put(SLOT, slot * SLOT_BYTES + PAGE_AT, 100 << 17 | slot, index=2)
                      for slot in range(4))
    yield "hold-aside-page-5", lapped + put(BUFFER, HOLD + 16, 5, index=2)
    yield "last-event-does-not-fit", bytes([PAGES, 0, 0]) + put(PAGE, 4096 - 8, 1, U16)
    for name, at, bit in [("word", 0, 9), ("committed", 1, 9), ("page", 2, 3), ("page", 2, 15),
                          ("anchor", 3, 24)]:
        yield f"{name}-bit-{bit}", b"".join(
            bits(SLOT, slot * 8 + at, bit, index) for slot in range(4) for index in range(3))


def body_lies():
    for page in range(4):
        yield f"array-longer-than-page-{page}", put(PAGE, page * 4096 + 88, 5, U16) + put(
            PAGE, page * 4096 + 96, 0x7fffffff, U32)
        yield f"array-just-longer-than-page-{page}", put(PAGE, page * 4096 + 88, 5, U16) + put(
            PAGE, page * 4096 + 96, 501, U32)
    for number in 0, 5, 65535:
        for page in range(4):
            yield f"event-in-page-{page}-of-id-{number}", put(PAGE, page * 4096 + 88, number, U16)
    yield "strings-without-end", fill(PAGE, 104, 5 * 4096 - 104, 0xff)
    yield "time-backwards", put(PAGE, 104, 1) + put(PAGE, 112, 1)


def calls():
    """Every call, in the order of one who reads; then as one who finds the arena truncated."""
    reader = b"".join(
        call(NEXT, i, 0) + call(GET, i, 0) + call(SNAPSHOT) + call(UNGET, i) + call(GET, i, 0) +
        call(PUT, i) + call(FLUSH, i) + call(NEXT, i, 0) + call(DROP, i) + call(ACTIVE, i)
        for i in range(4)) + call(SWITCH, 0, 0x11, 1) + call(END, 0, 2) + call(WAIT, 1)
    for mode in OVERWRITE, DISCARD, BLOCK:
        yield f"calls-{mode}", mode | CONSUME, reader
        yield f"calls-{mode}-alive", mode | CONSUME | ALIVE, reader
        yield f"calls-{mode}-of-a-guest", mode | ALIVE, reader
    for i, (shift, subbufs) in enumerate([(12, 2), (24, 0), (13, 8), (63, 255)]):
        resize = call(SWITCH, 0, 0xff, 1, shift, subbufs)
        yield f"resize-{i}", CONSUME, resize + put(HEADER, SHIFTS, 25 << 32 | 11) + resize
    for at in 0, 1, 64, 0x2000, 0x20c1:
        truncate = bytes([TRUNCATE]) + struct.pack("<H", at)
        yield f"truncated-{at}", CONSUME, truncate
        yield f"truncated-{at}-while-open", CONSUME, call(NEXT, 0, 0) + truncate + reader
        yield f"truncated-{at}-while-taken", CONSUME, call(NEXT, 0, 0) + call(
            GET, 0, 0) + truncate + call(PUT)


def live():
    """What may change under a reader's eyes: words that it looks at twice."""
    words = {
        "table": b"".join(put(EVENT, entry + at, value, U32) for entry in ENTRY
                          for at, value in ((NEXT_AT, 0x43000), (ENTRY_SIZE, 4648))),
        "names": text(EVENT, ENTRY[0] + STRINGS, b"x" * 60) + put(
            EVENT, ENTRY[0] + PROVIDER_LEN, 255, U16),
        "slots": b"".join(put(SLOT, slot * SLOT_BYTES + at, (1 << 64) - 1)
                          for slot in range(4) for at in (WORD_AT, COMMITTED, PAGE_AT)),
        "counts": b"".join(put(BUFFER, at, 1 << 63) for at in (HEAD, CONSUMED, BASE, SERIAL)),
        "hold": b"".join(put(BUFFER, HOLD + 8 * at, 0xffff, index=2) for at in range(5)),
        "ranges": b"".join(put(PAGE, page * 4096 + 8, 0x1ff, U16, 1) for page in range(4)),
        "bodies": b"".join(put(PAGE, page * 4096 + at, 0xff, U8) for page in range(5)
                           for at in (88, 104, 118, 120)),
        "places": b"".join(put(PLACE, at, 0xffffff) for at in (0, 8, 16)),
        "header": put(HEADER, BUFFERS, 4096) + put(HEADER, RULES, 0xffffffff) + put(
            HEADER, EVENTS_END, 1 << 40) + put(HEADER, CLOCK_HZ, 1) + put(HEADER, ARENA_SIZE, 1),
    }
    for name, body in words.items():
        count = min(32, len(body) // 4)  # it ends with the input
        for mode in OVERWRITE, DISCARD:
            yield f"{name}-{mode}", mode | CONSUME, bytes([count]) + body
        yield f"{name}-alive", OVERWRITE | CONSUME | ALIVE, bytes([count]) + body
    for left in range(8):
        yield f"truncated-{left}", OVERWRITE | CONSUME | TRUNCATED | left << 5, b"\0"


def rules():
    """Rules, a provider, an event; or the values of the environment's variables."""
    for i, strings in enumerate([
            ("", "p", "e"), ("shop:*,!shop:or?er", "shop", "order"), ("!*", "a", "b"),
            ("*a*a*a*a*a*a*b" * 40, "a" * 200, "a" * 200), ("::,:,!:", "", ""), ("!", "", ""),
            ("p:e:f", "p", "e:f"), ("\t\v ,,\r!!p", "!p", "x"), ("a/../*", "a/..", "x"),
            ("\x1b[2J", "\x1b", "x"), ("x" * 70000, "x" * 255, "x"), ("*" * 4000, "", "")]):
        yield f"rules-{i}", "\0".join(strings).encode()
    for i, values in enumerate([
            ("on", "/tmp", "mnt", "discard", "4K", "8", "1G", "2s", "*"),
            ("", "a/" * 2100, "/" * 4000, "x", "18446744073709551616", "3", "1024G", "inf", "!a"),
            ("", "", "", "block", "16M", "4096", "64K", "18446744073s", "a" * 5000),
            ("off",), ("", "\x1b[2J", "..", "\n", "4k", "0x2", "-1", "1e9s", "p:e:f")]):
        yield f"environment-{i}", ("=" + "\0".join(values)).encode()


def main():
    inputs = {name: (OVERWRITE | CONSUME, body) for lies in
              (header_lies, event_lies, buffer_lies, body_lies) for name, body in lies()}
    for i, flags in enumerate((OVERWRITE | ALIVE, DISCARD | ALIVE | CONSUME, BLOCK)):
        inputs.update({f"{name}-{i}": (flags, body) for name, body in word_lies()})
    inputs.update({name: (flags, body) for name, flags, body in calls()})
    inputs["raw-nothing"] = (RAW, b"")
    inputs["raw-zeros"] = (RAW, bytes(400))
    write("arena", inputs)
    write("rules", {name: (None, body) for name, body in rules()})
    write("live", {name: (flags, body) for name, flags, body in live()})


def write(target, inputs):
    os.makedirs(os.path.join(HERE, target), exist_ok=True)
    for name, (flags, body) in inputs.items():
        with open(os.path.join(HERE, target, name), "wb") as f:
            f.write((bytes([flags]) if flags is not None else b"") + body)


main()
