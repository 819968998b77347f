"""`make bench-jobs`: what jobs cost, beside the disk, beside the store alone and beside beanstalkd.

A cycle is: one of 64 callers hands a job over (POST /api/jobs, 512 bytes of input) and is told that
it is on disk; an echo worker runs it; its result is on disk; the caller, who waits on
GET /api/jobs/ID?wait=30s, sees it. Everything shares the machine: callers, daemon, worker. Prints
Markdown for docs/benchmarks.md.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from job_servers import Beanstalkd, JobDaemon, disk_syncs, measure, middle, spread, until
from run import machine
from servers import cpu_seconds

CALLERS = 64
INPUT_BYTES = 512
MILLION = 1_000_000
BEATING, BEATING_COPIES, BEATING_CONCURRENCY = 10_000, 40, 256


def body(**fields):
    return json.dumps({"model": "echo", "input": "x" * (INPUT_BYTES - 2), **fields})


def show_disk(folder):
    times = disk_syncs(folder)
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    print("Disk: fdatasync after 4 KiB, p50 %.0f us, p99 %.0f us." % (1e6 * p50, 1e6 * p99))
    return p50


def store_alone(programs, folder):
    print("\n### The store alone, without HTTP, daemon and worker\n")
    print("| waiting | in one transaction | submissions/s | lives/s | claim p50 us | p99 us |")
    print("|---|---|---|---|---|---|", flush=True)
    for waiting in (1_000, MILLION):
        path = folder / ("alone-%d.db" % waiting)
        subprocess.run([programs / "bench_job_fill", path, str(waiting), "echo", "512"], check=True)
        done = subprocess.run(
            [programs / "bench_jobs", path], check=True, capture_output=True, text=True
        )
        figures = json.loads(done.stdout)
        for group in figures["groups"]:
            print("| %d | %d | %d | %d | %.1f | %.1f |" % (
                waiting, group["group"], group["submissions"], group["lives"],
                figures["claim_p50_us"], figures["claim_p99_us"]))  # fmt: skip
        path.unlink()


ROW_HEAD = """
| what | callers | waiting | /s, median [lowest..highest] | acknowledged p50 us | p99 us | \
over p50 us | p99 us | CPU us a job: daemon + worker + callers |
|---|---|---|---|---|---|---|---|---|"""


def row(what, callers, waiting, rounds):
    columns = zip(*(figures["cpu_us"] for figures in rounds))
    cpu = " + ".join("%.1f" % sorted(column)[len(rounds) // 2] for column in columns)
    times = (middle(rounds, name) for name in (
        "acknowledged_p50_us", "acknowledged_p99_us", "over_p50_us", "over_p99_us"))  # fmt: skip
    print("| %s | %d | %d | %s | %.0f | %.0f | %.0f | %.0f | %s |" % (
        what, callers, waiting, spread(rounds, "rate"), *times, cpu), flush=True)  # fmt: skip


def interleaved(ways, rounds):
    """{name: rounds} of functions that measure one round each, in turn."""
    results = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            results[name].append(way())
    return results


def rates(programs, folder, rounds, seconds):
    """With a small backlog: submissions to a paused model, and cycles, beside beanstalkd."""
    load = str(programs / "bench_job_load")

    def ways_of(daemon, what):
        return {
            ("%s, %s" % (what, way), callers): lambda address=address, callers=callers: measure(
                load, daemon, what, callers, seconds, body(), address
            )
            for way, address in (("TCP", daemon.address), ("Unix socket", daemon.socket))
            for callers in (1, CALLERS)
        }

    with JobDaemon(programs, folder / "paused") as paused:
        paused.order("load")
        paused.order("pause")
        results = interleaved(ways_of(paused, "enqueue"), rounds)
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(JobDaemon(programs, folder / "small"))
        daemon.order("load")
        ways = ways_of(daemon, "cycle")
        if Beanstalkd.PROGRAM is None:
            print("beanstalkd is not there: apt-get install beanstalkd to see it beside.")
        else:
            beanstalkd = stack.enter_context(Beanstalkd(folder / "beanstalkd"))
            for callers in (1, CALLERS):
                ways["beanstalkd: put, reserve, delete", callers] = lambda n=callers: measure(
                    load, beanstalkd, "beanstalk", n, seconds, body()
                )
        results |= interleaved(ways, rounds)
    for (what, callers), figures in results.items():
        row(what, callers, 0, figures)
    return results["enqueue, TCP", 1]


def cycle_before_others(load, daemon, seconds, address):
    """The callers' jobs go before those that wait, but these have their share of the model."""
    before = daemon.counts()["completed"]
    daemon.order("resume")
    figures = measure(load, daemon, "cycle", CALLERS, seconds, body(priority=0), address)
    daemon.order("pause")
    done = daemon.counts()["completed"] - before
    figures["others"] = (done - figures["jobs"]) / figures["seconds"]
    return figures


def with_million(programs, folder, model):
    """A daemon, not started, with a million jobs of this model, and the seconds that they took."""
    daemon = JobDaemon(programs, folder)
    daemon.store.parent.mkdir()
    began = time.monotonic()
    subprocess.run(
        [programs / "bench_job_fill", daemon.store, str(MILLION), model, str(INPUT_BYTES)],
        check=True,
    )
    os.sync()  # or what follows waits for what the filling has written
    return daemon, time.monotonic() - began


