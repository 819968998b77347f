"""The model's own limits end the worker: a run that never answers, or that stands still."""

import sys

import pytest
from support import AT_ONCE_S, MODELS, SOON_S, is_alive, model_table, probe

QUICK = {"cancel_grace": "40ms", "term_grace": "200ms", "backoff": "20ms"}


@pytest.mark.parametrize("function", ["hang", "hang_deaf"])
def test_a_run_that_never_answers_ends_with_its_worker(daemon, function):
    """The request gets `timeout` and is not run again, even if it may be."""
    served = daemon(probe(run_timeout="200ms", idempotent=True, **QUICK))
    pid = served.ask("probe").json()["pid"]
    reply = served.ask("probe", {"do": "call", "function": function, "name": "stuck"})
    assert (reply.status, reply.error["type"]) == (504, "timeout")
    assert "run_timeout" in reply.error["message"] and "200ms" in reply.error["message"]
    # What was asked meanwhile waits for the new worker and is served by it.
    assert served.ask("probe").json()["pid"] != pid
    assert not is_alive(pid)
    reached = served.log.wait_for("run.limit_reached")
    assert (reached["request"], reached["pid"]) == (reply.error["request_id"], pid)
    assert served.log.find("worker.killed", pid=pid) if function == "hang_deaf" else True
    assert len(served.log.find("worker.output", line="ran stuck")) == 1


def test_a_run_without_progress_is_stalled_and_one_with_progress_is_not(daemon):
    served = daemon(probe(stall_timeout="400ms", **QUICK))
    first = served.ask("probe", {"do": "report", "seconds": 1.2})
    assert (first.status, first.json() > 2) == (200, True)
    reply = served.ask("probe", {"do": "call", "function": "hang"})
    assert (reply.status, reply.error["type"]) == (504, "stalled")
    assert "stall_timeout" in reply.error["message"]
    assert served.ask("probe").status == 200
    assert served.model()["loads"] == 2


def test_progress_does_not_extend_the_limit_of_the_run(daemon):
    served = daemon(probe(run_timeout="300ms", **QUICK))
    reply = served.ask("probe", {"do": "report", "seconds": SOON_S})
    assert (reply.status, reply.error["type"]) == (504, "timeout")


def test_others_in_the_same_worker_are_lost_or_run_again_as_the_model_says(daemon, gate):
    served = daemon(
        probe("once", stall_timeout="400ms", concurrency=2, **QUICK)
        + probe("again", stall_timeout="400ms", concurrency=2, idempotent=True, **QUICK)
    )
    for model, expected in (("once", (502, "worker_lost")), ("again", (200, None))):
        served.ask(model)
        stuck = served.begin(model, {"do": "call", "function": "hang_deaf_in_thread"})
        served.said("hanging", model)
        beside = served.begin(model, gate.hold("beside", "hold_lively"))
        served.said("ran beside", model)
        with stuck, beside:
            assert stuck.reply().error["type"] == "stalled"
            served.log.wait_for("worker.reaped", model=model)
            gate.open()
            reply = beside.reply()
        assert (reply.status, None if reply.status == 200 else reply.error["type"]) == expected
        gate.close()


def raw(name, fault):
    command = [sys.executable, str(MODELS / "raw_worker.py"), fault]
    return model_table(name, {}, {"command": command})


@pytest.mark.parametrize("fault", ["twice", "at-once"])
def test_a_second_answer_is_dropped_and_nobody_else_harmed(daemon, fault):
    served = daemon(raw("raw", fault) + probe())
    bystander = served.ask("probe").json()["pid"]
    answers = [served.ask("raw", {"number": number}) for number in range(4)]
    assert [reply.status for reply in answers] == [200] * 4
    # Each got its own answer, from one and the same process.
    assert [reply.json()["run"] for reply in answers] == [1, 2, 3, 4]
    assert len({reply.json()["pid"] for reply in answers}) == 1
    dropped = served.log.wait_for("run.result_dropped", model="raw", limit_s=AT_ONCE_S)
    assert dropped["request"] == answers[0].headers["X-Windlass-Request-Id"]
    assert served.ask("probe").json()["pid"] == bystander


def test_a_worker_without_the_sdk_serves_like_any_other(daemon):
    served = daemon(raw("raw", "none"))
    first, second = served.ask("raw"), served.ask("raw")
    assert first.json() == {"pid": int(first.headers["X-Windlass-Worker-Pid"]), "run": 1}
    assert second.json()["run"] == 2
    assert not served.log.find("run.result_dropped")
