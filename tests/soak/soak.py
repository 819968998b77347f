"""`make soak`: hours of a daemon's life. 32 clients, of whose requests 1 % hang and 1 % crash the
worker; jobs; clients that vanish; reloads, restarts, pauses and unloads all the while.

At the end every request has been answered once, every job is over, nothing is left, and memory is
flat. Prints what happened, and exits with 1 if something was not as it must be.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests/end_to_end")]

import windlass as wl  # noqa: E402
from processes import descriptor_count, remains_of, resident_bytes  # noqa: E402

PROCESSES = 8
THREADS = 4  # of each
TURN_S = 5  # between two acts of the administrator
WARM_UP_S = 60  # until memory is compared: buffers and series of metrics have been used once
GROWTH_MAX = 4 << 20  # bytes of resident memory, between the first and the last quarter
SETTLE_S = 60

CONFIGURATION = """
[daemon]
listen = "127.0.0.1:0"
shutdown_grace = "2s"

[models.steady]
python = "soak_model:Soak"
{common}
run_timeout = "{run_timeout}"

[models.pair]
python = "soak_model:Soak"
{common}
run_timeout = "1s"
concurrency = 2
env = {{ TURN = "{turn}" }}

[models.fragile]
python = "soak_model:Soak"
{common}
run_timeout = "1s"
idempotent = true

[models.native]
command = [{echo}]
"""
COMMON = """path = {path}
interpreter = {python}
backoff = "20ms"
backoff_max = "100ms"
breaker_deaths = 0
cancel_grace = "50ms"
term_grace = "200ms\""""
GUEST = """
[models.guest]
command = [{echo}]
"""


class Daemon:
    def __init__(self, program, folder, arguments=()):
        self._folder = folder
        self._echo = json.dumps(str(program.parent / "windlass-echo-worker"))
        self._turn = 0
        self.configuration = folder / "windlass.toml"
        self.write_configuration()
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            argv = [str(program), "serve", "--config", str(self.configuration), "--log", "json"]
            argv += ["--state-dir", str(folder / "state"), *arguments]
            self.process = subprocess.Popen(argv, stderr=log)
        started = self._wait_for_start()
        self.id = started["daemon_id"]
        self.url = "http://" + started["listen"]

    def write_configuration(self):
        """Each turn one model's limit differs, one needs a new process, one comes or goes."""
        self._turn += 1
        common = COMMON.format(path=json.dumps(str(HERE)), python=json.dumps(sys.executable))
        text = CONFIGURATION.format(
            common=common,
            echo=self._echo,
            run_timeout="1s" if self._turn % 2 else "900ms",
            turn=self._turn // 3,
        )
        if self._turn % 2:
            text += GUEST.format(echo=self._echo)
        self.configuration.write_text(text)

    def _wait_for_start(self):
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.log.read_text().splitlines():
                if '"daemon.started"' in line:
                    return json.loads(line)
        raise SystemExit("the daemon did not start:\n" + self.log.read_text())

    @property
    def pid(self):
        return self.process.pid


class Administrator(threading.Thread):
    """Does something to some model every TURN_S, and takes samples of the daemon."""

    def __init__(self, daemon, until, seed):
        super().__init__()
        self._daemon = daemon
        self._until = until
        self._random = random.Random(seed)
        self._client = wl.Client(daemon.url)
        self.acts = collections.Counter()
        self.problems = []
        self.samples = []  # (seconds since the begin, resident bytes)

    def run(self):
        begin = time.monotonic()
        while time.monotonic() < self._until:
            act = self._random.choice([self._reload, self._restart, self._unload, self._pause])
            try:
                act()
                self.acts[act.__name__.strip("_")] += 1
            except wl.Error as error:  # a model that hangs or dies may well keep it waiting
                self.acts["%s: %s" % (act.__name__.strip("_"), error.type)] += 1
                if error.type not in ("timeout", "worker_lost", "unavailable"):
                    self.problems.append("the administrator got %s: %s" % (error.type, error))
            self.samples.append((time.monotonic() - begin, resident_bytes(self._daemon.pid)))
            time.sleep(TURN_S)  # lint: sleep is the subject (the pace)

    def _model(self):
        return self._random.choice(["steady", "pair", "fragile", "native"])

    def _reload(self):
        self._daemon.write_configuration()
        self._daemon.process.send_signal(signal.SIGHUP)

    def _restart(self):
        self._client.restart(self._model(), timeout=30)

    def _unload(self):
        self._client.unload(self._model(), timeout=30)

    def _pause(self):
        model = self._model()
        self._client.pause(model)
        time.sleep(0.2)  # lint: sleep is the subject (how long it is paused)
        self._client.resume(model)


