"""Workers that die while they run requests."""

import os
import signal

import pytest
from support import AT_ONCE_S, eventually, is_alive, probe


@pytest.mark.parametrize(
    "function, how", [("exit_at_once", "exited with status 3"), ("kill_itself", "SIGKILL")]
)
def test_a_death_in_the_run_is_502_and_the_next_call_gets_a_new_process(daemon, function, how):
    served = daemon(probe(backoff="20ms") + probe("bystander"))
    other = served.ask("bystander").json()["pid"]
    pid = served.ask("probe").json()["pid"]
    reply = served.ask("probe", {"do": "call", "function": function})
    assert (reply.status, reply.error["type"]) == (502, "worker_lost")
    assert how in reply.error["message"]
    lost = served.log.wait_for("worker.lost", model="probe")
    assert (lost["type"], lost["pid"]) == ("worker_lost", pid)
    after = served.ask("probe").json()["pid"]
    assert after != pid and not is_alive(pid)
    assert served.ask("bystander").json()["pid"] == other


def test_an_idempotent_model_answers_although_its_worker_died(daemon, tmp_path):
    served = daemon(probe(backoff="20ms", idempotent=True))
    pid = served.ask("probe").json()["pid"]
    order = {"do": "call_once", "function": "kill_itself", "file": str(tmp_path / "tried")}
    reply = served.ask("probe", order)
    assert reply.status == 200
    assert reply.json()["pid"] != pid
    retried = served.log.wait_for("request.retried")
    assert retried["request"] == reply.headers["X-Windlass-Request-Id"]


def test_a_run_that_kills_every_worker_is_run_twice_at_most(daemon):
    served = daemon(probe(backoff="20ms", idempotent=True))
    order = {"do": "call", "function": "kill_itself", "name": "poison"}
    assert served.ask("probe", order).error["type"] == "worker_lost"
    served.log.wait_for("worker.output", count=2, line="ran poison")  # the log lags the answer
    assert len(served.log.find("worker.output", line="ran poison")) == 2


def test_requests_that_had_not_begun_are_served_by_the_next_worker(daemon, gate):
    served = daemon(probe(backoff="20ms"))
    running = served.begin("probe", gate.hold("victim"))
    served.said("ran victim")
    waiting = [served.begin("probe", {"value": number}) for number in range(5)]
    served.wait_for_waiting(5)
    pid = served.model()["worker_pid"]
    os.kill(pid, signal.SIGKILL)
    with running:
        assert running.reply().error["type"] == "worker_lost"
    pids = set()
    for number, wire in enumerate(waiting):
        with wire:
            reply = wire.reply()
        assert reply.json()["value"] == number
        pids.add(reply.json()["pid"])
    assert len(pids) == 1 and pid not in pids


def test_an_idle_worker_that_dies_is_noticed_and_replaced_when_needed(daemon):
    served = daemon(probe(backoff="20ms"))
    pid = served.ask("probe").json()["pid"]
    os.kill(pid, signal.SIGKILL)
    served.log.wait_for("worker.lost", pid=pid)
    eventually(lambda: served.model()["residency"] == "cold", "the pause is over")
    assert served.model()["loads"] == 1  # nobody asked for another
    assert served.ask("probe").json()["pid"] != pid


def test_a_worker_that_leaves_its_channel_open_to_a_child_is_still_seen_to_die(daemon):
    served = daemon(probe(backoff="20ms"))
    order = {"do": "call", "function": "die_and_leave_a_child"}
    reply = served.ask("probe", order)
    assert reply.error["type"] == "worker_lost"
    child = int(served.log.wait_for("worker.output", stream="stderr")["line"])
    eventually(lambda: not is_alive(child), "the child is gone with its group", AT_ONCE_S)
    assert served.ask("probe").status == 200
