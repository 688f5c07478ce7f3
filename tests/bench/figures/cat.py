#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cat.py [ROUNDS] - figure `cat`: `cat threads/TID/subbuf/*` of a full ring of 64 MiB through the mount,
beside the same bytes in as many files of tmpfs. Where cat and the daemon run is up to the scheduler; or
both are bound to one processor, for they never work at a time."""
import contextlib
import os
import shutil
import sys

import tree

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 11
RING = 64 << 20
CASES = {"64 KiB sub-buffers": 64 << 10, "1 MiB sub-buffers": 1 << 20}


@contextlib.contextmanager
def bound(processors, *pids):
    """This process, and what it starts, and those."""
    before = {pid: os.sched_getaffinity(pid) for pid in (0, *pids)}
    for pid in before:
        os.sched_setaffinity(pid, processors)
    yield
    for pid, all_of_them in before.items():
        os.sched_setaffinity(pid, all_of_them)


def measure(mount, subbuf, processors):
    """GB/s through the mount, and of tmpfs: for cp could not read a sub-buffer that cat has consumed, so
    tmpfs has the bytes of a snapshot, cut into as many."""
    with mount.start(RING // 16 + RING // 64) as program:
        program.go().end()
        copy, folder = os.path.join(mount.tmpfs, "copy"), os.path.join(program.thread, "subbuf")
        files = tree.files_in(folder)
        size = sum(os.path.getsize(f) for f in files)
        os.mkdir(copy)
        with open(os.path.join(program.folder, "snapshot", str(program.pid)), "rb") as whole:
            for name in files:
                with open(os.path.join(copy, os.path.basename(name)), "wb") as part:
                    part.write(whole.read(subbuf))
        if len(files) < RING // subbuf - 1 or tree.bytes_of(copy) < size - subbuf:
            raise RuntimeError(f"{len(files)} sub-buffers of {size} bytes: the ring is not full")
        with bound(processors, mount.daemon()):
            through = size / tree.cat(files) / 1e9
            tmpfs = tree.bytes_of(copy) / tree.cat(tree.files_in(copy)) / 1e9
        left = os.listdir(folder)
        if left:
            raise RuntimeError(f"cat has left {len(left)} sub-buffers")
        shutil.rmtree(copy)
    return through, tmpfs


ALL = os.sched_getaffinity(0)
PLACES = {"": ALL, ", on one processor": {max(ALL)}}
for case, subbuf in CASES.items():
    with tree.Tree(subbuf_size=str(subbuf), subbufs=str(RING // subbuf)) as mount:
        rounds = [[measure(mount, subbuf, p) for p in PLACES.values()] for _ in range(ROUNDS)]
    for where, of_place in zip(PLACES, zip(*rounds)):
        for subject, values in zip(("fasttrace", "tmpfs"), zip(*of_place)):
            tree.emit("cat", case + where, subject, unit="GB/s", values=values)
