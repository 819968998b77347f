"""`make outside`: what a program outside sees of a daemon that moves models all the time.

Client processes fire random calls, offloads, loads, unloads, restarts, pauses and kills at the
public API [A0.2] [R19]. Every act must be answered once and in time, with what the model's weights
say or with an error that something else that was done explains; the workers accuse whoever lets a
run and a move of the weights meet; and at the end the daemon's ledger is what the emulator knows to
be there.
Exits with 1, and keeps its folder, if not.
"""

import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARTS = ("tests/outside", "tests/chaos", "tests/end_to_end", "tests/soak", "python")
PATHS = [str(ROOT / part) for part in PARTS]
sys.path[:0] = PATHS

import last_checks as checks  # noqa: E402
import soak  # noqa: E402
from node_daemon import usual_folder  # noqa: E402
from outside_daemon import Daemon  # noqa: E402
from outside_plan import WEIGHTS, Explanations  # noqa: E402
from processes import descriptor_count  # noqa: E402
from times import TIME_FACTOR  # noqa: E402

PROCESSES = 3
THREADS = 8  # of each
ACT_S = 0.2 * TIME_FACTOR  # of all clients together, in the mean; it is a tenth of that
BEGIN_S = 60 * TIME_FACTOR
PROBLEMS_MAX = 20  # that are printed
LOG_LINES = 40  # of a run that failed


class Clients:
    """The client processes, and what they saw together."""

    def __init__(self, daemon, seed, acts):
        argv = [sys.executable, str(HERE / "outside_client.py"), daemon.url, str(daemon.pid)]
        share = -(-acts // (PROCESSES * THREADS))
        self._processes = [
            subprocess.Popen(
                argv + list(map(str, (seed, number * THREADS, THREADS, share))),
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)},
                text=True,
            )
            for number in range(PROCESSES)
        ]
        self.acts = PROCESSES * THREADS * share
        self.journal, self.problems = [], []

    def gather(self):
        ids = collections.Counter()
        deadline = time.monotonic() + BEGIN_S + ACT_S * self.acts
        for process in self._processes:
            try:
                said = json.loads(process.communicate(timeout=deadline - time.monotonic())[0])
            except (subprocess.TimeoutExpired, ValueError) as error:
                process.kill()
                process.wait()
                self.problems.append("a client process did not end as it should: %r" % error)
                continue
            self.journal += said["journal"]
            self.problems += said["problems"]
            ids.update(said["ids"])
        twice = [name for name, count in ids.items() if count > 1]
        if twice:
            self.problems.append("two requests had one name: %s" % twice[:10])
        if len(self.journal) != self.acts:
            self.problems.append("%d acts, %d came to an end" % (self.acts, len(self.journal)))
        explanations = Explanations(self.journal)
        self.problems += [
            "nothing explains this answer: %s" % entry
            for entry in self.journal
            if not explanations.explains(entry)
        ]

    @property
    def answered(self):
        return sum(entry[0] == "call" for entry in self.journal)

    vanished = 0  # nobody does here


def nobody_is_accused(records):
    """Neither by a worker whose run met a move, nor by the driver, of memory that was not there."""
    said = [record for record in records if record["event"] == "worker.output"]
    return ["a worker says: %s" % record["line"] for record in said]


def nothing_is_parked(daemon):
    """No claim of weights in the host's memory outlives them."""

    def look():
        claimed = daemon.ask("/api/devices")["cpu"]["claimed"]
        return ["%s of the host is claimed" % claimed] if claimed and claimed["bytes"] else []

    return checks.eventually(daemon, look, "the host's memory is not given back")


def check(daemon, clients, descriptors):
    """After the run."""
    problems = checks.all_is_answered(daemon, clients)
    problems += checks.every_model_serves(daemon)
    problems += checks.books_are_true(daemon, len(daemon.devices) * [0])
    problems += checks.nothing_is_held(daemon)
    problems += nothing_is_parked(daemon)
    problems += checks.health_is_back(daemon)
    problems += checks.incidents_are_closed(daemon)
    problems += checks.nothing_leaks(daemon, descriptors)
    problems += soak.end(daemon) + checks.remains(daemon.configuration.parent)
    records, _ = daemon.records()
    return problems + checks.log_is_sound(daemon, may_run_out=False) + nobody_is_accused(records)


def print_table(daemon, clients, seconds):
    """Markdown: each verb with its outcomes and times, and what the daemon did meanwhile."""
    print("\n| act | number | answered | other ends | median ms | worst ms |")
    print("|---|---|---|---|---|---|")
    for verb in WEIGHTS:
        mine = [entry for entry in clients.journal if entry[0] == verb]
        ends = collections.Counter(entry[5] for entry in mine)
        took = sorted(1000 * (end - begin) for _, _, _, begin, end, _ in mine) or [0]
        others = ", ".join("%s %d" % item for item in sorted(ends.items()) if item[0] != "ok")
        print(
            "| %s | %d | %d | %s | %.1f | %.0f |"
            % (verb, len(mine), ends["ok"], others or "-", took[len(took) // 2], took[-1])
        )
    events = collections.Counter(record["event"] for record in daemon.records()[0])
    names = ("model.loading", "model.offloaded", "model.restored", "model.evicted")
    print("\n%d acts in %.0f s: %.0f a second; meanwhile " % (
        len(clients.journal), seconds, len(clients.journal) / seconds), end="")  # fmt: skip
    print(", ".join("%s %d" % (name, events[name]) for name in names))


def live(program, folder, seed, acts):
    daemon = Daemon(program, folder)
    problems = []
    try:
        checks.wait_for_devices(daemon)
        descriptors = descriptor_count(daemon.pid)
        began = time.monotonic()
        clients = Clients(daemon, seed, acts)
        clients.gather()
        seconds = time.monotonic() - began
        problems = clients.problems + check(daemon, clients, descriptors)
        print_table(daemon, clients, seconds)
        if problems:
            lines = daemon.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            print("--- the last lines of the log", *lines, sep="\n")
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--calls", type=int, default=100_000, help="acts of every kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="for all its files; they are kept if something fails")
    arguments = parser.parse_args()
    place = arguments.folder or usual_folder()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="windlass-outside-", dir=place))
    print("seed %d" % arguments.seed, flush=True)
    problems = ["it did not come to its end"]
    try:
        problems = live(arguments.program.resolve(), folder, arguments.seed, arguments.calls)
    finally:
        if problems:
            print("everything of this run is kept in %s" % folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for problem in problems[:PROBLEMS_MAX]:
        print("PROBLEM:", problem)
    if len(problems) > PROBLEMS_MAX:
        print("and %d more" % (len(problems) - PROBLEMS_MAX))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
