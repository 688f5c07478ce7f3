# SPDX-License-Identifier: MIT
# figure.py - what figures in Python share: a folder, programs built from one source, LTTng-UST, rows.
"""BUILD is the folder of the libraries; TMPDIR and FASTTRACE_DIR are the caller's."""
import json
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(os.path.dirname(TESTS), "build")))
INCLUDE = os.path.join(os.path.dirname(TESTS), "include")
FLAGS = {
    "none": ["-DUNLINKED"],
    "floor": ["-DUNLINKED"],
    "fasttrace": [f"-I{INCLUDE}", f"-L{BUILD}", f"-Wl,-rpath,{BUILD}", "-lfasttrace"],
    "lttng": ["-DLTTNG", f"-I{TESTS}/cmd/lttng", "-llttng-ust", "-ldl"],
}


class Figure:
    """A context: its folder is removed in the end. Values are gathered, and printed with close()."""

    def __init__(self, name):
        self.name, self.values, self.missing, self.runs = name, {}, {}, 0

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        self.arenas = tempfile.mkdtemp(dir=os.environ.get("FASTTRACE_DIR", "/dev/shm"))
        os.chmod(self.folder, 0o711)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("FASTTRACE")}
        self.environment["FASTTRACE_DIR"] = self.arenas
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)
        shutil.rmtree(self.arenas)

    def build(self, source, subject):
        """The program's path, or None: the peer is not here."""
        path = os.path.join(self.folder, f"{source}-{subject}")
        made = subprocess.run(
            ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-pthread", "-o", path,
             os.path.join(HERE, source + ".c"), *FLAGS[subject]],
            stderr=subprocess.PIPE, text=True, check=subject != "lttng")
        if made.returncode:
            self.missing[subject] = "liblttng-ust-dev is not installed"
            return None
        if subject == "lttng" and not shutil.which("lttng-sessiond"):
            self.missing[subject] = "lttng-tools is not installed"
            return None
        return path

    def run(self, command, **settings):
        """What it prints."""
        return subprocess.run(command, env={**self.environment, **settings}, check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def run_lttng(self, options, command):
        """While LTTng-UST records: of root, it knows but one daemon, so it is for somebody else."""
        self.runs += 1
        folder = tempfile.mkdtemp(prefix="lttng", dir=self.folder)
        become = []
        if os.getuid() == 0:
            become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chown(folder, 65534, 65534)
        try:
            return self.run([*become, os.path.join(HERE, "helper_lttng.sh"), folder, options,
                             *command])
        finally:
            shutil.rmtree(folder)

    def add(self, case, subject, unit, value):
        """One round's."""
        self.values.setdefault((case, subject, unit), []).append(value)

    def print(self, cases=()):
        """All that was added; and for each case what is missing."""
        for (case, subject, unit), values in self.values.items():
            print(json.dumps({"figure": self.name, "case": case, "subject": subject, "unit": unit,
                              "values": values}))
        for subject, why in self.missing.items():
            for case in cases or sorted({case for case, _, _ in self.values}):
                print(json.dumps({"figure": self.name, "case": case, "subject": subject,
                                  "missing": why}))
