"""Many client processes, one worker process."""

import json
import os

from support import probe

PROCESSES = 17


def answers_of_forks(client, count):
    """Forks; each child calls with the client that its parent made, and reports through a pipe."""
    pipes = []
    for number in range(count):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                answer = client.call("probe", {"value": number}, timeout=60)
                with open("/proc/self/maps", encoding="utf-8") as file:
                    answer["has_cuda"] = "libcuda" in file.read()
                os.write(writing, json.dumps(answer).encode())
                status = 0
            finally:
                os._exit(status)  # nothing of pytest may run in here
        os.close(writing)
        pipes.append((child, reading))
    answers = []
    for child, reading in pipes:
        with open(reading, "rb") as stream:
            answers.append(json.loads(stream.read()))
        assert os.waitpid(child, 0)[1] == 0
    return answers


def test_17_forked_client_processes_share_one_copy(daemon):
    """[A3.2] The client was made and used before the fork; no child maps a CUDA library."""
    served = daemon(probe())
    client = served.client()
    own = client.call("probe", {"value": "parent"})
    answers = answers_of_forks(client, PROCESSES)
    assert [answer["value"] for answer in answers] == list(range(PROCESSES))
    assert {answer["pid"] for answer in answers} == {own["pid"]}
    assert not any(answer["has_cuda"] for answer in answers)
    assert client.call("probe", {"value": "still"})["value"] == "still"
    model = served.model()
    assert (model["loads"], model["copies"]) == (1, 1)


def test_clients_that_come_while_it_loads_wait_for_the_same_copy(daemon, gate):
    """[A3.1] Seventeen at once before the first load has ended: one load."""
    served = daemon(probe(env={"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path}))
    wires = [served.begin("probe", {"value": number}) for number in range(PROCESSES)]
    served.wait_for_waiting(PROCESSES)
    gate.open()
    pids = set()
    for number, wire in enumerate(wires):
        with wire:
            answer = wire.reply().json()
        assert answer["value"] == number
        pids.add(answer["pid"])
    assert len(pids) == 1
    assert served.model()["loads"] == 1
