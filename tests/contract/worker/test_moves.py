"""Weights go to host memory and come back between runs, never during one, and a failure is told."""

import os
import select
import signal

import pytest
from fake_daemon import DEADLINE_S
from test_life import assert_ends_with_hooks, run
from test_runs import ask

from windlass.frames import Type

QUIET = (Type.HEARTBEAT, Type.PROGRESS)


@pytest.fixture(params=[1, 2], ids=["alone", "pool"])
def concurrency(request):
    return request.param


def move(daemon, order):
    """Sends an order; its answer, whatever began before it."""
    daemon.send(order)
    return daemon.receive(skip=(*QUIET, Type.STARTED))


def offload(daemon):
    answer = move(daemon, Type.OFFLOAD)
    assert (answer.type, answer.id) == (Type.OFFLOADED, 0), answer
    return answer.meta


def restore(daemon):
    answer = move(daemon, Type.RESTORE)
    assert (answer.type, answer.id) == (Type.RESTORED, 0), answer
    return answer.meta


def assert_refused(answer, type, reason=None, id=0):
    assert (answer.type, answer.id) == (Type.ERROR, id), answer
    assert (answer.meta["type"], answer.meta.get("reason")) == (type, reason), answer.meta


def hooks_of(daemon):
    """The hooks that a worker called after `load`; ends it."""
    assert daemon.stop() == 0
    return [line for line in daemon.lines() if line.split()[0] in ("offload", "restore", "unload")]


@pytest.mark.parametrize("environment", [{}, {"FIXED": "1"}])
def test_hello_says_whether_it_can(start, environment):
    assert start(**environment).expect(Type.HELLO).meta["can_offload"] is (environment == {})


def test_weights_go_and_come_back_and_runs_are_answered_as_before(loaded, concurrency):
    daemon = loaded(concurrency=concurrency)
    for id in (1, 2):
        assert ask(daemon, id, "echo same").body == b"same"
        assert offload(daemon)["duration_us"] >= 0
        assert restore(daemon)["duration_us"] >= 0
        assert ask(daemon, 10 + id, "echo same").body == b"same"
    assert hooks_of(daemon) == ["offload main", "restore cpu"] * 2 + ["unload"]


def test_a_move_right_after_an_answer_is_not_refused(loaded, concurrency):
    """The answer may be read while the worker still puts away what it was about."""
    daemon = loaded(concurrency=concurrency)
    for id in range(1, 101):
        assert ask(daemon, id, "echo x").body == b"x"
        offload(daemon)
        restore(daemon)


def test_a_hook_reports_progress_without_a_request(loaded, concurrency):
    daemon = loaded(concurrency=concurrency)
    daemon.send(Type.OFFLOAD)
    assert daemon.expect(Type.PROGRESS).meta == {"phase": "out"}
    daemon.expect(Type.OFFLOADED)


def test_a_move_is_refused_while_a_run_goes_on_or_waits(loaded, concurrency):
    daemon = loaded(concurrency=concurrency)
    run(daemon, 1, "gate")
    daemon.expect(Type.STARTED, 1)
    daemon.wait_for("inside")
    assert_refused(move(daemon, Type.OFFLOAD), "conflict", "busy")
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)
    offload(daemon)
    restore(daemon)
    run(daemon, 2, "gate")
    assert daemon.expect(Type.STARTED, 2)
    daemon.wait_for("inside")
    run(daemon, 3, "gate")  # waits, or has begun in the other thread
    assert_refused(move(daemon, Type.OFFLOAD), "conflict", "busy")
    daemon.open_gate(2)


def test_a_run_is_refused_while_the_weights_move_or_are_away(loaded, concurrency):
    daemon = loaded({"GATED": "offload restore"}, concurrency=concurrency)
    daemon.send(Type.OFFLOAD)
    daemon.wait_for("offload")
    run(daemon, 1, "echo x")
    assert_refused(daemon.receive(skip=QUIET), "conflict", "moving", id=1)
    daemon.open_gate()
    daemon.expect(Type.OFFLOADED)
    run(daemon, 2, "echo x")
    assert_refused(daemon.receive(skip=QUIET), "conflict", "offloaded", id=2)
    daemon.send(Type.RESTORE)
    daemon.wait_for("restore")
    run(daemon, 3, "echo x")
    assert_refused(daemon.receive(skip=QUIET), "conflict", "moving", id=3)
    daemon.open_gate()
    daemon.expect(Type.RESTORED)
    assert ask(daemon, 4, "echo back").body == b"back"


def test_what_is_there_already_is_refused(loaded):
    daemon = loaded()
    assert_refused(move(daemon, Type.RESTORE), "conflict", "not_offloaded")
    offload(daemon)
    assert_refused(move(daemon, Type.OFFLOAD), "conflict", "offloaded")
    restore(daemon)
    assert hooks_of(daemon) == ["offload main", "restore cpu", "unload"]


