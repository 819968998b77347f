"""A worker in a kernel that never ends: gone in time, its memory proved back."""

import time

import pytest
from emulated import CONTEXT, FIRST, GIB, SECOND, Node, ballast, obedient
from processes import is_alive
from pulse import pulse_of_calls, pulse_of_health
from support import eventually
from times import AT_ONCE_S, REPLY_S, TIME_FACTOR

CLAIM = 4 * GIB
TOLERANCE = 32 << 20
ANSWERS_S = 0.05 * TIME_FACTOR
LOOK_S = 2 * TIME_FACTOR  # for stacks and the state of the device
# 5 s, and 2 s of both graces together, divided by 50.
SHORT = {"run_timeout": "100ms", "cancel_grace": "20ms", "term_grace": "20ms", "backoff": "20ms"}


def busy(name, device):
    return ballast(name, "1GiB", "2GiB", devices=[device])


@pytest.mark.parametrize("kind", ["program", "python"])
def test_a_worker_in_an_endless_kernel_is_replaced_and_others_notice_nothing(daemons, kind):
    """[A0.3] [R30] [R156] Gone within limit, graces and 1 s; its memory at most 5 s later."""
    table = {"program": ballast, "python": obedient}[kind]
    models = table("stuck", "3GiB", "4GiB", devices=[FIRST], **SHORT) + busy("beside", SECOND)
    node = Node(daemons, "2x24GiB", models)
    served = node.served
    baseline = node.used()
    pid = int(node.call("stuck").headers["X-Windlass-Worker-Pid"])
    node.wait_for_bytes(FIRST, "used", 3 * GIB + CONTEXT)
    assert node.call("beside").status == 200
    node.tool("fault", 0, "hang_synchronize")
    with pulse_of_health(served) as health, pulse_of_calls(served, "beside") as calls:
        began = time.monotonic()
        reply = node.call("stuck")
        assert (reply.status, reply.error["type"]) == (504, "timeout")
        eventually(lambda: not is_alive(pid), "it is gone", REPLY_S)
        gone = time.monotonic()
        eventually(lambda: node.used() <= baseline + TOLERANCE, "its memory is back", REPLY_S)
        back = time.monotonic()
        node.tool("fault", 0, "hang_synchronize", 0)  # or the next one would hang as well
        again = node.call("stuck")
    assert gone - began <= AT_ONCE_S and back - gone <= AT_ONCE_S
    assert again.status == 200 and int(again.headers["X-Windlass-Worker-Pid"]) != pid
    print("p99 of /healthz %.1f ms, of calls beside it %.1f ms" % tuple(
        1e3 * pulse.p99_s() for pulse in (health, calls)
    ))
    assert health.p99_s() <= ANSWERS_S and calls.p99_s() <= ANSWERS_S
    check_incident(node, pid)


def check_incident(node, pid):
    node.log.wait_for("worker.memory_returned", device=FIRST)
    (incident,) = node.served.get("/api/incidents").json()["incidents"]
    assert (incident["pid"], incident["device"]) == (pid, FIRST)
    assert incident["cause"]["type"] == "timeout"
    steps = {step["step"]: step for step in incident["steps"]}
    assert {"detected", "looked_at", "reaped", "proved", "resumed"} <= set(steps)
    assert {"terminated", "killed"} & set(steps)  # a long look leaves no time for SIGTERM
    assert steps["proved"]["by"] == "driver" and steps["proved"]["bytes"] == CLAIM
    times = [step["after_ms"] for step in incident["steps"]]
    assert times == sorted(times)
    assert steps["looked_at"]["after_ms"] <= 1000 * LOOK_S
    seen = incident["evidence"]["device"]
    assert seen["worker_bytes"] == seen["used_bytes"] == 3 * GIB + CONTEXT
    assert seen["age_s"] >= 0
    ages = [seen["age_s"], *(before["age_s"] for before in seen["earlier"])]
    assert len(ages) > 1 and ages == sorted(ages)
