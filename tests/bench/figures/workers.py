# SPDX-License-Identifier: MIT
"""workers.py - what the figures share that are measured within a program: programs of tests/bench/workers
that do on demand what is measured, so that subjects take turns, round by round, on one processor.

Times are of the processor, unless said otherwise: what else the machine does in between is not the
event's, what it does to caches is."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ["BUILD"]
TMP = os.environ.get("TMPDIR", "/tmp")
NOBODY = 65534
ROUNDS = 31
CPUS = sorted(os.sched_getaffinity(0))


class Missing(Exception):
    """What a subject needs is not here: why."""


class Worker:
    """One program, which waits for what it is to do."""

    def __init__(self, name, *args, cpus=None, path=None, environment=None, **others):
        path = path or os.path.join(BUILD, "tests/bench/workers", name)
        if not os.path.exists(path):
            raise Missing(f"{name} is not installed: its worker was not built")
        self.process = subprocess.Popen(
            [path, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, **(environment or {})),
            preexec_fn=lambda: os.sched_setaffinity(0, cpus or CPUS[-1:]), **others)
        self.pid = self.process.pid
        said = self.process.stdout.readline().strip()
        if said != "ready":
            self.close()
            raise Missing(said.removeprefix("error: ") or f"{name} ended with no word")

    def run(self, kind, operations, warm_up=0, threads=1):
        """ns per operation: that passed, and of processor time."""
        self.process.stdin.write(f"{kind} {operations} {warm_up} {threads}\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline().split()
        if len(said) != 2:
            raise RuntimeError(f"worker {self.process.args[0]}: no answer to {kind}")
        return float(said[0]), float(said[1])

    def close(self):
        """It ends at the end of its input. What it says of itself by failing is not to be missed."""
        self.process.stdin.close()
        if self.process.wait() > 0:
            print(f"{self.process.args[0]}: exit status {self.process.returncode}", file=sys.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def l2_bytes():
    """Of one processor; what a small one has where the system does not say."""
    try:
        with open("/sys/devices/system/cpu/cpu0/cache/index2/size", encoding="ascii") as file:
            return int(file.read().strip().removesuffix("K")) << 10
    except (OSError, ValueError):
        return 256 << 10


def small_ring():
    """Bytes of a ring that fits into the L2 cache with room to spare: of the default size, 1 MiB, if
    that does."""
    return min(1 << 20, 1 << (l2_bytes() // 2).bit_length() - 1)


@contextlib.contextmanager
def fasttrace(ring=None, **others):
    """Ours: overwrite mode, 8 sub-buffers, whatever the environment says."""
    ring = ring or small_ring()
    environment = {"FASTTRACE": "on", "FASTTRACE_MODE": "overwrite", "FASTTRACE_EVENTS": "!bench_off",
                   "FASTTRACE_SUBBUFS": "8", "FASTTRACE_SUBBUF_SIZE": str(ring // 8),
                   "FASTTRACE_MAX_MEMORY": "1G"}
    with Worker("fasttrace", str(ring), environment=environment, **others) as worker:
        yield worker


@contextlib.contextmanager
def dpdk(ring):
    """DPDK's trace library, with neither huge pages nor devices."""
    with tempfile.TemporaryDirectory(dir=TMP) as folder:
        args = ("--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "64",
                f"--file-prefix=bench-{os.getpid()}", "--trace=bench.one", "--trace-mode=overwrite",
                f"--trace-bufsz={ring >> 10}K", f"--trace-dir={folder}", "--log-level=critical")
        with Worker("dpdk", *args, environment={"RUNTIME_DIRECTORY": folder}) as worker:
            yield worker


@contextlib.contextmanager
def lttng(*options):
    """LTTng-UST, as a flight recorder: a session for snapshots, its channel with these options. Of root
    it knows but one daemon: so both are nobody's then."""
    path = os.path.join(BUILD, "tests/bench/workers/lttng")
    if not os.path.exists(path) or not shutil.which("lttng-sessiond"):
        raise Missing("liblttng-ust-dev or lttng-tools is not installed")
    root = os.geteuid() == 0
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}
    with tempfile.TemporaryDirectory(dir=TMP) as folder:
        if root:
            os.chown(folder, NOBODY, NOBODY)
        program = shutil.copy(path, folder)  # where nobody can reach it
        environment = {"HOME": folder + "/home", "LTTNG_HOME": folder + "/home",
                       "LTTNG_UST_REGISTER_TIMEOUT": "-1"}
        # It ends, and the daemon with it, when its input does: however we end.
        helper = subprocess.Popen([os.path.join(HERE, "helper_lttng_recorder.sh"), folder, *options],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **user,
                                  process_group=0)
        try:
            if helper.stdout.readline() != "ready\n":
                raise Missing("LTTng's session daemon does not start")
            with Worker("lttng", path=program, environment=environment, **user) as worker:
                yield worker
        finally:
            helper.stdin.close()
            helper.wait()


def emit(figure, case, subject, **what):
    """One line of what has been measured, or of why it has not."""
    print(json.dumps({"figure": figure, "case": case, "subject": subject, **what}), flush=True)


def turns(figure, case, subjects, rounds=ROUNDS, unit="ns", labels=None):
    """Measure the subjects, functions that return one value, by turns; each begins as often."""
    names = list(subjects)
    values = {name: [] for name in names}
    for i in range(rounds):
        for name in names[i % len(names):] + names[:i % len(names)]:
            values[name].append(subjects[name]())
    for name in names:
        label = {"label": labels[name]} if labels and name in labels else {}
        emit(figure, case, name, unit=unit, values=values[name], **label)


def enter(stack, figure, cases, subject, start):
    """Start a subject for as long as the stack lasts. None, and lines that say so, if it is missing."""
    try:
        return stack.enter_context(start)
    except Missing as why:
        for case in cases:
            emit(figure, case, subject, missing=str(why))
        return None
