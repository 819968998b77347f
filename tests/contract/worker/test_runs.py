"""Runs: their order, how many at once, their answers, and what ends them early."""

import json

import pytest
from test_life import run

from windlass.errors import ERRORS
from windlass.frames import META_MAX, Type


def ask(daemon, id, text, **meta):
    """Begins a run; the frame that answers it."""
    run(daemon, id, text, **meta)
    daemon.expect(Type.STARTED, id)
    frame = daemon.receive()
    assert frame.id == id, frame
    return frame


def test_concurrency_1_runs_one_after_the_other_in_the_main_thread(loaded):
    daemon = loaded()
    for id in (1, 2, 3):
        run(daemon, id, "gate")
    for id in (1, 2, 3):
        daemon.expect(Type.STARTED, id)
        daemon.open_gate()
        assert daemon.expect(Type.RESULT, id).body == b"1"
    assert ask(daemon, 4, "where").body == b"main"


def test_concurrency_4_runs_four_at_once_and_no_more(loaded):
    daemon = loaded(concurrency=4)
    for id in range(1, 6):
        run(daemon, id, "gate")
    begun = [daemon.receive() for _ in range(4)]
    assert {(frame.type, frame.id) for frame in begun} == {(Type.STARTED, i) for i in range(1, 5)}
    for _ in range(4):
        daemon.wait_for("inside")
    daemon.send(Type.RECALL, 5)
    assert daemon.expect(Type.RECALLED, 5).meta == {"recalled": True}
    daemon.open_gate(4)
    results = [daemon.receive() for _ in range(4)]
    assert {(frame.type, frame.id) for frame in results} == {(Type.RESULT, i) for i in range(1, 5)}
    assert {frame.body for frame in results} == {b"4"}
    assert ask(daemon, 6, "where").body == b"pool"
    assert daemon.stop() == 0


def test_many_short_runs_are_each_answered_once_and_in_order(loaded):
    daemon = loaded()
    ids = range(1, 501)
    for id in ids:
        run(daemon, id, "echo %d" % id)
    for id in ids:
        daemon.expect(Type.STARTED, id)
        assert daemon.expect(Type.RESULT, id).body == b"%d" % id
    assert daemon.stop() == 0


@pytest.mark.parametrize("size", [0, 1, 65_536, 16 << 20])
def test_bodies_of_any_size_pass_both_ways(loaded, size):
    daemon = loaded(body_max=(16 << 20) + 5)
    result = ask(daemon, 1, "echo " + "x" * size)
    assert (result.type, len(result.body), result.body.strip(b"x")) == (Type.RESULT, size, b"")


def test_an_answer_that_is_too_large_is_unsupported_and_the_worker_lives(loaded):
    daemon = loaded(body_max=1000)
    assert len(ask(daemon, 1, "large 1000").body) == 1000
    error = ask(daemon, 2, "large 1001").meta
    assert error["type"] == "unsupported" and "1001 bytes, more than the 1000" in error["message"]
    assert ask(daemon, 3, "echo alive").body == b"alive"


def test_a_worker_whose_answers_are_not_read_goes_on_reading(loaded):
    """An answer is far more than the socket holds; these sends would fail if reading stopped."""
    daemon = loaded(heartbeat_ms=1)
    ids = (1, 2, 3, 4)
    for id in ids:
        run(daemon, id, "echo " + "x" * 1_000_000)
    for id in ids:
        daemon.expect(Type.STARTED, id)
        assert len(daemon.expect(Type.RESULT, id).body) == 1_000_000
    assert daemon.stop() == 0


def test_a_run_that_has_not_begun_can_be_recalled(loaded):
    daemon = loaded()
    for id in (1, 2, 3):
        run(daemon, id, "gate")
    daemon.expect(Type.STARTED, 1)
    for id, is_recalled in ((2, True), (1, False), (2, False), (99, False)):
        daemon.send(Type.RECALL, id)
        assert daemon.expect(Type.RECALLED, id).meta == {"recalled": is_recalled}
    daemon.open_gate(2)
    daemon.expect(Type.RESULT, 1)
    daemon.expect(Type.STARTED, 3)
    daemon.expect(Type.RESULT, 3)
    daemon.send(Type.RECALL, 3)
    assert daemon.expect(Type.RECALLED, 3).meta == {"recalled": False}


