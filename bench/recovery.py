"""`make bench-recovery`: from a broken `run_timeout` until the next request is served.

A worker hangs in its (emulated) driver until it is ended; the device has room for one copy only, so
that the next is admitted once the driver shows the memory of the first free. Times are the
incident's, since the limit was found broken, and less the graces that the worker was given. Prints
Markdown for docs/benchmarks.md.
"""

import argparse
import contextlib
import json
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from run import machine
from servers import wait_for_start

CANCEL_S, TERM_S = 0.5, 0.5
LIMIT_S = 60  # for each step
CONFIGURATION = """
[daemon]
listen = "127.0.0.1:0"
[devices]
headroom = "0B"
"""
MODEL = """
[models.%s]
%s
need = "16GiB"
run_timeout = "200ms"
cancel_grace = "%dms"
term_grace = "%dms"
backoff = "50ms"
breaker_deaths = 0
"""
AIM_S = 1.0
NAMES = {"cpp": "C++", "python": "Python"}


class Daemon:
    """One with an emulated device and two models that do not fit on it together."""

    def __init__(self, programs, folder):
        self._programs = programs
        self._node = folder / "state" / "emulator"
        program = str(programs / "windlass")
        kinds = {
            "cpp": "command = "
            + json.dumps([program, "ballast", "--bytes", "3GiB", "--run-ms", "0"]),
            "python": 'python = "windlass.ballast:Ballast"\n'
            'env = { BALLAST_BYTES = "3GiB", BALLAST_RUN_MS = "0" }\n'
            "interpreter = " + json.dumps(sys.executable),
        }
        text = CONFIGURATION
        for name, keys in kinds.items():
            text += MODEL % (name, keys, 1000 * CANCEL_S, 1000 * TERM_S)
        (folder / "windlass.toml").write_text(text)
        argv = [program, "serve", "--config", str(folder / "windlass.toml"), "--log", "json"]
        argv += ["--state-dir", str(folder / "state"), "--emulate", "1x24GiB"]
        with open(folder / "log", "wb") as log:
            self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=log)
        self._url = "http://" + wait_for_start(self._process, folder / "log")["listen"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(LIMIT_S)

    def ask(self, path, method="GET"):
        request = urllib.request.Request(self._url + path, method=method)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as reply:
            return reply.headers, json.load(reply)

    def call(self, model):
        return self.ask("/api/models/%s/call" % model, "POST")

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


def recover(daemon, model):
    """One hang and what follows; seconds beyond the graces, by step."""
    pid = int(daemon.call(model)[0]["X-Windlass-Worker-Pid"])
    daemon.hang(1)
    with contextlib.suppress(urllib.error.HTTPError):  # 504, at the run_timeout
        daemon.call(model)
    detected = time.monotonic()
    until(lambda: not pathlib.Path("/proc/%d" % pid).exists())
    daemon.hang(0)  # the next one would hang as well
    headers, _ = daemon.call(model)
    served = time.monotonic() - detected
    (incident,) = [
        incident
        for incident in daemon.ask("/api/incidents")[1]["incidents"]
        if incident["pid"] == pid
    ]
    after = {step["step"]: step["after_ms"] / 1000 for step in incident["steps"]}
    graces = CANCEL_S + (TERM_S if "killed" in after else 0)
    daemon.ask("/api/models/%s/unload" % model, "POST")
    return {
        "reaped": after["reaped"] - graces,
        "proved": after["proved"] - graces,
        "served": served - graces,
        "load": float(headers["X-Windlass-Load-Ms"]) / 1000,
    }


def text_of(rounds, step):
    values = sorted(1000 * times[step] for times in rounds)
    return "%.0f [%.0f..%.0f]" % (statistics.median(values), values[0], values[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=pathlib.Path, help="folder of the built programs")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    print("Machine: %s. %d rounds; median [lowest..highest]." % (machine(), arguments.rounds))
    steps = ("reaped", "proved", "served", "load")
    with tempfile.TemporaryDirectory() as folder:
        with Daemon(arguments.programs.resolve(), pathlib.Path(folder)) as daemon:
            rounds = {kind: [] for kind in ("cpp", "python")}
            for _ in range(arguments.rounds):
                for kind, done in rounds.items():
                    done.append(recover(daemon, kind))
    print("\n| ms beyond the graces | gone and reaped | proved | next request served | its load |")
    print("|---|---|---|---|---|")
    for kind, done in rounds.items():
        columns = " | ".join(text_of(done, step) for step in steps)
        print("| %s worker | %s |" % (NAMES[kind], columns))
    worst = max(times["served"] for done in rounds.values() for times in done)
    print("\nWorst: %.0f ms; the aim is %.0f ms." % (1000 * worst, 1000 * AIM_S))


if __name__ == "__main__":
    main()
