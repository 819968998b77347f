"""The stages of the demo, one function each; demo.py puts them in order."""

import http.client
import json
import os
import select
import socket
import subprocess
import time
from contextlib import closing
from typing import List, NamedTuple, Optional

import report
from processes import (
    TIME_FACTOR,
    DemoError,
    family_of,
    log_tail,
    maps_library,
    memory_available,
    memory_of,
    memory_sum,
    wait_until,
)
from visitors import Visit, send_round, visit

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.dirname(HERE)
PACKAGE_DIR = os.path.join(os.path.dirname(EXAMPLES), "python")

PROBE_S = 60 * TIME_FACTOR  # for a first `import torch` from a cold disk
START_S = 60
ACCURACY_MIN = 0.97
MEMORY_SHARE_MAX = 0.5  # of what is available; the rest of the machine goes on living


class PrivateCopies(NamedTuple):
    """`wanted` private copies take `memory` bytes, scaled from the `started` ones that ran."""

    wanted: int
    started: int
    memory: Optional[int]


class Daemon(NamedTuple):
    process: subprocess.Popen
    port: int
    load_seconds: float


class Web(NamedTuple):
    process: subprocess.Popen
    port: int
    workers: int


class Traffic(NamedTuple):
    visits: List[Visit]
    rounds: int
    seconds: float
    visitors: int


