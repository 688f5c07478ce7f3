#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_features.py FOLDER - traces that each show something TSDL, a packet or a folder may have.

What random types (helper_random.py) do not reach: ways to declare, parts that are missing, clocks.
"""
import os
import struct
import sys

CLOCK = "clock { name = c; freq = 1000000000; offset_s = 1700000000; };\n" + "".join(
    "typealias integer { size = %d; align = 8; } := u%d;\n"
    "typealias integer { size = %d; align = 8; map = clock.c.value; } := time%d;\n" % (n, n, n, n) for n in (8, 16, 32, 64))


def trace(rest="", order="le"):
    return "/* CTF 1.8 */\n" + CLOCK + "trace { major = 1; minor = 8; byte_order = %s; %s };\n" % (order, rest)


def ticks(*events):
    """Of header { u8 id; u64 time }."""
    return b"".join(struct.pack("<BQ", id_, time) + data for id_, time, data in events)


HEADER = "event.header := struct { u8 id; time64 timestamp; };"

# Ways to declare a type, and names that would be keywords.
DECLARED = trace() + r"""
/* a comment; { */ // another
typealias integer { size = 0x8; align = 010; signed = FALSE; } := unsigned char;
typealias integer { size = 16; align = 8; signed = 1; base = hexadecimal; } := short int;
typealias integer { size = 32; signed = true; align = 8; } := int;
typedef integer { size = 8; align = 8; encoding = ASCII; } char_t;
typedef unsigned char bytes_t[2];
typealias string { encoding = UTF8; } := text;
typealias floating_point { exp_dig = 8; mant_dig = 24; align = 8; } := float;
struct pair { unsigned char a, b[2]; int c; };
struct inner { unsigned char x; };
struct wide { unsigned char a; } align(32);
typealias struct wide := wide_t;
enum color { RED, GREEN = 7, BLUE, "two words" = 20 ... 22, AFTER, NEGATIVE = -5 ... -2, };
enum small : unsigned char { OFF, ON };
variant any { text ON; struct pair OFF; };
env { hostname = "h\"\x41\102"; number = -7; plus = +3; };
stream { """ + HEADER + r""" };
event {
	name = "d:all"; id = 0; loglevel = 13; model.emf.uri = "http://example.com/";
	fields := struct {
		typedef unsigned char local;
		int n;
		enum color col; enum small on; variant any <on> v;
		struct pair _struct; wide_t _wide; struct wide w[2]; struct inner _event;
		bytes_t two; char_t name[4], one[1]; float f; short int s; text t;
		local _string_length; char_t _string[_string_length];
		local len; local other[len]; local mult[len][2]; local again[len];
	};
};
"""
ALL = struct.pack("<iiB", -2, -3, 0) + b"\1\2\3" + struct.pack("<i", -9) + b"\4\5\6" + struct.pack("<i", 8)
ONE = struct.pack("<iiB", 5, 21, 1) + b"word\0" + b"\1\2\3" + struct.pack("<i", -9)
AFTER = ONE.replace(b"\x15", b"\x17")


def declared_event(time, start, at):
    """@at: where it begins, for what is aligned to 32 bits."""
    out = bytearray(ticks((0, time, b"")))
    out += bytes(-(at + len(out)) % 4) + start
    for _ in range(3):
        out += bytes(-(at + len(out)) % 4) + b"w"
    out += b"i" + b"\7\x08" + b"ab\0\0" + b"Z" + struct.pack("<fhi", 0.5, -2, 0)[:6] + "grün\0".encode()
    return bytes(out + b"\3xyz" + b"\2\1\2\1\2\3\4\5\6")


def declared():
    out = b""
    for start in ALL, ONE, AFTER:
        out += declared_event(10, start, len(out))
    return out


# Nothing but events: no packet header, no packet context, one class, without an id.
BARE = trace() + """
event { name = "bare"; fields := struct { u8 x; }; };
stream { event.header := struct { time64 timestamp; }; };
"""

# Times that are cut off, in packets that do not say when they begin.
NARROW = trace("packet.header := struct { u32 magic; };") + """
stream { packet.context := struct { u32 content_size; u32 packet_size; };
	event.header := struct { time8 timestamp; }; };
