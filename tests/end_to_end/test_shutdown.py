"""The end: by signal, by a second signal, and by SIGKILL."""

import os
import signal
import socket

import pytest
from processes import children_but_hosts, descriptor_count
from support import AT_ONCE_S, SOON_S, eventually, is_alive, probe, tagged_processes

LONG = {"shutdown_grace": "1m"}  # the test ends the run long before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_what_runs_is_finished_what_waits_is_refused_and_nothing_new_begins(daemon, gate, number):
    """[R99] [R102] For SIGTERM, SIGINT and SIGQUIT; then neither thread nor process is left."""
    served = daemon(probe(), **LONG)
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    waiting = [served.begin("probe", {"name": "never"}) for _ in range(4)]
    served.wait_for_waiting(4)
    with served.wire() as idle:
        idle.request("GET", "/healthz")
        assert idle.reply().status == 200
        served.signal(number)
        served.log.wait_for("daemon.stopping")
        for wire in waiting:
            with wire:
                reply = wire.reply()
            assert (reply.status, reply.error["type"]) == (503, "unavailable")
            assert reply.error["reason"] == "shutting_down"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.port), SOON_S)
        idle.request("GET", "/healthz")  # a connection from before still sees what happens
        assert idle.reply().json()["status"] == "stopping"
    gate.open()
    with running:
        reply = running.reply()
    assert (reply.status, reply.json()) == (200, "running")
    assert served.wait() == 0
    assert not served.log.find("worker.output", line="ran never")
    assert served.log.find("worker.output", line="hook exit")
    assert served.log.records[-1]["event"] == "daemon.stopped"


def test_a_run_that_outlasts_the_grace_is_cancelled_and_then_ended(daemon):
    """[A0.4] Three busy workers, one of them deaf; the grace of 5 s is divided by 50."""
    names = ("heeding", "holding", "deaf")
    served = daemon("".join(map(probe, names)), shutdown_grace="100ms")
    pids = [served.ask(name).json()["pid"] for name in names]
    wires = [
        served.begin("heeding", {"do": "heed_cancel", "name": "heeding"}),
        served.begin("holding", {"do": "call", "function": "hang", "name": "holding"}),
        served.begin("deaf", {"do": "call", "function": "hang_deaf", "name": "deaf"}),
    ]
    for name in names:
        served.said("ran " + name, name)
    served.said("hanging", "deaf")
    served.signal(signal.SIGTERM)
    assert served.wait(AT_ONCE_S) == 0
    assert not any(map(is_alive, pids))
    assert not any(os.path.exists("/proc/%d" % pid) for pid in pids)  # not even defunct
    statuses = []
    for wire in wires:
        with wire:
            statuses.append(wire.reply().status)
    assert all(status >= 499 for status in statuses)
    assert served.log.find("worker.killed", model="deaf")


def test_a_second_signal_ends_everything_at_once(daemon, gate):
    """[R99]"""
    served = daemon(probe(), **LONG)
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    pid = served.model()["worker_pid"]
    served.signal(signal.SIGTERM)
    served.log.wait_for("daemon.stopping")
    assert is_alive(pid)
    served.signal(signal.SIGINT)
    assert served.wait(AT_ONCE_S) == 0
    assert not is_alive(pid)
    with running:
        assert running.reply().error["reason"] == "shutting_down"
    assert served.log.find("daemon.stopping_now")


def test_a_model_that_is_loading_does_not_hold_up_the_end(daemon, gate):
    env = {"PROBE_LOAD": "hang_deaf"}
    served = daemon(probe(env=env), shutdown_grace="200ms")
    with served.begin("probe") as wire:
        served.said("hanging")
        served.signal(signal.SIGTERM)
        assert wire.reply().error["reason"] == "shutting_down"
    assert served.wait(AT_ONCE_S) == 0


def test_ten_starts_and_ends_leave_nothing(daemons):
    """No process, no defunct one, no file; the fixture looks at each."""
    for _ in range(10):
        served = daemons.serve(probe())
        pid = served.ask("probe").json()["pid"]
        served.end()
        assert not os.path.exists("/proc/%d" % pid)


def test_loading_and_unloading_leaves_no_descriptor_and_no_zombie(daemon):
    served = daemon(probe())
    counts = []
    with served.client() as client:
        for _ in range(8):
            client.load("probe")
            client.unload("probe")
            counts.append(descriptor_count(served.pid))
    assert counts[-1] <= counts[1], counts
    assert children_but_hosts(served.pid) == [served.log.wait_for("keeper.started")["pid"]]
