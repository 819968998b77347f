"""Runs: their order, how many at once, and their answers."""

from __future__ import annotations

import json

import pytest
from conftest import BODY_MAX, QUIET

from windlass.frames import META_MAX, Type


def started(daemon, *ids: int) -> None:
    for id in ids:
        daemon.expect(Type.STARTED, id)


def test_concurrency_1_runs_one_after_the_other_in_the_main_thread(start):
    daemon = start("Gate")
    daemon.load()
    for id in (1, 2, 3):
        daemon.run(id)
    for id in (1, 2, 3):
        daemon.expect(Type.STARTED, id)
        daemon.open_gate()
        assert daemon.expect(Type.RESULT, id).body == b"1"


def test_concurrency_4_runs_four_at_once_and_no_more(start):
    daemon = start("Gate")
    daemon.load(concurrency=4)
    for id in range(1, 6):
        daemon.run(id)
    begun = [daemon.receive() for _ in range(4)]
    assert {(frame.type, frame.id) for frame in begun} == {(Type.STARTED, i) for i in range(1, 5)}
    daemon.send(Type.RECALL, 5)
    assert daemon.expect(Type.RECALLED, 5).meta == {"recalled": True}
    daemon.open_gate(4)
    results = [daemon.receive() for _ in range(4)]
    assert {(frame.type, frame.id) for frame in results} == {(Type.RESULT, i) for i in range(1, 5)}
    assert max(json.loads(frame.body) for frame in results) == 4
    assert daemon.stop() == 0


def test_bodies_of_any_size_pass_both_ways(start):
    daemon = start("Echo")
    daemon.load()
    for id, size in enumerate((0, 1, BODY_MAX), start=1):
        daemon.send(Type.RUN, id, {"content_type": "image/png"}, b"x" * size)
        started(daemon, id)
        result = daemon.expect(Type.RESULT, id)
        assert result.meta == {"content_type": "application/octet-stream"}
        assert len(result.body) == size


def test_a_run_waiting_in_the_worker_can_be_recalled(start):
    daemon = start("Gate")
    daemon.load()
    for id in (1, 2, 3):
        daemon.run(id)
    started(daemon, 1)
    for id, is_recalled in ((2, True), (1, False), (2, False), (99, False)):
        daemon.send(Type.RECALL, id)
        assert daemon.expect(Type.RECALLED, id).meta == {"recalled": is_recalled}
    daemon.open_gate(2)
    daemon.expect(Type.RESULT, 1)
    started(daemon, 3)
    daemon.expect(Type.RESULT, 3)
    daemon.send(Type.RECALL, 3)
    assert daemon.expect(Type.RECALLED, 3).meta == {"recalled": False}


def test_a_worker_whose_answers_are_not_read_goes_on_reading(start):
    daemon = start("Echo")
    daemon.load(heartbeat_ms=1)
    for id in (1, 2, 3, 4):
        # An answer is far more than the socket holds, so that the worker blocks in sending the
        # first. The heartbeats behind it must not stop the reading thread: these sends would fail.
        daemon.send(Type.RUN, id, {}, b"x" * BODY_MAX)
        daemon.send(Type.RECALL, 99)
    kinds = [(frame.type, frame.id) for frame in (daemon.receive() for _ in range(12))]
    assert kinds.count((Type.RECALLED, 99)) == 4
    assert [id for type, id in kinds if type is Type.RESULT] == [1, 2, 3, 4]


def test_cancel_is_seen_by_the_run_and_it_still_answers(start):
    daemon = start("Cancellable")
    daemon.load()
    daemon.run(1)
    started(daemon, 1)
    daemon.wait_for("looked")
    daemon.send(Type.CANCEL, 1)
    daemon.send(Type.RECALL, 1)
    daemon.expect(Type.RECALLED, 1)  # so the cancel has been read
    daemon.open_gate()
    error = daemon.expect(Type.ERROR, 1)
    assert error.meta == {
        "type": "cancelled",
        "message": "the request was cancelled while it ran",
    }


def test_a_run_cancelled_before_it_began_never_begins(start):
    daemon = start("Gate")
    daemon.load()
    daemon.run(1)
    daemon.run(2)
    started(daemon, 1)
    daemon.send(Type.CANCEL, 2)
    daemon.send(Type.CANCEL, 99)
    daemon.send(Type.RECALL, 99)
    daemon.expect(Type.RECALLED, 99)
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)
    assert daemon.expect(Type.ERROR, 2).meta["type"] == "cancelled"


