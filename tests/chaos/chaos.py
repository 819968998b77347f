"""`make chaos`: 32 clients, and everything that can go wrong with workers, drivers and devices.

Processes are killed and frozen, administrators load, unload, restart and pause, the configuration
changes, and emulated devices break in every way that chaos_plan.py lists, as a seed says. Then all
heals: every request must have had its one answer in time, and the daemon's books must be equal to
what the emulator knows to be there. Exits with 1, and keeps its folder, if not.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATHS = [str(ROOT / part) for part in ("tests/chaos", "tests/end_to_end", "tests/soak", "python")]
sys.path[:0] = PATHS

import chaos_checks  # noqa: E402
import last_checks as checks  # noqa: E402
import soak  # noqa: E402
from chaos_agents import Agent, Watch, signal_child  # noqa: E402
from chaos_daemon import DEVICES, HEALED_S, MODELS, Daemon  # noqa: E402
from chaos_plan import LANES, has_residents, kinds_of, lane_plan, plausible_errors  # noqa: E402
from node_daemon import usual_folder  # noqa: E402
from processes import children_of, descriptor_count  # noqa: E402

PROCESSES = 4
THREADS = 8  # of each
LOG_LINES = 60  # printed of a run that failed


class Clients:
    """The client processes, and what they saw together."""

    def __init__(self, daemon, seconds, seed):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)}
        argv = [sys.executable, str(HERE / "chaos_client.py"), daemon.url]
        types = ",".join(sorted(plausible_errors(seed)))
        self._processes = [
            subprocess.Popen(
                argv + [str(seed * PROCESSES + number), str(THREADS), str(seconds), types],
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
            )
            for number in range(PROCESSES)
        ]
        self.outcomes = collections.Counter()
        self.problems = []
        self.late_s = []
        self._ids = collections.Counter()

    def gather(self, limit_s):
        deadline = time.monotonic() + limit_s
        for process in self._processes:
            try:
                said = json.loads(process.communicate(timeout=deadline - time.monotonic())[0])
            except (subprocess.TimeoutExpired, ValueError) as error:
                process.kill()
                process.wait()
                self.problems.append("a client process did not end as it should: %r" % error)
                continue
            self.outcomes.update(said["outcomes"])
            self.problems += said["problems"]
            self.late_s += said["late"]
            self._ids.update(said["ids"])
        twice = [name for name, count in self._ids.items() if count > 1]
        if twice:
            self.problems.append("two requests had one name: %s" % twice[:10])

    @property
    def answered(self):
        return sum(self.outcomes.values()) - self.vanished

    @property
    def vanished(self):
        return self.outcomes["vanished"]


def live(daemon, seconds, seed):
    """The run itself. What it saw: clients, agents, watch."""
    begin = time.monotonic()
    clients = Clients(daemon, seconds, seed)
    agents = [
        Agent(daemon, lane_plan(lane, seed, seconds, MODELS, len(DEVICES)), begin)
        for lane in LANES
    ]
    watch = Watch(daemon, begin)
    for thread in [*agents, watch]:
        thread.start()
    clients.gather(seconds + 10 * daemon.healed_s)
    for agent in agents:
        agent.join()
    watch.finish()
    return clients, agents, watch


def heal(daemon):
    """Ends every fault; frozen processes go on."""
    # First, because one of them may hold what the emulator's tool waits for.
    for pid in daemon.workers() + daemon.children(b"driver-host"):
        signal_child(pid, signal.SIGCONT, lambda: children_of(daemon.pid))
    daemon.emulator("clear", "all")


def check(daemon, descriptors):
    """After the run: the problems, and how long it took until all was well."""
    begun = time.monotonic()
    heal(daemon)
    problems = checks.idle_ones_go(daemon, [name for name in MODELS if name != "cork"])
    daemon.reload(is_last=True)
    problems += checks.every_model_serves(daemon)
    problems += checks.health_is_back(daemon)
    problems += chaos_checks.strangers_are_seen(daemon)
    problems += checks.nothing_is_held(daemon)
    problems += checks.incidents_are_closed(daemon)
    problems += checks.nothing_leaks(daemon, descriptors)
    return problems, time.monotonic() - begun


def print_story(seconds, clients, agents, watch, healed_s):
    outcomes = clients.outcomes
    served = sum(count for name, count in outcomes.items() if name.startswith("answered"))
    print(
        "%d requests in %d s: %d answered, %d refused or failed, %d vanished"
        % (clients.answered, seconds, served, clients.answered - served, outcomes["vanished"])
    )
    acts = sum((agent.acts for agent in agents), collections.Counter())
    for name, count in sorted(outcomes.items()) + sorted(acts.items()):
        print("  %-40s %9d" % (name, count))
    late = max(clients.late_s, default=0)
    print("answers after their deadline: %d, at most %.3f s" % (len(clients.late_s), late))
    print(
        "/healthz answered %d times, median %.1f ms, at most %.1f ms (%s)"
        % (
            len(watch.health_s),
            1000 * statistics.median(watch.health_s),
            1000 * max(watch.health_s),
            ", ".join("%s: %d" % item for item in sorted(watch.states.items())),
        )
    )
    print("all well again after %.1f s (bound %.1f s)" % (healed_s, HEALED_S))


def print_log(daemon, agents):
    print("--- the last acts")
    for moment, verb, words in sorted(entry for agent in agents for entry in agent.story)[-30:]:
        print(time.strftime("%H:%M:%S", time.gmtime(moment)), "%.3f" % (moment % 1), verb, *words)
    print("--- the last lines of the log")
    print("\n".join(daemon.log.read_text(errors="replace").splitlines()[-LOG_LINES:]))


def chaos(program, folder, seconds, seed, is_sanitized):
    daemon = Daemon(program, folder)
    agents, problems = [], []
    try:
        checks.wait_for_devices(daemon)
        if has_residents(seed):
            problems += chaos_checks.residents_are_seen(daemon)
        descriptors = descriptor_count(daemon.pid)
        clients, agents, watch = live(daemon, seconds, seed)
        problems += clients.problems + watch.problems
        for agent in agents:
            problems += agent.problems
        problems += checks.all_is_answered(daemon, clients)
        found, healed_s = check(daemon, descriptors)
        problems += found
        memory, growth = soak.check_memory(watch.samples)
        # A sanitizer keeps books of its own, which grow with what was touched.
        problems += [] if is_sanitized else growth
        problems += soak.end(daemon) + checks.remains(folder)
        problems += checks.log_is_sound(daemon, "out_of_memory" in plausible_errors(seed))
        found, replayed = chaos_checks.is_replayed(program, daemon.recording)
        problems += found
        print_story(seconds, clients, agents, watch, healed_s)
        records, _ = daemon.records()
        events = collections.Counter(record["event"] for record in records)
        moves = ["model." + move for move in ("offloaded", "restored", "offload_failed", "evicted")]
        print(", ".join("%s %d" % (event, events[event]) for event in moves))
        print("%d worker processes ended; %s" % (events["worker.reaped"], memory))
        print(replayed)
        if problems:
            print_log(daemon, agents)
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, help="without one, it is drawn")
    parser.add_argument("--folder", help="for all its files; they are kept if something fails")
    parser.add_argument(
        "--sanitized", action="store_true", help="do not judge memory, which is the sanitizer's"
    )
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1, 1_000_000)
    place = arguments.folder or usual_folder()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="windlass-chaos-", dir=place))
    print("seed %d: %s" % (seed, ", ".join(kinds_of(seed))), flush=True)
    problems = ["it did not come to its end"]
    try:
        program = arguments.program.resolve()
        problems = chaos(program, folder, arguments.seconds, seed, arguments.sanitized)
    finally:
        if problems:
            print("everything of this run is kept in %s; seed %d" % (folder, seed))
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for problem in problems:
        print("PROBLEM:", problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
