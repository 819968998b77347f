"""`windlass doctor` on the machine as it is, and on what goes wrong with processes and drivers."""

import contextlib
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest
from emulated import FIRST, LastingNode, Node, ballast
from freezer import Freezer
from namespaces import UNSHARE, why_not_permitted
from support import MODELS, eventually, model_table, probe, windlass_program
from times import TIME_FACTOR

DOCTOR_S = 150 * TIME_FACTOR  # above the limit of every check


def doctor(checks=(), configuration=None, state_dir=None, environment=None, **how):
    """What it says as JSON, of these checks or of all. It never fails."""
    within, limit = how.pop("within", ()), how.pop("limit", None)
    assert not how, how
    argv = [*within, windlass_program(), "doctor", "--json"]
    argv += ["--config", str(configuration)] if configuration else []
    argv += ["--state-dir", str(state_dir)] if state_dir else []
    argv += ["--limit", limit] if limit else []
    for check in checks:
        argv += ["--check", check]
    told = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        timeout=DOCTOR_S,
        text=True,
    )
    assert told.returncode == 0 and told.stderr == "", told
    return json.loads(told.stdout)


def of_daemon(check, daemon, **how):
    return doctor([check], daemon.configuration, daemon.state_dir, **how)


def found(report, kind):
    """Evidence of the findings of this kind."""
    return [finding["evidence"] for finding in report["findings"] if finding["id"] == kind]


def troubles(report):
    """What is worse than info."""
    return [finding for finding in report["findings"] if finding["severity"] != "info"]


def write(folder, text):
    path = folder / "doctor.toml"
    path.write_text(text)
    return path


@contextlib.contextmanager
def spawned(argv, **how):
    process = subprocess.Popen(argv, **how)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


# --- Nothing is wrong -----------------------------------------------------------------------------


def test_a_healthy_machine_has_no_findings(daemons, tmp_path):
    """[A5.5] [A5.10] A daemon on a GPU, with a model that is loaded; and no daemon and no GPU."""
    node = LastingNode(tmp_path / "node", "1x24GiB")
    models = ballast("a", "8GiB", "10GiB") + probe()
    served = daemons.serve(models, node.environment)
    assert served.ask("a", 0).status == 200

    def report_of(*what):
        told = doctor((), *what)
        return told if not troubles(told) else None

    with_gpu = (served.configuration, served.state_dir, node.environment)
    for what in [with_gpu, (None, tmp_path / "s")]:
        # What other programs on the machine do for a moment is no concern of this test's.
        report = eventually(lambda: report_of(*what), "nothing is found", DOCTOR_S)  # noqa: B023
        assert report["errors"] == report["warnings"] == 0
        assert "drivers" in report["checks"] and report["facts"]["clock.source"]
    assert not (tmp_path / "s").exists()  # nothing was made
    node.tool("remove")


def test_facts_are_told(tmp_path):
    """[A5.10] [R135] Driver, compute capability, FP8, versions and sums."""
    node = LastingNode(tmp_path / "node", "1x24GiB")
    text = ballast("a", "8GiB", "10GiB", pinned=True) + probe(devices="cpu")
    checks = ["drivers", "configuration", "python"]
    facts = doctor(checks, write(tmp_path, text), tmp_path / "s", node.environment)["facts"]
    assert facts["gpu.count"] == "1" and facts["driver.nvml"]
    gpu = {name: facts["gpu.%s.%s" % (FIRST, name)] for name in ("compute_capability", "fp8")}
    assert gpu["fp8"] == ("yes" if float(gpu["compute_capability"]) >= 8.9 else "no")
    assert facts["configuration.sum." + FIRST].startswith("10 GiB needed, 10 GiB of it pinned")
    assert facts["python.probe"].split(".")[:2] == ["%d" % n for n in sys.version_info[:2]]
    node.tool("remove")