event { name = "narrow"; };
"""


def narrow(times, pad=0):
    size = 12 + len(times) + pad
    return struct.pack("<III", 0xC1FC1FC1, 8 * (12 + len(times)), 8 * size) + bytes(times) + bytes(pad)


# A packet's begin that is cut off as well, and counters of few bits.
COUNTED = trace("packet.header := struct { u32 magic; };", "be") + """
stream { packet.context := struct { time32 timestamp_begin; time32 timestamp_end; u32 content_size; u32 packet_size;
		u8 packet_seq_num; u32 events_discarded; u8 id; u32 stream_id; };
	event.header := struct { time16 timestamp; }; };
event { name = "counted"; fields := struct { u8 x; }; };
"""


def counted(begin, times, seq, lost):
    size = 8 * (4 + 4 * 4 + 1 + 4 + 1 + 4 + 3 * len(times))
    return struct.pack(">IIIIIBIBI", 0xC1FC1FC1, begin, times[-1] & 0xFFFFFFFF if times else begin, size, size,
                       seq, lost, 7, 9) + b"".join(struct.pack(">HB", t & 0xFFFF, 3) for t in times)


# Two clocks, each of a stream.
CLOCKS = trace("packet.header := struct { u32 magic; u8 stream_id; };").replace("name = c;", "name = c; absolute = TRUE;") + """
clock { name = fast; uuid = "11111111-2222-3333-4444-555555555555"; freq = 2000000000; offset_s = 5; absolute = TRUE; };
clock { name = "slow"; freq = 1000; offset = 5001; precision = 3; description = "slow; { \\"one\\""; absolute = true; };
""" + "".join("""
stream { id = %d; event.header := struct { integer { size = 64; map = clock.%s.value; } timestamp; }; };
event { name = "of %s"; id = 0; stream_id = %d; fields := struct { integer { size = 8; } x; }; };
""" % (i, name, name, i) for i, name in enumerate(("fast", "slow")))


def clocks(stream, *times):
    return struct.pack("<IB", 0xC1FC1FC1, stream) + b"".join(struct.pack("<QB", t, t & 255) for t in times)


# Members of a variant that are the same type twice, elements that take no bits, lengths further out.
ODD = trace() + """
stream { """ + HEADER + """ event.context := struct { u8 k; }; };
event { name = odd; id = 3; fields := struct {
	u8 n; u8 m; u8 matrix[n][m]; struct { } none[n]; struct { } nothing; u8 zero[0];
	struct { u8 n; u8 inner[n]; } shadow; u8 outer[n]; u8 far[stream.event.context.k];
	enum : u8 { A, B = 2, A = 5, B = 9 ... 12 } tag;
	variant <tag> { u8 A; struct { u8 x; } B; } v[2];
}; };
"""


def odd(time, k, n, m, tag):
    out = bytes([k, n, m]) + bytes(range(n * m)) + b"\1z" + bytes(n * [7]) + bytes(k * [9])
    return ticks((3, time, out + bytes([tag, 1, 2])))


EMPTY = trace() + "stream { %s };\nevent { name = none; id = 0; };\n" % HEADER

TRACES = {
    "declared": (DECLARED, {"s": declared()}),
    "bare": (BARE, {"a": struct.pack("<QBQB", 1, 2, 3, 4), "b": struct.pack("<QB", 2, 9)}),
    "narrow": (NARROW, {"s": narrow([3, 250, 1]) + narrow([]) + narrow([0, 0, 255, 9], 8)}),
    "counted": (COUNTED, {"s": counted(5, [9, 65540], 0, 0) + counted(70001, [131000], 1, 2) +
                          counted(131001, [], 4, 2) + counted(131001, [131002], 5, 9)}),
    "clocks": (CLOCKS, {"a": clocks(0, 4, 8, 80000002), "b": clocks(1, 0, 2, 90)}),
    "odd": (ODD, {"s": odd(1, 0, 2, 3, 0) + odd(2, 3, 3, 0, 2) + odd(3, 1, 0, 5, 5) + odd(4, 1, 1, 1, 11)}),
    "empty": (EMPTY, {"s": b"", "t": ticks((0, 1, b"")), ".hidden": b"nothing", "sub/index": b"nothing"}),
}


def main():
    for name, (metadata, files) in TRACES.items():
        for file, data in {"metadata": metadata.encode(), **files}.items():
            path = os.path.join(sys.argv[1], name, file)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data)


main()