@pytest.mark.parametrize("order", [Type.OFFLOAD, Type.RESTORE])
def test_a_model_without_the_hooks_refuses_and_runs_on(loaded, order):
    daemon = loaded({"FIXED": "1"})
    assert_refused(move(daemon, order), "unsupported")
    assert ask(daemon, 1, "echo x").body == b"x"
    assert hooks_of(daemon) == ["unload"]


def test_a_failed_offload_is_told_and_the_model_stays_loaded(loaded, concurrency):
    """The reason is told each time, and a try is worth it each time."""
    daemon = loaded({"FAILING": "offload"}, concurrency=concurrency)
    for id in (1, 2, 3):
        answer = move(daemon, Type.OFFLOAD)
        assert_refused(answer, "unavailable", "asked")
        assert answer.meta["message"] == "no offload today"
        assert ask(daemon, id, "echo x").body == b"x"
    assert hooks_of(daemon) == ["offload main"] * 3 + ["unload"]


def test_a_failed_restore_is_told_and_the_model_stays_offloaded(loaded):
    daemon = loaded({"FAILING": "restore"})
    offload(daemon)
    for id in (1, 2):
        assert_refused(move(daemon, Type.RESTORE), "unavailable", "asked")
        run(daemon, id, "echo x")
        assert_refused(daemon.receive(skip=QUIET), "conflict", "offloaded", id=id)
    assert hooks_of(daemon) == ["offload main", "restore cpu", "restore cpu", "unload"]


def test_an_exception_in_a_hook_is_told_with_its_text(loaded, sdk):
    daemon = loaded({"RAISING": "offload"})
    answer = move(daemon, Type.OFFLOAD)
    assert_refused(answer, "internal")
    assert "no offload today" in answer.meta["message"]
    if sdk == "python":
        assert answer.meta["cause"] == "ValueError"
        assert "in enter_hook" in answer.meta["traceback"]
        assert "runtime.py" not in answer.meta["traceback"]
    assert ask(daemon, 1, "echo x").body == b"x"


def first_words(daemon):
    """What it says on stderr, as soon as it says something."""
    stderr = daemon.process.stderr.fileno()
    ready, _, _ = select.select([stderr], [], [], DEADLINE_S)
    return os.read(stderr, 4096).decode() if ready else ""


def test_a_second_order_before_the_answer_ends_the_worker(loaded, concurrency):
    def lose():
        daemon = loaded({"GATED": "offload"}, concurrency=concurrency)
        daemon.send(Type.OFFLOAD)
        daemon.wait_for("offload")
        daemon.send(Type.OFFLOAD)
        assert "out of place" in first_words(daemon)  # before the first one is over
        daemon.remove_gate()
        return daemon

    assert_ends_with_hooks(lose, status=1)


def test_stop_during_an_offload_ends_it_first(loaded, concurrency):
    daemon = loaded({"GATED": "offload"}, concurrency=concurrency)
    daemon.send(Type.OFFLOAD)
    daemon.wait_for("offload")
    daemon.send(Type.STOP)
    daemon.open_gate()
    daemon.expect(Type.OFFLOADED, skip=QUIET)
    assert daemon.receive(skip=QUIET) is None
    assert daemon.end() == 0
    assert daemon.lines() == ["unload", "exit"]


def test_an_offload_and_a_stop_in_one_piece_leave_nothing_unanswered(loaded, concurrency):
    daemon = loaded(concurrency=concurrency)
    daemon.send(Type.OFFLOAD)
    daemon.send(Type.STOP)
    answer = daemon.receive(skip=QUIET)
    if answer.type is not Type.OFFLOADED:
        assert_refused(answer, "cancelled")
    assert daemon.receive(skip=QUIET) is None
    assert daemon.end() == 0


def test_a_model_that_is_offloaded_stops_as_any(loaded, concurrency):
    daemon = loaded(concurrency=concurrency)
    offload(daemon)
    assert hooks_of(daemon) == ["offload main", "unload"]


def test_sigterm_ends_an_offload(loaded, concurrency):
    daemon = loaded({"GATED": "offload"}, concurrency=concurrency)
    daemon.send(Type.OFFLOAD)
    daemon.wait_for("offload")
    daemon.signal()
    daemon.remove_gate()
    assert daemon.end(DEADLINE_S) == 128 + signal.SIGTERM
    assert daemon.lines()[-2:] == ["unload", "exit"]


def test_the_end_of_the_channel_ends_an_offload(loaded, concurrency):
    def lose():
        daemon = loaded({"GATED": "offload"}, concurrency=concurrency)
        daemon.send(Type.OFFLOAD)
        daemon.wait_for("offload")
        daemon.socket.close()
        daemon.remove_gate()
        return daemon

    assert_ends_with_hooks(lose)
