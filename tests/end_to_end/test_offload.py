"""Idle models leave their device for host memory, come back for a call, and go at last."""

import os
import signal
import sys
import time

from books import truth_of
from emulated import CONTEXT, FIRST, Node, ballast
from support import AT_ONCE_S, MODELS, SOON_S, eventually, model_table, probe

MIB = 1 << 20


def residency(node, model):
    return node.served.model(model)["residency"]


def wait_for_residency(node, model, wanted, limit_s=SOON_S):
    eventually(lambda: residency(node, model) == wanted, model + " is " + wanted, limit_s)


def stubborn(how, **keys):
    settings = {"python": "stubborn:Stubborn", "path": str(MODELS), "need": "1GiB"}
    settings.update(interpreter=sys.executable, **keys)
    return model_table("stubborn", {"STUBBORN": how}, settings)


def test_an_idle_model_leaves_its_device(daemons):
    """[A0.1] [R14] In time, and proved by the device."""
    models = ballast("m", "256MiB", "1GiB", offload_after="300ms", unload_after="never")
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    assert node.call("m").status == 200
    began = time.monotonic()
    node.log.wait_for("model.offloaded", limit_s=0.3 + AT_ONCE_S, model="m")
    assert time.monotonic() - began >= 0.25
    assert truth_of(node)["processes"][0]["bytes"] <= CONTEXT + 64 * MIB
    node.wait_for_bytes(FIRST, "claimed", CONTEXT)  # as the driver shows it, not as it says
    assert residency(node, "m") == "offloaded"


def test_an_idle_model_goes_at_last(daemons):
    """[A0.1] [R2] [R57] Counted from the same moment; each event is told once."""
    models = ballast("m", "16MiB", "1GiB", offload_after="100ms", unload_after="600ms")
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    assert node.call("m").status == 200
    began = time.monotonic()
    node.log.wait_for("model.unloaded", limit_s=0.6 + AT_ONCE_S, model="m")
    assert time.monotonic() - began >= 0.55
    assert truth_of(node)["processes"] == [] and node.used() == 0
    node.wait_for_bytes(FIRST, "claimed", 0)
    assert len(node.log.find("model.offloaded")) == len(node.log.find("model.unloaded")) == 1


def test_a_call_brings_it_back_with_the_same_answer(daemons):
    """[R20] And from the same process."""
    models = ballast("m", "256MiB", "1GiB", offload_after="50ms", unload_after="never")
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    before = node.call("m")
    for _ in range(3):
        wait_for_residency(node, "m", "offloaded")
        after = node.call("m")
        assert after.status == 200 and after.body == before.body  # its pid is in it
        assert float(after.headers["X-Windlass-Load-Ms"]) > 0
    assert node.served.model("m")["loads"] == 1
    eventually(lambda: len(node.log.find("model.restored")) == 3, "each return is told")


def test_two_models_share_a_device_that_has_room_for_one(daemons):
    """The pinned one goes when it has idled, the other to make room; nothing is loaded again."""
    keys = {"offload_after": "50ms", "unload_after": "never"}
    models = ballast("a", "600MiB", "1100MiB", pinned=True, **keys)
    models += ballast("b", "600MiB", "1100MiB", **keys)
    node = Node(daemons, "1x2GiB,teardown=0s", models)
    for _ in range(3):
        for model in ("a", "b"):
            assert node.call(model).status == 200
            assert node.used() <= 600 * MIB + 2 * CONTEXT  # never both
    assert [node.served.model(model)["loads"] for model in ("a", "b")] == [1, 1]


def test_a_model_that_nobody_asks_for_is_never_loaded_nor_moved(daemons):
    """[A0.6] 10 x its idle times pass; nor is one again that has gone, or one that is ordered off
    a device on which it never was."""
    keys = {"offload_after": "20ms", "unload_after": "40ms"}
    names = ("forgotten", "gone", "used")
    models = "".join(ballast(name, "16MiB", "1GiB", **keys) for name in names)
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    assert node.call("gone").status == 200
    node.log.wait_for("model.unloaded", model="gone")
    with node.served.client() as client:
        assert client.offload("forgotten")["residency"] == "cold"  # it is off its device
        for number in range(1, 11):  # ten whole idle times of another one pass
            assert node.call("used").status == 200
            node.log.wait_for("model.unloaded", count=number, model="used")
        assert client.offload("gone")["residency"] == "cold"
    for name, loads in (("forgotten", 0), ("gone", 1)):
        model = node.served.model(name)
        assert (model["loads"], model["residency"], model["workers"]) == (loads, "cold", []), name
        assert len(node.log.find("model.loading", model=name)) == loads
        assert not node.log.find("model.restoring", model=name)
    assert len(node.log.find("model.offloaded", model="gone")) <= 1
    node.wait_for_bytes(FIRST, "claimed", 0)


def test_a_failing_offload_is_tried_three_times_then_the_process_goes(daemons):
    """[A0.8]"""
    models = stubborn("raises", offload_after="50ms", unload_after="never", backoff="20ms")
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    answer = node.call("stubborn")
    node.log.wait_for("model.unloaded", model="stubborn")
    failures = node.log.find("model.offload_failed", model="stubborn")
    assert len(failures) == 3
    assert failures[0]["pid"] == int(answer.headers["X-Windlass-Worker-Pid"])
    assert "nailed down" in failures[0]["message"] and "offload" in failures[0]["traceback"]
    assert failures[0]["cause"] == "RuntimeError"
    assert node.call("stubborn").status == 200


def test_an_offload_that_hangs_ends_its_worker(daemons):
    """[R4] [R6] At its limit, like anything else that hangs."""
    keys = {"offload_timeout": "200ms", "term_grace": "200ms", "backoff": "20ms"}
    models = stubborn("hangs", offload_after="0s", unload_after="never", **keys)
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    node.call("stubborn")
    failure = node.log.wait_for("model.offload_failed", model="stubborn")
    assert failure["type"] == "timeout"
    node.log.wait_for("worker.reaped", model="stubborn")
    incidents = node.served.get("/api/incidents").json()["incidents"]
    assert "offload_timeout" in incidents[0]["cause"]["message"]
    node.wait_for_bytes(FIRST, "claimed", 0)


def test_an_administrator_offloads_and_unloads_by_force(daemons):
    """[R96] One whose worker does not react any more."""
    models = ballast("m", "256MiB", "1GiB") + ballast("busy", "1GiB", "2GiB", run_ms=600_000)
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    node.call("m")
    with node.served.client() as client:
        assert client.offload("m")["residency"] == "offloaded"
        assert client.load("m")["residency"] == "ready"
        with node.served.begin("busy") as waiting:
            os.kill(node.wait_until_runs("busy")["pid"], signal.SIGSTOP)
            began = time.monotonic()
            assert client.unload("busy", force=True)["residency"] == "cold"
            assert waiting.reply().json()["error"]["type"] == "worker_lost"
    eventually(lambda: len(truth_of(node)["processes"]) == 1, "the bytes of busy are back")
    node.log.wait_for("worker.memory_returned", model="busy")
    assert time.monotonic() - began < 5 * AT_ONCE_S


def test_what_cannot_be_offloaded_says_why(daemon):
    served = daemon(probe())
    served.ask("probe")
    reply = served.get("/api/models/probe/offload", "POST")
    assert reply.status == 501 and reply.error["type"] == "unsupported"