def test_a_running_request_sees_that_it_is_cancelled(loaded):
    daemon = loaded()
    run(daemon, 1, "heed-cancel")
    daemon.expect(Type.STARTED, 1)
    daemon.wait_for("looking")
    daemon.send(Type.CANCEL, 1)
    daemon.send(Type.RECALL, 1)
    daemon.expect(Type.RECALLED, 1)  # so the cancel has been read
    daemon.open_gate()
    assert daemon.expect(Type.ERROR, 1).meta == {"type": "cancelled", "message": "heeded"}


def test_a_request_cancelled_before_it_began_never_begins(loaded):
    daemon = loaded()
    run(daemon, 1, "gate")
    run(daemon, 2, "gate")
    daemon.expect(Type.STARTED, 1)
    daemon.send(Type.CANCEL, 2)
    daemon.send(Type.CANCEL, 99)
    daemon.send(Type.RECALL, 99)
    daemon.expect(Type.RECALLED, 99)
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)
    assert daemon.expect(Type.ERROR, 2).meta["type"] == "cancelled"


def test_a_run_knows_variant_content_type_and_what_is_left_of_the_time(loaded):
    daemon = loaded()
    assert ask(daemon, 1, "describe").body == b"None text/plain True"
    told = ask(daemon, 2, "describe", variant="fp16", content_type='a/b; c="d"', unknown=[1]).body
    assert told == b'fp16 a/b; c="d" True'


def test_heartbeats_come_while_the_model_runs(loaded):
    daemon = loaded(heartbeat_ms=20)
    run(daemon, 1, "gate")
    while daemon.receive(skip=()).type is not Type.STARTED:
        pass
    for _ in range(5):
        daemon.expect(Type.HEARTBEAT, skip=())
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)


def test_progress_comes_at_once_and_before_the_answer(loaded):
    daemon = loaded(heartbeat_ms=3_600_000)
    run(daemon, 1, "progress")
    daemon.expect(Type.STARTED, 1)
    said = [daemon.expect(Type.PROGRESS, 1).meta for _ in range(2)]
    assert said == [{"step": 1, "total": 3, "phase": "encode"}, {"phase": "decode"}]
    daemon.expect(Type.RESULT, 1)


def test_progress_of_a_pool_carries_the_id_of_its_run(loaded):
    daemon = loaded(concurrency=2)
    run(daemon, 7, "progress")
    daemon.expect(Type.STARTED, 7)
    assert [daemon.expect(Type.PROGRESS, 7).meta["phase"] for _ in range(2)] == ["encode", "decode"]
    daemon.expect(Type.RESULT, 7)


@pytest.mark.parametrize("type", sorted(ERRORS))
def test_a_typed_error_keeps_what_it_says_and_the_worker_lives(loaded, type):
    """`context_lost` among them: what follows from it is the daemon's to decide."""
    daemon = loaded()
    meta = ask(daemon, 1, "fail " + type).meta
    meta.pop("traceback", None)
    assert meta == {"type": type, "message": "as asked", "reason": "why", "retry_after_s": 2.5}
    assert ask(daemon, 2, "echo alive").body == b"alive"


def test_an_exception_is_internal_with_its_text_and_its_class_as_cause(loaded):
    daemon = loaded()
    meta = ask(daemon, 1, "raise not like this").meta
    assert meta["type"] == "internal" and meta["cause"]
    assert meta["message"] == meta["cause"] + ": not like this"
    assert ask(daemon, 2, "exhaust").meta["type"] == "host_out_of_memory"
    assert ask(daemon, 3, "echo alive").body == b"alive"


@pytest.mark.parametrize("word", ["long-error", "bad-text"])
def test_an_error_that_does_not_fit_the_protocol_is_made_to(loaded, word):
    daemon = loaded()
    meta = ask(daemon, 1, word).meta
    assert meta["type"] == "not_found" and meta["message"]
    assert len(json.dumps(meta)) < META_MAX
    assert ask(daemon, 2, "echo alive").body == b"alive"


def test_what_the_model_prints_is_no_protocol(loaded):
    daemon = loaded()
    for id in range(1, 4):
        assert ask(daemon, id, "print").body == b"printed"
    assert daemon.stop() == 0
    printed = daemon.process.stdout.read()
    assert printed.count(b"\0\x01\xff no frame") == 3000


def test_an_attempt_at_a_job_is_a_run_like_any_other_for_a_model_without_hooks(loaded):
    daemon = loaded()
    told = {"type": "out_of_memory", "message": "too large", "cause": "OutOfMemoryError"}
    assert ask(daemon, 1, "echo first", attempt=1, free_bytes=5).body == b"first"
    assert ask(daemon, 2, "echo second", attempt=2, error=told).body == b"second"
    assert daemon.stop() == 0
