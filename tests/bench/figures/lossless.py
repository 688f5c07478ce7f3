#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lossless.py [ROUNDS [EVENTS]] - figure `lossless`: events a second of one thread that writes at full
speed, none of which is lost: in block mode, read by `cat stream`; beside LTTng-UST, whose event waits for
room as well, and whose trace goes to tmpfs. From when the program begins until all is read, or in its
file. Rings of 8 sub-buffers of 512 KiB, both."""
import os
import shutil
import subprocess
import sys

import tree

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
EVENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 8000000
NULL, FILE = "cat stream > /dev/null", "cat stream > a file in tmpfs"
WAYS = {NULL: "/dev/null", FILE: "stream"}


def ours(mount, to):
    path = os.path.join(mount.tmpfs, to)  # /dev/null stays what it is
    with mount.start(EVENTS) as program, open(path, "wb") as out:
        with subprocess.Popen(["cat", os.path.join(program.thread, "stream")], stdout=out) as reader:
            program.go()
            code = reader.wait()
            ended = tree.time.time()
        began = program.end()
        stats = program.stats()
        lost = {k: v for k, v in stats.items() if k.startswith(("lost", "overwritten")) and v != "0"}
        if code or lost or int(stats["consumed"]) != EVENTS + 1:
            raise RuntimeError(f"cat {code}: {stats['consumed']} events of {EVENTS + 1}, {lost}")
    if to != "/dev/null":
        if os.path.getsize(path) < EVENTS * 16:
            raise RuntimeError(f"{path}: {os.path.getsize(path)} bytes")
        os.unlink(path)
    return EVENTS / (ended - began) / 1e6


def lttng(peer):
    """Until the last write to one of its streams."""
    folder = peer.new_folder()
    with peer.helper(os.path.join(tree.CMD, "helper_lttng_speed.sh"), folder, "0", str(EVENTS)) as helper:
        if helper.wait():
            raise RuntimeError(f"LTTng-UST: exit status {helper.returncode}")
    with open(os.path.join(folder, "said"), encoding="ascii") as file:
        began = int(file.read().split()[-1]) / 1e9
    streams = [os.path.join(at, f) for at, _, names in os.walk(os.path.join(folder, "trace"))
               for f in names if f.startswith("channel") and not f.endswith(".idx")]
    ended = max(os.path.getmtime(f) for f in streams)
    if sum(os.path.getsize(f) for f in streams) < EVENTS * 8:
        raise RuntimeError("LTTng-UST's trace is too small for its events")
    shutil.rmtree(folder)
    return EVENTS / (ended - began) / 1e6


values = {}
with tree.Tree(mode="block", block_timeout="inf", subbuf_size="512K", subbufs="8") as mount, \
        tree.Lttng() as peer:
    for _ in range(ROUNDS):
        for case, to in WAYS.items():
            tree.warm(os.path.join(mount.tmpfs, "warm"), EVENTS * 24)
            values.setdefault((case, "fasttrace"), []).append(ours(mount, to))
        if not peer.missing:
            tree.warm(os.path.join(mount.tmpfs, "warm"), EVENTS * 24)
            rate = lttng(peer)
            for case in WAYS:
                values.setdefault((case, "lttng"), []).append(rate)
for (case, subject), rates in values.items():
    tree.emit("lossless", case, subject, unit="M/s", values=rates,
              label="lttng, to tmpfs" if subject == "lttng" else subject)
for case in WAYS if peer.missing else ():
    tree.emit("lossless", case, "lttng", missing=peer.missing)
