"""Client processes that stay: each says lines of JSON, and ends when its input does."""

import json
import os
import select
import subprocess
import sys
import time

from support import HERE, ROOT
from times import TIME_FACTOR

READY_S = 60 * TIME_FACTOR

# Programs for them: see there.
IDLE_CLIENT = str(HERE / "idle_client.py")
FORKED_CLIENTS = str(HERE / "forked_clients.py")


class Crowd:
    """Python programs that say a line when they are ready."""

    def __init__(self, environment=None):
        """`environment`: what they have beside ours."""
        self._processes = []
        paths = [str(ROOT / "python"), os.environ.get("PYTHONPATH")]
        path = os.pathsep.join(path for path in paths if path)
        self._environment = {**os.environ, "PYTHONPATH": path, **(environment or {})}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.stdin.close()
        for process in self._processes:
            try:
                process.wait(READY_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(READY_S)
            process.stdout.close()

    @property
    def pids(self):
        return [process.pid for process in self._processes]

    def grow_to(self, count, argv):
        """Starts more of them, all at once, and waits; gives the lines that the new ones said."""
        fresh = [
            subprocess.Popen(
                [sys.executable] + argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,  # so that select() sees every line
                env=self._environment,
            )
            for _ in range(count - len(self._processes))
        ]
        self._processes += fresh
        return self._lines(fresh)

    def ask(self, *numbers, line=""):
        """Sends the line to each, or to those; gives what they say."""
        asked = [self._processes[number] for number in numbers] or self._processes
        for process in asked:
            process.stdin.write(line.encode() + b"\n")
        return self._lines(asked)

    def more(self, count):
        """So many more lines of the first one."""
        return self._lines(self._processes[:1] * count)

    def _lines(self, processes):
        deadline = time.monotonic() + READY_S
        return [line_of(process, deadline) for process in processes]


def line_of(process, deadline):
    left_s = max(0.0, deadline - time.monotonic())
    readable, _, _ = select.select([process.stdout], [], [], left_s)
    line = process.stdout.readline() if readable else b""
    assert line, "process %d said nothing within %g s" % (process.pid, READY_S)
    return line


def answers(lines):
    return [json.loads(line) for line in lines]
