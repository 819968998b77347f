"""Hooks: their order, and that each runs exactly once, however a life goes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from conftest import DEADLINE_S

from windlass.frames import Type
from windlass.runtime import EXIT_GRACE_S

STUCK_DEADLINE_S = DEADLINE_S + EXIT_GRACE_S  # the longest of its kind


def test_a_whole_life_in_order(start):
    daemon = start("Hooks")
    hello = daemon.expect(Type.HELLO)
    assert hello.meta == {
        "protocol": 1,
        "sdk": "python/0.1.0",
        "pid": daemon.process.pid,
        "runtime": "%d.%d.%d" % sys.version_info[:3],
        "can_offload": False,
    }
    daemon.send_load(device="cpu")
    daemon.expect(Type.LOADED)
    daemon.run(1, b"7")
    daemon.expect(Type.STARTED, 1)
    result = daemon.expect(Type.RESULT, 1)
    assert (result.meta, result.body) == ({"content_type": "application/json"}, b"7")
    assert daemon.stop() == 0
    assert daemon.lines() == ["construct", "start", "load cpu", "run 7", "unload", "exit"]
    assert daemon.errors() == ""


def test_prints_are_seen_at_once_though_stdout_is_a_pipe(start):
    daemon = start("Hooks", GATED="start")
    assert [daemon.line(), daemon.line()] == ["construct", "start"]
    daemon.open_gate()
    daemon.expect(Type.HELLO)


def test_hooks_are_optional(start):
    daemon = start("Echo")
    daemon.load()
    assert daemon.stop() == 0


def test_stop_before_load_runs_exit_but_not_unload(start):
    daemon = start("Hooks")
    daemon.expect(Type.HELLO)
    assert daemon.stop() == 0
    assert daemon.lines() == ["construct", "start", "exit"]


def test_stop_during_load_waits_for_it_and_unloads(start):
    daemon = start("Hooks", GATED="load")
    daemon.expect(Type.HELLO)
    daemon.send_load()
    assert [daemon.line() for _ in range(3)][-1] == "load cpu"
    daemon.send(Type.STOP)
    daemon.open_gate()
    daemon.expect(Type.LOADED)
    assert daemon.receive() is None
    assert daemon.end() == 0
    assert daemon.lines() == ["unload", "exit"]


@pytest.mark.parametrize(
    ("failing", "hooks"),
    [
        ("construct", []),
        ("start", ["start", "exit"]),
        ("load", ["start", "load cpu", "exit"]),
        ("start exit", ["start", "exit"]),
    ],
)
def test_a_failed_beginning_is_told_and_runs_exit_once(start, failing, hooks):
    daemon = start("Hooks", FAILING=failing)
    name = failing.split()[0]
    if name == "load":
        daemon.expect(Type.HELLO)
        daemon.send_load()
    error = daemon.expect(Type.ERROR)
    assert error.meta["type"] == "internal"
    assert error.meta["message"] == f"ValueError: no {name} today"
    assert error.meta["cause"] == "ValueError"
    assert "in _hook" in error.meta["traceback"]
    assert "runtime.py" not in error.meta["traceback"]
    logged = [meta["hook"] for meta in daemon.logged_to_the_end()]
    assert logged == (["exit"] if "exit" in failing else [])
    assert daemon.end() == 1
    assert daemon.lines() == ["construct", *hooks]


def test_a_failing_unload_is_logged_and_exit_still_runs(start):
    daemon = start("Hooks", FAILING="unload exit")
    daemon.load()
    assert daemon.stop() == 0
    assert daemon.lines()[-2:] == ["unload", "exit"]
    log = daemon.errors()
    assert [(meta["hook"], meta["cause"]) for meta in daemon.logged] == [
        ("unload", "ValueError"),
        ("exit", "ValueError"),
    ]
    for meta in daemon.logged:
        assert meta["level"] == "warning"
        assert meta["message"] == "ValueError: no %s today" % meta["hook"]
        assert "in _hook" in meta["traceback"] and "runtime.py" not in meta["traceback"]
    assert "windlass: the unload hook failed:\nTraceback" in log
    assert "ValueError: no exit today" in log


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("no_such_module:Model", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("models:Nothing", "has no attribute 'Nothing'"),
        ("models", "not of the form module:Class"),
        ("models:NoRun", "TypeError: NoRun has no method run()"),
        ("models:OneWay", "TypeError: OneWay has offload() and no restore()"),
    ],
)
def test_a_model_that_cannot_be_made_is_told_before_hello(start, entry, words):
    daemon = start.command(["-m", "windlass.worker", entry], {})
    error = daemon.expect(Type.ERROR)
    assert words in error.meta["message"]
    assert "Traceback" in error.meta["traceback"]
    assert daemon.end() == 1
    assert daemon.lines() == (["exit"] if entry == "models:NoRun" else [])


def test_sigterm_when_idle_unloads_and_exits(start):
    daemon = start("Hooks")
    daemon.load()
    daemon.signal()
    assert daemon.receive() is None
    assert daemon.end() == 143
    assert daemon.lines()[-2:] == ["unload", "exit"]


def test_sigterm_interrupts_a_run_which_is_answered(start):
    daemon = start("Hooks", GATED="run")
    daemon.load()
    daemon.run(1)
    daemon.expect(Type.STARTED, 1)
    daemon.run(2)
    daemon.send(Type.RECALL, 99)
    daemon.expect(Type.RECALLED, 99)  # so run 2 has been read
    daemon.wait_for("run")
    daemon.signal()
    assert daemon.expect(Type.ERROR, 1).meta["type"] == "worker_lost"
    assert daemon.expect(Type.RECALLED, 2).meta == {"recalled": True}
    assert daemon.end() == 143
    assert daemon.lines() == ["unload", "exit"]


@pytest.mark.parametrize("hook", ["start", "load"])
def test_sigterm_interrupts_the_beginning(start, hook):
    daemon = start("Hooks", GATED=hook)
    if hook == "load":
        daemon.expect(Type.HELLO)
        daemon.send_load()
    daemon.wait_for(hook)
    daemon.signal()
    assert daemon.expect(Type.ERROR).meta["type"] == "worker_lost"
    assert daemon.end() == 143
    assert daemon.lines() == ["exit"]


def test_sigterm_interrupts_a_hanging_unload_and_exit_still_runs(start):
    daemon = start("Hooks", GATED="unload")
    daemon.load()
    daemon.send(Type.STOP)
    daemon.wait_for("unload")
    daemon.signal()
    assert daemon.end() == 0  # the status of the stop
    assert daemon.lines() == ["exit"]
    assert "Terminated" in daemon.errors()


def test_a_second_sigterm_ends_it_at_once(start):
    daemon = start("Hooks", GATED="unload")
    daemon.load()
    daemon.signal()
    daemon.wait_for("unload")
    daemon.signal()
    assert daemon.end() == 143
    assert daemon.lines() == []


def test_sigint_is_ignored(start):
    daemon = start("Hooks", GATED="run")
    daemon.load()
    daemon.run(1)
    daemon.expect(Type.STARTED, 1)
    daemon.signal(signal.SIGINT)
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)
    assert daemon.stop() == 0


def test_the_end_of_the_channel_ends_an_idle_worker_with_its_hooks(start):
    daemon = start("Hooks")
    daemon.load()
    daemon.socket.close()
    assert daemon.end() == 0
    assert daemon.lines()[-2:] == ["unload", "exit"]
    assert daemon.errors() == ""


def test_the_end_of_the_channel_interrupts_a_run(start):
    daemon = start("Hooks", GATED="run")
    daemon.load()
    daemon.run(1)
    daemon.expect(Type.STARTED, 1)
    daemon.socket.close()
    assert daemon.end() == 0
    assert daemon.lines()[-2:] == ["unload", "exit"]


def test_the_end_of_the_channel_cancels_the_runs_of_a_pool(start):
    daemon = start("Cancellable")
    daemon.load(concurrency=2)
    daemon.run(1)
    daemon.expect(Type.STARTED, 1)
    daemon.socket.close()
    while daemon.process.poll() is None:
        daemon.open_gate()  # the run looks once more whether it is cancelled
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.end(0.01)
    assert daemon.end() == 0
    assert daemon.lines()[-1] == "unload"  # left out if the run had not ended


@pytest.mark.parametrize("hook", ["run", "exit"])
def test_a_hook_stuck_in_native_code_does_not_keep_a_worker_without_daemon(start, hook):
    daemon = start("Hooks", STICKY=hook)
    daemon.load()
    if hook == "run":
        daemon.run(1)
        daemon.expect(Type.STARTED, 1)
        daemon.wait_for("stuck")
    daemon.socket.close()
    assert daemon.end(STUCK_DEADLINE_S) == 1
    assert "in stick" in daemon.errors()  # the stacks of all threads, as evidence


def test_a_run_stuck_in_a_thread_leaves_out_unload_and_not_exit(start):
    daemon = start("Hooks", STICKY="run")
    daemon.load(concurrency=2)
    daemon.run(1)
    daemon.expect(Type.STARTED, 1)
    daemon.wait_for("stuck")  # before it, the end would cancel the run and not wait for it
    daemon.signal()
    assert daemon.end(STUCK_DEADLINE_S) == 143
    assert daemon.lines()[-1] == "exit"
    assert "the unload hook is left out" in daemon.errors()


@pytest.mark.parametrize(
    "wire",
    [
        b"\xff" * 20,
        b"\x41\x02" + bytes(18),  # another version
        b"\x42\x01" + bytes(18),  # a run before load
        b"\x04\x01" + bytes(18),  # a frame of the other direction
        b"\x45\x01" + bytes(18),  # an offload before load
        b"\x41\x01" + bytes(18),  # a load that says nothing
    ],
)
def test_a_broken_frame_ends_the_worker_with_its_hooks(start, wire):
    daemon = start("Hooks")
    daemon.expect(Type.HELLO)
    daemon.socket.sendall(wire)
    assert daemon.receive() is None
    assert daemon.end() == 1
    assert daemon.lines() == ["construct", "start", "exit"]
    assert "the channel to the daemon broke: ProtocolError" in daemon.errors()


def test_a_thread_that_the_model_left_behind_does_not_keep_the_process(start):
    daemon = start("LeavesThread")
    daemon.load()
    daemon.send(Type.STOP)
    assert daemon.end(STUCK_DEADLINE_S) == 1
    assert "in pass_gate" in daemon.errors()


def test_a_forked_child_does_not_hold_the_channel(start):
    daemon = start("Forks")
    daemon.load()
    daemon.run(1)
    daemon.expect(Type.STARTED, 1)
    child = int(daemon.expect(Type.RESULT, 1).body)
    daemon.process.kill()
    assert daemon.receive() is None  # though the child lives
    os.kill(child, 0)
    daemon.open_gate()
