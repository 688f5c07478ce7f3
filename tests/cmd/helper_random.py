#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_random.py FOLDER SEED... - traces of random types, headers, contexts, clocks: FOLDER/SEED.

What CTF 1.8 allows and babeltrace2 reads: it says what they mean.
"""
import os
import random
import sys

from helper_types import Bits, Int, Ref, Struct, Types, scope


def u(size, align=8, **more):
    return Int(size, align, **more)


class Header:
    """An event's: how its id and its time are written."""

    # LTTng's two, as their metadata has them: what is too large stands in the second form.
    LTTNG = {
        "compact": """struct {
		enum : integer { size = 5; align = 1; } { compact = 0 ... 30, extended = 31 } id;
		variant <id> {
			struct { %s timestamp; } compact;
			struct { integer { size = 32; align = 8; } id; %s timestamp; } extended;
		} v;
	} align(8)""",
        "large": """struct {
		enum : integer { size = 16; align = 8; } { compact = 0 ... 65534, extended = 65535 } id;
		variant <id> {
			struct { %s timestamp; } compact;
			struct { integer { size = 32; align = 8; } id; %s timestamp; } extended;
		} v;
	} align(8)""",
    }

    def __init__(self, r, kind):
        self.r, self.kind = r, kind
        self.id_bits, self.time_bits, self.align = {
            "compact": (5, 27, 8), "large": (16, 32, 8), "word": (16, 48, 8), "full": (0, 64, 8),
            "odd": (r.randint(3, 11), r.randint(9, 41), r.choice([1, 8, 32]))}[kind]
        self.swap = kind == "word" or (kind == "odd" and r.random() < 0.5)  # the time stands first

    def tsdl(self, clock):
        time = Int(self.time_bits, 8 if self.time_bits in (32, 64) else 1, clock=clock).tsdl()
        if self.kind in self.LTTNG:
            return self.LTTNG[self.kind] % (time, Int(64, 8, clock=clock).tsdl())
        fields = ["%s timestamp;" % time]
        if self.id_bits:
            fields.append("integer { size = %d; align = 1; } id;" % self.id_bits)
        return "struct { %s } align(%d)" % (" ".join(fields if self.swap else fields[::-1]), self.align)

    def put(self, b, id_, time, passed):
        last = (1 << self.id_bits) - 1
        b.align(self.align)
        if self.kind in self.LTTNG and (id_ >= last or passed >> self.time_bits or self.r.random() < 0.2):
            b.integer(last, self.id_bits)
            b.integer(id_, 32, 8)
            b.integer(time, 64, 8)
            return
        parts = [(id_, self.id_bits, 1), (time & (1 << self.time_bits) - 1, self.time_bits,
                                          8 if self.time_bits in (32, 64) else 1)]
        for value, size, align in parts[::-1] if self.swap else parts:
            b.integer(value, size, align)


class Stream:
    """A class of streams."""

    def __init__(self, trace, id_):
        r = trace.r
        self.trace, self.id = trace, id_
        self.header = Header(r, r.choice(["compact", "large", "word", "full", "odd", "odd"]))
        self.types = Types(r)
        self.context = self.types.struct(1, 3) if r.random() < 0.5 else None
        self.lost_bits, self.seq_bits = r.choice([0, 32, 64]), r.choice([0, 32, 64])
        self.cpu, self.size_bits = r.random() < 0.5, r.choice([32, 64])
        self.extra = self.types.integer() if r.random() < 0.3 else None
        self.outer = Int(8, most=3) if r.random() < 0.5 else None  # a length that events refer to
        if self.outer:
            self.types.refs.append(Ref("stream.packet.context.outer", self.outer, "outer"))
        if self.context:
            self.types.refs += [Ref("stream.event.context." + n, t, n) for n, t in self.context.members
                                if n[0] != "_" and isinstance(t, Int) and t.most]
        self.ids = [0] if not self.header.id_bits else r.sample(
            range(min(1 << self.header.id_bits, 1 << 20)) if self.header.kind not in Header.LTTNG
            else [0, 1, 2, 29, 30, 31, 32, 65534, 65535, 65536, 1 << 31], r.randint(1, 4))
        self.events = [(i, self.event_context() if r.random() < 0.3 else None,
                        self.types.struct(3) if r.random() < 0.9 else None) for i in self.ids]

    def event_context(self):
        """babeltrace2 2.0 does not find the lengths in there."""
        refs, self.types.refs = self.types.refs, []
        context = self.types.struct(0, 3)
        self.types.refs = refs
        return context

    def packet_fields(self):
        clock = self.trace.clock_name
        out = [("timestamp_begin", u(64, clock=clock)), ("timestamp_end", u(64, clock=clock)),
               ("content_size", u(self.size_bits)), ("packet_size", u(self.size_bits))]
        out += [("events_discarded", u(self.lost_bits))] if self.lost_bits else []
        out += [("packet_seq_num", u(self.seq_bits))] if self.seq_bits else []
        out += [("cpu_id", u(32))] if self.cpu else []
        out += [("outer", self.outer)] if self.outer else []
        out += [("extra", self.extra)] if self.extra else []
        return out

    def tsdl(self):
        out = "stream {\n%s\tpacket.context := %s;\n\tevent.header := %s;\n" % (
            "\tid = %d;\n" % self.id if self.trace.has_id else "",
            Struct(self.packet_fields()).tsdl(), self.header.tsdl(self.trace.clock_name))
        if self.context:
            out += "\tevent.context := %s;\n" % self.context.tsdl()
        out += "};\n"
        for i, context, fields in self.events:
            out += 'event {\n\tname = "p:e%d";\n' % i
            out += "\tid = %d;\n" % i if self.header.id_bits else ""
            out += "\tstream_id = %d;\n" % self.id if self.trace.has_id else ""
            out += "\tcontext := %s;\n" % context.tsdl() if context else ""
            out += "\tfields := %s;\n};\n" % (fields.tsdl() if fields else "struct { }")
        return out

    def event(self, b, env, time, passed):
        i, context, fields = self.trace.r.choice(self.events)
        self.header.put(b, i, time, passed)
        for t in self.context, context, fields:
            env = t.put(b, self.trace.r, env) if t else env

    def packet(self, values, events):
        """@values: of packet.context; @events: their times."""
        r, trace = self.trace.r, self.trace
        before, pad, sizes = values["timestamp_begin"], r.choice([0, 0, 8, 4096]), {}
        for again in False, True:  # sizes are known behind what they stand before
            b, env, state = Bits(trace.big), scope(), r.getstate()
            trace.header_put(b, self.id, values["instance"])
            b.align(max(t.align for _, t in self.packet_fields()))
            for name, t in self.packet_fields():
                t.put(b, r, env, name, {**values, **sizes}.get(name, values.get(name)))
            last = before
            for time in events:
                self.event(b, env, time, time - last)
                last = time
            content = b.at
            b.align(32)
            b.data(bytes(pad))
            sizes = {"content_size": content, "packet_size": b.at}
            if not again:
                r.setstate(state)
        return bytes(b.out)


