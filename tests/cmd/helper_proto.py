# SPDX-License-Identifier: MIT
"""helper_proto.py trace_processor.wasm >SET - Perfetto's published .proto files, for protoc's
--descriptor_set_in: its importer has them in itself, as a FileDescriptorSet, to show what it does not
know by code."""
import re
import sys


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


data = open(sys.argv[1], "rb").read()
root = data.index(b"\n!protos/perfetto/trace/trace.proto")
# A file of the set is a field 1, its size, and begins with its name, which is a field 1 of it.
found, end = [], None
for m in re.finditer(rb"\n([\x80-\xff]{0,3}[\x00-\x7f])\n[\x01-\x7f]protos/", data):
    size, at = varint(data, m.start() + 1)
    if end != m.start():
        if found and found[0][0] <= root < end:
            break
        if found and m.start() < end:
            continue  # within a file
        found = []
    found.append((m.start(), at + size))
    end = at + size
assert found[0][0] <= root < end
sys.stdout.buffer.write(data[found[0][0] : end])
