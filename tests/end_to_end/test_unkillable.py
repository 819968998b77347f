"""A worker that hangs in the kernel and survives SIGKILL: it keeps its claim and nothing else."""

import signal

from emulated import FIRST, GIB, SECOND, Node, ballast
from freezer import Freezer
from support import SOON_S, eventually, is_alive, remains_of

FOREVER_MS = 600000


def kill(node, worker):
    ordered = node.served.get("/api/workers/%d/kill" % worker["id"], "POST")
    assert ordered.status == 200, ordered.body


def test_a_worker_that_cannot_be_killed_holds_nothing_up(daemons):
    """[R144] It is replaced on the same device or another; thawed, its claim is released."""
    models = (
        ballast("same", "3GiB", "4GiB", devices=[FIRST])
        + ballast("other", "3GiB", "4GiB")
        + ballast("big", "5GiB", "6GiB", devices=[FIRST])
    )
    node = Node(daemons, "2x12GiB", models, daemon={"shutdown_grace": "200ms"})
    first, second = Freezer("a worker in state D"), Freezer("a worker in state D")
    try:
        with (
            node.served.begin("same", FOREVER_MS) as one,
            node.served.begin("other", FOREVER_MS) as two,
        ):
            same, other = node.wait_until_runs("same"), node.wait_until_runs("other")
            assert (same["device"], other["device"]) == (FIRST, FIRST)
            first.freeze(same["pid"])
            second.freeze(other["pid"])
            kill(node, same)
            kill(node, other)
            # Nobody waits for more than the ladder.
            assert one.reply().error["type"] == two.reply().error["type"] == "worker_lost"
        node.log.wait_for("worker.unkillable", count=2)
        for incident in node.served.get("/api/incidents").json()["incidents"]:
            assert "unkillable" in [step["step"] for step in incident["steps"]]
        assert is_alive(same["pid"]) and is_alive(other["pid"])
        assert node.bytes_of(FIRST, "claimed") == 8 * GIB
        # Beside them there is room for one more, and then on the other device only.
        answer = node.call("same")
        assert answer.status == 200 and answer.headers["X-Windlass-Device"] == FIRST
        answer = node.call("other")
        assert answer.status == 200 and answer.headers["X-Windlass-Device"] == SECOND
        node.unload("same")
        node.wait_for_bytes(FIRST, "claimed", 8 * GIB)
        error = node.refused("big", "memory", available=4 * GIB)
        held = {(holder["model"], holder["bytes"]) for holder in error["holders"]}
        assert held == {("same", 4 * GIB), ("other", 4 * GIB)}
        shown = {(w["id"], w["state"]) for w in node.workers("same") + node.workers("other")}
        assert {(same["id"], "unkillable"), (other["id"], "unkillable")} <= shown

        with node.served.begin("big") as waiting:
            node.served.wait_for_waiting(1, "big")
            first.close()
            assert waiting.reply().status == 200
        assert node.log.wait_for("worker.memory_returned", generation=same["id"])
        eventually(lambda: not is_alive(same["pid"]), "it dies once it can")
        assert node.bytes_of(FIRST, "claimed") == (6 + 4) * GIB

        node.served.signal(signal.SIGTERM)
        assert node.served.wait(SOON_S) == 0
        assert is_alive(other["pid"])
    finally:
        for freezer in (first, second):
            freezer.close()
    eventually(lambda: not is_alive(other["pid"]), "it dies once it can")
    nothing = lambda: not remains_of(node.served.id, node.served.state_dir)  # noqa: E731
    eventually(nothing, "the keeper has removed everything")
    node.served.end()
