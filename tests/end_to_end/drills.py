"""Runs of `windlass drill`, for the end-to-end tests."""

import json
import os
import pathlib
import subprocess

from processes import children_of, is_alive
from support import REPLY_S, eventually, windlass_program


class Drill:
    """One `windlass drill ...` with a folder for temporary files of its own."""

    def __init__(self, folder, *words, environment=None, before=None):
        self.folder = folder
        self.process = subprocess.Popen(
            [windlass_program(), "drill", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(folder), **(environment or {})},
            preexec_fn=before,
        )

    def end(self):
        """Waits for its end; nothing of it may be left."""
        try:
            self.out, self.err = self.process.communicate(timeout=6 * REPLY_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.code = self.process.returncode
        assert not list(self.folder.iterdir()), "it left files behind"
        eventually(lambda: not self.processes(), "no process of it is left")
        return self

    def processes(self):
        """Pids of all whose environment names its folder, but of the drill itself."""
        sign = ("TMPDIR=%s\0" % self.folder).encode()
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and sign in (entry / "environ").read_bytes() + b"\0":
                    found.append(int(entry.name))
            except OSError:
                continue  # it ended meanwhile, or is not ours
        return [pid for pid in found if pid != self.process.pid and is_alive(pid)]

    def daemons(self):
        """Its daemon, once it has one."""
        found = []
        for pid in children_of(self.process.pid):
            try:
                words = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes().split(b"\0")
            except OSError:
                continue  # it is gone
            if b"drill-daemon" in words:
                found.append(pid)
        return found

    def report(self):
        return json.loads(self.out)

    def happened(self, what):
        """What the last check of this name found."""
        found = [check for check in self.report()["checks"] if check["what"] == what]
        assert found, "%s: not among %s" % (what, self.out)
        return found[-1]["happened"]


class Drills:
    """`with Drills(FOLDER) as drill:` drill(WORDS...) is one that runs; none outlives the block."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []

    def __enter__(self):
        return self.start

    def start(self, *words, **how):
        folder = self.folder / ("drill-%d" % len(self.started))
        folder.mkdir()
        self.started.append(Drill(folder, *words, **how))
        return self.started[-1]

    def __exit__(self, *_):
        for one in self.started:
            if one.process.poll() is None:
                one.process.kill()
                one.process.communicate()
