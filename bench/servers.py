"""The servers that the benchmark drives, as context managers: addresses, processes, path."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
START_LIMIT_S = 30

CONFIGURATION = """
[daemon]
listen = "127.0.0.1:0"
body_limit = "64MiB"

[models.cpp]
command = [{echo}]
unload_after = "never"

[models.python]
python = "echo_model:Echo"
path = {bench}
interpreter = {python}
unload_after = "never"
"""


def cpu_seconds(pid):
    """Processor time of a process so far: utime and stime of /proc/PID/stat (proc(5))."""
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for_start(process, log):
    """The event `daemon.started` of a daemon whose log is that file."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "daemon.started":
                return event
    raise SystemExit("bench: the daemon did not start:\n" + log.read_text())


@dataclasses.dataclass
class Server:
    name: str
    addresses: dict  # "tcp" and "unix"
    pids: list
    path: str  # "-": no HTTP


class Started(Server):
    """Programs that print the address they listen at, one process for each kind of socket."""

    def __init__(self, name, path, argv_of):
        self._processes = []
        addresses = {}
        for way in ("tcp", "unix"):
            process = subprocess.Popen(argv_of(way), stdout=subprocess.PIPE, text=True)
            self._processes.append(process)
            addresses[way] = process.stdout.readline().strip()
        super().__init__(name, addresses, [process.pid for process in self._processes], path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.kill()
            process.wait()
            process.stdout.close()


class Beast(Started):
    """The floor: the model inside the server."""

    def __init__(self, program, folder):
        where = {"tcp": "127.0.0.1:0", "unix": str(folder / "beast.sock")}
        super().__init__("Beast, direct", "/", lambda way: [str(program), where[way]])


class BareSocket(Started):
    """`body` bytes back and forth without a protocol."""

    def __init__(self, program, folder, body):
        where = {"tcp": "127.0.0.1:0", "unix": str(folder / "bare.sock")}
        argv_of = lambda way: [str(program), where[way], str(body)]  # noqa: E731
        super().__init__("bare socket", "-", argv_of)


class Windlass:
    """One daemon with an echo in C++ and one in Python, both loaded."""

    def __init__(self, programs, folder):
        configuration = folder / "windlass.toml"
        configuration.write_text(
            CONFIGURATION.format(
                echo=json.dumps(str(programs / "windlass-echo-worker")),
                bench=json.dumps(str(ROOT / "bench")),
                python=json.dumps(sys.executable),
            )
        )
        self._log = open(folder / "log", "wb")
        argv = [str(programs / "windlass"), "serve", "--config", str(configuration)]
        argv += ["--state-dir", str(folder / "state"), "--log", "json"]
        self._process = subprocess.Popen(argv, stderr=self._log)
        try:
            started = wait_for_start(self._process, folder / "log")
            addresses = {"tcp": started["listen"], "unix": started["socket"]}
            self._url = "http://" + started["listen"]
            self.cpp = self._server("Windlass, C++ worker", "cpp", addresses)
            self.python = self._server("Windlass, Python worker", "python", addresses)
        except BaseException:
            self.__exit__()
            raise

    def _server(self, name, model, addresses):
        url = "%s/api/models/%s/load" % (self._url, model)
        request = urllib.request.Request(url, data=b"", method="POST")
        with urllib.request.urlopen(request, timeout=60) as reply:
            worker = json.load(reply)["worker_pid"]
        path = "/api/models/%s/call" % model
        return Server(name, addresses, [self._process.pid, worker], path)

    def footprint(self):
        """Resident memory and open descriptors, as text."""
        folder = pathlib.Path("/proc/%d" % self._process.pid)
        pages = int((folder / "statm").read_text().split()[1])
        resident = pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
        return "%.1f MiB resident, %d descriptors" % (resident, len(os.listdir(folder / "fd")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
