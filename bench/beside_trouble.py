"""What a device in trouble costs the callers of another one. No hardware: emulated devices.

    python3 bench/beside_trouble.py build/release/bin/windlass

In each round the same client calls a model on the second device before, while and after the driver
of the first one hangs: its query never returns, driver hosts are given up and started anew, a run
and a load there hang. A round's ratio is its p99 (p50) while over the mean of before and after, so
that what else the machine does meets both sides; after over before shows how much that is.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import time

FIRST = "GPU-e0000000-0000-0000-0000-000000000000"
SECOND = "GPU-e0000000-0000-0000-0000-000000000001"
LIMIT_S = 60

# Trouble that is seen and left soon, so that many rounds fit; hosts are replaced more often than
# they would be, which is the harder case.
CONFIGURATION = """
[devices]
sample_interval = "100ms"
answer_timeout = "300ms"
list_interval = "500ms"
restart_pause = "500ms"
[models.steady]
command = ["%(program)s", "ballast", "--bytes", "1GiB", "--run-ms", "0"]
need = "2GiB"
devices = ["%(second)s"]
[models.stuck]
command = ["%(program)s", "ballast", "--bytes", "1GiB", "--run-ms", "0"]
need = "2GiB"
devices = ["%(first)s"]
backoff = "10ms"
[models.waiting]
command = ["%(program)s", "ballast", "--bytes", "1GiB", "--run-ms", "0"]
need = "2GiB"
devices = ["%(first)s"]
"""


class Daemon:
    def __init__(self, program, folder):
        self._program, self._folder = program, folder
        text = CONFIGURATION % {"program": program, "first": FIRST, "second": SECOND}
        (folder / "windlass.toml").write_text(text)
        argv = [program, "serve", "--config", str(folder / "windlass.toml"), "--log", "json"]
        argv += ["--listen", "127.0.0.1:0", "--state-dir", str(folder / "state")]
        argv += ["--emulate", "2x24GiB"]
        log = folder / "log"
        with open(log, "wb") as file:
            self.process = subprocess.Popen(argv, stderr=file, stdout=subprocess.DEVNULL)
        started = lambda: [  # noqa: E731
            record
            for record in map(json.loads, log.read_text().splitlines(keepends=True))
            if record["event"] == "daemon.started"
        ]
        self.port = int(wait_for(started)[0]["listen"].rpartition(":")[2])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)

    def state_of(self, uuid):
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request("GET", "/api/devices")
            devices = json.loads(connection.getresponse().read())["devices"]
        return {device["uuid"]: device["state"] for device in devices}.get(uuid)

    def begin(self, model):
        """A call that nobody waits for; close it."""
        connection = self.connect()
        connection.request("POST", "/api/models/%s/call" % model)
        return connection

    def tool(self, *words):
        tool = str(pathlib.Path(self._program).parent / "windlass-emulator")
        argv = [tool, words[0], str(self._folder / "state/emulator"), *words[1:]]
        subprocess.run(argv, check=True, timeout=LIMIT_S)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT_S)


def wait_for(check):
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(ValueError, OSError):
            found = check()
            if found:
                return found
        time.sleep(0.02)  # lint: sleep is the subject (there is no event to wait for)
    raise SystemExit("bench: waited %d s in vain" % LIMIT_S)


def calls(daemon, count):
    """Sorted times of so many calls on one connection, in microseconds."""
    connection, times = daemon.connect(), []
    with contextlib.closing(connection):
        for _ in range(count):
            began = time.perf_counter()
            connection.request("POST", "/api/models/steady/call")
            reply = connection.getresponse()
            reply.read()
            times.append(1e6 * (time.perf_counter() - began))
            if reply.status != 200:
                raise SystemExit("bench: a call was answered %d" % reply.status)
    return sorted(times)


def one_round(daemon, count):
    """Times before, while and after."""
    before = calls(daemon, count)
    daemon.tool("fault", "0", "hang_synchronize")
    daemon.tool("fault", "0", "query_hangs")
    wait_for(lambda: daemon.state_of(FIRST) == "unresponsive")
    stuck, waiting = daemon.begin("stuck"), daemon.begin("waiting")
    during = calls(daemon, count)
    stuck.close()
    waiting.close()
    daemon.tool("clear", "0")
    wait_for(lambda: daemon.state_of(FIRST) == "ok")
    return before, during, calls(daemon, count)


def ratios(rounds, share):
    """Medians over the rounds: while over its neighbours, and after over before."""
    point = lambda times: times[int(len(times) * share)]  # noqa: E731
    values = [[point(times) for times in each] for each in rounds]
    trouble = [2 * during / (before + after) for before, during, after in values]
    noise = [after / before for before, during, after in values]
    return {
        "before": statistics.median(before for before, _, _ in values),
        "during": statistics.median(during for _, during, _ in values),
        "ratio": statistics.median(trouble),
        "noise": statistics.median(noise),
        "lowest": min(trouble),
        "highest": max(trouble),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=1000, help="in each part of a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(os.path.abspath(arguments.program), pathlib.Path(folder))
        try:
            wait_for(lambda: daemon.state_of(FIRST) == daemon.state_of(SECOND) == "ok")
            with contextlib.closing(daemon.begin("stuck")) as first:
                first.getresponse().read()  # loaded
            calls(daemon, arguments.calls)
            rounds = [one_round(daemon, arguments.calls) for _ in range(arguments.rounds)]
        finally:
            daemon.end()
    print(
        "%s, load %.1f on %d cores, %d rounds of 3 x %d calls"
        % (
            datetime.date.today(), os.getloadavg()[0], os.cpu_count() or 0,
            arguments.rounds, arguments.calls,
        )
    )  # fmt: skip
    print("| | before us | while us | ratio [lowest..highest] | after / before |")
    print("|---|---|---|---|---|")
    for name, share in (("p50", 0.50), ("p99", 0.99)):
        print(
            "| %s | %%(before).0f | %%(during).0f | %%(ratio).2f [%%(lowest).2f..%%(highest).2f]"
            " | %%(noise).2f |" % name % ratios(rounds, share)
        )


if __name__ == "__main__":
    main()
