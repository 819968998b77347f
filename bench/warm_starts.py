"""`make bench-warm`: how much sooner a model answers whose process was started ahead of its load.

A model that imports PyTorch and has hardly any weights is loaded, called once and unloaded, again
and again; beside it the same with `standby = 1`. Prints Markdown for docs/benchmarks.md.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

from emulated_daemon import LIMIT_S, EmulatedDaemon
from run import machine

AIM = 0.7
MODEL = """
[models.%s]
python = "warm_model:Model"
path = %s
interpreter = %s
devices = "cpu"
standby = %d
"""
PROGRAM = """
import torch


class Model:
    def load(self, device):
        self.layer = torch.nn.Linear(4, 4).to(device)

    def run(self, request):
        return float(self.layer(torch.ones(4)).sum())
"""


def configuration(folder):
    (folder / "warm_model.py").write_text(PROGRAM)
    text = '[daemon]\nlisten = "127.0.0.1:0"\n'
    for name, standby in (("cold", 0), ("warm", 1)):
        text += MODEL % (name, json.dumps(str(folder)), json.dumps(sys.executable), standby)
    return text


def wait_for_standby(daemon, log):
    """Until the import of one is over."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        lines = [json.loads(line) for line in log.read_text().splitlines(keepends=True)[:-1]]
        up = {line["pid"] for line in lines if line["event"] == "worker.hello"}
        workers = daemon.ask("/api/workers")[1]["workers"]
        if up & {worker["pid"] for worker in workers if worker["state"] == "standby"}:
            return
        time.sleep(0.2)  # lint: sleep is the subject (there is no event to wait for)
    raise SystemExit("no process was on standby after %d s" % LIMIT_S)


def load_ms(daemon, log, model):
    if model == "warm":
        wait_for_standby(daemon, log)
    headers, _ = daemon.call(model)
    daemon.order(model, "unload")
    return float(headers["X-Windlass-Load-Ms"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=pathlib.Path, help="folder of the built programs")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    print("Machine: %s. %d rounds; median [lowest..highest]." % (machine(), arguments.rounds))
    times = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = configuration(folder)
        with EmulatedDaemon(arguments.programs.resolve(), folder, text, "1x1GiB") as daemon:
            load_ms(daemon, folder / "log", "cold")  # the files are in the page cache from here on
            for _ in range(arguments.rounds):
                for model in times:
                    times[model].append(load_ms(daemon, folder / "log", model))
    print("\n| | load, ms |\n|---|---|")
    for model, title in (("cold", "a new process"), ("warm", "one on standby")):
        values = sorted(times[model])
        row = (title, statistics.median(values), values[0], values[-1])
        print("| %s | %.0f [%.0f..%.0f] |" % row)
    share = statistics.median(times["warm"]) / statistics.median(times["cold"])
    print("\n%.2f of a cold load; aim: at most %.2f." % (share, AIM))
    sys.exit(0 if share <= AIM else 1)


if __name__ == "__main__":
    main()
