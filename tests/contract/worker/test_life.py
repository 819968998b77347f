"""From hello to the exit status: hooks in their order, whatever fails, and one way out."""

import os
import signal
import subprocess
import time

import pytest
from conftest import COMMANDS, load_model
from fake_daemon import DEADLINE_S, child_env

from windlass.frames import Type

LOST_S = 3  # what an SDK may take for what is left to do after its channel is gone
POOL_S = 2  # the same for its runs
TRIES = 3


def run(daemon, id, text, **meta):
    daemon.send(
        Type.RUN,
        id,
        {"content_type": "text/plain", "timeout_ms": 60_000, **meta},
        text.encode("latin-1"),
    )


def assert_ends_with_hooks(lose, status=0):
    """A worker whose channel `lose` has cut ends as it should, its hooks called.

    The SDKs' limits for that are fixed. A machine that was busy for so long shows nothing, and
    another worker is tried; one that hangs does so each time.
    """
    for _ in range(TRIES):
        daemon = lose()
        began = time.monotonic()
        ended = daemon.end(DEADLINE_S + LOST_S)
        if time.monotonic() - began < POOL_S:
            break
    assert (ended, daemon.lines()[-2:]) == (status, ["unload", "exit"])


def test_a_whole_life_in_order(start, sdk):
    """[R130] As every test of this folder: with a Python model, and with a C++ program."""
    daemon = start()
    hello = daemon.expect(Type.HELLO).meta
    assert (hello["protocol"], hello["pid"]) == (1, daemon.process.pid)
    assert hello["sdk"].startswith(sdk + "/") and hello["runtime"]
    daemon.send_load(device="cuda")
    daemon.expect(Type.PROGRESS)
    daemon.expect(Type.LOADED)
    run(daemon, 1, "echo hello")
    daemon.expect(Type.STARTED, 1)
    result = daemon.expect(Type.RESULT, 1)
    assert (result.meta, result.body) == ({"content_type": "application/octet-stream"}, b"hello")
    assert daemon.stop() == 0
    assert daemon.lines() == ["start", "load cuda", "unload", "exit"]
    assert daemon.errors() == ""


def test_what_is_printed_is_seen_at_once_though_stdout_is_a_pipe(start):
    daemon = start(GATED="start")
    assert daemon.line() == "start"
    daemon.open_gate()
    daemon.expect(Type.HELLO)


@pytest.mark.parametrize("how", ["FAILING", "RAISING"])
@pytest.mark.parametrize("hook", ["start", "load"])
def test_a_failed_start_or_load_is_told_and_ends_the_worker(start, hook, how):
    daemon = start(**{how: hook})
    if hook == "load":
        daemon.expect(Type.HELLO)
        daemon.send_load()
        daemon.expect(Type.PROGRESS)
    error = daemon.expect(Type.ERROR).meta
    if how == "FAILING":
        assert error == {
            "type": "unavailable",
            "message": "no %s today" % hook,
            "reason": "asked",
        }
    else:
        assert error["type"] == "internal" and error["cause"]
        assert error["message"] == "%s: no %s today" % (error["cause"], hook)
    assert daemon.receive() is None
    assert daemon.end() == 1
    assert daemon.lines() == ["start"] + (["load cpu"] if hook == "load" else []) + ["exit"]


def test_a_hook_of_the_end_that_raises_is_told_and_changes_nothing(loaded):
    daemon = loaded({"RAISING": "unload exit"})
    assert daemon.stop() == 0
    assert daemon.lines()[-2:] == ["unload", "exit"]
    errors = daemon.errors()
    assert "the unload hook failed" in errors and "the exit hook failed" in errors
    assert "no exit today" in errors


def test_stop_before_load_runs_exit_and_not_unload(start):
    daemon = start()
    daemon.expect(Type.HELLO)
    assert daemon.stop() == 0
    assert daemon.lines() == ["start", "exit"]


def test_stop_during_load_waits_for_it_and_unloads(start):
    daemon = start(GATED="load")
    daemon.expect(Type.HELLO)
    daemon.send_load()
    daemon.wait_for("load")
    daemon.send(Type.STOP)
    daemon.open_gate()
    daemon.expect(Type.PROGRESS)
    daemon.expect(Type.LOADED)
    assert daemon.receive() is None
    assert daemon.end() == 0
    assert daemon.lines() == ["unload", "exit"]


def test_stop_finishes_what_has_begun_and_gives_the_rest_back(loaded):
    daemon = loaded()
    for id in (1, 2, 3):
        run(daemon, id, "gate")
    daemon.expect(Type.STARTED, 1)
    daemon.send(Type.STOP)
    run(daemon, 4, "gate")  # crosses the stop on the wire
    assert daemon.expect(Type.RECALLED, 4).meta == {"recalled": True}
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)
    assert [daemon.expect(Type.RECALLED, id).meta["recalled"] for id in (2, 3)] == [True, True]
    assert daemon.receive() is None
    assert daemon.end() == 0


