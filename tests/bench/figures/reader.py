#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""reader.py - what an event costs while a reader has the sub-buffer switched and takes it all the time,
beside the same without one. Here it is time that passes: what interrupts the program counts. The reader,
and the mount, run on other processors."""
import contextlib
import glob
import os
import subprocess
import tempfile

import workers

N = 1000000
LIBRARY = {"through the library": "0", "1,000 times a second": "1000"}  # and us between two
OTHERS = workers.CPUS[:-1]


class Swap(workers.Worker):
    """A reader: taking sub-buffers, or asleep."""
    taken = 0

    def say(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        word = self.process.stdout.readline().strip()
        if not word:
            raise RuntimeError("swap: it ended")
        return word

    @contextlib.contextmanager
    def swapping(self):
        self.say()
        yield
        self.taken += int(self.say())


def compare(case, worker, swap):
    def with_reader():
        with swap.swapping():
            return worker.run("one", N, N // 10)[0]

    workers.turns("reader", case, {"fasttrace": with_reader,
                                   "none": lambda: worker.run("one", N, N // 10)[0]},
                  labels={"none": "no reader"})
    if swap.taken < workers.ROUNDS:
        raise RuntimeError(f"{case}: only {swap.taken} sub-buffers were taken")


@contextlib.contextmanager
def mounted():
    with tempfile.TemporaryDirectory(dir=workers.TMP) as folder:
        subprocess.run([os.path.join(workers.BUILD, "fasttracefs"), folder], check=True,
                       preexec_fn=lambda: os.sched_setaffinity(0, OTHERS))
        try:
            yield folder
        finally:
            subprocess.run(["fusermount3", "-uz", folder], check=True)


def run():
    with workers.fasttrace() as worker:
        arena, = glob.glob(os.path.join(os.environ["FASTTRACE_DIR"], f"[!.]*-{worker.pid}-*"))
        for case, pause in LIBRARY.items():
            with Swap("swap", "library", arena, pause, cpus=OTHERS) as swap:
                compare(case, worker, swap)
    with mounted() as folder, workers.fasttrace() as worker:
        thread = f"{folder}/{worker.pid}/threads/{worker.pid}"
        with Swap("swap", "mount", thread, cpus=OTHERS) as swap:
            compare("through the mount", worker, swap)


if OTHERS:
    run()
else:
    for CASE in (*LIBRARY, "through the mount"):
        workers.emit("reader", CASE, "fasttrace", missing="there is but one processor")
