"""Workers that break the protocol, fall silent, or make a mess. The daemon notices each, ends what
must be ended, and nobody else is harmed."""

import os
import sys

import pytest
from faulty import Traces, begin, echo, misbehaving, pid_of, tell
from support import MODELS, SOON_S, eventually, is_alive, model_table, probe

BREAK_THE_PROTOCOL = """
    garbage http bad-version bad-reserved unknown-type type-of-daemon reserved-type large-meta
    large-body body-of-started meta-no-json meta-nested meta-bad-utf8 no-content-type
    evil-content-type hello-again loaded-again started-twice started-unknown recalled-begun
    error-of-nothing
""".split()
FALL_SILENT = "half-header half-body hang ignore-sigterm stop-itself".split()
MAKE_A_MESS = """
    twice answer-unknown error-unknown slow flood-heartbeat flood-progress flood-recalled
    print-garbage print-endless eat-descriptors eat-sockets leave-child
""".split()


@pytest.fixture
def served(daemon):
    """A misbehaving model and a bystander, both loaded."""
    return daemon(misbehaving(run_timeout="%gs" % SOON_S) + echo())


def load_all(served):
    """Has both models loaded, and takes down what that looks like; the pids of both."""
    pids = [pid_of(tell(served, name, "hello")) for name in ("bad", "bystander")]
    return Traces(served), pids


def assert_replaced(served, traces, pids):
    """A new worker serves the model, the old one left nothing, and the bystander went on."""
    again, other = [pid_of(tell(served, name, "hello")) for name in ("bad", "bystander")]
    assert again != pids[0] and other == pids[1]
    assert not os.path.exists("/proc/%d" % pids[0])  # not even defunct
    traces.assert_none()


@pytest.mark.parametrize("word", BREAK_THE_PROTOCOL)
def test_a_broken_protocol_is_the_end_of_its_worker_only(served, word):
    traces, pids = load_all(served)
    reply = tell(served, "bad", word)
    assert (reply.status, reply.error["type"]) == (502, "worker_lost")
    assert "broke the protocol" in reply.error["message"]
    lost = served.log.wait_for("worker.lost", model="bad")
    assert (lost["pid"], lost["type"]) == (pids[0], "worker_lost")
    assert_replaced(served, traces, pids)


@pytest.mark.parametrize("word", ["close-channel", "half-body-and-exit"])
def test_a_channel_that_ends_early_is_the_end_of_its_worker(served, word):
    traces, pids = load_all(served)
    reply = tell(served, "bad", word)
    assert (reply.status, reply.error["type"]) == (502, "worker_lost")
    assert_replaced(served, traces, pids)


def test_a_worker_that_answers_and_then_closes_its_channel_is_replaced(served):
    traces, pids = load_all(served)
    assert tell(served, "bad", "answer-and-close").status == 200
    served.log.wait_for("worker.lost", model="bad", pid=pids[0])
    assert_replaced(served, traces, pids)


@pytest.mark.parametrize("word", FALL_SILENT)
def test_silence_is_ended_by_the_limit_of_the_model(daemon, word):
    served = daemon(misbehaving(run_timeout="300ms") + echo())
    traces, pids = load_all(served)
    reply = tell(served, "bad", word)
    assert (reply.status, reply.error["type"]) == (504, "timeout")
    assert_replaced(served, traces, pids)


@pytest.mark.parametrize("word", MAKE_A_MESS)
def test_a_mess_that_harms_nobody_ends_nothing(served, word):
    traces, pids = load_all(served)
    reply = tell(served, "bad", word)
    assert reply.status == 200
    assert [pid_of(tell(served, name, "hello")) for name in ("bad", "bystander")] == pids
    traces.assert_none()
    assert not served.log.find("worker.lost")


def test_a_line_without_an_end_comes_in_pieces_and_garbage_as_text(served):
    assert tell(served, "bad", "print-endless").status == 200
    assert tell(served, "bad", "print-garbage").status == 200
    lines = [record["line"] for record in served.log.find("worker.output", model="bad")]
    assert max(len(line.encode()) for line in lines) <= 16_384 * 3  # U+FFFD takes three bytes
    assert sum(map(len, lines)) > 15 << 20
    tell(served, "bad", "exit")  # its last lines are read before its end is told
    served.log.wait_for("worker.reaped", model="bad")
    assert any("�" in record["line"] for record in served.log.find("worker.output", model="bad"))


