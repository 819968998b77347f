"""A stranger takes the memory between admission and load."""

import sys

from emulated import GIB, Node, ballast
from support import MODELS, model_table


def gated(gate):
    keys = {"python": "luckless:Gated", "path": str(MODELS), "interpreter": sys.executable}
    keys.update(need="6GiB", backoff="20ms")
    sizes = {"BALLAST_BYTES": "5GiB", "BALLAST_RUN_MS": 0, "PROBE_GATE": gate.path}
    return model_table("late", sizes, keys)


def test_a_load_that_a_stranger_forestalled_is_retried(daemons, gate):
    """[A0.10] [A3.5] Its client sees success if room comes in its time; nobody else suffers."""
    node = Node(daemons, "1x16GiB", gated(gate) + ballast("steady", "1GiB", "2GiB"))
    steady = node.call("steady").headers["X-Windlass-Worker-Pid"]
    with node.served.begin("late") as patient:
        node.served.said("loading", "late")
        node.tool("stranger", 0, "12GiB")
        gate.open()
        node.log.wait_for("model.load_retried", model="late")
        node.log.wait_for("model.memory_awaited", model="late")
        hasty = node.refused("late", "memory", available=2 * GIB)
        assert hasty["required"] == 6 * GIB
        # What the failed load left behind and what is the stranger's cannot be told apart as yet.
        held = [h["bytes"] for h in hasty["holders"] if h["kind"] in ("foreign", "returning")]
        assert sum(held) == 12 * GIB, hasty
        answer = node.call("steady")
        assert answer.status == 200 and answer.headers["X-Windlass-Worker-Pid"] == steady
        assert node.served.model("late")["failures"] == 0
        node.tool("clear", 0)
        answer = patient.reply()
        assert answer.status == 200, answer.body
    assert node.call("steady").headers["X-Windlass-Worker-Pid"] == steady
    assert not node.log.find("model.backoff")