def test_it_is_told_to_people_too(tmp_path):
    argv = [windlass_program(), "doctor", "--config", str(tmp_path / "none.toml")]
    argv += ["--check", "configuration", "--check", "clock"]
    told = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=DOCTOR_S)
    assert told.returncode == 0 and "\033" not in told.stdout
    assert "error: the configuration file cannot be read [configuration_missing]" in told.stdout
    assert told.stdout.splitlines()[-1].startswith("1 error") and "looked at" in told.stdout


# --- Drivers and devices --------------------------------------------------------------------------


def test_no_library_and_a_broken_one(tmp_path):
    """[A5.5] [A5.10]"""
    broken = tmp_path / "libnvidia-ml.so.1"
    broken.write_text("no library")
    report = doctor(["drivers"], None, tmp_path / "s", {"WINDLASS_NVML_LIBRARY": str(broken)})
    assert str(broken) in found(report, "driver_broken")[0]
    none = {"WINDLASS_NVML_LIBRARY": str(tmp_path / "none.so")}
    report = doctor(["drivers"], None, tmp_path / "s", none)
    assert not troubles_of_drivers(report) and "not installed" in report["facts"]["driver.nvml"]


def troubles_of_drivers(report):
    return [finding for finding in troubles(report) if finding["check"] == "drivers"]


@pytest.mark.parametrize(
    "fault, kind",
    [
        ("driver_mismatch", "driver_mismatch"),
        ("device_lost", "device_lost"),
        ("query_hangs", "device_unresponsive"),
        ("mig", "device_failing"),
    ],
)
def test_faults_of_the_driver_are_found(tmp_path, fault, kind):
    """[A5.10] Whatever the driver does, the doctor comes back."""
    node = LastingNode(tmp_path / "node", "1x24GiB")
    node.tool("fault", 0, fault, 1)
    limit = "%dms" % (3000 * TIME_FACTOR)  # a third of it for the driver
    report = doctor(["drivers"], None, tmp_path / "s", node.environment, limit=limit)
    assert {finding["id"] for finding in troubles_of_drivers(report)} == {kind}, report
    node.tool("clear", 0)
    node.tool("remove")


def test_holders_without_an_owner_are_found(tmp_path):
    """[A5.10] [R23] A stranger, an orphan, one that is nobody's, and those that are not listed."""
    node = LastingNode(tmp_path / "node", "4x24GiB")
    # The shell ends at once: its child stays in the session of this test.
    orphan = int(subprocess.check_output(["sh", "-c", "sleep 600 >&- 2>&- & echo $!"]))
    try:
        with spawned(["sleep", "600"], start_new_session=True) as stranger:
            node.tool("stranger", 0, "8GiB", stranger.pid)
            node.tool("stranger", 1, "7GiB", orphan)
            node.tool("stranger", 2, "6GiB")
            node.tool("stranger", 3, "5GiB", stranger.pid)
            node.tool("fault", 3, "pids_foreign", 1 << 22)
            report = doctor(["drivers"], None, tmp_path / "s", node.environment)
            assert "process %d" % stranger.pid in found(report, "foreign_holder")[0]
            assert "process %d" % orphan in found(report, "orphan_holder")[0]
            assert FIRST[:-1] + "2" in found(report, "memory_unattributed")[0]
            (hidden,) = found(report, "holders_hidden")
            assert hidden.startswith(FIRST[:-1] + "3")
    finally:
        os.kill(orphan, signal.SIGKILL)
    node.tool("remove")


def pid_of_worker(served):
    with served.client() as client:
        client.load("probe")
    return served.model()["worker_pid"]


# --- Processes ------------------------------------------------------------------------------------


def test_a_stopped_worker_is_found(daemon):
    """[A5.10]"""
    served = daemon(probe())
    worker = pid_of_worker(served)
    os.kill(worker, signal.SIGSTOP)

    def stopped():
        """Other suites beside this one may have stopped workers, too."""
        told = found(of_daemon("workers", served), "worker_stopped")
        return [text for text in told if "process %d)" % worker in text]

    assert len(stopped()) == 1
    os.kill(worker, signal.SIGCONT)
    assert not stopped()


