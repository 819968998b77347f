"""Attempts at jobs: what the hooks on_retry and fit are told, and what becomes of their answers."""

from __future__ import annotations

import json

import pytest

from windlass.frames import META_MAX, Type

OUT_OF_MEMORY = {"type": "out_of_memory", "message": "too large", "cause": "OutOfMemoryError"}


def attempt(daemon, id, settings, **meta):
    """What it ran with, as it was told before, or None; and what the model got."""
    daemon.run(id, json.dumps(settings).encode(), **meta)
    daemon.expect(Type.STARTED, id)
    told, frame = None, daemon.receive()
    if frame.type is Type.SETTINGS:
        told, frame = frame.meta, daemon.receive()
    assert (frame.type, frame.id) == (Type.RESULT, id), frame
    return told, json.loads(frame.body)


def test_a_second_attempt_runs_with_what_on_retry_returns(start):
    daemon = start("Lowers")
    daemon.load()
    halved = {"batch": 4, "prompt": "a harbour"}
    told = attempt(daemon, 1, {**halved, "batch": 8}, attempt=2, error=OUT_OF_MEMORY)
    assert told == (halved, halved)
    line = "on_retry 2 OutOfMemory too large {'batch': 8, 'prompt': 'a harbour'}"
    assert daemon.line() == line
    assert daemon.stop() == 0


def test_a_first_attempt_and_one_without_an_error_are_not_retries(start):
    daemon = start("Lowers")
    daemon.load()
    for id, meta in enumerate(({"attempt": 1}, {"attempt": 3}, {}), start=1):
        assert attempt(daemon, id, {"batch": 8}, **meta) == (None, {"batch": 8})
    assert daemon.stop() == 0
    assert daemon.lines() == []


def test_fit_is_told_what_is_free_at_each_attempt_and_after_on_retry(start):
    daemon = start("Lowers")
    daemon.load()
    first = attempt(daemon, 1, {"batch": 8}, attempt=1, free_bytes=99)
    assert first == ({"batch": 4}, {"batch": 4})
    meta = {"attempt": 2, "error": {"type": "worker_lost", "message": "gone"}}
    second = attempt(daemon, 2, {"batch": 4}, **meta, free_bytes=99)
    assert second == ({"batch": 1}, {"batch": 1})
    roomy = attempt(daemon, 3, {"batch": 8}, attempt=1, free_bytes=100)
    assert roomy == (None, {"batch": 8})
    assert daemon.stop() == 0
    assert daemon.lines()[:3] == [
        "fit {'batch': 8} 99",
        "on_retry 2 WorkerLost gone {'batch': 4}",
        "fit {'batch': 2} 99",
    ]


@pytest.mark.parametrize("body", [b"[1]", b"7", b"not JSON"])
def test_what_is_no_object_has_no_settings(start, body):
    daemon = start("Lowers")
    daemon.load()
    meta = {"attempt": 2, "error": OUT_OF_MEMORY, "free_bytes": 1}
    daemon.send(Type.RUN, 1, {"content_type": "image/png", **meta}, body)
    daemon.expect(Type.STARTED, 1)
    assert daemon.expect(Type.RESULT, 1).body == body
    daemon.run(2, body, **meta)
    daemon.expect(Type.STARTED, 2)
    assert daemon.receive().type in (Type.RESULT, Type.ERROR)
    assert daemon.stop() == 0
    assert daemon.lines() == []


@pytest.mark.parametrize(
    ("returned", "type_", "words"),
    [
        ("raise", "internal", "KeyError: 'batch'"),
        ("list", "internal", "on_retry() returned a list: return a dict"),
        ("nan", "unsupported", "cannot be written as JSON"),
        ("large", "unsupported", f"at most {META_MAX} can be kept"),
    ],
)
def test_a_hook_that_fails_fails_the_attempt_as_run_does(start, returned, type_, words):
    daemon = start("Lowered", LOWERED=returned)
    daemon.load()
    daemon.run(1, b'{"batch": 8}', attempt=2, error=OUT_OF_MEMORY)
    daemon.expect(Type.STARTED, 1)
    error = daemon.expect(Type.ERROR, 1).meta
    assert error["type"] == type_ and words in error["message"]
    if returned == "raise":
        assert error["cause"] == "KeyError" and "in on_retry" in error["traceback"]
    daemon.run(2, b"1")
    daemon.expect(Type.STARTED, 2)
    daemon.expect(Type.RESULT, 2)


def test_settings_that_are_the_same_are_not_told(start):
    daemon = start("Lowered", LOWERED="same")
    daemon.load()
    same = attempt(daemon, 1, {"batch": 8}, attempt=2, error=OUT_OF_MEMORY)
    assert same == (None, {"batch": 8})


def test_a_hook_that_is_no_method_fails_the_start(start):
    daemon = start("BadHook")
    assert "BadHook.fit is no method" in daemon.expect(Type.ERROR).meta["message"]
    assert daemon.end() == 1


@pytest.mark.parametrize(
    "meta", [{"attempt": 0}, {"attempt": 1, "free_bytes": -1}, {"attempt": 2, "error": 3}]
)
def test_an_attempt_that_says_nonsense_breaks_the_channel(start, meta):
    daemon = start("Lowers")
    daemon.load()
    daemon.run(1, b"{}", **meta)
    assert daemon.end() == 1
    assert "ProtocolError" in daemon.errors()