@pytest.mark.parametrize("word", ["leave-child", "leave-session"])
def test_a_child_that_a_worker_left_goes_with_it(served, word):
    """In its group, or in a session of its own; it ignores SIGTERM and holds every descriptor."""
    traces, pids = load_all(served)
    child = int(tell(served, "bad", word).body)
    assert is_alive(child)
    assert tell(served, "bad", "kill").error["type"] == "worker_lost"
    assert_replaced(served, traces, pids)
    eventually(lambda: not is_alive(child), "the child is gone")


def test_a_worker_that_does_not_read_hurts_neither_the_daemon_nor_others(daemon):
    """Megabytes wait for it; it is replaced once a run does not begin for `stall_timeout`."""
    served = daemon(misbehaving(stall_timeout="2s") + echo())
    traces, pids = load_all(served)
    assert tell(served, "bad", "never-read").status == 200
    wires = [begin(served, "bad", "x " * (1 << 20)) for _ in range(8)]
    for number in range(20):
        assert pid_of(tell(served, "bystander", str(number))) == pids[1]
    served.log.wait_for("worker.reaped", model="bad", pid=pids[0])
    for wire in wires:
        with wire:
            reply = wire.reply()
        assert reply.status == 200 or reply.error["type"] in ("stalled", "worker_lost"), reply.error
    assert_replaced(served, traces, pids)


@pytest.mark.parametrize(
    "word, error",
    [
        ("exit", "worker_lost"),
        ("segfault", "worker_lost"),
        ("garbage", "worker_lost"),
        ("half-header", "timeout"),
        ("ignore-sigterm", "timeout"),
        ("close-channel", "worker_lost"),
    ],
)
def test_a_worker_that_is_bad_from_the_start_never_harms_more_than_its_model(daemon, word, error):
    # Short only where it is what ends the worker: elsewhere its end must come first.
    start_timeout = "300ms" if error == "timeout" else "1m"
    served = daemon(misbehaving(at_start=[word], start_timeout=start_timeout) + echo())
    before = pid_of(tell(served, "bystander", "hello"))
    traces = Traces(served)
    reply = tell(served, "bad", "hello")
    assert (reply.status, reply.error["type"]) == ({"timeout": 504}.get(error, 502), error)
    served.log.wait_for("worker.reaped", model="bad")
    assert pid_of(tell(served, "bystander", "hello")) == before
    traces.assert_none()


def test_a_run_that_holds_the_interpreter_lock_is_silent_and_not_judged_by_that(daemon):
    """No heartbeat comes for seconds; within the limits of the model that is nobody's business."""
    order = {"do": "call", "function": "hold_interpreter_lock"}
    served = daemon(probe(run_timeout="%gs" % (2 * SOON_S)) + echo())
    pid = served.ask("probe").json()["pid"]
    with served.begin("probe", order) as wire:
        served.said("holding the interpreter lock")
        assert tell(served, "bystander", "meanwhile").body == b"meanwhile"
        assert wire.reply().status == 200
    assert served.ask("probe").json()["pid"] == pid
    for event in ("worker.lost", "worker.terminated", "worker.killed", "run.limit_reached"):
        assert not served.log.find(event)


def test_a_run_that_holds_the_interpreter_lock_too_long_ends_by_its_limit(daemon):
    order = {"do": "call", "function": "hold_interpreter_lock_for_ever"}
    served = daemon(probe(run_timeout="300ms", term_grace="200ms", cancel_grace="40ms"))
    pid = served.ask("probe").json()["pid"]
    assert served.ask("probe", order).error["type"] == "timeout"
    served.log.wait_for("worker.killed", pid=pid)  # SIGTERM needs the interpreter
    assert served.ask("probe").json()["pid"] != pid


def test_a_worker_without_the_sdk_and_without_faults_is_a_worker(daemon):
    command = [sys.executable, str(MODELS / "raw_worker.py"), "none"]
    served = daemon(model_table("raw", {}, {"command": command}))
    assert served.ask("raw").json()["run"] == 1