class Trace:
    def __init__(self, seed):
        self.r = r = random.Random(seed)
        self.big, self.has_id = r.random() < 0.4, r.random() < 0.8
        self.uuid = bytes(r.getrandbits(8) for _ in range(16)) if r.random() < 0.5 else None
        self.instances, self.has_magic = r.random() < 0.5, r.random() < 0.8
        self.hz = r.choice([1000000000, 1000000000, 3, 1000, 999999999, 2899999999, 24000000])
        self.offset_s, self.offset = r.choice([0, 1700000000]), r.choice([0, 1, r.randrange(9 * self.hz)])
        self.clock_name = r.choice(["monotonic", "c1"])
        self.several = self.has_id and r.random() < 0.5
        self.streams = [Stream(self, i) for i in (r.sample(range(9), r.randint(2, 3)) if self.several else [0])]

    def header_put(self, b, stream, instance):
        if self.has_magic:
            b.integer(0xC1FC1FC1, 32, 8)
        if self.uuid:
            b.data(self.uuid)
        if self.has_id:
            b.integer(stream, 32, 8)
        if self.instances:
            b.integer(instance, 64, 8)

    def metadata(self):
        header = "integer { size = 32; align = 8; } magic; " if self.has_magic else ""
        header += "integer { size = 8; align = 8; } uuid[16]; " if self.uuid else ""
        header += "integer { size = 32; align = 8; } stream_id; " if self.has_id else ""
        header += "integer { size = 64; align = 8; } stream_instance_id; " if self.instances else ""
        out = "/* CTF 1.8 */\ntrace {\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = %s;\n" % ("be" if self.big else "le")
        if self.uuid:
            digits = self.uuid.hex()
            out += '\tuuid = "%s";\n' % "-".join(
                digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
        out += "\tpacket.header := struct { %s};\n" % header if header else ""
        out += "};\nclock {\n\tname = %s;\n\tfreq = %d;\n\toffset_s = %d;\n\toffset = %d;\n};\n" % (
            self.clock_name, self.hz, self.offset_s, self.offset)
        return out + "".join(s.tsdl() for s in self.streams)

    def file(self, stream, n):
        """Times of events of different files differ, in nanoseconds too."""
        r, step, out = self.r, 16 * 8, b""
        clock, seq, lost = step * r.getrandbits(40 if self.hz > 10000 else 20) + 16 * n, 0, 0
        for _ in range(r.randint(1, 4)):
            times, begin = [], clock
            for _ in range(r.choice([0, 1, 20])):
                passed = r.choice([0, 1, 3, r.getrandbits(8)])
                if self.hz >= 1000 and (stream.header.time_bits > 30 or stream.header.kind in Header.LTTNG):
                    passed += r.choice([0, 0, 1 << 22, (1 << 24) - 1])
                elif passed * step >> stream.header.time_bits:
                    passed = r.choice([0, 1]) if step < 1 << stream.header.time_bits else 0
                clock += passed * step
                times.append(clock)
            lost += r.choice([0, 0, 5]) if seq or r.random() < 0.1 else 0
            out += stream.packet({
                "timestamp_begin": begin, "timestamp_end": clock, "events_discarded": lost, "instance": n,
                "packet_seq_num": seq, "cpu_id": n, "content_size": 0, "packet_size": 0}, times)
            seq += r.choice([1, 1, 1, 3])
        return out


def main():
    for seed in sys.argv[2:]:
        trace, path = Trace(seed), os.path.join(sys.argv[1], seed)
        os.makedirs(path)
        with open(os.path.join(path, "metadata"), "w", encoding="utf-8") as f:
            f.write(trace.metadata())
        n = 0
        for stream in trace.streams:
            for _ in range(trace.r.randint(1, 2)):
                with open(os.path.join(path, "stream%d" % n), "wb") as f:
                    f.write(trace.file(stream, n))
                n += 1


main()
