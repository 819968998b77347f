"""`windlass drill`: what it shows, what it exits with, and that it leaves nothing behind."""

import contextlib
import pathlib
import random
import resource
import signal
import socket
import subprocess

import pytest
from drills import Drills
from support import SOON_S, eventually, windlass_program
from times import TIME_FACTOR

MIB = 1 << 20
CONTEXT = 450 * MIB
SMALL = ("--clients", "3", "--model-size", "8MiB")


@pytest.fixture
def drill(tmp_path):
    """drill(WORDS...) -> one that runs; it is killed if the test fails."""
    with Drills(tmp_path) as start:
        yield start


def test_seventeen_copies_without_windlass_and_one_with_it(drill):
    """[A3.11] [R74] [R76] [R78] [R79] [R80] And its exit code says that it was so."""
    words = ("duplicates", "--clients", "17", "--model-size", "100MiB", "--json")
    ended = drill(*words).end()
    assert ended.code == 0, ended.out + ended.err
    report = ended.report()
    assert report["passed"]
    assert ended.happened("copies without Windlass") == "17"
    assert ended.happened("clients answered at once") == "17"
    assert ended.happened("copies with Windlass, by the driver") == "1"
    assert ended.happened("most copies at any moment") == "1"
    assert ended.happened("workers, by `windlass workers`") == "1"
    answers = report["answers"]
    assert len(answers) == 10 and len({answer["worker_pid"] for answer in answers}) == 1
    assert {answer["copy"] for answer in answers} == {1}
    marks = {phase["name"]: phase["high_water_bytes"] for phase in report["phases"]}
    assert marks["without Windlass"] >= 17 * (100 * MIB + CONTEXT)
    assert 100 * MIB <= marks["with Windlass"] <= 100 * MIB + 2 * CONTEXT
    assert max(look["ours_bytes"] for look in report["series"]) == marks["without Windlass"]
    assert "takes up to 9.1 GiB of an emulated device" in ended.err


def test_development_takes_as_much_as_production(drill):
    """[R73] [R83] One process without Windlass beside one client of it, as people see it."""
    ended = drill("duplicates", "--mode", "dev", "--model-size", "8MiB").end()
    assert ended.code == 0, ended.out + ended.err
    assert "high-water mark without Windlass: 458 MiB\n" in ended.out
    assert "high-water mark with Windlass: 458 MiB\n" in ended.out
    assert "drill duplicates: passed: all " in ended.out
    assert "NOT" not in ended.out


def free_port():
    """Below those that the kernel gives out, so that nobody takes it meanwhile."""
    while True:
        port = random.randrange(20000, 30000)
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            return port


def test_a_monitor_shows_ten_requests_at_the_port_that_was_asked_for(drill):
    """[R75] [R76] No copy without Windlass is ever made."""
    port = free_port()
    words = ("duplicates", "--mode", "monitor", "--port", str(port), "--json", *SMALL)
    ended = drill(*words).end()
    assert ended.code == 0, ended.out + ended.err
    assert ended.happened("daemon serves") == "http://127.0.0.1:%d" % port
    assert ended.happened("requests answered at once") == "10"
    assert max(look["ours_bytes"] for look in ended.report()["series"]) <= 8 * MIB + CONTEXT


def test_a_port_that_is_taken_is_an_error_and_not_a_shortfall(drill):
    """[R75] It uses the port that it was given, or none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = ("--mode", "monitor", "--port", str(taken.getsockname()[1]), "--json")
        ended = drill("duplicates", *words).end()
    assert ended.code > 1
    error = ended.report()["error"]
    assert error["type"] == "unavailable" and "daemon" in error["message"]


def small_files():
    """The emulator keeps memory in files: no allocation above 4 MiB succeeds."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, 4 * MIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def test_what_fell_short_is_said_in_a_sentence_and_by_the_exit_code(drill):
    """[A3.11] Nobody can load the model: neither the processes nor Windlass."""
    words = ("--mode", "dev", "--model-size", "64MiB")
    ended = drill("duplicates", *words, before=small_files).end()
    assert ended.code == 1, ended.out + ended.err
    assert "fell short: copies without Windlass: expected 1, happened 0" in ended.err
    assert "clients answered at once: expected 1, happened 0" in ended.err


