"""A device that is lost in the middle of runs: its own clients are told, nobody else notices."""

import sys
import threading

from emulated import FIRST, SECOND, Node, ballast, model
from support import MODELS

BUSY_MS = 60000


class Client:
    """Calls one model again and again in a thread; keeps what came."""

    def __init__(self, node, name):
        self.replies = []
        self._node, self._name = node, name
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._call, daemon=True)
        self._thread.start()

    def _call(self):
        while not self._is_over.is_set():
            self.replies.append(self._node.call(self._name))

    def finish(self):
        self._is_over.set()
        self._thread.join()
        return self.replies


def test_clients_of_a_lost_device_are_told_and_go_elsewhere(daemons, gate):
    """[R144]"""
    sleeper = {"python": "probe_model:Probe", "path": str(MODELS), "interpreter": sys.executable}
    models = (
        ballast("mover", "5GiB", "6GiB", backoff="20ms")
        + model("again", need="2GiB", idempotent=True, backoff="20ms", **sleeper)
        + model("fixed", need="2GiB", devices=[FIRST], backoff="20ms", **sleeper)
        + ballast("other", "3GiB", "4GiB", devices=[SECOND])
    )
    node = Node(daemons, "2x16GiB", models)
    with (
        node.served.begin("mover", BUSY_MS) as moved,
        node.served.begin("again", gate.hold("again")) as rerun,
        node.served.begin("fixed", gate.hold("fixed")) as stuck,
    ):
        for name in ("mover", "again", "fixed"):
            assert node.wait_until_runs(name)["device"] == FIRST
        other = node.call("other").headers["X-Windlass-Worker-Pid"]
        client = Client(node, "other")
        node.tool("fault", 0, "device_lost")
        assert moved.reply().error["type"] == "device_lost"
        assert stuck.reply().error["type"] == "device_lost"  # although it asks the device nothing
        node.log.wait_for("worker.reaped", model="again")  # or its first run could still answer
        gate.open()
        again = rerun.reply()
        assert again.status == 200 and again.headers["X-Windlass-Device"] == SECOND
    assert node.log.wait_for("device.lost")["device"] == FIRST
    assert node.device(FIRST)["state"] == "lost" and node.device(FIRST)["trouble"]
    assert node.served.get("/healthz").json()["status"] == "degraded"
    answer = node.call("mover")
    assert answer.status == 200 and answer.headers["X-Windlass-Device"] == SECOND
    node.refused("fixed", "device")
    replies = client.finish()
    assert {(r.status, r.headers["X-Windlass-Worker-Pid"]) for r in replies} == {(200, other)}

    with node.served.begin("fixed", {"value": 1}) as waiting:
        node.served.wait_for_waiting(1, "fixed")
        node.tool("clear", 0)
        answer = waiting.reply()
        assert answer.status == 200 and answer.headers["X-Windlass-Device"] == FIRST
    node.log.wait_for("device.recovered", device=FIRST)
