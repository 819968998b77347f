"""Many deaths: each has its answer, crash loops keep their distance, and nothing adds up."""

import datetime
import threading

import pytest
from faulty import Traces, echo, misbehaving, pid_of, tell
from support import SOON_S, eventually, probe

KINDS = ("abort", "segfault", "kill", "exit", "context-lost")
DEATHS = 100


def type_of(kind):
    return "context_lost" if kind == "context-lost" else "worker_lost"


def test_a_hundred_deaths_of_five_kinds_are_a_hundred_typed_errors(daemon):
    """[R144]"""
    served = daemon(misbehaving() + echo())
    before = pid_of(tell(served, "bystander", "hello"))
    tell(served, "bad", "hello")
    traces = Traces(served)
    for number in range(DEATHS):
        kind = KINDS[number % len(KINDS)]
        reply = tell(served, "bad", kind)
        assert (reply.status, reply.error["type"]) == (502, type_of(kind)), (number, kind)
    assert tell(served, "bad", "hello").status == 200
    assert served.model("bad")["loads"] == DEATHS + 1
    assert pid_of(tell(served, "bystander", "hello")) == before
    traces.assert_none()


def test_a_hundred_deaths_of_an_idempotent_model_are_a_hundred_answers(daemon, tmp_path):
    """[R144] Each on a fresh worker."""
    served = daemon(misbehaving(idempotent=True) + echo())
    for model in ("bad", "bystander"):
        tell(served, model, "hello")
    traces = Traces(served)
    for number in range(DEATHS):
        kind = KINDS[number % len(KINDS)]
        reply = tell(served, "bad", "once %s/%d %s" % (tmp_path, number, kind))
        assert (reply.status, reply.body) == (200, b"sound"), (number, kind)
    assert len(list(tmp_path.glob("[0-9]*"))) == DEATHS  # each did die first
    assert served.model("bad")["loads"] == DEATHS + 1
    assert len(served.log.find("request.retried", model="bad")) == DEATHS
    traces.assert_none()


PYTHON_KINDS = ("abort", "segfault", "kill_itself", "exit_at_once", "lose_context")


def test_the_same_five_kinds_of_a_python_model(daemon, tmp_path):
    keys = {"backoff": "1ms", "backoff_max": "1ms", "breaker_deaths": 0}
    served = daemon(probe("once", **keys) + probe("again", idempotent=True, **keys))
    for kind in PYTHON_KINDS:
        reply = served.ask("once", {"do": "call", "function": kind})
        expected = "context_lost" if kind == "lose_context" else "worker_lost"
        assert (reply.status, reply.error["type"]) == (502, expected), kind
        order = {"do": "call_once", "function": kind, "file": str(tmp_path / kind)}
        assert served.ask("again", order).status == 200, kind


@pytest.mark.parametrize("at_start", [["exit"], []], ids=["at start", "in each run"])
def test_a_crash_loop_keeps_its_distance_and_blocks_nobody(daemon, at_start):
    """However many ask for it, however often: between two starts lies the pause, doubling to its
    maximum. The others are served as if it were not there."""
    pauses_ms = (100, 200, 400)
    served = daemon(
        misbehaving(at_start=at_start, backoff="100ms", backoff_max="400ms") + echo("bystander")
    )
    before = pid_of(tell(served, "bystander", "hello"))
    is_over = threading.Event()
    errors = []

    def insist():
        while not is_over.is_set():
            errors.append(tell(served, "bad", "segfault").error["type"])

    askers = [threading.Thread(target=insist) for _ in range(4)]
    for asker in askers:
        asker.start()
    served_by = set()

    def starts():
        served_by.add(pid_of(tell(served, "bystander", "still there?")))
        return len(served.log.find("model.loading", model="bad")) >= 6

    eventually(starts, "six starts", 3 * SOON_S)
    is_over.set()
    for asker in askers:
        asker.join(3 * SOON_S)
        assert not asker.is_alive()
    assert served_by == {before}
    assert set(errors) <= {"worker_lost", "unavailable"}, set(errors)
    times = [milliseconds(record) for record in served.log.find("model.loading", model="bad")]
    gaps = [after - before for before, after in zip(times, times[1:])]
    for number, gap in enumerate(gaps):
        least = pauses_ms[min(number, len(pauses_ms) - 1)]
        assert gap >= least, (number, gaps)


def milliseconds(record):
    """Since 1970, in whole ones: what the log tells is finer than what the daemon waits for."""
    at = datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00"))
    return round(at.timestamp() * 1000)