def start_clients(url, seconds, seed):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    argv = [sys.executable, str(HERE / "soak_client.py"), url]
    return [
        subprocess.Popen(
            argv + [str(seed + number), str(THREADS), str(seconds)],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for number in range(PROCESSES)
    ]


def gather(clients, until):
    """Their outcomes and problems; a client that did not end is a problem."""
    outcomes, problems = collections.Counter(), []
    for client in clients:
        left_s = max(0, until - time.monotonic())
        try:
            said = json.loads(client.communicate(timeout=left_s + 5 * SETTLE_S)[0])
        except (subprocess.TimeoutExpired, ValueError):
            client.kill()
            problems.append("a client process did not end as it should")
            continue
        outcomes.update(said["outcomes"])
        problems += said["problems"]
    return outcomes, problems


def server_count(daemon):
    """Calls that the daemon has answered or given up, by /metrics."""
    with urllib.request.urlopen(daemon.url + "/metrics", timeout=SETTLE_S) as reply:
        text = reply.read().decode()
    pattern = r'^windlass_requests_total\{[^}]*route="call"[^}]*\} (\d+)'
    return sum(int(number) for number in re.findall(pattern, text, re.M))


def check_rest(daemon, descriptors):
    """What must hold once nobody asks any more."""
    client = wl.Client(daemon.url)
    problems = []
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        models = client.models()
        for model in models:
            client.unload(model["name"], timeout=SETTLE_S)
        busy = [m["name"] for m in models if m["running"] or m["waiting"]]
        if not busy and descriptor_count(daemon.pid) <= descriptors + 2:  # our own connection
            break
        time.sleep(0.2)  # lint: sleep is the subject (a poll)
    queue = client.queue()
    if queue["pending"] or queue["processing"]:
        problems.append("jobs are left: %s" % queue)
    if busy:
        problems.append("these still have requests: %s" % busy)
    if descriptor_count(daemon.pid) > descriptors + 2:
        problems.append(
            "%d descriptors are open, %d were" % (descriptor_count(daemon.pid), descriptors)
        )
    return problems


def check_memory(samples):
    """The last quarter against the first after the warm-up, in medians."""
    steady = [size for at, size in samples if at >= WARM_UP_S]
    if len(steady) < 8:
        return "too short to compare memory", []
    quarter = len(steady) // 4
    first, last = statistics.median(steady[:quarter]), statistics.median(steady[-quarter:])
    text = "resident memory %.1f -> %.1f MiB, at most %.1f" % (
        first / (1 << 20), last / (1 << 20), max(steady) / (1 << 20))  # fmt: skip
    return text, [text] if last > first + GROWTH_MAX else []


def end(daemon):
    daemon.process.send_signal(signal.SIGTERM)
    try:
        code = daemon.process.wait(SETTLE_S)
    except subprocess.TimeoutExpired:
        daemon.process.kill()
        daemon.process.wait()
        return ["the daemon did not stop"]
    problems = ["the daemon ended with %d" % code] if code else []
    left = remains_of(daemon.id, daemon.configuration.parent / "state")
    return problems + ["left behind: %s" % item for item in left]


def soak(program, folder, seconds, seed):
    daemon = Daemon(program, folder)
    descriptors = descriptor_count(daemon.pid)
    until = time.monotonic() + seconds
    clients = start_clients(daemon.url, seconds, seed)
    administrator = Administrator(daemon, until, seed)
    administrator.start()
    outcomes, problems = gather(clients, until)
    administrator.join()
    problems += administrator.problems
    problems += check_rest(daemon, descriptors)
    jobs = sum(count for name, count in outcomes.items() if name.startswith("job: "))
    answered = sum(outcomes.values()) - outcomes["vanished"] - jobs
    counted = server_count(daemon)
    if not answered <= counted <= answered + outcomes["vanished"]:
        problems.append("clients got %d answers, the daemon counted %d" % (answered, counted))
    memory, growth = check_memory(administrator.samples)
    problems += growth + end(daemon)
    print("%d requests and %d jobs in %d s, %d vanished"
          % (answered, jobs, seconds, outcomes["vanished"]))  # fmt: skip
    for name, count in sorted(outcomes.items()) + sorted(administrator.acts.items()):
        print("  %-28s %9d" % (name, count))
    deaths = daemon.log.read_text().count('"worker.reaped"')
    print("%d worker processes ended; %s" % (deaths, memory))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="windlass-soak-") as name:
        problems = soak(
            arguments.program.resolve(), pathlib.Path(name), arguments.seconds, arguments.seed
        )
    for problem in problems:
        print("PROBLEM:", problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