def first_that_imports(candidates, modules):
    """The first interpreter that imports `modules`, with the versions that it prints; else None."""
    probe = "import sys, %s; print(sys.version.split()[0]); print(%s.__version__)" % (
        ", ".join(modules),
        modules[0],
    )
    for candidate in candidates:
        try:
            done = subprocess.run(
                [candidate, "-c", probe],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=PROBE_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            report.note("%s does not import %s" % (candidate, " and ".join(modules)))
            continue
        return candidate, done.stdout.decode().split()
    return None


def find_model_python():
    candidates = [os.environ.get("WINDLASS_PYTHON"), "python3", "/usr/bin/python3"]
    found = first_that_imports([name for name in candidates if name], ["torch", "numpy"])
    if found is None:
        raise DemoError(
            "no Python here imports torch and numpy. Run ./setup, which installs Debian's "
            "python3-torch and python3-numpy, or name yours: WINDLASS_PYTHON=/path/to/python"
        )
    report.note("model: %s (Python %s, PyTorch %s)" % (found[0], found[1][0], found[1][1]))
    return found[0]


def find_web_python(model_python):
    found = first_that_imports(dict.fromkeys([model_python, "/usr/bin/python3"]), ["gunicorn"])
    if found is None:
        raise DemoError("gunicorn is missing. Run ./setup, or: apt-get install gunicorn")
    report.note("web: %s (Python %s, gunicorn %s)" % (found[0], found[1][0], found[1][1]))
    return found[0]


def measure_private_copies(processes, python, wanted):
    """Runs private copies side by side, all `wanted` if memory allows, and adds up their memory."""
    script = os.path.join(HERE, "private_copy.py")

    def start(number):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return processes.start("private-copy-%d" % number, [python, script], **pipes)

    copies = [start(1)]
    wait_for_ready(copies)
    size = memory_of(copies[0].pid)
    affordable = wanted if size is None else int(memory_available() * MEMORY_SHARE_MAX // size)
    copies += [start(number) for number in range(2, min(wanted, affordable) + 1)]
    wait_for_ready(copies[1:])
    memory = memory_sum([copy.pid for copy in copies])
    for copy in copies:
        copy.stdin.close()  # they end by themselves, all at once
    for copy in copies:
        processes.end(copy)
    if memory is not None:
        memory = memory * wanted // len(copies)
    return PrivateCopies(wanted, len(copies), memory)


def wait_for_ready(copies):
    """Waits until every copy has written its line; they load at the same time."""
    deadline = time.monotonic() + (START_S + 10 * len(copies)) * TIME_FACTOR
    for copy in copies:
        left_s = max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([copy.stdout], [], [], left_s)
        if not readable or copy.stdout.readline() != b"ready\n":
            raise DemoError("%s did not get ready:\n%s" % (copy.display_name, log_tail(copy)))


def api(port, method, path):
    """Windlass's answer to one API call as a dict, or None while nobody listens."""
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_S)) as connection:
            connection.request(method, path)
            response = connection.getresponse()
            answer = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None
    if response.status != 200:
        raise DemoError("windlass answered %s %s with %s" % (method, path, answer))
    return json.loads(answer)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_daemon(processes, windlass, python, work_dir):
    port = free_port()
    # JSON strings are TOML strings.
    configuration = "\n".join(
        [
            "[daemon]",
            'listen = "127.0.0.1:%d"' % port,
            "state_dir = %s" % json.dumps(os.path.join(work_dir, "state")),
            "[models.digits]",
            'python = "digits_model:Digits"',
            "path = %s" % json.dumps(os.path.join(EXAMPLES, "digits")),
            "interpreter = %s" % json.dumps(python),
            "",
        ]
    )
    path = os.path.join(work_dir, "windlass.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(configuration)
    process = processes.start("windlass", [windlass, "serve", path])
    wait_until(lambda: api(port, "GET", "/healthz"), process, "starting windlass", START_S)
    begun = time.monotonic()
    if api(port, "POST", "/api/models/digits/load") is None:
        raise DemoError("windlass went away during the load:\n" + log_tail(process))
    return Daemon(process, port, time.monotonic() - begun)


def start_web(processes, python, daemon, workers, image):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        port = listener.getsockname()[1]
        argv = [python, "-m", "gunicorn", "--preload", "--workers", str(workers)]
        argv += ["--bind", "fd://%d" % listener.fileno(), "--graceful-timeout", "5"]
        argv += ["app:application"]
        environment = dict(os.environ, WINDLASS_URL="http://127.0.0.1:%d" % daemon.port)
        if os.path.isdir(PACKAGE_DIR):  # in a checkout; an installed package is found by itself
            paths = [PACKAGE_DIR, environment.get("PYTHONPATH")]
            environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        process = processes.start(
            "gunicorn",
            argv,
            cwd=os.path.join(EXAMPLES, "web"),
            env=environment,
            pass_fds=[listener.fileno()],
        )
    wait_until(lambda: not visit(port, image).problem, process, "starting gunicorn", START_S)
    return Web(process, port, workers)


def send_until_all_answered(web, images, visitors, rounds_min, rounds_max):
    """Rounds of all images until every web worker has answered, or a request failed, or enough."""
    visits, seconds, rounds = [], 0.0, 0
    while rounds < rounds_max:
        begun = time.monotonic()
        visits += send_round(web.port, images, visitors)
        seconds += time.monotonic() - begun
        rounds += 1
        answered = {seen.web_pid for seen in visits} - {None}
        failed = any(seen.problem for seen in visits)
        if failed or (rounds >= rounds_min and len(answered) >= web.workers):
            break
    return Traffic(visits, rounds, seconds, visitors)


def collect_facts(daemon, web, private, traffic):
    """What report.py prints, read while everything still runs."""
    model = api(daemon.port, "GET", "/api/models/digits")
    if model is None:
        raise DemoError("windlass is gone:\n" + log_tail(daemon.process))
    web_family = family_of(web.process.pid)
    family = family_of(daemon.process.pid) + web_family
    answered = [seen for seen in traffic.visits if not seen.problem]
    return report.Facts(
        accuracy=sum(seen.digit == seen.label for seen in answered) / max(1, len(answered)),
        accuracy_min=ACCURACY_MIN,
        requests=len(traffic.visits),
        rounds=traffic.rounds,
        problems=[seen.problem for seen in traffic.visits if seen.problem],
        web_workers=web.workers,
        web_workers_seen=len({seen.web_pid for seen in answered} & set(web_family)),
        web_memory=memory_sum(web_family),
        copies=model["copies"],
        loads=model["loads"],
        model_pids=sorted({seen.model_pid for seen in answered}),
        torch_pids=[pid for pid in family if maps_library(pid, "/libtorch")],
        model_pid=model["worker_pid"],
        model_memory=memory_of(model["worker_pid"]),
        load_seconds=daemon.load_seconds,
        private=private,
        seconds=traffic.seconds,
        visitors=traffic.visitors,
        latencies=sorted(seen.seconds for seen in answered),
    )


def wait_for_end(daemon, web):
    """Returns when Ctrl-C raises, or says which of the two ended by itself."""
    while True:
        for process in (daemon.process, web.process):
            if process.poll() is not None:
                raise DemoError("%s ended:\n%s" % (process.display_name, log_tail(process)))
        time.sleep(0.5)
