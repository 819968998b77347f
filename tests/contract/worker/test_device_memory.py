"""What a result tells of the device's memory: by the model's allocator, or nothing."""

import pytest
from test_life import run
from test_runs import ask

from windlass.frames import Type

WEIGHTS = 1000  # of the model with an allocator


def memory_of(frame):
    assert frame.type is Type.RESULT, frame
    return {name: value for name, value in frame.meta.items() if name != "content_type"}


def taken(peak, reserved=None):
    told = {"peak_bytes": peak}
    return told if reserved is None else {**told, "reserved_bytes": reserved}


@pytest.mark.parametrize("environment", [{}, {"ALLOCATOR": "broken"}])
def test_without_an_allocator_that_can_say_nothing_is_told(loaded, environment):
    daemon = loaded(environment)
    assert memory_of(ask(daemon, 1, "echo x")) == {}
    assert daemon.stop() == 0


def test_each_run_has_its_own_peak(loaded):
    """[A3.6] [R71] A big one, then a small one: that tells its own."""
    daemon = loaded({"ALLOCATOR": "caching"})
    assert memory_of(ask(daemon, 1, "echo x")) == taken(WEIGHTS, WEIGHTS)
    assert memory_of(ask(daemon, 2, "take 5000")) == taken(WEIGHTS + 5000)
    assert memory_of(ask(daemon, 3, "take 200")) == taken(WEIGHTS + 200, WEIGHTS + 5000)
    assert memory_of(ask(daemon, 4, "drop")) == taken(WEIGHTS)  # back to the driver
    assert memory_of(ask(daemon, 5, "echo x")) == taken(WEIGHTS, WEIGHTS)


def test_runs_that_overlap_have_one_peak(loaded):
    """[A3.6] And none says what was held: it is that of several runs."""
    daemon = loaded({"ALLOCATOR": "caching"}, concurrency=2)
    run(daemon, 1, "gate")
    daemon.expect(Type.STARTED, 1)
    daemon.wait_for("inside")
    assert memory_of(ask(daemon, 2, "take 5000")) == taken(WEIGHTS + 5000)
    assert memory_of(ask(daemon, 3, "echo x")) == taken(WEIGHTS + 5000)
    daemon.open_gate()
    assert memory_of(daemon.expect(Type.RESULT, 1)) == taken(WEIGHTS + 5000)
    assert memory_of(ask(daemon, 4, "echo x")) == taken(WEIGHTS, WEIGHTS + 5000)


def test_a_run_that_failed_is_followed_by_one_that_is_measured(loaded):
    daemon = loaded({"ALLOCATOR": "caching"})
    assert ask(daemon, 1, "raise it").type is Type.ERROR
    assert memory_of(ask(daemon, 2, "echo x")) == taken(WEIGHTS, WEIGHTS)


def test_a_move_tells_what_the_allocator_held_around_it(loaded):
    daemon = loaded({"ALLOCATOR": "caching"})
    daemon.send(Type.OFFLOAD)
    gone = daemon.expect(Type.OFFLOADED, skip=(Type.HEARTBEAT, Type.PROGRESS)).meta
    assert (gone["before_bytes"], gone["after_bytes"]) == (WEIGHTS, 0)
    daemon.send(Type.RESTORE)
    back = daemon.expect(Type.RESTORED, skip=(Type.HEARTBEAT, Type.PROGRESS)).meta
    assert (back["before_bytes"], back["after_bytes"]) == (0, WEIGHTS)
    assert memory_of(ask(daemon, 1, "echo x")) == taken(WEIGHTS, WEIGHTS)
