"""What idle models cost their daemon, and how late their timers are; the second half of
`make bench-moves`.

Loads many ballasts onto emulated devices and looks when `offload_after` and `unload_after` took
effect; then loads a thousand, waits until all are offloaded, and counts the processor time of the
daemon, of its driver hosts and of the workers while nobody asks for anything. Prints Markdown for
docs/benchmarks.md.
"""

import argparse
import concurrent.futures
import datetime
import json
import pathlib
import sys
import tempfile
import time

from emulated_daemon import EmulatedDaemon, until
from run import machine

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/end_to_end"))

from processes import children_of, processor_s, resident_bytes  # noqa: E402

EMULATE = "4x64GiB,context=1MiB,teardown=0s"
AFTER_S = {"model.offloading": 2.0, "model.stopping": 4.0}  # which event ends which idle time
CALLERS = 8
SETTLE_S = 5  # the last sweep of connections, the last answers of devices
AIM_LATE_S, AIM_PERCENT = 0.5, 0.1
HEAD = '[daemon]\nlisten = "127.0.0.1:0"\n'


def configuration(program, count, offload_after, unload_after):
    command = json.dumps([program, "ballast", "--bytes", "2MiB", "--run-ms", "0"])
    model = '[models.m%%d]\ncommand = %s\nneed = "4MiB"\n' % command
    model += 'offload_after = "%s"\nunload_after = "%s"\n' % (offload_after, unload_after)
    return HEAD + "".join(model % number for number in range(count))


def call_all(daemon, count):
    """When each was answered, by the clock of the log."""

    def call(number):
        daemon.call("m%d" % number)
        return time.time()

    with concurrent.futures.ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(call, range(count)))


def residencies(daemon):
    return {model["residency"] for model in daemon.ask("/api/models")[1]["models"]}


def lateness(programs, folder, count):
    """{event: sorted seconds between the moment that was due and the event}."""
    after = ["%gs" % seconds for seconds in AFTER_S.values()]
    text = configuration(str(programs / "windlass"), count, *after)
    with EmulatedDaemon(programs, folder, text, EMULATE) as daemon:
        answered = call_all(daemon, count)
        until(lambda: residencies(daemon) == {"cold"})
    late = {event: [] for event in AFTER_S}
    for line in (folder / "log").read_text().splitlines():
        record = json.loads(line)
        if record["event"] in AFTER_S:
            moment = datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00"))
            idle_s = moment.timestamp() - answered[int(record["model"][1:])]
            late[record["event"]].append(idle_s - AFTER_S[record["event"]])
    return {event: sorted(values) for event, values in late.items()}


def kinds_of(pid):
    """Pids of the daemon and of its children, by what they are."""
    kinds = {"daemon": [pid], "driver-host": [], "ballast": [], "keeper": []}
    for child in children_of(pid):
        word = pathlib.Path("/proc/%d/cmdline" % child).read_bytes().split(b"\0")[1].decode()
        kinds[word].append(child)
    return kinds


def idle_cost(programs, folder, count, watched_s):
    """({kind: percent of a core}, the daemon's resident bytes)."""
    text = configuration(str(programs / "windlass"), count, "1s", "never")
    with EmulatedDaemon(programs, folder, text, EMULATE) as daemon:
        call_all(daemon, count)
        until(lambda: residencies(daemon) == {"offloaded"})
        time.sleep(SETTLE_S)  # lint: sleep is the subject
        kinds = kinds_of(daemon.pid)
        spent = lambda: {kind: sum(map(processor_s, kinds[kind])) for kind in kinds}  # noqa: E731
        before, began = spent(), time.monotonic()
        time.sleep(watched_s)  # lint: sleep is the subject
        after, took_s = spent(), time.monotonic() - began
        percent = {kind: 100 * (after[kind] - before[kind]) / took_s for kind in kinds}
        return percent, resident_bytes(daemon.pid)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=pathlib.Path, help="folder of the built programs")
    parser.add_argument("--timers", type=int, default=200, help="models whose timers are looked at")
    parser.add_argument("--models", type=int, default=1_000, help="that idle, offloaded")
    parser.add_argument("--seconds", type=float, default=120, help="for which they idle")
    arguments = parser.parse_args()
    programs = arguments.programs.resolve()
    print("\nMachine: %s." % machine())
    with tempfile.TemporaryDirectory() as folder:
        late = lateness(programs, pathlib.Path(folder), arguments.timers)
    print("\n| ms late, %d models | p50 | p99 | worst |\n|---|---|---|---|" % arguments.timers)
    for event, name in (("model.offloading", "offload_after"), ("model.stopping", "unload_after")):
        values = [1000 * value for value in late[event]]
        shown = values[len(values) // 2], values[len(values) * 99 // 100], values[-1]
        print("| `%s` of %g s | %.0f | %.0f | %.0f |" % (name, AFTER_S[event], *shown))
    print("\nThe aim is %.1f s." % AIM_LATE_S)
    with tempfile.TemporaryDirectory() as folder:
        percent, resident = idle_cost(
            programs, pathlib.Path(folder), arguments.models, arguments.seconds
        )
    print("\n| %% of a core, %d offloaded models | |\n|---|---|" % arguments.models)
    for kind, name in (("daemon", "the daemon"), ("driver-host", "its driver hosts, all together"),
                       ("ballast", "the workers, all together")):  # fmt: skip
        print("| %s | %.3f |" % (name, percent[kind]))
    print("\nThe aim is %g %% for the daemon, which has %.1f MB." % (AIM_PERCENT, resident / 1e6))


if __name__ == "__main__":
    main()