def test_a_frozen_worker_is_found(daemon):
    """[A5.10]"""
    freezer = Freezer("a frozen worker")
    served = daemon(probe())
    worker = pid_of_worker(served)
    try:
        freezer.freeze(worker)
        told = found(of_daemon("workers", served), "worker_frozen")
        assert any(str(freezer.folder) in text for text in told)
    finally:
        (freezer.folder / "freezer.state").write_text("THAWED")
        served.end()
        freezer.close()


def test_a_silent_daemon_is_found(daemon):
    """[A5.10] One that is stopped holds up nobody who asks after it."""
    served = daemon(probe())
    served.signal(signal.SIGSTOP)
    limit = "%dms" % (8000 * TIME_FACTOR)  # an eighth of it for a question
    (evidence,) = found(of_daemon("daemon", served, limit=limit), "daemon_silent")
    assert "process %d" % served.pid in evidence and "state T" in evidence
    served.signal(signal.SIGCONT)


def test_what_a_dead_daemon_left_is_found(tmp_path):
    """[A5.10] [R23] A worker whose daemon and keeper are dead, and their folder."""
    state = tmp_path / "state"
    daemon_id = "00000000deadbeef"
    (state / "run" / daemon_id).mkdir(parents=True)
    space = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    space += "/" + os.readlink("/proc/self/ns/pid")
    record = "daemon %s\npids %s\nprocess 4194304 1\n" % (daemon_id, space)
    (state / "run" / daemon_id / "record").write_text(record)
    tagged = {**os.environ, "WINDLASS_WORKER": daemon_id + "/1"}
    with spawned(["sleep", "600"], env=tagged) as left:
        report = doctor(["workers"], None, state)
        assert any("process %d)" % left.pid in e for e in found(report, "worker_of_dead_daemon"))
        assert daemon_id in found(report, "leftovers_of_dead_daemon")[0]


def test_an_init_that_does_not_reap_is_found():
    """[A5.10] A container's first process that reaps only what it waits for."""
    reason = why_not_permitted()
    if reason:
        pytest.skip("no namespaces here: " + reason)
    first = "import os, subprocess, sys\n"
    first += "if os.fork() == 0:\n  os.fork()\n  os._exit(0)\n"
    first += "os.wait()\nsys.exit(subprocess.run(sys.argv[1:]).returncode)"
    report = doctor(["container", "processes"], within=[*UNSHARE, sys.executable, "-c", first])
    assert "process 1" in found(report, "init_does_not_reap")[0]
    assert found(report, "zombies_of_init")


def test_a_zombie_and_its_parent_are_listed():
    """[R23] With the one who should have reaped it."""
    program = "import os, sys; os.fork() or os._exit(0); sys.stdin.read()"
    with spawned([sys.executable, "-c", program], stdin=subprocess.PIPE) as parent:

        def is_listed():
            listed = found(doctor(["processes"]), "zombies")
            return any("process %d)" % parent.pid in text for text in listed)

        eventually(is_listed, "the zombie is listed", DOCTOR_S)
        parent.stdin.close()


# --- The daemon's own view ------------------------------------------------------------------------


def test_fenced_memory_is_found(daemons):
    """[A5.10]"""
    settle = {"settle_timeout": "%dms" % (100 * TIME_FACTOR)}
    node = Node(daemons, "1x24GiB", ballast("a", "8GiB", "10GiB"), devices=settle)
    assert node.call("a").status == 200
    node.wait_for_bytes(FIRST, "used", node.used())
    node.tool("fault", 0, "release_never")
    (worker,) = node.workers("a")
    os.kill(worker["pid"], signal.SIGKILL)
    eventually(lambda: node.bytes_of(FIRST, "fenced"), "it is fenced")
    report = of_daemon("daemon", node.served)
    assert FIRST in found(report, "memory_fenced")[0] and found(report, "daemon_degraded")
    node.tool("fault", 0, "release_never", 0)


