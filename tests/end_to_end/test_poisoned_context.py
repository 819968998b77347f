"""A context that a kernel broke: its worker is replaced, and what may run again does, once."""

import time

import pytest
from emulated import FIRST, GIB, Node, ballast, obedient
from times import AT_ONCE_S

QUICK = {"backoff": "20ms"}  # 1 s / 50
ILLEGAL_ADDRESS = 700
CLAIM = 4 * GIB


def incidents_of(node):
    return node.served.get("/api/incidents").json()["incidents"]


@pytest.mark.parametrize("kind", ["program", "python"])
def test_an_idempotent_call_survives_a_poisoned_context(daemons, kind):
    """[A5.4] Its client sees success, from a new worker, within 5 s plus the load."""
    table = {"program": ballast, "python": obedient}[kind]
    node = Node(daemons, "1x8GiB", table("a", "3GiB", "4GiB", idempotent=True, **QUICK))
    first = node.call("a")
    node.tool("fault", 0, "sticky_error", ILLEGAL_ADDRESS)
    began = time.monotonic()
    again = node.call("a")
    took = time.monotonic() - began
    assert again.status == 200, again.body
    assert again.headers["X-Windlass-Worker-Pid"] != first.headers["X-Windlass-Worker-Pid"]
    assert took <= AT_ONCE_S + float(again.headers["X-Windlass-Load-Ms"]) / 1000
    told = node.log.wait_for("worker.poisoned", model="a")
    assert told["type"] == "context_lost" and "ILLEGAL_ADDRESS" in told["message"]
    assert len(node.log.find("request.retried")) == 1
    node.wait_for_bytes(FIRST, "claimed", CLAIM)
    (incident,) = incidents_of(node)
    assert (incident["device"], incident["cause"]["type"]) == (FIRST, "context_lost")
    assert incident["request"] == told["request"] == again.headers["X-Windlass-Request-Id"]
    steps = {step["step"]: step for step in incident["steps"]}
    assert {"detected", "reaped", "proved", "resumed"} <= set(steps)
    assert steps["proved"]["by"] == "driver" and steps["proved"]["bytes"] == CLAIM
    assert steps["detected"]["after_ms"] == 0 < steps["proved"]["after_ms"]


def test_a_second_poisoned_context_is_the_clients_to_know(daemons):
    """[A5.4] An idempotent call runs once more, any other one not at all; then it is told."""
    models = obedient("again", "1GiB", "2GiB", idempotent=True, **QUICK)
    models += obedient("once", "1GiB", "2GiB", **QUICK)
    node = Node(daemons, "1x8GiB", models)
    for model, runs in (("again", 2), ("once", 1)):
        order = {"do": "raise", "error": "ContextLost", "message": "poisoned", "name": model}
        reply = node.served.ask(model, order)
        assert (reply.status, reply.error["type"]) == (502, "context_lost")
        node.log.wait_for("worker.output", line="ran " + model, count=runs)
        # Whoever comes next meets a fresh worker.
        assert node.served.ask(model).status == 200
        assert node.served.model(model)["loads"] == runs + 1
    assert len(incidents_of(node)) == 3


def test_transient_errors_are_tried_three_times_and_the_callers_own_once(daemons):
    """[A5.4] [R152] By the same worker, with pauses that double; nothing of it is an incident."""
    models = obedient("a", "1GiB", "2GiB", idempotent=True, backoff="40ms")
    node = Node(daemons, "1x8GiB", models)
    pid = node.served.ask("a").json()["pid"]
    for error, status, kind, runs in (
        ("Transient", 503, "transient", 3),
        ("InvalidInput", 400, "invalid_input", 1),
    ):
        began = time.monotonic()
        order = {"do": "raise", "error": error, "message": "no", "name": error}
        reply = node.served.ask("a", order)
        assert (reply.status, reply.error["type"]) == (status, kind)
        assert runs == 1 or time.monotonic() - began >= 0.04 + 0.08
        node.served.ask("a", {"name": "after " + error})
        node.log.wait_for("worker.output", line="ran after " + error)
        assert len(node.log.find("worker.output", line="ran " + error)) == runs
    assert node.served.ask("a").json()["pid"] == pid
    assert incidents_of(node) == []
