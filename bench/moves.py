"""`make bench-moves`: what it costs to move weights, beside what it costs to start anew.

Orders an idle model off its (emulated) device and back, and out of its process and back; then calls
two models in turn of which the device has room for one. A swap is set against the time that the
emulated link needs for the weights of both. Prints Markdown for docs/benchmarks.md.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

from emulated_daemon import EmulatedDaemon, ballasts
from run import machine

GIB = 1 << 30
LINK = 2 * 10**9  # bytes per second, each way: slower than a machine can take host memory
EMULATE = "1x10GiB,link=2GB"
WEIGHTS_GIB = 5.5
AIM = 1.1
NAMES = {"cpp": "C++", "python": "Python"}
CONFIGURATION = """
[daemon]
listen = "127.0.0.1:0"
[devices]
headroom = "0B"
"""
MODEL = """
[models.%s]
%s
need = "6GiB"
"""


def configuration(program):
    text = CONFIGURATION
    for kind, keys in ballasts(program, "%gGiB" % WEIGHTS_GIB).items():
        for name in ("a", "b"):
            text += MODEL % (kind + "-" + name, keys)
    return text


def timed(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def move(daemon, model):
    """Seconds that each order takes, in this sequence."""
    verbs = ("offload", "load", "unload", "load")
    names = ("offload", "restore", "unload", "reload")
    return {
        name: timed(lambda verb=verb: daemon.order(model, verb)) for name, verb in zip(names, verbs)
    }


def text_of(values):
    ordered = sorted(1000 * value for value in values)
    return "%.0f [%.0f..%.0f]" % (statistics.median(ordered), ordered[0], ordered[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=pathlib.Path, help="folder of the built programs")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    programs = arguments.programs.resolve()
    print("Machine: %s. %d rounds; median [lowest..highest]." % (machine(), arguments.rounds))
    copies_s = 2 * WEIGHTS_GIB * GIB / LINK  # one leaves, the other comes
    moves, swaps = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        text = configuration(str(programs / "windlass"))
        with EmulatedDaemon(programs, pathlib.Path(folder), text, EMULATE) as daemon:
            for kind in NAMES:
                models = [kind + "-a", kind + "-b"]
                daemon.call(models[0])
                moves[kind] = [move(daemon, models[0]) for _ in range(arguments.rounds)]
                for model in models:  # each has a process now
                    daemon.call(model)
                swaps[kind] = [
                    timed(lambda model=model: daemon.call(model))
                    for _ in range(arguments.rounds)
                    for model in models
                ]
                for model in models:
                    daemon.order(model, "unload")
    print("\n| ms | offload | restore | unload | reload | swap by calls | beside the copies |")
    print("|---|---|---|---|---|---|---|")
    for kind, name in NAMES.items():
        columns = [
            text_of([done[step] for done in moves[kind]])
            for step in ("offload", "restore", "unload", "reload")
        ]
        ratio = statistics.median(swaps[kind]) / copies_s
        columns += [text_of(swaps[kind]), "%.2f x" % ratio]
        print("| %s worker | %s |" % (name, " | ".join(columns)))
    print("\nBoth copies of a swap take %.0f ms; the aim is %.1f x." % (1000 * copies_s, AIM))


if __name__ == "__main__":
    main()