class FakeDaemon(http.server.BaseHTTPRequestHandler):
    """Answers like a daemon of another version to which all goes wrong."""

    ANSWERS = {
        "/healthz": {"daemon_id": "ab", "version": "9.9.9", "troubles": [{"message": "it leaks"}]},
        "/api/devices": {"devices": []},
        "/api/workers": {"workers": [{"id": 7, "pid": 70, "state": "unkillable", "model": "m"}]},
        "/api/models": {"models": [{"name": "m", "residency": "cold", "breaker": "open"}]},
    }

    def do_GET(self):
        body = json.dumps(self.ANSWERS.get(self.path, {})).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Stranger(FakeDaemon):
    """Another program at the daemon's address."""

    ANSWERS = {}


@contextlib.contextmanager
def serving(handler):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def listening_at(folder, port):
    return write(folder, '[daemon]\nlisten = "127.0.0.1:%d"\nsocket = "none"\n' % port)


def test_what_a_daemon_says_of_its_troubles_is_found(tmp_path):
    """[A5.10] Also one of another version, as after an upgrade."""
    with serving(FakeDaemon) as port:
        report = doctor(["daemon"], listening_at(tmp_path, port), tmp_path / "s")
    assert "9.9.9" in found(report, "daemon_differs")[0]
    assert found(report, "daemon_degraded") == ["it leaks"]
    assert "process 70" in found(report, "worker_unkillable")[0]
    assert found(report, "model_rests")[0].startswith("m:")


def test_another_program_at_the_address_is_found(tmp_path):
    """[A5.10]"""
    with serving(Stranger) as port:
        report = doctor(["daemon"], listening_at(tmp_path, port), tmp_path / "s")
    assert "127.0.0.1:%d" % port in found(report, "port_taken")[0]


# --- Models ---------------------------------------------------------------------------------------


def test_models_that_cannot_be_imported_are_found(tmp_path):
    """[A5.10] By their own interpreters, with what each says."""
    (tmp_path / "bare.py").write_text("class Bare:\n    def load(self, device): pass\n")
    (tmp_path / "lost.py").write_text("import a_module_that_is_not_there\n")
    (tmp_path / "dies.py").write_text("import os\nprint('no licence')\nos._exit(3)\n")
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nprintf 'windlass-doctor\\tversion\\t3.6.9\\n'\n")
    old.chmod(0o755)

    def table(name, python, **keys):
        settings = {"interpreter": sys.executable, **keys}
        return model_table(name, {}, {"python": python, "path": str(tmp_path), **settings})

    text = table("bare", "bare:Bare") + table("lost", "lost:Lost") + table("dies", "dies:Dies")
    text += table("absent", "bare:Bare", interpreter=str(tmp_path / "none"))
    text += table("old", "bare:Bare", interpreter=str(old))
    text += table("broken", "bare:Bare", interpreter="/bin/false")
    text += model_table("gone", {}, {"command": [str(tmp_path / "gone")], "path": str(tmp_path)})
    text += table("good", "probe_model:Probe", path=str(MODELS))
    report = doctor(["python", "configuration"], write(tmp_path, text), tmp_path / "s")
    kinds = {
        "hook_missing": "bare",
        "interpreter_missing": "absent",
        "interpreter_old": "old",
        "interpreter_broken": "broken",
        "program_missing": "gone",
    }
    for kind, model in kinds.items():
        assert [text.split()[0] for text in found(report, kind)] == [model], kind
    fails = sorted(found(report, "import_fails"))
    assert "no licence" in fails[0] and "a_module_that_is_not_there" in fails[1]
    assert not any(finding["evidence"].startswith("good") for finding in report["findings"])


def test_a_check_that_hangs_is_a_finding(tmp_path):
    """[A5.10] And what other checks see is told all the same."""
    report = doctor(["configuration"], tmp_path, tmp_path / "s")  # a folder is no file
    assert found(report, "configuration_invalid")
    fifo = tmp_path / "windlass.toml"
    os.mkfifo(fifo)
    limit = "%dms" % (500 * TIME_FACTOR)
    report = doctor(["configuration", "drivers"], fifo, tmp_path / "s", limit=limit)
    hung = found(report, "check_hung")
    assert any("configuration" in text for text in hung), report
    assert report["facts"]["driver.nvml"]