def test_stop_waits_for_the_threads_of_a_pool(loaded):
    daemon = loaded(concurrency=2)
    for id in (1, 2):
        run(daemon, id, "gate")
    assert {daemon.receive().type for _ in range(2)} == {Type.STARTED}
    daemon.send(Type.STOP)
    daemon.open_gate(2)
    assert {daemon.receive().id for _ in range(2)} == {1, 2}
    assert daemon.receive() is None
    assert daemon.end() == 0


@pytest.mark.parametrize("when", ["start", "hello", "load", "idle"])
def test_the_end_of_the_channel_ends_the_process(start, when):
    """Whatever it does at that moment."""
    daemon = start(GATED=when if when in ("start", "load") else "")
    if when == "start":
        daemon.wait_for("start")
    else:
        daemon.expect(Type.HELLO)
    if when == "load":
        daemon.send_load()
        daemon.wait_for("load")
    elif when == "idle":
        daemon.send_load()
        daemon.expect(Type.PROGRESS)
        daemon.expect(Type.LOADED)
    daemon.socket.close()
    # One that cannot be interrupted in its hook exits without the other hooks, and says 1.
    assert daemon.end(DEADLINE_S + LOST_S) in (0, 1)
    if when in ("hello", "idle"):
        assert daemon.lines()[-1] == "exit"


@pytest.mark.parametrize("concurrency", [1, 2])
def test_the_end_of_the_channel_ends_a_process_that_is_in_a_run(loaded, concurrency):
    daemon = loaded(concurrency=concurrency)
    run(daemon, 1, "gate")
    daemon.wait_for("inside")
    daemon.socket.close()
    assert daemon.end(DEADLINE_S + LOST_S) in (0, 1)


def test_the_end_of_the_channel_cancels_what_runs(loaded):
    def lose():
        daemon = loaded()
        run(daemon, 1, "heed-cancel")
        daemon.wait_for("looking")
        daemon.socket.close()
        daemon.remove_gate()
        return daemon

    assert_ends_with_hooks(lose)


def test_sigterm_ends_an_idle_worker_with_its_hooks(loaded):
    daemon = loaded()
    daemon.signal()
    assert daemon.receive() is None
    assert daemon.end() == 128 + signal.SIGTERM
    assert daemon.lines()[-2:] == ["unload", "exit"]


def test_sigterm_ends_a_run_that_can_end_and_answers_it(loaded):
    daemon = loaded()
    run(daemon, 1, "heed-cancel")
    daemon.wait_for("looking")
    daemon.signal()
    daemon.remove_gate()  # an SDK that cannot interrupt the run has cancelled it
    daemon.expect(Type.STARTED, 1)
    assert daemon.expect(Type.ERROR, 1).meta["type"] in ("worker_lost", "cancelled")
    assert daemon.receive() is None
    assert daemon.end() == 128 + signal.SIGTERM
    assert daemon.lines()[-2:] == ["unload", "exit"]


def test_sigterm_does_not_wait_long_for_a_pool(loaded):
    daemon = loaded(concurrency=2)
    run(daemon, 1, "gate")
    daemon.wait_for("inside")  # `started` comes before; a run cancelled in between never begins
    daemon.signal()
    assert daemon.end(DEADLINE_S + 2) == 128 + signal.SIGTERM
    lines = daemon.lines()
    assert lines[-1] == "exit" and "unload" not in lines


def test_a_second_sigterm_ends_the_process_at_once(start):
    daemon = start(GATED="exit")
    load_model(daemon)
    daemon.signal()
    daemon.wait_for("exit")
    daemon.signal()
    assert daemon.end() == 128 + signal.SIGTERM


def test_sigint_is_for_the_daemon(loaded):
    daemon = loaded()
    daemon.signal(signal.SIGINT)
    run(daemon, 1, "echo still here")
    daemon.expect(Type.STARTED, 1)
    assert daemon.expect(Type.RESULT, 1).body == b"still here"


def test_a_forked_child_does_not_hold_the_channel(loaded):
    daemon = loaded()
    run(daemon, 1, "leave-child")
    daemon.expect(Type.STARTED, 1)
    child = int(daemon.expect(Type.RESULT, 1).body)
    os.kill(daemon.process.pid, signal.SIGKILL)
    assert daemon.receive() is None  # though the child lives
    os.kill(child, 0)
    daemon.open_gate()


def test_a_program_that_the_model_starts_does_not_see_the_channel(loaded):
    daemon = loaded()
    run(daemon, 1, "environment")
    daemon.expect(Type.STARTED, 1)
    assert daemon.expect(Type.RESULT, 1).body == b"hidden"


def test_a_worker_that_is_started_by_hand_says_how_to_serve_it(sdk):
    environment = {**child_env(), "TEST_GATE": "0"}
    done = subprocess.run(COMMANDS[sdk], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "[models." in done.stderr and 'command = ["%s"' % COMMANDS[sdk][0] in done.stderr
