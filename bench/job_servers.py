"""What bench/jobs.py drives: a daemon that keeps jobs, and beanstalkd; and the disk under both."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import time
import urllib.request

from servers import cpu_seconds

LIMIT_S = 120  # for each step

HEAD = """
[daemon]
listen = "127.0.0.1:%d"
socket = "%s"
"""
MODEL = """
[models.%s]
command = %s
devices = "cpu"
concurrency = %d
copies = %d
queue_limit = 10000000
backoff = "10ms"
backoff_max = "10ms"
breaker_deaths = 0
unload_after = "never"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(check, limit_s=LIMIT_S):
    deadline = time.monotonic() + limit_s
    while not (value := check()):
        if time.monotonic() > deadline:
            raise SystemExit("bench: it did not come to that within %d s" % limit_s)
        time.sleep(0.001)  # lint: sleep is the subject
    return value


def disk_syncs(folder, count=2_000):
    """Sorted seconds of fdatasync after writes of 4 KiB to a file in `folder`."""
    path = folder / "sync"
    page, times = bytes(4096), []
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    for number in range(count):
        os.pwrite(file, page, number % (count // 2) * len(page))
        began = time.perf_counter()
        os.fdatasync(file)
        times.append(time.perf_counter() - began)
    os.close(file)
    path.unlink()
    return sorted(times)


class JobDaemon:
    """A daemon with an echo for jobs, from start() to stop(); its state stays in `folder`."""

    def __init__(self, programs, folder, concurrency=64, copies=1, command=None):
        self._programs, self.folder = programs, folder
        self._port, self._process = free_port(), None
        command = command or [str(programs / "windlass-echo-worker")]
        folder.mkdir(exist_ok=True)
        model = MODEL % ("echo", json.dumps(command), concurrency, copies)
        (folder / "windlass.toml").write_text(HEAD % (self._port, self.socket) + model)

    @property
    def address(self):
        return "127.0.0.1:%d" % self._port

    @property
    def socket(self):
        return str(self.folder / "socket")

    @property
    def store(self):
        return self.folder / "state" / "windlass.db"

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        argv = [str(self._programs / "windlass"), "serve"]
        argv += ["--config", str(self.folder / "windlass.toml"), "--log", "json"]
        argv += ["--state-dir", str(self.folder / "state")]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=log)

    def stop(self, how=signal.SIGTERM):
        self._process.send_signal(how)
        self._process.wait(LIMIT_S)

    def __enter__(self):
        self.start()
        try:
            until(self.is_serving)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.stop()

    def is_serving(self):
        if self._process.poll() is not None:
            log = (self.folder / "log").read_text()
            raise SystemExit("bench: the daemon has ended:\n" + log)
        with contextlib.suppress(OSError):
            return self.ask("/healthz") is not None
        return False

    def ask(self, path, method="GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            "http://%s%s" % (self.address, path), data=data, method=method,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=LIMIT_S) as reply:
            return json.loads(reply.read() or b"null")

    def submit(self, value="x", **fields):
        return self.ask("/api/jobs", "POST", {"model": "echo", "input": value, **fields})["id"]

    def order(self, verb):
        return self.ask("/api/models/echo/" + verb, "POST")

    def counts(self):
        return self.ask("/api/queue")

    def workers(self):
        return [worker["pid"] for worker in self.ask("/api/workers")["workers"]]

    def processes(self):
        return [self.pid] + self.workers()

    def events(self, code):
        """What the log says of this event, the latest last."""
        lines = (self.folder / "log").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] == code]


class Beanstalkd:
    """With a journal in `folder` that is synced at every write."""

    PROGRAM = shutil.which("beanstalkd", path="/usr/bin:/usr/sbin:/usr/local/bin")

    def __init__(self, folder):
        self._port = free_port()
        folder.mkdir(exist_ok=True)
        argv = [self.PROGRAM, "-l", "127.0.0.1", "-p", str(self._port)]
        argv += ["-b", str(folder), "-f", "0"]
        self._process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)

    @property
    def address(self):
        return "127.0.0.1:%d" % self._port

    def processes(self):
        return [self._process.pid]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()


def measure(program, server, way, callers, seconds, body, address=None):
    """One round of the load generator; `cpu_us` for a job: of the server's processes, its own."""
    processes = server.processes()
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    before = [cpu_seconds(pid) for pid in processes]
    argv = [program, way, address or server.address, str(callers), str(seconds), body]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60 + 10 * seconds)
    if done.returncode != 0:
        raise SystemExit("bench: %s failed: %s" % (" ".join(argv[:5]), done.stderr.strip()))
    figures = json.loads(done.stdout)
    if figures["refused"] or figures["unanswered"] or not figures["jobs"]:
        raise SystemExit("bench: not every job of %s came to its end: %s" % (argv[:5], figures))
    figures["rate"] = figures["jobs"] / figures["seconds"]
    spent = [cpu_seconds(pid) - begin for pid, begin in zip(processes, before)]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent.append(after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime)
    figures["cpu_us"] = [1e6 * second / figures["jobs"] for second in spent]
    return figures


def middle(rounds, name, scale=1.0):
    return statistics.median(figures[name] / scale for figures in rounds)


def spread(rounds, name, scale=1.0):
    values = sorted(figures[name] / scale for figures in rounds)
    return "%.1f [%.1f..%.1f]" % (statistics.median(values), values[0], values[-1])
