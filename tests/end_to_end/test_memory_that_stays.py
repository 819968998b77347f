"""Memory that comes back late after a death, or never: nobody is let in on it, and it is told."""

import os
import signal

from emulated import CONTEXT, FIRST, GIB, Node, ballast
from times import TIME_FACTOR

LEFT = 5 * GIB + CONTEXT
# An answer from before a load was over may move bytes from one to the other; it opens none.
CLOSED = ("fenced", "foreign")


def kill_worker(node, model):
    """As a crash would; returns when it was reaped."""
    (worker,) = node.workers(model)
    os.kill(worker["pid"], signal.SIGKILL)
    node.log.wait_for("worker.reaped", generation=worker["id"])
    return worker["id"]


def place_in_log(node, event, **fields):
    """Which line of the log it is."""
    return node.log.records.index(node.log.wait_for(event, **fields))


def test_a_load_waits_for_memory_that_comes_back_late(daemons):
    """[A3.5] It begins once the driver shows the bytes, so it never runs out of memory."""
    node = Node(daemons, "1x8GiB", ballast("a", "5GiB", "6GiB") + ballast("b", "5GiB", "6GiB"))
    assert node.call("a").status == 200
    node.tool("fault", 0, "release_never")
    generation = kill_worker(node, "a")
    with node.served.begin("b") as wire:
        node.log.wait_for("model.memory_awaited", model="b")
        node.see_more_samples(FIRST)
        assert node.bytes_of(FIRST, "used") == LEFT
        assert node.bytes_of(FIRST, "claimed") == 6 * GIB and not node.bytes_of(FIRST, "fenced")
        assert node.served.model("b")["residency"] == "cold"
        node.tool("fault", 0, "release_never", 0)
        assert wire.reply().status == 200
    returned = place_in_log(node, "worker.memory_returned", generation=generation)
    assert returned < place_in_log(node, "model.loading", model="b")
    assert not node.log.find("model.load_retried")
    assert node.used() == LEFT


def test_a_living_stranger_is_not_what_the_dead_left(daemons):
    """[A3.5] It came after the worker's death, and the driver lists it: the fence is without it."""
    settle = {"settle_timeout": "%dms" % (500 * TIME_FACTOR)}
    node = Node(daemons, "1x16GiB", ballast("a", "5GiB", "8GiB"), devices=settle)
    assert node.call("a").status == 200
    node.tool("fault", 0, "release_never")
    generation = kill_worker(node, "a")
    node.tool("stranger", 0, "2GiB", os.getpid())
    assert node.log.wait_for("device.fenced", generation=generation)["bytes"] == LEFT
    node.wait_for_bytes(FIRST, "foreign", 2 * GIB)
    assert node.bytes_of(FIRST, "fenced") == LEFT
    node.tool("fault", 0, "release_never", 0)
    node.log.wait_for("device.fence_lifted", generation=generation)
    assert node.bytes_of(FIRST, "foreign") == 2 * GIB and node.bytes_of(FIRST, "fenced") == 0


def test_memory_that_never_comes_back_is_fenced_until_it_does(daemons):
    """[A3.5] What fits beside the fence loads, what does not is told who holds the rest."""
    models = (
        ballast("a", "5GiB", "6GiB")
        + ballast("beside", "1GiB", "2GiB")
        + ballast("big", "5GiB", "6GiB")
    )
    settle = {"settle_timeout": "%dms" % (300 * TIME_FACTOR)}
    node = Node(daemons, "1x8GiB", models, devices=settle)
    assert node.call("a").status == 200
    node.tool("fault", 0, "release_never")
    generation = kill_worker(node, "a")
    fenced = node.log.wait_for("device.fenced", device=FIRST)
    assert fenced["generation"] == generation and fenced["bytes"] == LEFT
    assert node.bytes_of(FIRST, "fenced") == LEFT
    assert node.bytes_of(FIRST, "claimed") == 0 and node.bytes_of(FIRST, "foreign") == 0
    assert node.call("beside").status == 200
    error = node.refused("big", "memory", available=6 * GIB - LEFT)
    held = [holder["bytes"] for holder in error["holders"] if holder["kind"] in CLOSED]
    assert sum(held) == LEFT, error
    node.unload("beside")
    with node.served.begin("big") as wire:
        node.served.wait_for_waiting(1, "big")
        assert not node.log.find("device.fence_lifted")
        node.tool("clear", 0)
        assert wire.reply().status == 200
    assert node.log.wait_for("device.fence_lifted")["generation"] == generation
    assert node.bytes_of(FIRST, "fenced") == 0
    assert not node.log.find("model.load_retried")
