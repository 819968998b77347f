"""The driver is upgraded under a running daemon: what runs goes on, and it comes back by itself."""

from emulated import FIRST, GIB, SECOND, Node, ballast
from support import eventually


def test_runs_go_on_and_loads_wait_for_the_driver(daemons):
    """[R136] Health says what to do."""
    models = (
        ballast("a", "3GiB", "4GiB", devices=[FIRST])
        + ballast("b", "3GiB", "4GiB", devices=[SECOND])
        + ballast("c", "1GiB", "2GiB", devices=[SECOND])
    )
    node = Node(daemons, "2x8GiB", models, devices={"restart_pause": "100ms"})
    pid = node.call("a").headers["X-Windlass-Worker-Pid"]
    assert node.call("c").status == 200
    eventually(lambda: node.bytes_of(FIRST, "used"), "it was measured with the model")
    with node.served.begin("a", 300) as running:
        node.tool("fault", 0, "driver_mismatch")
        assert running.reply().status == 200
    node.wait_for(FIRST, "failing")
    node.wait_for(SECOND, "failing")
    answer = node.call("a")
    assert answer.status == 200 and answer.headers["X-Windlass-Worker-Pid"] == pid
    health = node.served.get("/healthz")
    assert health.status == 200 and health.json()["status"] == "degraded"
    for trouble in health.json()["troubles"]:
        assert "reload the module or restart the machine" in trouble["message"], trouble
    assert {t["device"] for t in health.json()["troubles"]} >= {FIRST, SECOND}
    node.unload("c")  # what the driver last said of the device is no proof any more
    node.refused("b", "device")
    assert node.bytes_of(FIRST, "used")  # the last number stays
    assert node.bytes_of(SECOND, "claimed") == 2 * GIB  # nothing shows the memory of `c` free
    assert not node.log.find("worker.memory_returned")
    with node.served.begin("b") as waiting:
        node.served.wait_for_waiting(1, "b")
        node.tool("clear", 0)
        assert waiting.reply().status == 200
    node.log.wait_for("device.recovered", count=2)
    node.log.wait_for("worker.memory_returned", model="c")
    healthy = lambda: node.served.get("/healthz").json()["status"] == "ok"  # noqa: E731
    eventually(healthy, "all is well")
    assert node.call("a").headers["X-Windlass-Worker-Pid"] == pid
