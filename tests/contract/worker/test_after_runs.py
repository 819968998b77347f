"""What a fresh worker keeps, one that has served keeps too: by then another thread may read."""

import signal
import time

import pytest
from test_bad_daemon import RUN, assert_refused, frame
from test_life import assert_ends_with_hooks, run
from test_runs import ask

from windlass.frames import Type

SERVED = 20  # short runs, each answered before the next is sent


@pytest.fixture
def served(loaded):
    """served() -> like loaded(), and has answered requests 1 to SERVED."""

    def load_and_serve(**order):
        daemon = loaded(**order)
        for id in range(1, SERVED + 1):
            assert ask(daemon, id, "echo %d" % id).body == b"%d" % id
        return daemon

    return load_and_serve


def begin(daemon, id, text, line):
    """Begins a run and waits until it is inside, where it prints `line`."""
    run(daemon, id, text)
    daemon.expect(Type.STARTED, id)
    daemon.wait_for(line)


def test_a_run_that_goes_on_can_be_cancelled_and_others_recalled(served):
    daemon = served()
    for id in range(100, 400, 100):  # between them the role may go back and forth
        begin(daemon, id, "heed-cancel", "looking")
        run(daemon, id + 1, "gate")
        daemon.send(Type.CANCEL, id)
        daemon.send(Type.RECALL, id + 1)
        assert daemon.expect(Type.RECALLED, id + 1).meta == {"recalled": True}
        daemon.open_gate()
        assert daemon.expect(Type.ERROR, id).meta["message"] == "heeded"
        assert ask(daemon, id + 2, "echo next").body == b"next"


def test_what_comes_while_a_run_goes_on_begins_after_it_without_further_frames(served):
    daemon = served(heartbeat_ms=3_600_000)
    begin(daemon, 100, "gate", "inside")
    run(daemon, 101, "echo behind")
    daemon.send(Type.RECALL, 100)
    daemon.expect(Type.RECALLED, 100)  # so the run behind it has been read
    daemon.open_gate()
    daemon.expect(Type.RESULT, 100)
    daemon.expect(Type.STARTED, 101)
    assert daemon.expect(Type.RESULT, 101).body == b"behind"


def test_heartbeats_come_while_a_run_goes_on_and_seldom_while_idle(served):
    """So that a thousand idle workers are no work for their daemon."""
    daemon = served(heartbeat_ms=2)

    def see_beats(count):
        began = time.monotonic()
        for _ in range(count):
            daemon.expect(Type.HEARTBEAT, skip=())
        return time.monotonic() - began

    for id in (100, 101):
        begin(daemon, id, "gate", "inside")
        see_beats(5)
        daemon.open_gate()
        daemon.expect(Type.RESULT, id)
        assert see_beats(3) >= 1.2  # the first may still be that of the run, the second began it


def test_a_run_that_comes_to_an_idle_worker_has_its_beats_at_once(served):
    daemon = served(heartbeat_ms=1_000)
    daemon.expect(Type.HEARTBEAT, skip=())  # the first in idleness: the next is ten minutes away
    begin(daemon, 100, "gate", "inside")
    began = time.monotonic()
    daemon.expect(Type.HEARTBEAT, skip=())
    assert time.monotonic() - began < 30
    daemon.open_gate()
    daemon.expect(Type.RESULT, 100)


def test_an_answer_that_is_not_read_does_not_stop_the_reading(served):
    """The daemon must be able to send, whatever it has not read."""
    daemon = served()
    ids = (100, 101, 102)
    for id in ids:
        run(daemon, id, "echo " + "x" * 1_000_000)
    for id in ids:
        daemon.expect(Type.STARTED, id)
        assert len(daemon.expect(Type.RESULT, id).body) == 1_000_000


def test_stop_ends_it(served):
    daemon = served()
    assert daemon.stop() == 0
    assert daemon.lines()[-2:] == ["unload", "exit"]


def test_sigterm_ends_it_while_idle(served):
    daemon = served(heartbeat_ms=3_600_000)
    daemon.signal()
    assert daemon.receive() is None
    assert daemon.end() == 128 + signal.SIGTERM
    assert daemon.lines()[-2:] == ["unload", "exit"]


def test_sigterm_ends_a_run_that_can_end(served):
    daemon = served()
    begin(daemon, 100, "heed-cancel", "looking")
    daemon.signal()
    daemon.remove_gate()
    assert daemon.expect(Type.ERROR, 100).meta["type"] in ("worker_lost", "cancelled")
    assert daemon.end() == 128 + signal.SIGTERM


@pytest.mark.parametrize("when", ["idle", "run"])
def test_the_end_of_the_channel_ends_the_process(served, when):
    def lose():
        daemon = served(heartbeat_ms=3_600_000)
        if when == "run":
            begin(daemon, 100, "heed-cancel", "looking")
        daemon.socket.close()
        daemon.remove_gate()
        return daemon

    assert_ends_with_hooks(lose)


def test_a_broken_frame_ends_it(served):
    daemon = served(heartbeat_ms=3_600_000)
    daemon.send_bytes(frame(Type.RUN, 0, RUN))
    assert_refused(daemon)
    assert daemon.lines()[-2:] == ["unload", "exit"]
