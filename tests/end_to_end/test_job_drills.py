"""`windlass drill stall`, `load`, ...: what each shows, on this machine, of jobs."""

import pytest
from drills import Drills
from times import SOON_S, TIME_FACTOR

# A busy machine may be late.
SLACK = ("--slack", "%ds" % min(SOON_S, 60))


@pytest.fixture
def drill(tmp_path):
    """drill(WORDS...) -> one that runs; it is killed if the test fails."""
    with Drills(tmp_path) as start:
        yield start


def passed(drill, *words):
    """Lets one run to its end; it must have passed, in JSON."""
    ended = drill(*words, "--json").end()
    assert ended.code == 0, ended.out + ended.err
    assert ended.report()["passed"] and all(one["met"] for one in ended.report()["checks"])
    return ended


def test_a_stalled_job_runs_again_in_a_fresh_process(drill):
    """[A4.12] [R106] Its worker really hangs, and the drill is over within 15 s."""
    ended = passed(drill, "stall", "--stall", "2", *SLACK)
    assert ended.happened("a job hangs").startswith("process ")
    first = ended.happened("a job hangs")
    assert ended.happened("attempt 2") != "in " + first
    assert ended.happened("the job in the end") == "succeeded, come to its end once"
    assert ended.happened("its memory, by the emulator's ledger") == "0 B"
    assert ended.report()["took_ms"] / 1000 <= 15 * TIME_FACTOR


def test_no_job_is_lost_and_none_is_done_twice_under_load(drill):
    """[A4.12] [R107] The totals are those of the workers' own log."""
    ended = passed(drill, "load", "--jobs", "200", *SLACK)
    assert ended.happened("jobs acknowledged to 8 clients") == "200"
    assert ended.happened("jobs") == "200 done, 0 twice"
    assert ended.happened("totals of /api/queue").startswith("200 done, 0 failed")


def test_a_job_that_kills_its_worker_is_given_up_alone(drill):
    """[A4.12]"""
    ended = passed(drill, "crash", *SLACK)
    assert ended.happened("attempts at a job that kills its worker") == "3, in 3 processes"
    assert ended.happened("the other jobs") == "20 done, 0 twice"


def test_a_job_out_of_memory_is_tried_again(drill):
    """[A4.12]"""
    ended = passed(drill, "oom", *SLACK)
    assert ended.happened("loads that ran out of memory before") == "1"
    assert ended.happened("the same job, tried again") == "1 done, 0 twice"


def test_a_worker_that_leaks_is_replaced(drill):
    """[A4.12] [R108] At `max_growth`, and no job notices."""
    ended = passed(drill, "leak", *SLACK)
    assert ended.happened("workers in turn") == "2"
    assert ended.happened("its memory, by the emulator's ledger") == "0 B"


def test_a_worker_that_ignores_sigterm_is_killed(drill):
    """[A4.12]"""
    ended = passed(drill, "ignore-term", *SLACK)
    assert ended.happened("its process, by SIGKILL").endswith(" is gone")


def test_no_job_is_lost_when_the_drill_kills_its_daemon(drill):
    """[A4.12] Running, queued and handed over meanwhile: all are done, each once."""
    ended = passed(drill, "kill-daemon", *SLACK)
    assert ended.happened("jobs that were acknowledged, done in the end") == "48"
    assert ended.happened("interrupted ones: 2 attempts, nothing charged") == "3"


def test_jobs_go_on_while_the_driver_hangs(drill):
    """[A4.12]"""
    ended = passed(drill, "slow-driver", *SLACK)
    assert ended.happened("jobs while it hangs") == "20 done, 0 twice"
    assert ended.happened("the device meanwhile") == "unresponsive"


def test_models_take_turns_and_give_back_every_byte(drill):
    """[A4.12]"""
    ended = passed(drill, "memory", *SLACK)
    assert ended.happened("most copies on the device at any moment, by the driver") == "1"
    assert ended.happened("in use once all are unloaded, by the emulator's ledger") == "0 B"


def test_what_a_job_drill_falls_short_of_is_said_by_its_exit_code(drill):
    """[A4.12] Nothing happens within no time at all."""
    ended = drill("stall", "--stall", "500ms", "--slack", "0s").end()
    assert ended.code == 1, ended.out + ended.err
    assert "drill stall: fell short: its worker is told to end: expected" in ended.err
    assert "NOT" in ended.out
