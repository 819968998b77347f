"""`make bench-recovery`: from a broken `run_timeout` until the next request is served.

A worker hangs in its (emulated) driver until it is ended; the device has room for one copy only, so
that the next is admitted once the driver shows the memory of the first free. Times are the
incident's, since the limit was found broken, and less the graces that the worker was given. Prints
Markdown for docs/benchmarks.md.
"""

import argparse
import contextlib
import pathlib
import statistics
import tempfile
import time
import urllib.error

from emulated_daemon import EmulatedDaemon, ballasts, until
from run import machine

CANCEL_S, TERM_S = 0.5, 0.5
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


def configuration(program):
    text = CONFIGURATION
    for name, keys in ballasts(program, "3GiB").items():
        text += MODEL % (name, keys, 1000 * CANCEL_S, 1000 * TERM_S)
    return text


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
        programs = arguments.programs.resolve()
        text = configuration(str(programs / "windlass"))
        with EmulatedDaemon(programs, pathlib.Path(folder), text, "1x24GiB") as daemon:
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
