#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_traces.py FOLDER - traces that neither we nor LTTng-UST write, each in a folder of its own.

What stands in them is as random as its seed, the name of the trace; babeltrace2 says what it means.
"""
import os
import random
import struct
import sys

from helper_types import Bits


HEAD = """/* CTF 1.8 */
typealias integer {{ size = 8; align = 8; signed = false; }} := uint8_t;
typealias integer {{ size = 16; align = 8; signed = false; }} := uint16_t;
typealias integer {{ size = 32; align = 8; signed = false; }} := uint32_t;
typealias integer {{ size = 64; align = 8; signed = false; }} := unsigned long;
trace {{
	major = 1; minor = 8; byte_order = {order};
	packet.header := struct {{ uint32_t magic; uint32_t stream_id; }};
}};
env {{ hostname = "there"; }};
clock {{ name = ticks; freq = {hz}; offset_s = 1700000000; offset = {offset}; absolute = TRUE; }};
typealias integer {{ size = {time}; align = 1; map = clock.ticks.value; }} := time_t;
typealias integer {{ size = 64; align = 8; map = clock.ticks.value; }} := full_t;
"""

STREAM = """stream {{
	id = {id};
	packet.context := struct {{
		full_t timestamp_begin; full_t timestamp_end;
		uint32_t content_size; uint32_t packet_size; uint8_t events_discarded; uint8_t packet_seq_num;
	}};
	event.header := struct {{ integer {{ size = 3; align = 1; }} id; time_t timestamp; }} align({align});
	event.context := struct {{ integer {{ size = 7; align = 1; signed = true; }} _odd; }};
}};
"""

EVENTS = """event { name = bits; id = 0; stream_id = 1; fields := struct {
	integer { size = 1; align = 1; } one;
	integer { size = 13; align = 1; signed = true; } thirteen;
	integer { size = 64; align = 1; signed = 1; } all;
	integer { size = 33; align = 1; base = hex; byte_order = native; } hex;
	integer { size = 5; align = 4; base = 8; } octal;
	integer { size = 3; align = 1; base = binary; } binary;
}; };
event { name = "a \\"name\\": odd"; id = 1; stream_id = 1; fields := struct {
	struct { uint8_t x; struct { uint16_t y; } in; string s; } outer;
	uint16_t matrix[2][3];
	uint8_t _n; string texts[_n];
	struct { uint8_t k; unsigned long v; } pairs[2];
}; };
enum tag : uint8_t { ZERO, ONE, MANY = 5 ... 9, "B" = 6, };
variant choice { uint8_t ZERO; string ONE; struct { uint16_t a; floating_point { exp_dig = 8; mant_dig = 24; align = 8; } f; } MANY; };
event { name = choices; id = 2; stream_id = 1; fields := struct {
	enum tag kind;
	variant choice <kind> chosen;
	enum : integer { size = 4; align = 1; signed = true; } { LOW = -8 ... -1, HIGH = 0 ... 6 } half;
	floating_point { exp_dig = 11; mant_dig = 53; align = 8; byte_order = be; } big;
	floating_point { exp_dig = 11; mant_dig = 53; align = 1; byte_order = le; } little;
	integer { size = 32; align = 8; byte_order = network; } network;
	integer { size = 32; align = 8; byte_order = le; } native;
	integer { size = 3; align = 1; } three;
	integer { size = 8; align = 8; encoding = UTF8; } text[5];
}; };
"""


class Trace:
    def __init__(self, name, big=False, hz=1000000000, offset=0, time=27, align=8):
        self.random = random.Random(name)
        self.big, self.hz, self.offset, self.time, self.align = big, hz, offset, time, align
        self.clock = self.random.getrandbits(40 if hz > 1000000 else 20)

    def metadata(self):
        head = HEAD.format(order="be" if self.big else "le", hz=self.hz, offset=self.offset, time=self.time)
        return head + STREAM.format(id=1, align=self.align) + EVENTS

    def number(self, data):
        return data[::-1] if not self.big else data

    def bits_event(self, b):
        b.align(4)  # a struct begins where its members' largest alignment says
        for size, align in ((1, 1), (13, 1), (64, 1), (33, 1), (5, 4), (3, 1)):
            b.integer(self.random.getrandbits(size), size, align)

    def string(self, b):
        # No empty ones: babeltrace2 2.0 shows what the string before it was.
        b.data(self.random.choice([b"b", b"a", b"tab\t quote\" back\\", "grüß".encode(), b"x" * 300]) + b"\0")

    def nested_event(self, b):
        r = self.random
        b.integer(r.getrandbits(8), 8, 8)
        b.integer(r.getrandbits(16), 16, 8)
        self.string(b)
        for _ in range(6):
            b.integer(r.getrandbits(16), 16, 8)
        n = r.randrange(3)
        b.integer(n, 8, 8)
        for _ in range(n):
            self.string(b)
        for _ in range(2):
            b.integer(r.getrandbits(8), 8, 8)
            b.integer(r.getrandbits(64), 64, 8)

    def choice_event(self, b):
        r = self.random
        kind = r.choice([0, 1, 5, 7])
        b.integer(kind, 8, 8)
        if kind == 0:
            b.integer(r.getrandbits(8), 8, 8)
        elif kind == 1:
            self.string(b)
        else:
            b.integer(r.getrandbits(16), 16, 8)
            b.data(struct.pack(">f" if self.big else "<f", r.uniform(-9, 9)))
        b.integer(r.randrange(-8, 8) & 15, 4)
        b.data(struct.pack(">d", r.uniform(-1e30, 1e30)))
        b.data(struct.pack("<d", r.choice([0.1, 2.0, -1e-9, float("inf"), float("nan")])))
        b.data(struct.pack(">I", r.getrandbits(32)))
        b.data(struct.pack("<I", r.getrandbits(32)))
        b.integer(r.getrandbits(3), 3)
        b.data(r.choice([b"abcde", b"ab\0\0\0"]))

    def event(self, b):
        self.clock += self.random.choice([0, 1, 1000, (1 << self.time) - 1])
        kind = self.random.randrange(3)
        b.align(self.align)
        b.integer(kind, 3)
        b.integer(self.clock & (1 << self.time) - 1, self.time)
        b.integer(self.random.getrandbits(7), 7)
        [self.bits_event, self.nested_event, self.choice_event][kind](b)

    def packet(self, events, seq, lost):
        begin = self.clock
        body = Bits(self.big)
        body.data(bytes(34))
        for _ in range(events):
            self.event(body)
        content = body.at
        body.align(32)
        head = Bits(self.big)
        for value, size in ((0xC1FC1FC1, 32), (1, 32), (begin, 64), (self.clock, 64), (content, 32),
                            (body.at, 32), (lost, 8), (seq, 8)):
            head.integer(value, size, 8)
        return bytes(head.out + body.out[34:])


def packets(text, big, uuid=bytes(16)):
    """Metadata in packets, as tracers write it; the last one is padded."""
    out = b""
    for at in range(0, len(text), 700):
        part = text[at:at + 700].encode()
        size = 37 + len(part) + (5 if at + 700 > len(text) else 0)
        out += struct.pack((">" if big else "<") + "I16sIIIBBBBB", 0x75D11D57, uuid, 0,
                           (37 + len(part)) * 8, size * 8, 0, 0, 0, 1, 8) + part + bytes(size - 37 - len(part))
    return out


def write(folder, name, trace, streams=1, packed=False):
    path = os.path.join(folder, name)
    os.makedirs(path)
    text = trace.metadata()
    with open(os.path.join(path, "metadata"), "wb") as f:
        f.write(packets(text, trace.big) if packed else text.encode())
    for i in range(streams):
        with open(os.path.join(path, "stream%d" % i), "wb") as f:
            lost = 0
            for seq in range(6):
                lost += trace.random.choice([0, 0, 3])
                f.write(trace.packet(trace.random.choice([0, 1, 40]), seq + (seq > 3), lost))


def main():
    folder = sys.argv[1]
    write(folder, "le", Trace("le"))
    write(folder, "be", Trace("be", big=True))
    write(folder, "hz", Trace("hz", hz=2899999999, offset=123456789012, time=48))
    write(folder, "slow", Trace("slow", hz=3, offset=2, time=16, align=64))
    write(folder, "packed-le", Trace("packed-le", time=17), packed=True)
    write(folder, "packed-be", Trace("packed-be", big=True, align=1), streams=3, packed=True)


main()
