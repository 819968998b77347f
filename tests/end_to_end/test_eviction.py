"""Models that together need more than there is take turns, and nobody is ended at work."""

import os
import signal

from books import truth_of, unload_and_check
from emulated import CONTEXT, FIRST, GIB, Node, ballast, device_probe
from support import eventually

ROUNDS = 10  # of both; the 100 of A3.9 are in src/core/engine_fairness_test.cpp


def hold(node, gate, model):
    """A run of it that ends when the gate opens."""
    wire = node.served.begin(model, {"do": "devices", "gate": gate.path})
    eventually(lambda: node.served.model(model)["running"] == 1, model + " runs")
    return wire


def wait_in_vain(node, model):
    """The reply to a call that gave up, once it was known how full the device is."""
    is_meant = lambda reply: (reply.status, reply.error["type"]) == (504, "timeout")  # noqa: E731

    def ask():
        reply = node.call(model, wait="300ms")
        return is_meant(reply) and reply

    return eventually(ask, "a call of %s ends because others have the memory" % model)


def order_of(log, *wanted):
    """Where in the log these (event, model) come first."""
    told = [(record["event"], record.get("model")) for record in log.records]
    return [told.index(what) for what in wanted]


def test_an_idle_model_makes_room_for_one_that_fits_nowhere(daemons):
    """[A0.9] [R60] Of 10 GiB each needs 6; their weights are never there at the same time."""
    models = ballast("a", "500MiB", "6GiB") + ballast("b", "500MiB", "6GiB")
    node = Node(daemons, "1x10GiB", models)
    first = node.call("a")
    assert node.call("b").status == 200
    evicted = node.log.wait_for("model.evicted")
    assert (evicted["model"], evicted["device"], evicted["bytes"]) == ("a", FIRST, 6 * GIB)
    places = order_of(
        node.log, ("model.evicted", "a"), ("model.offloaded", "a"), ("model.loading", "b")
    )
    assert places == sorted(places)
    again = node.call("a")  # and back, in the same process
    assert again.headers["X-Windlass-Copy"] == first.headers["X-Windlass-Copy"]
    assert node.used() <= GIB // 2 + 2 * CONTEXT
    assert [node.served.model(model)["loads"] for model in ("a", "b")] == [1, 1]
    node.unload("b")
    unload_and_check(node, "a", uuids=[FIRST])


def test_one_whose_weights_are_to_stay_where_they_are_goes_itself(daemons):
    """[A0.9] `offload_after` is what says so; the processes are never there at the same time."""
    keys = {"offload_after": "never"}
    models = ballast("a", "5GiB", "6GiB", **keys) + ballast("b", "5GiB", "6GiB", **keys)
    node = Node(daemons, "1x10GiB", models)
    assert node.call("a").status == 200
    assert node.call("b").status == 200
    places = order_of(
        node.log, ("model.evicted", "a"), ("worker.memory_returned", "a"), ("model.loading", "b")
    )
    assert places == sorted(places)
    pid = node.served.model("b")["worker_pid"]
    assert [process["pid"] for process in truth_of(node)["processes"]] == [pid]
    assert node.call("a").status == 200  # and back
    unload_and_check(node, "a", uuids=[FIRST])


def test_a_model_at_work_is_waited_for_until_the_client_gives_up(daemons, gate):
    """[A0.9] And the one that is at work hears nothing of it."""
    models = device_probe("a", "5GiB", "6GiB") + ballast("b", "5GiB", "6GiB")
    node = Node(daemons, "1x10GiB", models)
    with hold(node, gate, "a") as running:
        refused = wait_in_vain(node, "b")
        assert refused.error["holders"][0]["model"] == "a"
        gate.open()
        assert running.reply().status == 200
    assert not node.log.find("model.evicted") and node.served.model("b")["loads"] == 0
    unload_and_check(node, "a", uuids=[FIRST])


def test_after_max_wait_one_at_work_finishes_and_makes_room(daemons, gate):
    """[R60] What came for it meanwhile waits for its turn."""
    models = device_probe("a", "5GiB", "6GiB")
    models += ballast("b", "5GiB", "6GiB", max_wait="50ms")
    node = Node(daemons, "1x10GiB", models)
    with hold(node, gate, "a") as running, node.served.begin("b") as waiting:
        node.log.wait_for("model.evicted", model="a")
        node.log.wait_for("model.draining", model="a")
        with node.served.begin("a", {"do": "echo"}) as later:
            node.served.wait_for_waiting(1, "a")
            assert node.served.model("a")["running"] == 1
            gate.open()
            done, served, last = running.reply(), waiting.reply(), later.reply()
    assert [reply.status for reply in (done, served, last)] == [200, 200, 200]
    assert done.headers["X-Windlass-Copy"] != last.headers["X-Windlass-Copy"]
    assert node.served.model("a")["loads"] == 2
    node.unload("b")
    unload_and_check(node, "a", uuids=[FIRST])


def test_models_that_are_asked_for_in_turn_replace_each_other(daemons):
    """[A3.9] [R60] 2 and 6 GiB on 7: nobody runs out of memory."""
    models = ballast("text", "150MiB", "2GiB") + ballast("speech", "550MiB", "6GiB")
    node = Node(daemons, "1x7GiB", models)
    for _ in range(ROUNDS):
        for model in ("text", "speech"):
            assert node.call(model).status == 200
    returns = 2 * ROUNDS - 2
    eventually(lambda: len(node.log.find("model.restored")) == returns, "each return is told")
    assert len(node.log.find("model.evicted")) == returns + 1
    assert [node.served.model(model)["loads"] for model in ("text", "speech")] == [1, 1]
    for trouble in ("model.load_retried", "model.load_failed", "worker.killed"):
        assert not node.log.find(trouble), trouble
    node.unload("text")
    unload_and_check(node, "speech", uuids=[FIRST])


def test_a_pinned_model_stays(daemons):
    """Until somebody unloads it by hand."""
    models = ballast("a", "5GiB", "6GiB", pinned=True)
    models += ballast("b", "5GiB", "6GiB", max_wait="1ms")
    node = Node(daemons, "1x10GiB", models)
    assert node.call("a").status == 200
    wait_in_vain(node, "b")
    assert not node.log.find("model.evicted")
    with node.served.begin("b") as waiting:
        node.unload("a")
        assert waiting.reply().status == 200
    unload_and_check(node, "b", uuids=[FIRST])


def test_one_that_hangs_when_it_is_to_go_is_killed(daemons):
    """Whoever waits for its room does not wait for its goodwill."""
    models = ballast("a", "5GiB", "6GiB", offload_timeout="100ms", term_grace="100ms")
    models += ballast("b", "5GiB", "6GiB")
    node = Node(daemons, "1x10GiB", models)
    assert node.call("a").status == 200
    os.kill(node.served.model("a")["worker_pid"], signal.SIGSTOP)
    assert node.call("b").status == 200
    assert node.log.find("model.evicted", model="a") and node.log.find("worker.killed", model="a")
    unload_and_check(node, "b", uuids=[FIRST])
