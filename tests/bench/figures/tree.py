# SPDX-License-Identifier: MIT
"""tree.py - what the figures share that are measured through a mount, or in tmpfs beside it: a mount of
arenas of its own, a program that fills a ring, and copies in tmpfs."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ["BUILD"])
CMD = os.path.join(HERE, "../../cmd")
NOBODY = 65534
PROGRAM = os.path.join(BUILD, "tests/cmd/record_speed")  # one u64 an event, in its first thread


# What is ended cleans up.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def emit(figure, case, subject, **what):
    """One line of what has been measured, or of why it has not."""
    print(json.dumps({"figure": figure, "case": case, "subject": subject, **what}), flush=True)


def until(what, seconds=20):
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = what()
        if answer:
            return answer
        time.sleep(0.001)
    raise RuntimeError(f"{seconds} s have passed")


def took(command, **others):
    """Seconds."""
    began = time.monotonic()
    subprocess.run(command, check=True, **others)
    return time.monotonic() - began


def cat(files, to="/dev/null"):
    """Seconds that cat(1) of them takes."""
    with open(to, "wb") as out:
        return took(["cat", *files], stdout=out)


def files_in(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def bytes_of(folder):
    return sum(os.path.getsize(os.path.join(at, f)) for at, _, names in os.walk(folder) for f in names)


def warm(path, size):
    """A page that nobody had for long costs a virtual machine ten times as much: have them all."""
    with open(path, "wb") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    os.unlink(path)


class Traced:
    """PROGRAM, which has traced an event and waits to be told to go. A context: killed at its end."""

    def __init__(self, tree, events):
        self.tree, self.events = tree, events
        self.process = subprocess.Popen([PROGRAM, "0", str(events)], stdout=subprocess.PIPE, text=True,
                                        env=tree.environment)
        self.pid = self.process.pid
        self.folder = os.path.join(tree.mount, str(self.pid))
        self.thread = os.path.join(self.folder, "threads", str(self.pid))
        self.process.stdout.readline()
        until(lambda: os.path.isdir(self.thread))

    def go(self):
        self.process.send_signal(signal.SIGUSR1)
        return self

    def end(self):
        """Until all is written. Return: seconds since 1970 when it began."""
        began = int(self.process.stdout.readline()) / 1e9
        if self.process.wait():
            raise RuntimeError(f"record_speed: exit status {self.process.returncode}")
        return began

    def stats(self):
        with open(os.path.join(self.folder, "stats"), encoding="ascii") as file:
            return dict(line.split() for line in file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        os.rmdir(self.folder)


class Tree:
    """A mount of arenas of its own, whose settings are these. A context. tmpfs: a folder for copies."""

    def __init__(self, **settings):
        self.settings = {f"FASTTRACE_{name.upper()}": value for name, value in settings.items()}

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        self.tmpfs = tempfile.mkdtemp(dir=os.environ.get("FASTTRACE_DIR", "/dev/shm"))
        self.arenas = os.path.join(self.tmpfs, "arenas")
        self.mount = os.path.join(self.folder, "mount")
        os.mkdir(self.arenas, 0o700)
        os.mkdir(self.mount)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("FASTTRACE")}
        self.environment.update(self.settings, FASTTRACE_DIR=self.arenas)
        subprocess.run([os.path.join(BUILD, "fasttracefs"), self.mount], check=True,
                       env=self.environment)
        return self

    def start(self, events):
        return Traced(self, events)

    def daemon(self):
        with open(os.path.join(self.arenas, ".lock"), encoding="ascii") as file:
            return int(file.read().split()[0])

    def __exit__(self, *_):
        daemon = self.daemon()
        subprocess.run(["fusermount3", "-uz", self.mount], check=True)
        until(lambda: not os.path.exists(f"/proc/{daemon}"))
        shutil.rmtree(self.tmpfs)
        shutil.rmtree(self.folder)


class Lttng:
    """LTTng-UST's side: a folder in tmpfs, and PROGRAM as it is with its tracepoint. Of root LTTng
    knows but one daemon: so all is nobody's then. A context; `missing` says why it cannot be."""

    def __init__(self):
        self.missing = None
        self.become = []
        self.temporary = tempfile.TemporaryDirectory(dir="/dev/shm")  # where nobody can reach it
        self.folder = self.temporary.name

    def __enter__(self):
        os.chmod(self.folder, 0o711)
        self.program = os.path.join(self.folder, "program")
        made = subprocess.run(
            ["cc", "-O2", "-D_GNU_SOURCE", "-DLTTNG", f"-I{CMD}/lttng", "-o", self.program,
             f"{CMD}/record_speed.c", "-llttng-ust", "-ldl", "-pthread"],
            stderr=subprocess.DEVNULL, check=False)
        if made.returncode or not shutil.which("lttng-sessiond"):
            self.missing = "liblttng-ust-dev or lttng-tools is not installed"
        if os.geteuid() == 0:
            self.become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return self

    def new_folder(self):
        folder = tempfile.mkdtemp(dir=self.folder)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        return folder

    @contextlib.contextmanager
    def helper(self, script, folder, *arguments):
        """A script that has a session daemon. It is waited for, and ended if we are: it cleans up."""
        command = [*self.become, script, folder, self.program, *arguments]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              process_group=0) as process:
            try:
                yield process
            except BaseException:
                process.terminate()
                raise
            finally:
                process.stdin.close()
                process.wait()

    def __exit__(self, *_):
        self.temporary.cleanup()