def million_of_another(programs, folder, rounds, seconds):
    """A million wait for a model that is not there: only the callers' jobs can run."""
    load = str(programs / "bench_job_load")
    daemon, _ = with_million(programs, folder / "another", "another")
    with daemon:
        daemon.order("load")
        ways = {
            "cycle, %s, another model's wait" % way: lambda address=address: measure(
                load, daemon, "cycle", CALLERS, seconds, body(), address
            )
            for way, address in (("TCP", daemon.address), ("Unix socket", daemon.socket))
        }
        for what, figures in interleaved(ways, rounds).items():
            row(what, CALLERS, MILLION, figures)


def million(programs, folder, rounds, seconds):
    million_of_another(programs, folder, rounds, seconds)
    load = str(programs / "bench_job_load")
    daemon, filled_s = with_million(programs, folder / "million", "echo")
    starts = {"in order": [], "after kill -9": []}
    with daemon:
        daemon.order("load")
        daemon.order("pause")
        ways = {
            "cycle, TCP": lambda: cycle_before_others(load, daemon, seconds, daemon.address),
            "cycle, Unix socket": lambda: cycle_before_others(load, daemon, seconds, daemon.socket),
        }
        results = interleaved(ways, rounds)
        for what, figures in results.items():
            row(what, CALLERS, MILLION, figures)
        print("\nBeside the callers' jobs %.0f/s of those that wait were done." % (
            middle(results["cycle, TCP"], "others")))  # fmt: skip
        for how, stop in (("in order", signal.SIGTERM), ("after kill -9", signal.SIGKILL)) * 3:
            daemon.order("pause")
            daemon.stop(stop)
            starts[how].append(time_start(daemon))
    print("\nFilling took %.0f s." % filled_s)
    for how, times in starts.items():
        print("Start, last stopped %s: serves after %s s." % (
            how, ", ".join("%.2f" % value for value in sorted(times))))  # fmt: skip


def time_start(daemon):
    """Seconds from the start of the process until it has accepted a job."""
    began = time.monotonic()
    daemon.start()

    def accepts():
        try:
            return daemon.submit()
        except OSError:  # it does not listen, or 503: not yet
            return None

    until(accepts)
    return time.monotonic() - began


def crash(programs, folder, rounds):
    """A worker is killed while it runs a job: when that is told, and when the job waits again."""
    command = [str(programs / "bench_beat_worker")]
    seen, requeued = [], []
    with JobDaemon(programs, folder / "crash", concurrency=4, command=command) as daemon:
        for _ in range(rounds):
            job = daemon.submit()
            state = lambda job=job: daemon.ask("/api/jobs/" + job)["state"]  # noqa: E731
            until(lambda: state() == "running")
            (worker,) = daemon.workers()
            killed = time.time()
            os.kill(worker, signal.SIGKILL)
            until(lambda: state() != "running")
            requeued.append(1e3 * (time.time() - killed))
            lost = datetime.datetime.fromisoformat(daemon.events("worker.lost")[-1]["time"])
            seen.append(1e3 * (lost.timestamp() - killed))
            daemon.ask("/api/jobs/%s/cancel" % job, "POST")
    print("\n| a worker is killed | ms, median [lowest..highest] |\n|---|---|")
    for name, times in (("the daemon tells of it", seen), ("its job waits again", requeued)):
        print("| %s | %.0f [%.0f..%.0f] |" % (
            name, sorted(times)[len(times) // 2], min(times), max(times)))  # fmt: skip


def beating(programs, folder, seconds):
    command = [str(programs / "bench_beat_worker")]
    with JobDaemon(
        programs, folder / "beating", BEATING_CONCURRENCY, BEATING_COPIES, command
    ) as daemon:
        load = str(programs / "bench_job_load")
        while daemon.counts()["total"] < BEATING:
            measure(load, daemon, "enqueue", CALLERS, 0.2, body())
        until(lambda: daemon.counts()["processing"] >= BEATING)
        before, began = cpu_seconds(daemon.pid), time.monotonic()
        time.sleep(seconds)  # lint: sleep is the subject
        spent, took = cpu_seconds(daemon.pid) - before, time.monotonic() - began
        running = daemon.counts()["processing"]
        print("%d running jobs that beat once a second: %.1f %% of a core." % (
            running, 100 * spent / took))  # fmt: skip
        daemon.stop(signal.SIGKILL)


PARTS = ("store", "rates", "million", "crash", "beating")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=pathlib.Path, help="folder of the built programs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round")
    parser.add_argument("--folder", type=pathlib.Path, help="where state lies: on which disk")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    programs = arguments.programs.resolve()
    print("Machine: %s. %d rounds of %g s, interleaved; median [lowest..highest]." % (
        machine(), arguments.rounds, arguments.seconds))  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="windlass-bench-", dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        sync_p50_s = show_disk(folder)
        if "store" in arguments.parts:
            store_alone(programs, folder)
        print(ROW_HEAD)
        if "rates" in arguments.parts:
            single = rates(programs, folder, arguments.rounds, arguments.seconds)
            ratio = middle(single, "acknowledged_p50_us") / (1e6 * sync_p50_s)
            print("\nOne caller is acknowledged after %.1f x the disk's fdatasync (p50)." % ratio)
        if "million" in arguments.parts:
            million(programs, folder, arguments.rounds, arguments.seconds)
        if "crash" in arguments.parts:
            crash(programs, folder, arguments.rounds)
        if "beating" in arguments.parts:
            beating(programs, folder, 10)


if __name__ == "__main__":
    main()
