"""Workers that run out of device memory: a typed answer, and nobody else notices."""

from emulated import FIRST, GIB, Node, ballast, obedient
from pulse import pulse_of_health
from times import TIME_FACTOR

HEALTH_S = 0.1 * TIME_FACTOR


def test_a_run_that_runs_out_of_memory_keeps_its_worker(daemons):
    """[A0.10] 503 of its own type; the context is as sound as before."""
    node = Node(daemons, "1x8GiB", obedient("greedy", "1GiB", "2GiB"))
    served = node.served
    pid = served.ask("greedy").json()["pid"]
    with pulse_of_health(served) as health:
        for number in range(5):
            reply = served.ask("greedy", {"do": "take", "bytes": 8 * GIB, "name": str(number)})
            assert (reply.status, reply.error["type"]) == (503, "out_of_memory")
            assert "CUDA_ERROR_OUT_OF_MEMORY" in reply.error["message"]
    assert health.slowest_s() <= HEALTH_S
    reply = served.ask("greedy", {"do": "take", "bytes": GIB})
    assert (reply.status, reply.json()["pid"]) == (200, pid)
    model = served.model("greedy")
    assert (model["loads"], model["failures"]) == (1, 0)
    assert served.get("/api/incidents").json()["incidents"] == []
    served.log.wait_for("worker.output", line="ran it", count=2)
    assert len(served.log.find("worker.output", line="ran 0")) == 1  # never tried again


def test_a_load_that_runs_out_of_memory_is_told_so_and_leaves_nothing(daemons):
    """[A0.10] It needs more than it says, and more than there is."""
    models = ballast("liar", "30GiB", "1GiB", backoff="20ms") + ballast("sound", "1GiB", "2GiB")
    node = Node(daemons, "1x8GiB", models)
    assert node.call("sound").status == 200
    with pulse_of_health(node.served) as health:
        reply = node.call("liar")
        assert (reply.status, reply.error["type"]) == (503, "out_of_memory"), reply.body
        assert node.call("sound").status == 200
    assert health.slowest_s() <= HEALTH_S
    assert node.served.model("liar")["residency"] in ("stopping", "backoff", "cold")
    assert node.served.model("sound")["loads"] == 1
    node.wait_for_bytes(FIRST, "claimed", 2 * GIB)
