"""A daemon that knows nothing of this checkout: own folder, own environment."""

import contextlib
import json
import pathlib
import select
import shutil
import signal
import subprocess
import time

from times import SOON_S

FIRST = pathlib.Path(__file__).resolve().parent.parent.parent / "examples" / "first"


def started_event(process):
    """Reads the log up to `daemon.started`."""
    deadline = time.monotonic() + SOON_S
    lines = []
    while True:
        left_s = max(0.0, deadline - time.monotonic())
        assert select.select([process.stderr], [], [], left_s)[0], "silent after %s" % lines
        lines.append(process.stderr.readline())  # a line is written whole
        assert lines[-1], "it ended: %s" % lines
        record = json.loads(lines[-1])
        if record["event"] == "daemon.started":
            return record


@contextlib.contextmanager
def serving(program, folder, environment):
    """Serves examples/first from a copy in `folder`; gives the event `daemon.started`."""
    for name in ("mine.py", "windlass.toml"):
        shutil.copy(FIRST / name, folder)
    argv = [str(program), "serve", str(folder / "windlass.toml"), "--listen", "127.0.0.1:0"]
    argv += ["--state-dir", str(folder / "state"), "--log", "json"]
    # Unbuffered: what a buffer already holds, select() does not see.
    process = subprocess.Popen(argv, env=environment, cwd="/", stderr=subprocess.PIPE, bufsize=0)
    try:
        yield started_event(process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SOON_S)
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
