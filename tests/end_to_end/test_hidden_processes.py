"""Drivers that do not tell who holds how much, as in containers: it is admitted right still."""

import os
import signal

import pytest
from emulated import CONTEXT, FIRST, GIB, Node, ballast
from support import SOON_S

HELD = 8 * GIB + CONTEXT


@pytest.mark.parametrize(
    "fault, value", [("pids_hidden", 1), ("pids_foreign", 1 << 22), ("process_memory_hidden", 1)]
)
def test_claims_stand_for_what_the_driver_does_not_tell(daemons, fault, value):
    """[R127] [A5.5] And what a dead worker held is free when the device has it back."""
    models = ballast("a", "8GiB", "10GiB", backoff="20ms") + ballast("b", "11GiB", "12GiB")
    node = Node(daemons, "1x24GiB", models)
    node.tool("fault", 0, fault, value)
    first = node.call("a")
    assert first.status == 200, first.body
    node.wait_for_bytes(FIRST, "used", HELD)
    # What rose is its own once the device was asked on behalf of memory; with others it is shared.
    node.see_more_samples(FIRST)
    shown = node.device(FIRST)
    assert not shown["holders_known"] and shown["used"]["source"] == "nvml"
    if fault == "process_memory_hidden":
        assert [holder["used"] for holder in shown["holders"]] == [None]
    second = node.call("b", wait="%ds" % SOON_S)  # beside it: nobody is counted twice
    assert second.status == 200, second.body
    assert node.bytes_of(FIRST, "claimed") == 22 * GIB

    node.tool("fault", 0, "release_never")
    (worker,) = node.workers("a")
    os.kill(worker["pid"], signal.SIGKILL)
    node.log.wait_for("worker.reaped", generation=worker["id"])
    node.see_more_samples(FIRST)
    assert node.bytes_of(FIRST, "claimed") == 22 * GIB
    assert not node.log.find("worker.memory_returned")
    node.tool("fault", 0, "release_never", 0)
    node.log.wait_for("worker.memory_returned", generation=worker["id"])
    assert node.bytes_of(FIRST, "claimed") == 12 * GIB
    assert node.call("a").status == 200
    assert not node.log.find("model.load_retried")
