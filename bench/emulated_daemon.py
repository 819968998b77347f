"""A daemon with emulated devices, for benchmarks that ask it over HTTP."""

import json
import signal
import subprocess
import sys
import time
import urllib.request

from servers import wait_for_start

LIMIT_S = 120  # for each step


def ballasts(program, size):
    """How to start a ballast of this size, in C++ and in Python: keys of a model."""
    return {
        "cpp": "command = " + json.dumps([program, "ballast", "--bytes", size, "--run-ms", "0"]),
        "python": 'python = "windlass.ballast:Ballast"\n'
        'env = { BALLAST_BYTES = "%s", BALLAST_RUN_MS = "0" }\n' % size
        + "interpreter = "
        + json.dumps(sys.executable),
    }


class EmulatedDaemon:
    """Serves `configuration` on a free port, its files in `folder`, until the end of a `with`."""

    def __init__(self, programs, folder, configuration, emulate):
        self._programs = programs
        self._node = folder / "state" / "emulator"
        (folder / "windlass.toml").write_text(configuration)
        argv = [str(programs / "windlass"), "serve", "--config", str(folder / "windlass.toml")]
        argv += ["--log", "json", "--state-dir", str(folder / "state"), "--emulate", emulate]
        with open(folder / "log", "wb") as log:
            self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=log)
        self._url = "http://" + wait_for_start(self._process, folder / "log")["listen"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(LIMIT_S)

    @property
    def pid(self):
        return self._process.pid

    def ask(self, path, method="GET"):
        request = urllib.request.Request(self._url + path, method=method)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as reply:
            return reply.headers, json.load(reply)

    def call(self, model):
        return self.ask("/api/models/%s/call" % model, "POST")

    def order(self, model, verb):
        return self.ask("/api/models/%s/%s" % (model, verb), "POST")[1]

    def hang(self, value):
        tool = str(self._programs / "windlass-emulator")
        argv = [tool, "fault", str(self._node), "0", "hang_synchronize", str(value)]
        subprocess.run(argv, check=True, timeout=LIMIT_S)


def until(check):
    deadline = time.monotonic() + LIMIT_S
    while not (value := check()):
        if time.monotonic() > deadline:
            raise SystemExit("bench: it did not come to that within %d s" % LIMIT_S)
        time.sleep(0.001)  # lint: sleep is the subject
    return value
