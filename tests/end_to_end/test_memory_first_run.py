"""A need that nobody knows: its first run is made alone, and what that took is kept for it."""

import pytest
from books import truth_of, unload_and_check
from emulated import CONTEXT, FIRST, GIB, Node, ballast, device_probe
from support import eventually

LOADED = 2 * GIB + CONTEXT
SCRATCH = 11 * GIB  # of the run: beside the load of another it would be more than there is


def with_margin(count):
    return count + count // 16 + (64 << 20)


def begin_to_wait(node, model):
    wire = node.served.begin(model)
    reasons = lambda: [  # noqa: E731
        request["reason"] for request in node.served.model(model)["waiting_requests"]
    ]
    eventually(lambda: reasons() == ["memory"], "%s waits for memory" % model)
    return wire


@pytest.mark.parametrize("fault", [None, "pids_hidden"])
def test_neighbours_wait_for_a_first_run_that_takes_much_more_than_its_load(daemons, gate, fault):
    models = device_probe("big", "2GiB", pinned=True)  # it goes when it is told to
    models += ballast("small", "500MiB", "1GiB") + ballast("late", "3GiB", "3584MiB")
    node = Node(daemons, "1x16GiB", models)
    if fault:
        node.tool("fault", 0, fault, 1)
    assert node.served.get("/api/models/big/load", "POST").status == 200
    node.wait_for_bytes(FIRST, "claimed", with_margin(LOADED))

    first_run = node.served.begin("big", {"do": "fill", "bytes": SCRATCH, "gate": gate.path})
    eventually(lambda: truth_of(node)["used"] == LOADED + SCRATCH, "it runs")
    node.see_more_samples(FIRST)
    assert node.bytes_of(FIRST, "claimed") == 16 * GIB
    with begin_to_wait(node, "small") as small, begin_to_wait(node, "late") as late:
        assert truth_of(node)["used"] == LOADED + SCRATCH
        gate.open()
        with first_run:
            assert first_run.reply().status == 200
        assert small.reply().status == 200
        node.wait_for_bytes(FIRST, "claimed", with_margin(LOADED + SCRATCH) + GIB)
        assert node.served.model("late")["loads"] == 0  # there would be no room for another run
        node.unload("big")
        assert late.reply().status == 200
    assert not node.log.find("model.load_failed") and not node.log.find("model.load_retried")
    unload_and_check(node, "small", "late", uuids=[FIRST])
