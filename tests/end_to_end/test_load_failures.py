"""Workers that will not start, fail or die at load: a typed error for each who waited, a pause."""

import math
import os
import signal

import pytest
from support import SOON_S, model_table, probe

ON_CALL = {"backoff": "10s"}  # long enough that a test sees it, whatever the machine does


def failing(served, status, type_, *words):
    """The error of a call, which must be this; also of the log line and of the model's state."""
    reply = served.ask("probe")
    assert (reply.status, reply.error["type"]) == (status, type_), reply.body
    for word in words:
        assert word in reply.error["message"], reply.error["message"]
    logged = served.log.wait_for("model.load_failed", model="probe")
    assert (logged["type"], logged["message"]) == (type_, reply.error["message"])
    served.log.wait_for("model.backoff", model="probe")
    model = served.model()
    assert (model["residency"], model["failures"], model["worker_pid"]) == ("backoff", 1, None)
    assert model["last_error"] == {"type": type_, "message": reply.error["message"]}
    assert served.ask("healthy").status == 200
    return reply.error


def serve(daemon, env=None, **keys):
    return daemon(probe(env=env, **{**ON_CALL, **keys}) + probe("healthy"))


def test_a_module_or_class_that_is_missing_is_named_with_its_traceback(daemon):
    error = failing(serve(daemon, python="no_such_module:Probe"), 500, "internal", "no_such_module")
    assert error["cause"] == "ModuleNotFoundError"
    assert "ModuleNotFoundError" in error["traceback"]


def test_a_class_that_is_missing_is_named(daemon):
    failing(serve(daemon, python="probe_model:Prob"), 500, "internal", "Prob")


def test_an_interpreter_that_is_missing_is_named_with_what_to_do(daemon):
    served = serve(daemon, interpreter="python-of-nobody")
    failing(served, 500, "internal", "python-of-nobody", "interpreter")


def test_a_command_that_is_missing_is_named(daemon):
    served = daemon(
        model_table("probe", {}, {"command": ["./no-such-program"], **ON_CALL}) + probe("healthy")
    )
    failing(served, 500, "internal", "no-such-program", "command")


def test_a_program_that_does_not_speak_the_protocol_is_a_lost_worker(daemon):
    served = daemon(model_table("probe", {}, {"command": ["true"], **ON_CALL}) + probe("healthy"))
    failing(served, 502, "worker_lost", "exited with status 0")


@pytest.mark.parametrize("step", ["PROBE_INIT", "PROBE_LOAD"])
def test_what_constructor_or_load_raises_is_told_with_its_traceback(daemon, step):
    served = serve(daemon, {step: "raise_plain"})
    error = failing(served, 500, "internal", "weights of the wrong shape")
    assert error["cause"] == "ValueError"
    assert "raise_plain" in error["traceback"]
    logged = served.log.find("model.load_failed", model="probe")
    assert logged[0]["traceback"] == error["traceback"]


def test_a_typed_error_of_load_keeps_its_type(daemon):
    """No general 500 for a model that does not fit."""
    failing(serve(daemon, {"PROBE_LOAD": "raise_typed"}), 503, "out_of_memory", "24 GiB")


@pytest.mark.parametrize(
    "function, how", [("exit_at_once", "exited with status 3"), ("kill_itself", "SIGKILL")]
)
def test_a_worker_that_dies_at_load_is_a_lost_worker(daemon, function, how):
    failing(serve(daemon, {"PROBE_LOAD": function}), 502, "worker_lost", how)


@pytest.mark.parametrize(
    "step, limit", [("PROBE_INIT", "start_timeout"), ("PROBE_LOAD", "load_timeout")]
)
def test_a_start_or_load_that_takes_too_long_is_ended(daemon, step, limit):
    """The limit is in the message, and the process is gone even if it ignores SIGTERM."""
    served = serve(daemon, {step: "hang_deaf"}, **{limit: "700ms", "term_grace": "100ms"})
    failing(served, 504, "timeout", limit, "700ms")
    served.log.wait_for("worker.killed", model="probe")


def test_all_who_waited_get_the_error_of_the_load(daemon, gate):
    env = {"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path}
    served = serve(daemon, env)
    waiting = [served.begin("probe") for _ in range(5)]
    served.wait_for_waiting(5)
    served.said("loading")
    shown = served.model()
    assert (shown["residency"], shown["copies"]) == ("loading", 0)
    assert {request["reason"] for request in shown["waiting_requests"]} == {"loading"}
    os.kill(shown["worker_pid"], signal.SIGKILL)
    for wire in waiting:
        with wire:
            assert wire.reply().error["type"] == "worker_lost"
    assert served.model()["loads"] == 1


def test_during_the_pause_a_short_wait_is_refused_with_the_time_to_come_back(daemon):
    served = serve(daemon, {"PROBE_LOAD": "raise_plain"}, backoff="1m")
    served.ask("probe")
    served.log.wait_for("model.backoff", model="probe")
    reply = served.ask("probe", wait="1s")
    assert (reply.status, reply.error["type"]) == (503, "unavailable")
    assert reply.error["reason"] == "backoff"
    assert "weights of the wrong shape" in reply.error["message"]
    assert 0 < reply.error["retry_after_s"] <= 60
    assert reply.headers["Retry-After"] == str(math.ceil(reply.error["retry_after_s"]))
    assert served.model()["loads"] == 1
    assert 0 < served.model()["retry_after_s"] <= 60


def test_a_request_that_may_wait_outlasts_the_pause_and_is_served_once_the_cause_is_gone(
    daemon, tmp_path
):
    weights = tmp_path / "weights"
    env = {"PROBE_LOAD": "need_file", "PROBE_FILE": weights}
    served = serve(daemon, env, backoff="300ms")
    assert served.ask("probe").error["cause"] == "FileNotFoundError"
    served.log.wait_for("model.backoff", model="probe")
    patient = served.begin("probe", {"value": "patient"})
    weights.touch()
    with patient:
        assert patient.reply().json()["value"] == "patient"
    model = served.model()
    assert (model["residency"], model["loads"], model["failures"]) == ("ready", 2, 1)


def test_the_pause_doubles_up_to_its_limit(daemon):
    """The delays are those that the replies name."""
    served = serve(daemon, {"PROBE_LOAD": "raise_plain"}, backoff="20s", backoff_max="1m")
    delays = []
    for number in range(1, 4):
        # An administrator's load does not wait for the end of the pause.
        assert served.get("/api/models/probe/load", "POST").error["type"] == "internal"
        served.log.wait_for("model.backoff", count=number, model="probe")
        delays.append(served.model()["retry_after_s"])
    slack = SOON_S
    for delay, full in zip(delays, (20, 40, 60)):
        assert full - slack < delay <= full
    assert served.model()["loads"] == 3
