# SPDX-License-Identifier: MIT
"""helper_types.py - types of TSDL, and values of them bit by bit: for helper_random.py and its like.

A type has tsdl(), how it is declared, and put(bits, r, env), which writes a random value of it. env
maps names of fields to what was written there, for lengths and tags.
"""
import struct
from collections import ChainMap


class Bits:
    """What is written bit by bit, in either order."""

    def __init__(self, big):
        self.big, self.out, self.at = big, bytearray(), 0

    def align(self, n):
        self.at += -self.at % n
        self.out += bytes((self.at + 7) // 8 - len(self.out))

    def integer(self, value, size, align=1, big=None):
        big = self.big if big is None else big
        self.align(align)
        self.out += bytes((self.at + size + 7) // 8 - len(self.out))
        for i in range(size):
            if value >> (size - 1 - i if big else i) & 1:
                self.out[self.at // 8] |= 0x80 >> self.at % 8 if big else 1 << self.at % 8
            self.at += 1

    def data(self, data):
        self.align(8)
        self.out += data
        self.at += 8 * len(data)


class Int:
    def __init__(self, size, align=None, signed=False, base=10, order=None, text=False, most=None, clock=None):
        self.size, self.signed, self.base, self.order, self.text = size, signed, base, order, text
        self.align = align or (1 if size % 8 else 8)
        self.most, self.clock = most, clock

    def tsdl(self):
        said = "size = %d; align = %d; signed = %s; base = %d;" % (
            self.size, self.align, "true" if self.signed else "false", self.base)
        if self.order:
            said += " byte_order = %s;" % self.order
        if self.text:
            said += " encoding = %s;" % self.text
        if self.clock:
            said += " map = clock.%s.value;" % self.clock
        return "integer { %s }" % said

    def put(self, bits, r, env, name=None, value=None):
        if value is None:
            value = r.randint(0, self.most) if self.most else r.choice(
                [0, 1, r.getrandbits(self.size), (1 << self.size) - 1, 1 << self.size - 1])
        value &= (1 << self.size) - 1
        bits.integer(value, self.size, self.align, {"be": True, "le": False}.get(self.order))
        if name:
            env[name] = value - (1 << self.size) if self.signed and value >> self.size - 1 else value


class Char(Int):
    """An element of a text."""

    def __init__(self, r):
        super().__init__(8, text=r.choice(["UTF8", "ASCII"]))


class Enum(Int):
    def __init__(self, of, labels):
        super().__init__(of.size, of.align, of.signed, of.base, of.order)
        self.of, self.labels = of, labels  # [(name, from, to)]

    def tsdl(self):
        return "enum : %s { %s }" % (self.of.tsdl(), ", ".join(
            '%s = %d' % (n, a) if a == b else '%s = %d ... %d' % (n, a, b) for n, a, b in self.labels))

    def put(self, bits, r, env, name=None, value=None):
        if value is None and (self.most or r.random() < 0.8):
            value = r.randint(*r.choice(self.labels)[1:])
        super().put(bits, r, env, name, value)


class Float:
    def __init__(self, size, align=8, order=None):
        self.size, self.align, self.order = size, align, order

    def tsdl(self):
        return "floating_point { exp_dig = %d; mant_dig = %d; align = %d;%s }" % (
            *((8, 24) if self.size == 32 else (11, 53)), self.align,
            " byte_order = %s;" % self.order if self.order else "")

    def put(self, bits, r, env, name=None):
        value = r.choice([0.0, -0.0, 0.1, 1e-30, r.uniform(-1e9, 1e9), float("inf"), float("-inf"), float("nan")])
        word, = struct.unpack(">I", struct.pack(">f", value)) if self.size == 32 else \
            struct.unpack(">Q", struct.pack(">d", value))
        bits.integer(word, self.size, self.align, {"be": True, "le": False}.get(self.order))


class String:
    align = 8

    def __init__(self, encoding=None):
        self.encoding = encoding

    def tsdl(self):
        return "string" + (" { encoding = %s; }" % self.encoding if self.encoding else "")

    def put(self, bits, r, env, name=None):
        # No empty ones: babeltrace2 2.0 shows what the string before it was.
        bits.data(r.choice([b"a", b"7 bytes", b"8 bytes!", b"tab\t quote\" back\\ '",
                            "grüß € \U0001f600".encode(), b"x" * r.randrange(1, 300)]) + b"\0")


class Struct:
    def __init__(self, members, align=1):
        self.members, self.own = members, align  # [(name, type)]
        self.align = max([align] + [t.align for _, t in members])

    def tsdl(self):
        return "struct { %s }%s" % (" ".join(declared(n, t) for n, t in self.members),
                                    " align(%d)" % self.own if self.own > 1 else "")

    def put(self, bits, r, env, name=None):
        bits.align(self.align)
        env = env.new_child()
        for member, t in self.members:
            t.put(bits, r, env, member)
        return env


class Variant:
    align = 1

    def __init__(self, tag, options):
        self.tag, self.options = tag, options  # [(label, type)]

    def tsdl(self):
        return "variant <%s> { %s }" % (self.tag.name, " ".join(declared(n, t) for n, t in self.options))

    def put(self, bits, r, env, name=None):
        value = env[self.tag.key]
        label = next(n for n, a, b in self.tag.type.labels if a <= value <= b)
        dict(self.options)[label].put(bits, r, env.new_child())


class Ref:
    """Of a length or tag: how it is called where it is used, its own name, its type."""

    def __init__(self, name, type_, key=None):
        self.name, self.type, self.key = name, type_, key or name


class Array:
    def __init__(self, of, length):
        self.of, self.length, self.align = of, length, of.align  # length: a number or a Ref

    def put(self, bits, r, env, name=None):
        n = self.length if isinstance(self.length, int) else env[self.length.key]
        if isinstance(self.of, Char):
            bits.data(bytes(r.choice(b"abc \"\\") for _ in range(n)))
            return
        bits.align(self.align)
        for _ in range(n):
            self.of.put(bits, r, env.new_child())


def declared(name, t):
    """A member: dimensions stand behind its name, the outermost first."""
    sizes = ""
    while isinstance(t, Array):
        sizes += "[%s]" % (t.length if isinstance(t.length, int) else t.length.name)
        t = t.of
    return "%s %s%s;" % (t.tsdl(), name, sizes)


class Types:
    """Random ones. Integers of the other byte order begin, and end, at whole bytes."""

    def __init__(self, r):
        self.r, self.n, self.refs = r, 0, []

    def name(self):
        self.n += 1
        return self.r.choice(["_", ""]) + self.r.choice(["f", "event", "x_y"]) + str(self.n)

    def integer(self, **more):
        r = self.r
        size = r.choice([8, 16, 32, 64, r.randint(1, 64)])
        order = r.choice([None, None, "le", "be"]) if size % 8 == 0 else None
        align = r.choice([8, 8, 16, 32, 64]) if order else r.choice([None, 1, 2, 4, 8, 32])
        base = r.choice([10, 10, 10, 2, 8, 16 if size not in (61, 62, 63) else 2])  # which babeltrace2 shows as 0
        return Int(size, align, r.random() < 0.4, base, order, **more)

    def enum(self):
        of, labels = self.integer(), []
        of.base = 10
        low, high = (-(1 << of.size - 1), (1 << of.size - 1) - 1) if of.signed else (0, (1 << of.size) - 1)
        for i in range(self.r.randint(1, 6)):
            a = self.r.choice([low, high, self.r.randint(low, high)])
            labels.append(("L%d" % i, a, self.r.choice([a, self.r.randint(a, high)])))
        return Enum(of, labels)

    def tag(self):
        of = self.r.choice([Int(8), Int(5), Int(32, signed=True)])
        labels, at = [], -9 if of.signed else 0
        for i in range(self.r.randint(1, 4)):
            to = at + self.r.choice([0, 0, 2])
            labels.append(("_O%d" % i if self.r.random() < 0.3 else "O%d" % i, at, to))
            at = to + 1
        tag = Enum(of, labels)
        tag.most = 1  # one of the labels, always
        return tag

    def simple(self):
        return self.r.choice([
            self.integer, self.integer, self.integer, self.enum,
            lambda: Float(32, self.r.choice([8, 8, 32, 1])), lambda: Float(64, 8, self.r.choice(["le", "be"])),
            lambda: String(self.r.choice([None, "UTF8", "ASCII"]))])()

    def any(self, depth):
        r = self.r
        if depth <= 0 or r.random() < 0.5:
            return self.simple()
        kind = r.randrange(3)
        if kind == 0:
            return self.struct(depth - 1)
        if kind == 1:
            return Array(Char(r), r.randint(1, 9))
        return Array(self.any(depth - 1), r.randint(1, 4))

    def members(self, depth):
        """A field, with what tells its length or tag in front of it, or further out."""
        r, name, kind, refs = self.r, self.name(), self.r.random(), self.refs
        if kind < 0.15 and depth > 0:
            length = r.choice([Int(8, most=4), Int(3, most=4), Int(16, order="be", most=3), Int(32, most=2)])
            ref = Ref(r.choice([name + "_length", self.name()]), length)
            refs.append(ref)
            of = Char(r) if r.random() < 0.3 else self.any(depth - 1)
            if isinstance(of, Char):
                length.most = None  # see String
                return [(ref.name, OneOf(length, [1, 2, 5])), (name, Array(of, ref))]
            return [(ref.name, length), (name, Array(of, ref))]
        if kind < 0.3 and depth > 0:
            ref = Ref(self.name(), self.tag())
            refs.append(ref)
            return [(ref.name, ref.type), (name, self.variant(ref, depth - 1))]
        if kind < 0.4 and refs:
            ref = r.choice(refs)
            if isinstance(ref.type, Enum):
                if "." in ref.name:  # babeltrace2's tags have none
                    return [(name, self.any(0))]
                return [(name, self.variant(ref, 0))]
            return [(name, Array(self.any(0), ref))]
        return [(name, self.any(depth))]

    def variant(self, ref, depth):
        return Variant(ref, [(n, self.any(depth)) for n, _, _ in ref.type.labels])

    def struct(self, depth, most=5):
        before, out = self.refs, []
        self.refs = list(before)
        for _ in range(self.r.randint(1, most)):
            out += self.members(depth)
        self.refs = before
        return Struct(out, self.r.choice([1, 1, 8, 64]))


class OneOf:
    """An integer with one of a few values."""

    def __init__(self, of, values):
        self.of, self.values, self.align = of, values, of.align

    def tsdl(self):
        return self.of.tsdl()

    def put(self, bits, r, env, name=None):
        self.of.put(bits, r, env, name, r.choice(self.values))


def scope():
    return ChainMap()
