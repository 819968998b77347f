"""Progress without a worker, under a clock of the test's own."""

from __future__ import annotations

import json
import threading
from fractions import Fraction

import pytest

import windlass as wl
from windlass import reporting
from windlass.reporting import INTERVAL_S, Reporter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(reporting, "time", clock)
    return clock


def test_the_first_report_passes_and_then_one_in_each_interval(clock):
    sent: list[dict] = []
    reporter = Reporter(sent.append)
    for step in range(1000):  # ten seconds of a loop of 10 ms
        reporter.report(step, 1000)
        clock.now += 0.01
    assert sent[0] == {"step": 0, "total": 1000}
    assert 90 <= len(sent) <= 101
    assert all(b["step"] - a["step"] <= 1.2 * INTERVAL_S / 0.01 for a, b in zip(sent, sent[1:]))


def test_each_new_phase_passes_at_once(clock):
    sent: list[dict] = []
    reporter = Reporter(sent.append)
    for phase in ("load", "load", "encode", None, "encode", "decode"):
        reporter.report(phase=phase)
    assert [meta["phase"] for meta in sent] == ["load", "encode", "decode"]


def test_only_what_was_given_is_sent_and_only_numbers_that_the_protocol_takes(clock):
    sent: list[dict] = []
    reporter = Reporter(sent.append)
    nan, inf = float("nan"), float("inf")
    for step, total in ((None, None), (3, 20.5), (nan, inf), (-1, 2**64), (True, Fraction(1, 2))):
        reporter.report(step, total)
        clock.now += 1
    assert json.dumps(sent) == json.dumps(
        [{}, {"step": 3, "total": 20.5}, {}, {}, {"step": 1, "total": 0.5}]
    )
    reporter.report(phase="x" * 1000)
    assert sent[-1] == {"phase": "x" * 200}


def test_a_closed_reporter_is_silent(clock):
    sent: list[dict] = []
    reporter = Reporter(sent.append)
    reporter.close()
    reporter.report(1)
    assert sent == []


def test_the_function_finds_the_work_it_belongs_to(clock):
    alone: list[dict] = []
    first: list[dict] = []
    wl.progress(1)  # outside of any work: nothing
    with reporting.reporting(Reporter(alone.append), alone=True):
        thread = threading.Thread(target=wl.progress, args=(2,))
        thread.start()
        thread.join()
    with reporting.reporting(Reporter(first.append), alone=False):
        thread = threading.Thread(target=wl.progress, args=(3,))
        thread.start()
        thread.join()  # a thread of its own belongs to no run
        wl.progress(4)
    wl.progress(5)
    assert (alone, first) == ([{"step": 2}], [{"step": 4}])


def test_a_request_can_be_made_for_the_test_of_a_model():
    request = wl.Request(b'{"x": 1}', "application/json", variant="fp16", timeout_s=1000)
    request.progress(1, 2, "any")
    assert request.json() == {"x": 1}
    assert 900 < request.remaining() <= 1000
    request.check_cancelled()
    request.cancel()
    assert request.cancelled
    with pytest.raises(wl.Cancelled):
        request.check_cancelled()
    assert wl.Request().remaining() is None
    assert wl.Request(timeout_s=-1).remaining() == 0.0
    with pytest.raises(wl.InvalidInput):
        wl.Request(b"{").json()
