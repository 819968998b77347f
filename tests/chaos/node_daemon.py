"""A daemon with emulated devices, the tool that breaks them, and what it says of itself."""

import json
import os
import pathlib
import shutil
import subprocess
import urllib.parse
import urllib.request

import soak
from processes import children_of
from times import TIME_FACTOR

# The emulated devices' bytes are files. On a disk that others keep busy, their removal takes so
# long that workers end late: a fault that belongs to no plan. Containers often have too little.
MEMORY = "/dev/shm"
MEMORY_MIN = 1 << 30


def usual_folder():
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < MEMORY_MIN:
        return None  # the usual place of temporary files
    return MEMORY


class NodeDaemon(soak.Daemon):
    """Its class says the `devices` that there are, the `models`, a `request` that each answers,
    the `unknown_needs` among them, and `healed_s`: a bound until all is well again."""

    def __init__(self, program, folder, specification, arguments=()):
        self._program = program
        self.bin = program.parent
        super().__init__(program, folder, ["--emulate", specification, *arguments])
        self.node = folder / "state" / "emulator"

    def emulator(self, *words):
        argv = [str(self.bin / "windlass-emulator"), words[0], str(self.node)]
        done = subprocess.run(
            argv + list(map(str, words[1:])), timeout=60, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (words, done.stderr))
        return done.stdout

    def truth(self):
        """What the emulator knows to be there."""
        return json.loads(self.emulator("status"))

    @property
    def address(self):
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname, parts.port

    def read(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60 * TIME_FACTOR) as reply:
            return reply.read()

    def ask(self, path):
        return json.loads(self.read(path))

    def children(self, word):
        """Pids of its children that have this word in their command line, oldest first."""
        found = []
        for pid in sorted(children_of(self.pid)):
            try:
                words = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes().split(b"\0")
            except OSError:
                continue  # it is gone
            if word in words or any(part.endswith(b"/" + word) for part in words):
                found.append(pid)
        return found

    def records(self):
        """The log; lines that are none of its own are given apart."""
        records, strays = [], []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                strays.append(line)
        return records, strays
