"""A worker's child that holds device memory after its parent died."""

import os
import signal
import sys

import pytest
from emulated import CONTEXT, FIRST, GIB, Node, ballast
from support import MODELS, SOON_S, eventually, is_alive, model_table
from times import TIME_FACTOR

CHILD = 2 * GIB + CONTEXT
BOTH = 3 * GIB + CONTEXT + CHILD


def family(flight, need):
    """A parent of 3 GiB with a child of 2."""
    keys = {"python": "luckless:Parent", "path": str(MODELS), "interpreter": sys.executable}
    sizes = {"BALLAST_BYTES": "3GiB", "BALLAST_RUN_MS": 0, "LUCKLESS_CHILD_BYTES": "2GiB"}
    keys.update(need=need, backoff="20ms")
    return model_table("family", {**sizes, "LUCKLESS_FLIGHT": flight}, keys)


def child_of(node):
    find = lambda: [  # noqa: E731
        line["line"] for line in node.log.find("worker.output") if "holding as" in line["line"]
    ]
    return int(eventually(find, "the child holds memory")[-1].split()[-1])


def kill_parent(node):
    (worker,) = node.workers("family")
    os.kill(worker["pid"], signal.SIGKILL)
    node.log.wait_for("worker.reaped", generation=worker["id"])
    return worker["id"]


@pytest.mark.parametrize("cgroups", ["auto", "none"])
def test_a_child_with_memory_ends_with_its_parent(daemons, cgroups):
    """[R8] The next worker starts when the bytes of both are there."""
    node = Node(daemons, "1x8GiB", family("none", "6GiB"), daemon={"cgroups": cgroups})
    first = node.call("family")
    assert first.status == 200, first.body
    child = child_of(node)
    assert node.used() == BOTH
    generation = kill_parent(node)
    assert node.log.wait_for("worker.leftovers_killed")["all_gone"]
    assert not is_alive(child)
    node.log.wait_for("worker.memory_returned", generation=generation)
    assert node.used() == 0
    assert node.bytes_of(FIRST, "claimed") == 0 and node.bytes_of(FIRST, "fenced") == 0
    again = node.call("family")
    assert again.status == 200 and again.json()["pid"] != first.json()["pid"]
    assert not node.log.find("model.load_retried")


@pytest.mark.parametrize("flight", ["early", "late"])
def test_the_memory_of_a_child_that_escaped_is_not_free(daemons, flight):
    """Wherever it goes, it stays a descendant of the daemon, and is fenced: no stranger."""
    node = Node(
        daemons,
        "1x8GiB",
        family(flight, "5GiB") + ballast("next", "5GiB", "6GiB"),
        devices={"settle_timeout": "%dms" % (500 * TIME_FACTOR)},
        daemon={"cgroups": "none"},
    )
    assert node.call("family").status == 200
    child = child_of(node)
    try:
        if flight == "late":
            os.kill(child, signal.SIGUSR1)
            eventually(lambda: os.getsid(child) == child, "it has left the session")
        kill_parent(node)
        node.wait_for_bytes(FIRST, "claimed", 0)

        node.wait_for_bytes(FIRST, "fenced", CHILD)
        assert is_alive(child) and node.used() == CHILD
        error = node.refused("next", "memory", available=8 * GIB - CHILD)
        held = [(holder["kind"], holder["bytes"]) for holder in error["holders"]]
        assert held == [("fenced", CHILD)]
    finally:
        os.kill(child, signal.SIGKILL)
    eventually(lambda: not is_alive(child), "the child is gone", SOON_S)
    assert node.call("next").status == 200
    node.wait_for_bytes(FIRST, "fenced", 0)
    assert not node.log.find("model.load_retried")