def test_without_a_driver_a_real_drill_says_so(drill):
    """[R84] And takes nothing."""
    environment = {"WINDLASS_NVML_LIBRARY": "libnobody-has-this.so.7"}
    ended = drill("duplicates", "--real", "--json", environment=environment).end()
    assert ended.code == 6
    assert ended.report()["error"]["type"] == "driver_missing"


@pytest.fixture
def node(tmp_path):
    """The environment of a machine with one GPU of 4 GiB, of which somebody has 1."""
    binaries = pathlib.Path(windlass_program()).parent
    libraries = binaries.parent / "lib" / "emulator"
    folder = str(tmp_path / "node")
    tool = str(binaries / "windlass-emulator")
    for words in (("create", folder, "1x4GiB"), ("stranger", folder, "0", "1GiB")):
        subprocess.run([tool, *words], check=True, timeout=SOON_S)
    return {
        "WINDLASS_EMULATOR": folder,
        "LD_LIBRARY_PATH": str(libraries),
        "WINDLASS_NVML_LIBRARY": str(libraries / "libnvidia-ml.so.1"),
    }


def test_a_real_drill_runs_beside_others_where_it_fits_and_else_refuses(drill, node):
    """[R84] The stranger keeps what it has. (The driver that looks real here is the emulator's.)"""
    words = ("duplicates", "--real", "--mode", "dev", "--model-size", "8MiB", "--json")
    ended = drill(*words, environment=node).end()
    assert ended.code == 0, ended.out + ended.err
    assert max(look["used_bytes"] for look in ended.report()["series"]) == (1 << 30) + (
        8 * MIB + CONTEXT
    )
    refused = drill("duplicates", "--real", "--json", environment=node).end()
    assert refused.code != 1 and refused.report()["error"]["type"] == "out_of_memory"


def test_an_idle_model_leaves_the_device_comes_back_and_ends(drill):
    """[R14] [R22] As the driver and the process table see it."""
    # A busy machine may be late, but not early.
    slack = "%ds" % min(SOON_S, 60)
    words = ("--offload", "1", "--unload", "5", "--slack", slack, "--model-size", "64MiB")
    ended = drill("idle", "--json", *words).end()
    assert ended.code == 0, ended.out + ended.err
    assert ended.happened("weights leave the device").endswith("450 MiB left")
    assert ended.happened("its process meanwhile") == "lives"
    loaded = ended.happened("the first call loads")
    assert loaded.startswith("514 MiB in process ")
    assert ended.happened("the next call brings them back") == loaded
    assert ended.happened("its process ends").endswith("neither process nor memory left")
    sizes = [look["ours_bytes"] for look in ended.report()["series"]]
    assert {CONTEXT, CONTEXT + 64 * MIB} <= set(sizes) and sizes[-1] == 0
    assert ended.report()["took_ms"] / 1000 <= 20 * TIME_FACTOR


def test_times_that_make_no_sense_are_refused(drill):
    """[R76] The weights leave before the process ends."""
    ended = drill("idle", "--offload", "4", "--unload", "4").end()
    assert ended.code == 2 and "--unload (4) must be longer" in ended.err


def begin_to_idle(drill):
    """A drill that has its daemon, and waits for much longer than a test takes."""
    running = drill("idle", "--offload", "50", "--unload", "60")
    eventually(running.daemons, "it has started its daemon")
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_interrupted_leaves_nothing(drill, number):
    """[R105] Neither processes nor files."""
    running = begin_to_idle(drill)
    running.process.send_signal(number)
    assert running.end().code > 1
    assert "cancelled: the drill was ended by signal" in running.err


def test_a_drill_that_is_killed_leaves_no_process(drill):
    """[R105] Its daemon, and what that has started, end by themselves."""
    killed = begin_to_idle(drill)
    killed.process.kill()
    killed.process.communicate(timeout=SOON_S)
    eventually(lambda: not killed.processes(), "all that it had started is gone")
