"""Kills the daemon while clients hand over jobs, again and again, and looks what became of them.

    kills.py PROGRAM --kills 40 --seed 1

Half the kills come at random moments, half at named ones: as soon as the log tells that a job was
accepted, started, or came to its end. What the clients were told is the oracle, not the daemon's
word: a job that was acknowledged must succeed, its result must stay what somebody once saw, and it
must come from a run that left its line. At the end nothing may be left behind. Prints what
happened, and exits with 1 if something was not as it must be.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests/end_to_end")]

import kill_clients  # noqa: E402
from processes import remains_of  # noqa: E402
from times import TIME_FACTOR  # noqa: E402

MOMENTS = ("job.accepted", "job.started", "job.succeeded", "job.retried", "store.opened")
START_S = 2  # from the exec until it serves, and what earlier ones left is cleared up
LONGEST_LIFE_S = 1.5
LAST_WAIT_S = 60 * TIME_FACTOR

CONFIGURATION = """
[daemon]
listen = "127.0.0.1:%(port)d"
disk_reserve = "1MiB"
shutdown_grace = "1s"

[models.tokens]
python = "kill_model:Tokens"
path = %(path)s
interpreter = %(python)s
concurrency = 2
copies = 2
backoff = "10ms"
backoff_max = "100ms"
breaker_deaths = 0
job_backoff = "10ms"
term_grace = "200ms"
env = { RUNS = %(runs)s, MARKS = %(marks)s }
"""


class Life:
    """One life of the daemon."""

    def __init__(self, program, folder):
        self._state = folder / "state"
        argv = [str(program), "serve", "--config", str(folder / "windlass.toml")]
        argv += ["--log", "json", "--state-dir", str(self._state)]
        self.began = time.monotonic()
        self.process = subprocess.Popen(argv, stderr=subprocess.PIPE)
        self.served_after_s = None
        self.id = None
        self._seen = collections.Counter()
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            event = json.loads(line)
            with self._changed:
                self._seen[event["event"]] += 1
                if event["event"] == "daemon.started":
                    self.id = event["daemon_id"]
                    self.served_after_s = time.monotonic() - self.began
                self._changed.notify_all()
        with self._changed:
            self._seen["end"] += 1
            self._changed.notify_all()

    def wait_for(self, event, limit_s, count=1):
        """Whether the log tells so often of it in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._seen[event] >= count or self._seen["end"], limit_s)
            return self._seen[event] >= count

    def kill(self):
        """Ends it, and waits until its keeper is done and its workers are gone; what stays."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        deadline = time.monotonic() + 10 * TIME_FACTOR
        left = remains_of(self.id, self._state) if self.id else []
        while left and time.monotonic() < deadline:
            time.sleep(0.01)  # lint: sleep is the subject (a poll of /proc)
            left = remains_of(self.id, self._state)
        return left

    def end(self):
        """Ends it in order; what is wrong with that."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(LAST_WAIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return ["the last daemon did not stop"]
        self._reader.join()
        problems = ["the last daemon ended with %d" % code] if code else []
        return problems + ["left behind: %s" % left for left in remains_of(self.id, self._state)]


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_configuration(folder):
    (folder / "marks").mkdir()
    (folder / "runs").touch()
    port = free_port()
    values = {"path": HERE, "python": sys.executable}
    values.update(runs=folder / "runs", marks=folder / "marks")
    texts = {name: json.dumps(str(value)) for name, value in values.items()}
    (folder / "windlass.toml").write_text(CONFIGURATION % {**texts, "port": port})
    return port


def live_once(life, chance):
    """Lets it live for a while; at which moment it is to be killed."""
    if not life.wait_for("daemon.started", LAST_WAIT_S):
        return "before it served"
    if chance.random() < 0.5:
        moment = "anywhen"
        life.wait_for("end", chance.uniform(0, LONGEST_LIFE_S))
    else:
        moment = chance.choice(MOMENTS)
        life.wait_for(moment, LONGEST_LIFE_S, count=chance.randint(1, 5))
    return moment


def integrity_of(folder):
    file = sqlite3.connect(folder / "state" / "windlass.db")
    verdict = file.execute("PRAGMA integrity_check").fetchone()[0]
    file.close()
    return [] if verdict == "ok" else ["the file of jobs: " + verdict]


def run(program, folder, kills, seed):
    """All of it; the problems."""
    chance = random.Random(seed)
    port = write_configuration(folder)
    clients = kill_clients.Clients(port, seed)
    problems, moments, served = [], collections.Counter(), []
    clients.start()
    for number in range(kills):
        life = Life(program, folder)
        moments[live_once(life, chance)] += 1
        if life.process.poll() is not None:
            problems.append("life %d ended by itself" % number)
        problems += ["a stray of life %d: %s" % (number, stray) for stray in life.kill()]
        if life.served_after_s is not None:
            served.append(life.served_after_s)
    last = Life(program, folder)
    if not last.wait_for("daemon.started", LAST_WAIT_S):
        problems.append("the last daemon does not serve")
    served.append(last.served_after_s or LAST_WAIT_S)
    clients.stop_submitting()
    problems += clients.wait_for_all(LAST_WAIT_S)
    problems += clients.check((folder / "runs").read_text())
    problems += last.end() + integrity_of(folder)
    limit_s = START_S * TIME_FACTOR
    problems += ["a daemon served only after %.2f s" % s for s in served if s > limit_s]
    print("%d kills: %s" % (kills, ", ".join("%s %d" % item for item in sorted(moments.items()))))
    print("served again after %.2f s, at most %.2f s" % (sorted(served)[len(served) // 2],
                                                        max(served)))  # fmt: skip
    print(clients.summary())
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="windlass-kills-") as name:
        problems = run(
            arguments.program.resolve(), pathlib.Path(name), arguments.kills, arguments.seed
        )
    for problem in problems:
        print("PROBLEM:", problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