def test_stop_finishes_what_has_begun_and_gives_the_rest_back(start):
    daemon = start("Gate")
    daemon.load()
    for id in (1, 2, 3):
        daemon.run(id)
    started(daemon, 1)
    daemon.send(Type.STOP)
    daemon.run(4)  # crosses the stop on the wire
    assert daemon.expect(Type.RECALLED, 4).meta == {"recalled": True}
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)
    assert [daemon.expect(Type.RECALLED, id).meta["recalled"] for id in (2, 3)] == [True, True]
    assert daemon.receive() is None
    assert daemon.end() == 0


def test_stop_waits_for_the_threads_of_a_pool(start):
    daemon = start("Gate")
    daemon.load(concurrency=2)
    daemon.run(1)
    daemon.run(2)
    assert {daemon.receive().type for _ in range(2)} == {Type.STARTED}
    daemon.send(Type.STOP)
    daemon.open_gate()
    first = daemon.receive()
    daemon.open_gate()
    assert {first.id, daemon.receive().id} == {1, 2}
    assert daemon.receive() is None
    assert daemon.end() == 0


def test_heartbeats_come_while_the_model_runs(start):
    daemon = start("Gate")
    daemon.load(heartbeat_ms=20)
    daemon.run(1)
    while daemon.receive(skip=()).type is not Type.STARTED:
        pass
    for _ in range(5):
        daemon.expect(Type.HEARTBEAT, skip=())
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)


def test_a_run_knows_variant_content_type_and_what_is_left_of_the_time(start):
    daemon = start("Deadline")
    daemon.load()
    daemon.send(
        Type.RUN, 1, {"content_type": "image/png", "variant": "fp16", "timeout_ms": 600_000}
    )
    daemon.send(Type.RUN, 2)
    started(daemon, 1)
    told = json.loads(daemon.expect(Type.RESULT, 1).body)
    assert 0 < told.pop("remaining") <= 600
    assert told == {"variant": "fp16", "content_type": "image/png", "has_deadline": True}
    started(daemon, 2)
    assert json.loads(daemon.expect(Type.RESULT, 2).body) == {
        "variant": None,
        "content_type": "application/octet-stream",
        "remaining": None,
        "has_deadline": False,
    }


@pytest.fixture
def raises(start):
    daemon = start("Raises")
    daemon.load()
    return daemon


def answer_to(daemon, kind: str, id: int = 1) -> dict:
    daemon.run(id, json.dumps(kind).encode())
    started(daemon, id)
    return daemon.expect(Type.ERROR, id).meta


def test_a_typed_error_keeps_what_it_says(raises):
    assert answer_to(raises, "typed") == {
        "type": "unavailable",
        "message": "later",
        "reason": "warming_up",
        "retry_after_s": 2.5,
    }
    assert answer_to(raises, "odd", 2) == {"type": "transient", "message": "odd"}
    assert answer_to(raises, "own", 3) == {"type": "not_found", "message": ""}


