#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench.py [--only FIGURE..] [--json FILE] [--svg FILE] [--strict] - what everything costs, beside the least
that it could, and beside LTTng-UST, DPDK and tmpfs.

A figure is a program in tests/bench/figures/: *.sh and *.py that are executable and not called helper_*, and
of *.c, built, those of ORDER. It measures its subjects by turns and prints lines of JSON:

    {"figure": .., "case": .., "subject": "fasttrace", "unit": "ns", "values": [one a round..]}
    {"figure": .., "case": .., "subject": "lttng", "missing": WHY}

subject: fasttrace, floor, lttng, dpdk, tmpfs, none; "label": another word for it in the table. It runs
with BUILD, and TMPDIR and FASTTRACE_DIR of its own, which are removed; so is any process it leaves.
BENCH_FIGURES is another folder to take figures from.

The ratio is the median of the ratios of each round, of medians where these are not as many. Exit status:
1 when a figure failed, with --strict also when a target is missed; 2 for usage.
"""
import argparse
import collections
import ctypes
import fnmatch
import json
import os
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import plot

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(ROOT, "build"))
FIGURE_SECONDS = 120
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
ENDS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
LIBC = ctypes.CDLL(None)

ORDER = ("event", "off", "scope", "threads", "reader", "growth", "latency", "lossless", "cat", "snapshot",
         "start", "memory", "limit", "machine")  # as they are shown; others follow

Target = collections.namedtuple("Target", "figure case against aim bound")


def at_most(figure, case, against, factor):
    return Target(figure, case, against, "<= ", factor)


def at_least(figure, case, against, factor):
    return Target(figure, case, against, ">= ", factor)


def at_most_more(figure, case, against, difference):
    return Target(figure, case, against, "<= +", difference)


# Ours over what it is held against; where that is None, the value itself; or less it, in its unit. The first
# whose names fit.
TARGETS = (
    at_most("event", "one u64*", "floor", 1.15),
    at_most("event", "one u64*", "dpdk", 1.1),
    at_most("event", "one u64*", "lttng", 1 / 7),
    at_most("event", "*", "lttng", 1 / 6),
    at_most("off", "*", "floor", 1.2),
    at_most("scope", "*", "none", 1.05),
    at_most("threads", "*", "none", 1.05),
    at_most("reader", "*", "none", 1.05),
    at_most("growth", "*", "none", 1.05),
    at_most("latency", "*p99.99", "lttng", 1 / 5),
    at_least("lossless", "*null*", "lttng", 5),
    at_least("lossless", "*", "lttng", 3),
    at_least("cat", "*", "tmpfs", 0.5),
    at_least("cat", "*", None, 2),
    at_most("snapshot", "*", "tmpfs", 2),
    at_most("snapshot", "*", "lttng", 1),
    at_most_more("start", "program*", "none", 1000),
    at_most("start", "program*", "lttng", 1),
    at_most("start", "first event*", None, 1000),
)


class Row:
    """What one figure has found for one case and subject."""

    def __init__(self, said):
        self.figure, self.case, self.subject = said["figure"], said["case"], said["subject"]
        self.unit, self.missing = said.get("unit", ""), said.get("missing")
        self.label = said.get("label", self.subject)
        self.values = [float(v) for v in said.get("values", ())]
        self.ratio = self.target = self.met = None
        if not self.missing and not self.values:
            raise ValueError("neither values nor why they are missing")

    def compare(self, ours):
        """Ours over this one, and whether that is what is aimed at."""
        against = None if self is ours else self.subject
        self.target = next((t for t in TARGETS if t.against == against and self.figure == t.figure
                            and fnmatch.fnmatchcase(self.case, t.case)), None)
        if not self.values or not ours.values:
            return
        found = statistics.median(self.values)
        if against is not None:
            pairs = list(zip(ours.values, self.values))
            if len(self.values) != len(ours.values):
                pairs = [(statistics.median(ours.values), found)]
            ratios = [mine / its for mine, its in pairs if its]
            # Half of them at least: nothing is so many times nothing.
            found = self.ratio = statistics.median(ratios) if 2 * len(ratios) > len(pairs) else None
            if self.target and self.target.aim == "<= +":
                found = statistics.median(mine - its for mine, its in pairs)
        if self.target and found is not None:
            self.met = found >= self.target.bound if self.target.aim == ">= " else \
                found <= self.target.bound

    def as_dict(self):
        told = {"figure": self.figure, "case": self.case, "subject": self.subject, "label": self.label}
        if self.missing:
            return told | {"missing": self.missing}
        told |= {"unit": self.unit, "median": statistics.median(self.values),
                 "min": min(self.values), "max": max(self.values), "values": self.values}
        if self.ratio is not None:
            told["ratio"] = self.ratio
        if self.target:
            told |= {"aim": self.target.aim.strip(), "target": self.target.bound, "met": self.met}
        return told


def figures(folder):
    """Name and program of each."""
    found = {}
    for name in sorted(os.listdir(folder)):
        stem, kind = os.path.splitext(name)
        path = os.path.join(folder, name)
        if kind in (".sh", ".py") and os.access(path, os.X_OK) and not name.startswith("helper_"):
            found[stem] = path
        elif kind == ".c" and stem in ORDER:
            found.setdefault(stem, os.path.join(BUILD, "tests/bench/figures", stem))
    return dict(sorted(found.items(), key=lambda item: (*ORDER, item[0]).index(item[0])))


def left_behind():
    """Our children: who loses its parent becomes ours."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                stat = file.read()
        except OSError:
            continue
        if stat.rpartition(")")[2].split()[1] == str(os.getpid()):
            yield int(pid), stat[stat.index("(") + 1:stat.rindex(")")]


