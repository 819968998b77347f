"""`make bench`: what a request costs, measured in one run and compared within it.

Each figure is the median of ROUNDS rounds. The rounds of all targets are interleaved, so that
whatever else the machine does meets all of them alike. Prints Markdown for docs/benchmarks.md.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from servers import BareSocket, Beast, Windlass, cpu_seconds

SMALL = 1024
CONNECTIONS = (1, 16, 64)
LARGE = (1 << 20, 16 << 20)


def drive(program, address, connections, seconds, body, path):
    """One round of the load generator; its figures as a dict."""
    argv = [program, address, str(connections), str(seconds), str(body), path]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60 + 10 * seconds)
    if done.returncode != 0:
        raise SystemExit("bench: %s failed: %s" % (" ".join(argv), done.stderr.strip()))
    figures = json.loads(done.stdout)
    if figures["refused"] or not figures["requests"]:
        raise SystemExit("bench: not every request of %s was answered: %s" % (argv, figures))
    return figures


def measure(load, server, way, connections, seconds, body):
    """One round against one server; CPU is that of its processes, in microseconds a request."""
    before = [cpu_seconds(pid) for pid in server.pids]
    figures = drive(load, server.addresses[way], connections, seconds, body, server.path)
    spent = [cpu_seconds(pid) - begin for pid, begin in zip(server.pids, before)]
    figures["cpu_us"] = [1e6 * seconds / figures["requests"] for seconds in spent]
    figures["rate"] = figures["requests"] / figures["seconds"]
    return figures


def median(rounds, name):
    return statistics.median(figures[name] for figures in rounds)


def spread(rounds, name, scale=1.0):
    values = sorted(figures[name] / scale for figures in rounds)
    return "%.1f [%.1f..%.1f]" % (statistics.median(values), values[0], values[-1])


def cpu_text(rounds):
    columns = zip(*(figures["cpu_us"] for figures in rounds))
    return " + ".join("%.1f" % statistics.median(column) for column in columns)


def small_requests(load, servers, rounds, seconds):
    """1 KB there and back: rows of (way, connections, server, rounds)."""
    results = {}
    for way in ("tcp", "unix"):
        for connections in CONNECTIONS:
            for _ in range(rounds):
                for server in servers:
                    figures = measure(load, server, way, connections, seconds, SMALL)
                    results.setdefault((way, connections, server.name), []).append(figures)
    print("\n## 1 KB there and back\n")
    print("| socket | connections | server | thousand requests/s | p50 us | p99 us", end="")
    print(" | CPU us/request, front + worker | rate / direct | p50 / direct |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (way, connections, name), figures in results.items():
        direct = results[(way, connections, servers[0].name)]
        print(
            "| %s | %d | %s | %s | %.0f | %.0f | %s | %.2f | %.2f |"
            % (
                way, connections, name, spread(figures, "rate", 1e3), median(figures, "p50_us"),
                median(figures, "p99_us"), cpu_text(figures),
                median(figures, "rate") / median(direct, "rate"),
                median(figures, "p50_us") / median(direct, "p50_us"),
            )
        )  # fmt: skip


def large_bodies(load, servers, programs, folder, rounds, seconds):
    """The same body there and back on one connection, beside a socket without HTTP."""
    print("\n## Large bodies there and back, one connection\n")
    print("| body | socket | server | p50 ms | GB/s, both ways | rate / bare socket |")
    print("|---|---|---|---|---|---|")
    for body in LARGE:
        with BareSocket(programs / "bench_socket", folder, body) as bare:
            everyone = [bare] + servers
            for way in ("tcp", "unix"):
                results = {server.name: [] for server in everyone}
                for _ in range(rounds):
                    for server in everyone:
                        results[server.name].append(
                            measure(load, server, way, 1, seconds, body)
                        )
                for name, figures in results.items():
                    rate = median(figures, "rate")
                    print(
                        "| %d MB | %s | %s | %.2f | %.2f | %.2f |"
                        % (
                            body >> 20, way, name, median(figures, "p50_us") / 1e3,
                            2 * rate * body / 1e9, rate / median(results[bare.name], "rate"),
                        )
                    )  # fmt: skip


def many_requests(load, daemon, count):
    """Memory and descriptors of the daemon before and after very many requests."""
    print("\n## %d requests in a row\n" % count)
    before, done = daemon.footprint(), 0
    while done < count:
        for way in ("tcp", "unix"):
            server = daemon.cpp
            done += drive(load, server.addresses[way], 64, 5, SMALL, server.path)["requests"]
    print("Before: %s. After %d requests: %s." % (before, done, daemon.footprint()))


def engine_alone(programs):
    print("\n## `Engine::handle` alone\n")
    argv = [str(programs / "bench_engine"), "--benchmark_format=json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=600)
    print("| models | waiting requests | p50 us | p99 us | p99.9 us |\n|---|---|---|---|---|")
    for entry in json.loads(done.stdout)["benchmarks"]:
        labels = dict(part.split(":") for part in entry["name"].split("/")[1:])
        row = (int(labels["models"]), int(labels["waiting"]))
        row += tuple(entry[name] / 1e3 for name in ("p50_ns", "p99_ns", "p99.9_ns"))
        print("| %d | %d | %.2f | %.2f | %.2f |" % row)


def machine():
    names = [
        line.split(":", 1)[1].strip()
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return "%d x %s, Linux %s" % (os.cpu_count(), names[0] if names else "?", os.uname().release)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=pathlib.Path, help="folder of the built programs")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--requests", type=int, default=1_000_000, help="in a row, at the end")
    arguments = parser.parse_args()
    programs = arguments.programs.resolve()
    load = str(programs / "bench_load")
    print("Machine: %s. %d rounds of %g s, interleaved; median [lowest..highest]." % (
        machine(), arguments.rounds, arguments.seconds))  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="windlass-bench-") as name:
        folder = pathlib.Path(name)
        with Beast(programs / "bench_beast", folder) as beast, Windlass(programs, folder) as daemon:
            servers = [beast, daemon.cpp, daemon.python]
            for server in servers:  # the models are loaded, and run times are known
                for way in ("tcp", "unix"):
                    drive(load, server.addresses[way], 16, 0.5, SMALL, server.path)
            small_requests(load, servers, arguments.rounds, arguments.seconds)
            large_bodies(load, servers, programs, folder, arguments.rounds, arguments.seconds)
            many_requests(load, daemon, arguments.requests)
    engine_alone(programs)


if __name__ == "__main__":
    main()
