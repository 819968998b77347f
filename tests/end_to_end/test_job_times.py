"""Jobs and time: zones, steps of the wall clock, and a daemon that is stopped for a while."""

import os
import pathlib
import signal
import time

import pytest
from emulated import GIB, Node, ballast
from jobs import show, submit, wait_until
from support import AT_ONCE_S, SOON_S, eventually, probe, windlass_program

CLOCK = pathlib.Path(windlass_program()).parent / "wl_stepped_clock.so"
STALL_S = 0.5
EARLY_S = 0.2  # so late we may have seen that it runs
HANGING = {"do": "call", "function": "hang_deaf"}
STALLING = {"stall_timeout": "500ms", "term_grace": "50ms", "job_crashes": 1, "backoff": "1ms"}


def time_a_stall(served):
    """Hands over a job that hangs; how long it took until it was found to stand still."""
    job = submit(served, HANGING)
    wait_until(served, job, "running")
    began = time.monotonic()
    served.log.wait_for("job.stalled", job=job)
    took = time.monotonic() - began
    assert wait_until(served, job, "failed", SOON_S)["history"][0]["outcome"] == "stalled"
    return took


@pytest.mark.parametrize("zone", ["UTC0", "EST5EDT", "CET-1CEST", "JST-9"])
def test_a_stall_is_found_alike_in_every_time_zone(daemon, zone):
    """[A4.4] Universal time, New York, Berlin and Tokyo."""
    served = daemon(probe(**STALLING), environment={"TZ": zone})
    assert time_a_stall(served) < STALL_S + AT_ONCE_S


def test_a_full_device_makes_no_stall_and_hides_none(daemons):
    """[A4.1] [R94] Others use all its memory while one job reports progress and another hangs."""
    models = ballast("hog", "3GiB", "4GiB") + probe(**STALLING, devices="cpu")
    models += probe("other", stall_timeout="500ms", devices="cpu")
    node = Node(daemons, "1x4GiB", models)
    served = node.served
    wait_until(served, submit(served, None, "hog"), "succeeded")
    node.tool("stranger", 0, "512MiB")
    eventually(lambda: node.used() >= 3.5 * GIB, "the device is full")
    lively = submit(served, {"do": "report", "seconds": 2}, model="other")
    wait_until(served, lively, "running")
    took = time_a_stall(served)
    assert STALL_S - EARLY_S < took < STALL_S + AT_ONCE_S
    told = wait_until(served, lively, "succeeded")
    assert [attempt["outcome"] for attempt in told["history"]] == ["succeeded"]
    assert node.used() >= 3.5 * GIB


class Clock:
    """The wall clock of a daemon that is started with `environment`."""

    def __init__(self, folder):
        self._file = folder / "step"
        self.set(0)
        self.environment = {"LD_PRELOAD": str(CLOCK), "WINDLASS_TEST_STEP": str(self._file)}

    def set(self, ahead_s):
        """Sets it ahead of ours, at once."""
        new = self._file.with_suffix(".new")
        new.write_text("%d\n" % ahead_s)
        os.replace(new, self._file)


@pytest.fixture
def clock(tmp_path):
    if not CLOCK.exists():
        pytest.skip("not built under a sanitizer, which wants to be preloaded first")
    return Clock(tmp_path)


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_step_of_the_wall_clock_makes_no_stall_and_hides_none(daemon, clock, gate, step_s):
    """[A4.4] By an hour, while one job reports progress and another hangs."""
    served = daemon(probe(**STALLING) + probe("other", stall_timeout="500ms"), clock.environment)
    lively = submit(served, {"do": "report", "seconds": 2}, model="other")
    wait_until(served, lively, "running")
    clock.set(step_s)
    assert time_a_stall(served) < STALL_S + AT_ONCE_S
    told = wait_until(served, lively, "succeeded")
    assert [attempt["outcome"] for attempt in told["history"]] == ["succeeded"]
    stalled = [event["job"] for event in events(served) if event["code"] == "job.stalled"]
    assert lively not in stalled


