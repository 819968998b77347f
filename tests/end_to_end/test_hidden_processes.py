"""Drivers that do not tell who holds how much, as in containers: it is admitted right still."""

import concurrent.futures
import os
import signal

import pytest
from emulated import CONTEXT, FIRST, GIB, Node, ballast
from support import SOON_S
from times import TIME_FACTOR

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


def test_those_who_load_at_the_same_time_are_not_fenced_for_each_other(daemons):
    """[R127] What rose while both loaded is shared by their claims, not by what they took."""
    models = ballast("a", "3GiB", "10GiB") + ballast("b", "9GiB", "12GiB")
    settle = {"settle_timeout": "%dms" % (300 * TIME_FACTOR)}
    node = Node(daemons, "1x24GiB", models, devices=settle)
    node.tool("fault", 0, "pids_hidden", 1)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        answers = list(threads.map(node.call, "ab"))
    assert [answer.status for answer in answers] == [200, 200]
    node.wait_for_bytes(FIRST, "used", 12 * GIB + 2 * CONTEXT)
    for name, claimed in (("a", 12 * GIB), ("b", 0)):
        (worker,) = node.workers(name)
        os.kill(worker["pid"], signal.SIGKILL)
        node.log.wait_for("worker.memory_returned", generation=worker["id"])
        assert node.bytes_of(FIRST, "claimed") == claimed
    assert not node.log.find("device.fenced")
