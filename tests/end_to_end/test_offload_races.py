"""Clients who come and go while their model leaves and returns: nobody's run meets a move."""

import pathlib
import random
import threading
import time

from emulated import Node, model
from support import windlass_program

MODELS = 5
CLIENTS = 2  # of each model
ROUNDS = 100  # of each client: 1,000 in all
OFFLOAD_AFTER_S = 0.002  # of 1 s in the scenario
JOB_MS = 20  # of 10 s, so ten times as long; divided by 500 both
SIZE = 32 << 20
SPECIFICATION = "1x8GiB,context=16MiB,teardown=0s,link=40GB"


def witness(name, **keys):
    """Answers with a digest of its weights, and says so when a run and a move of them meet."""
    program = str(pathlib.Path(windlass_program()).parent / "windlass-witness-worker")
    return model(name, command=[program, name, str(SIZE)], need="64MiB", **keys)


def come_and_go(node, name, seed, answers):
    """Submits and idles for about as long as its model may, now more, now less."""
    draw = random.Random(seed)
    with node.served.wire() as wire:
        for number in range(ROUNDS):
            job = "%d-%d" % (seed, number)
            body = "%s %d" % (job, draw.choice((0, JOB_MS)))
            wire.request("POST", "/api/models/%s/call" % name, body.encode())
            reply = wire.reply()
            answers.append((job, reply.status, reply.body.decode()))
            pause_s = draw.choice((0.0, draw.uniform(0, 3 * OFFLOAD_AFTER_S), 0.03))
            time.sleep(pause_s)  # lint: sleep is the subject (an idle time)


def test_a_thousand_interleavings_of_calls_and_offloads(daemons):
    """[A0.2] [R3] [R9] No run overlaps an offload, none fails, and the answers stay the same."""
    keys = {"offload_after": "%dms" % (1000 * OFFLOAD_AFTER_S), "unload_after": "never"}
    names = ["m%d" % number for number in range(MODELS)]
    models = "".join(witness(name, concurrency=CLIENTS, **keys) for name in names)
    node = Node(daemons, SPECIFICATION, models)
    answers = {name: [] for name in names}
    clients = [
        threading.Thread(target=come_and_go, args=(node, name, seed, answers[name]))
        for seed, name in enumerate(CLIENTS * names)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert sum(map(len, answers.values())) == 1_000
    for name in names:
        pid = str(node.served.model(name)["worker_pid"])
        said = [body.split() for _, status, body in answers[name] if status == 200]
        assert [words[0] for words in said] == [job for job, _, _ in answers[name]]
        assert {words[1] for words in said} == {pid}
        assert len({words[2] for words in said}) == 1, "the weights are not what they were"
        assert node.served.model(name)["loads"] == 1
    moves = len(node.log.find("model.offloaded")), len(node.log.find("model.restored"))
    print("%d offloads, %d restores" % moves)
    assert min(moves) > 50  # that they do meet, whoever is slow
    for trouble in ("worker.output", "worker.lost", "model.offload_failed", "request.failed"):
        assert not node.log.find(trouble), trouble
