"""What an answer says of memory, beside what the emulated device really holds."""

import threading
import time

from books import truth_of, unload_and_check
from emulated import CONTEXT, FIRST, GIB, Node, ballast, device_probe
from support import eventually, probe

WEIGHTS, MIB = 3 * GIB, 1 << 20


def measured_probe(name, **keys):
    return device_probe(name, "3GiB", "8GiB", **keys).replace(
        "device_probe:DeviceProbe", "measured_probe:MeasuredProbe"
    )


def scratch(count):
    return {"do": "scratch", "bytes": count, "seconds": 0}


def test_each_answer_has_its_own_peak(daemons):
    """[A3.6] [R2] [R71] [R77] A big run and then a small one; all agrees with the device itself."""
    node = Node(daemons, "1x24GiB", measured_probe("probe"))
    with node.served.client() as client:
        answers = [
            client.request("probe", order) for order in (scratch(2 * GIB), scratch(256 * MIB), {})
        ]
        assert [answer.peak_bytes - WEIGHTS for answer in answers] == [2 * GIB, 256 * MIB, 0]
        assert [answer.shared for answer in answers] == [False] * 3
        assert {(answer.device, answer.total_bytes) for answer in answers} == {(FIRST, 24 * GIB)}
        assert all(answer.queue_ms >= 0 and answer.run_ms > 0 for answer in answers)
        assert answers[0].load_ms > 0 and answers[1].load_ms == 0
        # The driver has to be asked while nothing was taken or given back: soon.
        told = eventually(
            lambda: next((a for a in [client.request("probe")] if a.context_bytes), None),
            "the context is told",
        )
        held = truth_of(node)
        assert told.context_bytes == CONTEXT
        assert told.peak_bytes + told.context_bytes == held["used"]
        node.see_more_samples(FIRST)
        told = client.request("probe", scratch(2 * GIB))
        assert told.free_before_bytes == held["capacity"] - held["used"]
        assert told.context_bytes == CONTEXT  # as it was when it could be told
        assert told.worker_pid in [process["pid"] for process in held["processes"]]
    unload_and_check(node, "probe", uuids=[FIRST])


def test_answers_of_runs_that_overlap_say_so(daemons, gate):
    """[A3.6] Their peaks cannot be told apart; of those in a row they can."""
    node = Node(daemons, "1x24GiB", measured_probe("probe", concurrency=2))
    answers = []
    with node.served.client() as client:
        assert client.request("probe").shared is False
        order = {"do": "hold", "gate": gate.path}
        threads = [
            threading.Thread(target=lambda: answers.append(client.request("probe", order)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        both_run = lambda: len(node.workers("probe")[0]["running"]) == 2  # noqa: E731
        eventually(both_run, "both run")
        gate.open()
        for thread in threads:
            thread.join()
        assert [answer.shared for answer in answers] == [True, True]
        assert {answer.copy for answer in answers} == {client.request("probe").copy}
        assert client.request("probe").shared is False


def test_many_callers_of_a_model_that_runs_them_in_a_row_share_nothing(daemons):
    """[A3.6] [R82] Ten at a time, each waits for its turn; one copy answers all."""
    node = Node(daemons, "1x24GiB", ballast("steel", "3GiB", "4GiB", run_ms=1))
    answers = []

    def ask(client):
        answers.extend(client.request("steel") for _ in range(5))

    with node.served.client() as client:
        threads = [threading.Thread(target=ask, args=(client,)) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 50
    assert {answer.shared for answer in answers} == {False}
    assert {answer.peak_bytes for answer in answers} == {WEIGHTS}
    assert {answer.context_bytes for answer in answers} <= {None, CONTEXT}
    assert len({answer.copy for answer in answers}) == 1


def test_a_model_that_came_back_is_measured_as_before(daemons):
    """[A3.6] What the driver said while its weights were away is no context of a later run."""
    node = Node(daemons, "1x24GiB,teardown=0s", ballast("steel", "256MiB", "1GiB"))
    with node.served.client() as client:
        client.call("steel")
        assert node.served.get("/api/models/steel/offload", "POST").status == 200
        node.see_more_samples(FIRST)
        told = []

        def is_told():
            told.append(client.request("steel"))
            return told[-1].context_bytes

        eventually(is_told, "the context is told")
    assert {answer.peak_bytes for answer in told} == {256 * MIB}
    assert {answer.context_bytes for answer in told} <= {None, CONTEXT}
    assert node.served.model("steel")["loads"] == 1


def test_without_an_allocator_the_driver_tells_of_long_runs(daemons, gate):
    """[A3.6] And of none that end before it is asked again."""
    node = Node(daemons, "1x24GiB", device_probe("probe", "3GiB", "8GiB"))
    order = {"do": "fill", "bytes": 2 * GIB, "gate": gate.path}
    with node.served.client() as client:
        client.call("probe")
        with node.served.begin("probe", order) as running:
            eventually(lambda: truth_of(node)["used"] == WEIGHTS + CONTEXT + 2 * GIB, "it is full")
            node.see_more_samples(FIRST)
            gate.open()
            headers = running.reply().headers
        assert headers["x-windlass-peak-bytes"] == str(WEIGHTS + CONTEXT + 2 * GIB)
        assert headers["x-windlass-shared"] == "false"
        assert "x-windlass-context-bytes" not in headers
        node.see_more_samples(FIRST)
        assert client.request("probe").peak_bytes in (None, WEIGHTS + CONTEXT)


def test_on_the_cpu_the_numbers_are_those_of_the_machine(daemons, gate):
    """[A3.6] What a process takes is its share of the pages that are of no file."""
    served = daemons.start('[devices]\nuse = ["cpu"]\nsample_interval = "100ms"\n' + probe())
    served.wait_until_started()

    def is_measured_since(instant):
        began = time.monotonic()
        used = served.get("/api/devices").json()["cpu"]["used"]
        return used is not None and began - used["age_s"] > instant

    with served.client() as client:
        client.call("probe")
        eventually(lambda: is_measured_since(0.0), "there is a first answer")
        with served.begin("probe", gate.hold("held")) as running:
            served.said("ran held")
            eventually(lambda b=time.monotonic(): is_measured_since(b), "it is measured")
            gate.open()
            headers = running.reply().headers
    peak, free, total = (
        int(headers["x-windlass-%s-bytes" % name]) for name in ("peak", "free-before", "total")
    )
    assert MIB < peak < total
    assert 0 < free < total
    assert "x-windlass-context-bytes" not in headers