def reap(but=None):
    """Those that have ended and nobody waits for: some wait until such a process is no more."""
    try:
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and \
                ended.si_pid != but:
            os.waitpid(ended.si_pid, 0)
    except ChildProcessError:
        pass


def wait(process, seconds):
    """Return: it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reap(process.pid)
        if process.poll() is not None:
            return True
        time.sleep(0.02)
    return False


def sweep(figure):
    """End what a figure has left; ask first. A daemon that is about to end by itself has a second."""
    for sign, seconds in (None, 1), (signal.SIGTERM, 10), (signal.SIGKILL, 1):
        for pid, comm in left_behind() if sign else ():
            print(f"bench: {figure}: {comm}, process {pid}, was left behind", file=sys.stderr)
            os.kill(pid, sign)
        deadline = time.monotonic() + seconds
        reap()
        while list(left_behind()) and time.monotonic() < deadline:
            time.sleep(0.02)
            reap()
        if not list(left_behind()):
            return


def unmount(folder):
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file]
    for point in sorted((p for p in points if p.startswith(folder + "/")), reverse=True):
        subprocess.run(["fusermount3", "-uz", point], check=False)


def run_figure(name, program):
    """Its rows; None when it failed."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder, arenas = tempfile.mkdtemp(prefix="bench-"), tempfile.mkdtemp(prefix="bench-", dir=shared)
    os.chmod(folder, 0o711)  # LTTng's daemon, where it is nobody's, has a folder in there
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FASTTRACE", "LTTNG"))}
    environment |= {"BUILD": BUILD, "TMPDIR": folder, "FASTTRACE_DIR": arenas}
    process, said = None, tempfile.TemporaryFile("w+")
    try:
        # A terminal's Ctrl-C is ours alone; whatever ends us ends it.
        process = subprocess.Popen([program], stdout=said, env=environment, stdin=subprocess.DEVNULL,
                                   process_group=0, preexec_fn=lambda: LIBC.prctl(
                                       PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0))
        if not wait(process, FIGURE_SECONDS):
            raise TimeoutError(f"after {FIGURE_SECONDS} s it had not ended")
        said.seek(0)
        rows = [Row(json.loads(line)) for line in said]
        if process.returncode == 0 and rows:
            return rows
        print(f"bench: {name}: exit status {process.returncode}, {len(rows)} rows", file=sys.stderr)
    except (OSError, ValueError, KeyError) as error:
        print(f"bench: {name}: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        asked = {sign: signal.signal(sign, signal.SIG_IGN) for sign in ENDS}  # the rest is to be done
        if process and process.poll() is None:
            process.terminate()
            if not wait(process, 20):
                process.kill()
                process.wait()
        said.close()
        unmount(folder)
        sweep(name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(arenas, ignore_errors=True)
        for sign, handler in asked.items():
            signal.signal(sign, handler)
    return None


def compare(rows):
    """Ours first in each case; each other one with it."""
    cases = {}
    for row in rows:
        cases.setdefault((row.figure, row.case), []).append(row)
    for case in cases.values():
        case.sort(key=lambda row: row.subject != "fasttrace")
        for row in case:
            if case[0].subject == "fasttrace":
                row.compare(case[0])
    return [row for case in cases.values() for row in case]


def number(value):
    """Three digits that say something; no exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def table(rows):
    text, last = [], None
    for row in rows:
        where = (row.figure, row.case) if (row.figure, row.case) != last else ("", "")
        last = row.figure, row.case
        if row.missing:
            text.append((*where, row.label, "-", "", "", "", "", "", row.missing))
            continue
        aim = met = ""
        if row.target:
            aim = row.target.aim + number(row.target.bound)
            met = {True: "met", False: "MISSED", None: "-"}[row.met]
        numbers = map(number, (statistics.median(row.values), min(row.values), max(row.values)))
        text.append((*where, row.label, *numbers, row.unit,
                     number(row.ratio) if row.ratio is not None else "", aim, met))
    heads = ("figure", "case", "subject", "median", "min", "max", "", "ratio", "target", "")
    columns = list(zip(heads, *text))
    # A word of why something is missing widens no column.
    widths = [max(map(len, column)) for column in columns[:-1]] + [0]
    right = {3, 4, 5, 7}
    return "\n".join("  ".join(cell.rjust(w) if i in right else cell.ljust(w)
                               for i, (cell, w) in enumerate(zip(line, widths))).rstrip()
                     for line in [heads, *text])


def first_line(path, key=""):
    try:
        with open(path, encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith(key)), "")
    except OSError:
        return ""


def packages():
    """Versions of the peers, as Debian has them."""
    said = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "liblttng-ust-dev", "lttng-tools",
         "libdpdk-dev", "libfuse3-dev"], capture_output=True, text=True, check=False).stdout
    return dict(line.split() for line in said.splitlines() if len(line.split()) == 2)


def machine():
    try:
        with open("/sys/devices/system/cpu/cpu0/cache/index2/size", encoding="ascii") as file:
            l2 = file.read().strip()
    except OSError:
        l2 = "?"
    model = first_line("/proc/cpuinfo", "model name") or platform.machine()
    flags = first_line("/proc/cpuinfo", "flags").split()
    with open("/proc/loadavg", encoding="ascii") as file:
        running = int(file.read().split()[3].split("/")[0]) - 1  # but us
    try:
        peers = packages()
    except OSError:
        peers = {}
    return {"processor": model, "processors": len(os.sched_getaffinity(0)), "L2": l2,
            "virtual": "hypervisor" in flags, "memory": first_line("/proc/meminfo", "MemTotal"),
            "kernel": platform.release(), "packages": peers, "running": running}


def describe(about):
    peers = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    return (f"{about['processors']} x {about['processor']}{', virtual' if about['virtual'] else ''}, "
            f"L2 {about['L2']}, {about['memory']}, Linux {about['kernel']}; {about['running']} others ran when it began"
            + (f"\n{peers}" if peers else ""))


def arguments(names):
    parser = argparse.ArgumentParser(description=__doc__.partition(" - ")[2].split("\n\n")[0])
    parser.add_argument("--only", nargs="+", choices=names, metavar="FIGURE", default=names,
                        help=", ".join(names))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--svg", metavar="FILE")
    parser.add_argument("--strict", action="store_true", help="a missed target fails")
    return parser.parse_args()


def main():
    found = figures(os.environ.get("BENCH_FIGURES") or os.path.join(HERE, "figures"))
    asked = arguments(list(found))
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for sign in signal.SIGTERM, signal.SIGHUP:
        signal.signal(sign, lambda number_, _: sys.exit(128 + number_))
    about, began, rows, failed = machine(), time.monotonic(), [], []
    about["command"] = shlex.join(["make", "bench", *(
        ["BENCH_ARGS=" + shlex.join(sys.argv[1:])] if sys.argv[1:] else [])])
    for name in asked.only:
        if sys.stderr.isatty():
            print(f"bench: {name}\033[K", end="\r", file=sys.stderr, flush=True)
        got = run_figure(name, found[name])
        rows += got or []
        failed += [] if got else [name]
    rows = compare(rows)
    print(describe(about), f"\n{about['command']}: {time.monotonic() - began:.0f} s\n", table(rows), sep="")
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump({"machine": about, "rows": [row.as_dict() for row in rows]}, file, indent=1)
            file.write("\n")
    if asked.svg:
        with open(asked.svg, "w", encoding="utf-8") as file:
            file.write(plot.svg([row.as_dict() for row in rows], describe(about)))
    missed = [row for row in rows if row.met is False]
    return 1 if failed or missed and asked.strict else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
