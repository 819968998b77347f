"""Incidents whose memory does not come back, or whose device goes away."""

import os
import signal

from emulated import CONTEXT, FIRST, GIB, SECOND, Node, ballast
from support import eventually

QUICK = {"backoff": "20ms", "term_grace": "40ms"}


def incident_of(node):
    (incident,) = node.served.get("/api/incidents").json()["incidents"]
    return incident, {step["step"]: step for step in incident["steps"]}


def troubles_of(node):
    health = node.served.get("/healthz").json()
    troubles = health.get("troubles", [])
    assert health["status"] == ("degraded" if troubles else "ok")
    return [(trouble["reason"], trouble["device"]) for trouble in troubles]


def test_memory_that_does_not_come_back_is_fenced_and_told_until_it_does(daemons):
    """[A4.13] The incident has both steps; /healthz is degraded, and nobody gets those bytes."""
    devices = {"settle_timeout": "300ms"}
    models = ballast("a", "1GiB", "2GiB", **QUICK) + ballast("large", "1GiB", "7GiB")
    node = Node(daemons, "1x8GiB", models, devices=devices)
    pid = int(node.call("a").headers["X-Windlass-Worker-Pid"])
    assert troubles_of(node) == []
    node.tool("fault", 0, "release_never")
    os.kill(pid, signal.SIGKILL)
    fenced = node.log.wait_for("device.fenced", device=FIRST)
    assert troubles_of(node) == [("device_fenced", FIRST)]
    incident, steps = incident_of(node)
    assert (incident["device"], incident["cause"]["type"]) == (FIRST, "worker_lost")
    assert steps["fenced"]["bytes"] == fenced["bytes"] == GIB + CONTEXT
    assert "proved" not in steps and steps["reaped"]["after_ms"] < steps["fenced"]["after_ms"]
    with node.served.begin("large", 0) as waiting:  # beside the fence it has no room
        node.served.wait_for_waiting(1, "large")
        node.tool("fault", 0, "release_never", 0)
        assert waiting.reply().status == 200
    node.log.wait_for("device.fence_lifted", device=FIRST)
    incident, steps = incident_of(node)
    assert steps["proved"]["by"] == "driver"
    assert steps["fenced"]["after_ms"] < steps["proved"]["after_ms"]
    assert troubles_of(node) == []


def test_a_lost_device_is_the_cause_in_its_workers_incident(daemons):
    node = Node(daemons, "2x8GiB", ballast("a", "1GiB", "2GiB", **QUICK))
    first = node.call("a")
    lost, other = first.headers["X-Windlass-Device"], {FIRST: SECOND, SECOND: FIRST}
    node.tool("fault", 0 if lost == FIRST else 1, "device_lost")
    told = node.log.wait_for("worker.poisoned", device=lost)
    assert told["type"] == "device_lost" and "request" not in told
    eventually(lambda: "reaped" in incident_of(node)[1], "its worker is reaped")
    incident, _ = incident_of(node)
    assert (incident["device"], incident["cause"]["type"]) == (lost, "device_lost")
    assert ("device_lost", lost) in troubles_of(node)
    again = node.call("a")
    assert (again.status, again.headers["X-Windlass-Device"]) == (200, other[lost])