def events(served):
    return served.get("/api/events?limit=1000").json()["events"]


def test_a_job_for_a_time_of_day_goes_by_the_wall_clock(daemon, clock):
    """[A4.4] It waits for its hour, and when the clock is set behind that it has come."""
    served = daemon(probe(), clock.environment)
    late = submit(served, {"do": "echo"}, run_at="1h")
    submit(served, {"do": "echo"}, run_at="1ms")
    assert show(served, late)["state"] == "scheduled"
    clock.set(3601)
    soon = submit(served, {"do": "echo"}, run_at="1ms")  # the daemon looks at the clock again
    wait_until(served, soon, "succeeded")
    wait_until(served, late, "succeeded")


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_the_pause_before_a_retry_goes_by_no_wall_clock(daemon, clock, step_s):
    """[A4.4] It is neither cut short nor lengthened by the hour that the clock is set."""
    pauses = {"short": "2s", "long": "5m"}
    models = "".join(
        probe(name, job_failures=2, job_backoff=pause) for name, pause in pauses.items()
    )
    served = daemon(probe() + models, clock.environment)
    failing = {"do": "raise", "error": "Transient", "message": "not now"}
    jobs = {name: submit(served, failing, model=name) for name in pauses}
    for name in pauses:
        served.log.wait_for("job.retried", job=jobs[name])
    # Behind whatever it looked up when it wrote that: nothing looks at the clock any more.
    wait_until(served, submit(served, {"do": "echo"}), "succeeded")
    clock.set(step_s)
    later = submit(served, failing, model="short")  # its pause begins when the clock is set
    wait_until(served, later, "failed")
    wait_until(served, jobs["short"], "failed")
    assert show(served, jobs["long"])["state"] == "scheduled"


def test_a_daemon_that_was_stopped_finds_no_stall_in_what_it_slept_through(daemon):
    """[A4.4] The worker reported all the while; its daemon hears of it when it goes on."""
    served = daemon(probe(stall_timeout="500ms"))
    job = submit(served, {"do": "report", "seconds": 2})
    wait_until(served, job, "running")
    served.signal(signal.SIGSTOP)
    time.sleep(1)  # lint: sleep is the subject (twice as long as a stall)
    served.signal(signal.SIGCONT)
    told = wait_until(served, job, "succeeded")
    assert [attempt["outcome"] for attempt in told["history"]] == ["succeeded"]


def test_a_machine_that_stood_still_blames_nobody_for_it(daemon, gate):
    """[A4.4] Daemon and worker were frozen together, as by `docker pause`, for longer than the
    limit; the worker goes on last, and has its whole time from then on."""
    served = daemon(probe(stall_timeout="3s"))
    job = submit(served, gate.hold("a", "hold_lively"))
    wait_until(served, job, "running")
    worker = eventually(lambda: served.model()["worker_pid"], "it has a worker")
    os.kill(worker, signal.SIGSTOP)
    served.signal(signal.SIGSTOP)
    time.sleep(3 + 2.5)  # lint: sleep is the subject (more than 2 s later than the limit)
    served.signal(signal.SIGCONT)
    served.log.wait_for("loop.late")
    assert served.get("/healthz").status == 200
    os.kill(worker, signal.SIGCONT)
    gate.open()
    told = wait_until(served, job, "succeeded")
    assert [attempt["outcome"] for attempt in told["history"]] == ["succeeded"]


def test_a_job_that_only_waits_fails_at_its_deadline(daemon):
    """[A4.7] Though nothing else happens, and its model is paused; the earlier one first."""
    served = daemon(probe())
    served.get("/api/models/probe/pause", method="POST")
    late = submit(served, {"do": "echo"}, deadline="20s")
    soon = submit(served, {"do": "echo"}, deadline="200ms")
    told = wait_until(served, soon, "failed")
    assert (told["reason"], told["attempts"]) == ("deadline", 0)
    assert show(served, late)["state"] == "available"