@pytest.mark.parametrize(
    ("kind", "type", "message", "cause"),
    [
        ("key", "internal", "KeyError: 'pixels'", "KeyError"),
        ("memory", "host_out_of_memory", "MemoryError: host", "MemoryError"),
        ("device", "out_of_memory", "OutOfMemoryError: CUDA out of memory", "OutOfMemoryError"),
        ("text", "internal", "BadText: (its text cannot be had", "BadText"),
        ("surrogate", "internal", "ValueError: ? in a file name", "ValueError"),
        ("base", "internal", "BaseException: not even", "BaseException"),
        ("interrupt", "internal", "KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_other_exceptions_get_a_type_a_cause_and_a_traceback(raises, kind, type, message, cause):
    meta = answer_to(raises, kind)
    assert (meta["type"], meta["cause"]) == (type, cause)
    assert meta["message"].startswith(message)
    assert "in run\n" in meta["traceback"]
    assert "windlass/runtime.py" not in meta["traceback"]
    assert answer_to(raises, "typed", 2)["type"] == "unavailable"  # the worker lives


@pytest.mark.parametrize("kind", ["huge", "control"])
def test_a_huge_error_has_its_middle_cut_out(raises, kind):
    meta = answer_to(raises, kind)
    assert meta["message"].startswith("ValueError: ")
    assert "characters left out" in meta["message"]
    assert meta["traceback"].startswith("Traceback")
    assert len(json.dumps(meta)) < META_MAX


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("set", "type set cannot be sent: use sorted() or list() on it"),
        ("lambda", "type builtin_function_or_method cannot be sent"),
        ("nan", "for NaN and infinity use None"),
        ("large", f"has {2 << 20} bytes, more than the {BODY_MAX}"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_unsupported_and_the_worker_lives(raises, kind, words):
    meta = answer_to(raises, kind)
    assert meta["type"] == "unsupported"
    assert words in meta["message"]
    assert answer_to(raises, "typed", 2)["type"] == "unavailable"


def test_input_that_does_not_decode_is_invalid_input_without_a_traceback(raises):
    raises.run(1, b"{")
    started(raises, 1)
    meta = raises.expect(Type.ERROR, 1).meta
    assert meta["type"] == "invalid_input"
    assert set(meta) == {"type", "message"}


def test_sys_exit_in_a_run_is_answered_and_ends_the_worker_with_its_status(raises):
    meta = answer_to(raises, "exit")
    assert (meta["type"], meta["cause"]) == ("internal", "SystemExit")
    assert raises.receive() is None
    assert raises.end() == 3


def test_progress_comes_from_load_and_run_before_their_answers(start):
    daemon = start("Progress")
    daemon.expect(Type.HELLO)
    daemon.send_load()
    load = [daemon.expect(Type.PROGRESS).meta for _ in range(2)]
    assert load == [{"step": 1, "total": 2, "phase": "weights"}, {"phase": "from a thread"}]
    daemon.expect(Type.LOADED)
    daemon.run(1)
    started(daemon, 1)
    run = [daemon.expect(Type.PROGRESS, 1).meta for _ in range(2)]
    assert run == [{"step": 1, "total": 3.5, "phase": "encode"}, {"phase": "decode"}]
    daemon.expect(Type.RESULT, 1)


def test_progress_of_a_run_in_a_pool_carries_its_id(start):
    daemon = start("Progress")
    daemon.expect(Type.HELLO)
    daemon.send_load(concurrency=2)
    while daemon.receive().type is not Type.LOADED:
        pass
    daemon.run(7)
    started(daemon, 7)
    assert [daemon.expect(Type.PROGRESS, 7).meta["phase"] for _ in range(2)] == ["encode", "decode"]
    daemon.expect(Type.RESULT, 7)


def test_no_progress_leaves_for_a_run_that_is_over(start):
    daemon = start("LateProgress")
    daemon.expect(Type.HELLO)
    daemon.send_load()
    while daemon.receive().type is not Type.LOADED:
        pass
    daemon.run(1)
    daemon.run(2)
    started(daemon, 1)
    daemon.expect(Type.RESULT, 1, skip=(*QUIET, Type.PROGRESS))
    started(daemon, 2)
    assert daemon.expect(Type.RESULT, 2).body == b'"second"'


def test_neither_the_model_nor_its_children_see_the_channel(start):
    daemon = start("Environment")
    daemon.load()
    daemon.run(1)
    started(daemon, 1)
    told = json.loads(daemon.expect(Type.RESULT, 1).body)
    assert told == {
        "in_environment": False,
        "child_has_variable": False,
        "child_has_socket": False,
        "main": True,
    }


def test_a_run_id_in_use_is_a_broken_protocol(start):
    daemon = start("Gate")
    daemon.load()
    daemon.run(1)
    daemon.run(1)
    assert daemon.end() == 1
    assert "run 1 came twice" in daemon.errors()


def test_no_step_of_a_run_waits_for_the_heartbeat(start):
    daemon = start("Progress")
    daemon.expect(Type.HELLO)
    daemon.send_load(heartbeat_ms=3_600_000)
    for type in (Type.PROGRESS, Type.PROGRESS, Type.LOADED):
        daemon.expect(type)
    daemon.run(1)
    started(daemon, 1)
    daemon.expect(Type.PROGRESS, 1)
    daemon.expect(Type.PROGRESS, 1)
    daemon.expect(Type.RESULT, 1)
    daemon.send(Type.RECALL, 1)
    daemon.expect(Type.RECALLED, 1)
