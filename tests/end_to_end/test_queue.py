"""Many requests at once: who runs beside whom, who goes first, who is refused."""

import threading

import pytest
from support import eventually, probe

CLIENTS = 8
REQUESTS = 500


def hammer(served, requests, order):
    """Calls from 8 threads with one client; the answers."""
    client = served.client()
    numbers = iter(range(requests))
    lock = threading.Lock()
    answers, failures = [], []

    def work():
        while True:
            with lock:
                if next(numbers, None) is None:
                    return
            try:
                answers.append(client.call("probe", order))
            except Exception as error:
                failures.append(error)
                raise

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert not failures
    return answers


def test_with_concurrency_1_no_two_of_500_requests_overlap(daemon):
    """[R104] Counted in the worker, over 8 clients."""
    served = daemon(probe())
    answers = hammer(served, REQUESTS, {"do": "count"})
    assert len(answers) == REQUESTS
    assert sorted(answer["runs"] for answer in answers) == list(range(1, REQUESTS + 1))
    assert {answer["most"] for answer in answers} == {1}
    assert len({answer["pid"] for answer in answers}) == 1


def test_with_concurrency_4_runs_do_overlap_and_never_more_than_4(daemon):
    served = daemon(probe(concurrency=4))
    answers = hammer(served, 60, {"do": "count", "seconds": 0.02})
    assert max(answer["most"] for answer in answers) == 4
    assert len({answer["pid"] for answer in answers}) == 1


def test_more_urgent_requests_overtake_those_that_wait(daemon, gate):
    served = daemon(probe())
    first = served.begin("probe", gate.hold("first"))
    served.said("ran first")
    # Fillers of the highest priority: whatever the daemon has sent ahead to the worker is of them.
    wires = [first]
    for number in range(3):
        wires.append(served.begin("probe", {"name": "filler"}, priority="0"))
        served.wait_for_waiting(len(wires) - 1)
    for priority in ("9", None, "7", "1", "7", "0"):
        limits = {} if priority is None else {"priority": priority}
        wires.append(served.begin("probe", {"name": priority or "default"}, **limits))
        served.wait_for_waiting(len(wires) - 1)
    shown = served.model()["waiting_requests"]
    assert len(shown) == len(wires) - 1
    assert {request["reason"] for request in shown} == {"busy"}
    assert sorted(request["priority"] for request in shown) == [0, 0, 0, 0, 1, 4, 7, 7, 9]
    assert all(request["waited_ms"] >= 0 for request in shown)
    gate.open()
    ids = []
    for wire in wires:
        with wire:
            reply = wire.reply()
        assert reply.status == 200
        ids.append(reply.headers["X-Windlass-Request-Id"])
    assert {request["request_id"] for request in shown} == set(ids[1:])
    served.said("ran 9")
    ran = [record["line"] for record in served.log.find("worker.output", stream="stdout")]
    order = [line for line in ran if line.startswith("ran") and line != "ran filler"]
    assert order == ["ran " + name for name in ("first", "0", "1", "default", "7", "7", "9")]


def is_accepted(served, wire, wires):
    """Waits until it is shown among the waiting, or answered."""
    wires.append(wire)
    is_shown = lambda: served.model()["waiting"] == len(wires) - 1  # noqa: E731
    eventually(lambda: is_shown() or not wire.is_silent(0.01), "it waits or is refused")
    return wire.is_silent(0.01)


def test_one_request_more_than_the_queue_holds_is_refused(daemon, gate):
    served = daemon(probe(queue_limit=2))
    wires = [served.begin("probe", gate.hold("0"))]
    served.said("ran 0")
    # How many the daemon sends ahead to the worker is its own affair; the queue has an end.
    while is_accepted(served, served.begin("probe", gate.hold("next")), wires):
        assert len(wires) < 30, "the queue takes more than it should"
    with wires.pop() as last:
        refused = last.reply()
    assert (refused.status, refused.error["type"]) == (429, "queue_full")
    assert "queue_limit" in refused.error["message"] and "2" in refused.error["message"]
    assert refused.headers["Retry-After"] == "1"
    assert refused.error["retry_after_s"] == 1
    gate.open()
    for wire in wires:
        with wire:
            assert wire.reply().status == 200
    assert served.ask("probe").status == 200


@pytest.mark.parametrize("residency", ["loading", "draining"])
def test_who_waits_is_told_why(daemon, gate, residency):
    env = {"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path}
    served = daemon(probe(env=env if residency == "loading" else {}))
    held = served.begin("probe", gate.hold("held"))
    served.said("loading" if residency == "loading" else "ran held")
    unloading = None
    if residency == "draining":
        unloading = served.wire()
        unloading.request("POST", "/api/models/probe/unload")
        served.log.wait_for("model.draining")
    behind = served.begin("probe", {"name": "behind"})
    served.wait_for_waiting(2 if residency == "loading" else 1)
    model = served.model()
    assert model["residency"] == residency
    assert {request["reason"] for request in model["waiting_requests"]} == {residency}
    assert ("loading_for_s" in model) and ((model["loading_for_s"] is None) == bool(unloading))
    gate.open()
    for wire in (held, behind):
        with wire:
            assert wire.reply().status == 200
    if unloading:
        with unloading:
            assert unloading.reply().status == 200
