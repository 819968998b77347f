"""Requests that wait for memory: they start when it is there, or learn who has it."""

import time

import pytest
from books import check_books, truth_of, unload_and_check
from emulated import FIRST, GIB, Node, ballast
from support import AT_ONCE_S, eventually

import windlass as wl

MIB = 1 << 20
STRANGER = 3584 * MIB  # leaves 4.5 of 8 GiB


def begin_and_wait_for_memory(node, model):
    """A call that waits because of memory."""
    wire = node.served.begin(model)

    def is_starving():
        waiting = node.served.model(model)["waiting_requests"]
        return [request["reason"] for request in waiting] == ["memory"]

    eventually(is_starving, "it waits for memory")
    return wire


def end_stranger(node):
    node.tool("clear", 0)
    return time.monotonic()


def end_small(node):
    """Unloads it; when the driver did not show its bytes any more."""
    pid = node.served.model("small")["worker_pid"]
    pids = lambda: [process["pid"] for process in truth_of(node)["processes"]]  # noqa: E731
    assert pids() == [pid]
    with node.served.wire() as wire:
        wire.request("POST", "/api/models/small/unload")
        eventually(lambda: pid not in pids(), "the memory of small is back")
        returned = time.monotonic()
        wire.reply()
    return returned


@pytest.mark.parametrize("holder", ["stranger", "model"])
def test_what_waits_for_memory_starts_within_a_second_of_its_return(daemons, holder):
    """[A3.5] 4.5 GiB are free and 6 are needed, until whoever has the rest gives it back."""
    models = ballast("big", "5GiB", "6GiB")
    models += ballast("small", "3GiB", "3584MiB", pinned=True)  # it goes when it is told to
    node = Node(daemons, "1x8GiB", models)
    if holder == "stranger":
        node.tool("stranger", 0, STRANGER)
    else:
        assert node.call("small").status == 200
    with begin_and_wait_for_memory(node, "big") as waiting:
        node.served.log.wait_for("model.memory_awaited", model="big", bytes=6 * GIB)
        assert not node.served.log.find("model.loading", model="big")
        returned = end_stranger(node) if holder == "stranger" else end_small(node)
        node.served.log.wait_for("model.loading", model="big", limit_s=AT_ONCE_S)
        took_s = time.monotonic() - returned
        reply = waiting.reply()
    assert reply.status == 200, reply.body
    assert took_s <= AT_ONCE_S
    print("%s: began %.0f ms after the memory was there" % (holder, took_s * 1e3))
    unload_and_check(node, "big", uuids=[FIRST])


def test_a_wait_that_ends_says_what_is_missing_and_who_has_it(daemons):
    """[A3.5] [R87] Every number is the true one: of 10 GiB, 4.5 are free, and 6 are needed."""
    models = ballast("big", "5GiB", "6GiB", wait_timeout="300ms")
    models += ballast("tiny", "500MiB", "1GiB")
    node = Node(daemons, "1x10GiB", models, devices={"headroom": "512MiB"})
    assert node.call("tiny").status == 200
    node.tool("stranger", 0, "4GiB")
    node.wait_for_bytes(FIRST, "foreign", 4 * GIB)

    def refuse():
        reply = node.call("big")
        return reply.json()["error"].get("available") is not None and reply

    # Somebody who goes on waiting: the device is asked for them, and what it said is kept.
    with node.served.begin("big", wait="10m"):
        refused = eventually(refuse, "it was looked how much is free")
        with node.served.client() as client, pytest.raises(wl.Unavailable) as caught:
            client.call("big")
    error = caught.value
    assert (error.reason, error.retry_after_s) == ("memory", 1)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    told = refused.json()["error"]
    assert told.pop("message").startswith("the model big needs 6 GiB of memory on the device")
    assert told.pop("request_id")
    assert told == {
        "type": "unavailable",
        "model": "big",
        "reason": "memory",
        "retry_after_s": 1,
        "device": FIRST,
        "required": 6 * GIB,
        "available": 4608 * MIB,
        "holders": [
            {"kind": "model", "model": "tiny", "generation": 1, "bytes": 1 * GIB},
            {"kind": "foreign", "bytes": 4 * GIB},
        ],
    }
    assert node.served.model("big")["loads"] == 0
    unload_and_check(node, "tiny", uuids=[FIRST], strangers=4 * GIB)
    node.tool("clear", 0)
    check_books(node, FIRST)
