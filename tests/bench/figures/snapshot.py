#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""snapshot.py [ROUNDS] - figure `snapshot`: what is in a full ring of 64 MiB, copied as a trace into
tmpfs: by `cp -r` of the mount's snapshot/, and by `fasttrace snapshot`, of the arena itself; beside
`cp -r` of the same from tmpfs, and beside `lttng snapshot record`. ms for 64 MiB: what is in a ring is a
little less, and in LTTng-UST's not quite the same."""
import contextlib
import os
import shutil
import subprocess
import sys

import tree

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 11
RING = 64 << 20
EVENTS = RING // 16 + RING // 64
CASES = ("cp -r of the mount's", "fasttrace snapshot")


def ms(seconds, size):
    if size < RING // 2:
        raise RuntimeError(f"a snapshot of {size} bytes: the ring is not full")
    return seconds * 1e3 * RING / size


def measure(mount, program, case, wanted):
    """Of the snapshot, and of a copy of it."""
    one, two = (os.path.join(mount.tmpfs, name) for name in ("one", "two"))
    source = program.folder if case == CASES[0] else str(program.pid)
    command = {CASES[0]: ["cp", "-r", source + "/snapshot", one],
               CASES[1]: [os.path.join(tree.BUILD, "fasttrace"), "snapshot", source, "-o", one]}[case]
    tree.warm(one, wanted)
    seconds = tree.took(command, stderr=subprocess.DEVNULL, env=mount.environment)
    tree.warm(two, wanted)
    copied = tree.took(["cp", "-r", one, two])
    size = tree.bytes_of(one)
    shutil.rmtree(one)
    shutil.rmtree(two)
    return ms(seconds, size), ms(copied, size)


@contextlib.contextmanager
def lttng(peer):
    """A function that makes a snapshot; None where it is not installed."""
    if peer.missing:
        yield None
        return
    folder = peer.new_folder()
    script = os.path.join(tree.HERE, "helper_lttng_snapshot.sh")
    with peer.helper(script, folder, str(2 * EVENTS)) as helper:
        if helper.stdout.readline() != "ready\n":
            raise RuntimeError("LTTng-UST does not record")

        def record():
            tree.warm(os.path.join(folder, "warm"), RING)
            helper.stdin.write("\n")
            helper.stdin.flush()
            ns, size = map(int, helper.stdout.readline().split())
            return ms(ns / 1e9, size)

        yield record


values = {}
with tree.Tree(subbuf_size="1M", subbufs="64") as mount, tree.Lttng() as peer, lttng(peer) as record, \
        mount.start(EVENTS) as program:
    program.go().end()
    for _ in range(ROUNDS):
        for case in CASES:
            ours, copied = measure(mount, program, case, RING + (RING >> 4))
            values.setdefault((case, "fasttrace"), []).append(ours)
            values.setdefault((case, "tmpfs"), []).append(copied)
        if record:
            peers = record()
            for case in CASES:
                values.setdefault((case, "lttng"), []).append(peers)
for (case, subject), times in values.items():
    tree.emit("snapshot", case, subject, unit="ms", values=times)
for case in CASES if peer.missing else ():
    tree.emit("snapshot", case, "lttng", missing=peer.missing)
