"""Processes on standby: started ahead of a load, on no device, and taken by the next load."""

import os
import signal

import pytest
from books import truth_of, unload_and_check
from emulated import FIRST, SECOND, Node, ballast, device_probe
from support import environment_of, eventually, is_alive, probe

DESCRIBE = {"do": "describe"}


def standbys(served, name="probe"):
    """Their pids."""
    workers = [w for w in served.get("/api/workers").json()["workers"] if w["model"] == name]
    waiting = [w for w in workers if w["state"] == "standby"]
    assert all(w["device"] is None and w["running"] == [] for w in waiting)
    return [w["pid"] for w in waiting]


def wait_for_standby(served, name="probe", other_than=()):
    """Until another one is, and its import is over; -> its pid."""
    pids = lambda: [p for p in standbys(served, name) if p not in other_than]  # noqa: E731
    pid = eventually(pids, "a process of %s is on standby" % name)[0]
    served.log.wait_for("worker.hello", pid=pid)
    return pid


def order(served, what, name="probe"):
    reply = served.get("/api/models/%s/%s" % (name, what), "POST")
    assert reply.status == 200, reply.body


def ask(served, name="probe"):
    reply = served.ask(name, DESCRIBE)
    assert reply.status == 200, reply.body
    return reply


def test_a_call_gets_the_process_that_was_started_ahead_of_it(daemon):
    served = daemon(probe(standby=1))
    ready = wait_for_standby(served)
    state = served.model()
    assert (state["residency"], state["loads"], state["worker_pid"]) == ("cold", 0, None)
    assert environment_of(ready)["CUDA_VISIBLE_DEVICES"] == ""  # there is no GPU
    assert ask(served).json()["pid"] == ready
    assert served.model()["loads"] == 1
    next_one = wait_for_standby(served, other_than=[ready])
    # An unload leaves it, and so the next call finds it.
    order(served, "unload")
    assert not is_alive(ready) and is_alive(next_one)
    assert ask(served).json()["pid"] == next_one


def test_a_crash_is_made_good_by_the_one_on_standby(daemon):
    served = daemon(probe(standby=1, idempotent=True, backoff="1ms"))
    first = ask(served).json()["pid"]
    ready = wait_for_standby(served, other_than=[first])
    os.kill(first, signal.SIGKILL)
    served.log.wait_for("worker.lost")
    assert ask(served).json()["pid"] == ready


def test_what_befalls_one_on_standby_is_told_and_is_nobodys_failure(daemon):
    served = daemon(probe(standby=1, backoff="10ms"))
    ready = wait_for_standby(served)
    os.kill(ready, signal.SIGKILL)
    failed = served.log.wait_for("model.standby_failed")
    assert (failed["model"], failed["type"]) == ("probe", "worker_lost")
    assert "SIGKILL" in failed["message"]
    assert wait_for_standby(served, other_than=[ready]) != ready
    state = served.model()
    assert (state["failures"], state["last_error"]) == (0, None)
    assert ask(served).status == 200


def test_a_restart_and_a_reload_import_the_model_anew(daemon):
    served = daemon(probe(standby=1))
    old = [ask(served).json()["pid"]]
    old.append(wait_for_standby(served, other_than=old))
    order(served, "restart")
    assert ask(served).json()["pid"] not in old
    assert not any(is_alive(pid) for pid in old)
    served.configuration.write_text("[daemon]\n" + probe())
    served.signal(signal.SIGHUP)
    served.log.wait_for("model.standby_ended", count=2)
    eventually(lambda: standbys(served) == [], "none is on standby any more")
    assert ask(served).status == 200


@pytest.mark.parametrize("kind", ["python", "program"])
def test_on_standby_a_process_is_on_no_gpu_and_then_sees_the_one_of_its_load(daemons, kind):
    """[R68] Both worker SDKs."""
    if kind == "python":
        model = device_probe("probe", "2GiB", "3500MiB", standby=1, devices=[SECOND])
    else:
        model = ballast("probe", "2GiB", "3500MiB", standby=1, devices=[SECOND])
    node = Node(daemons, "2x8GiB", model)
    ready = wait_for_standby(node.served)
    assert environment_of(ready)["CUDA_VISIBLE_DEVICES"] == SECOND
    assert [truth_of(node, index)["used"] for index in (0, 1)] == [0, 0]
    assert node.bytes_of(SECOND, "claimed") == 0
    reply = node.call("probe")
    assert (reply.status, reply.headers["X-Windlass-Worker-Pid"]) == (200, str(ready))
    assert reply.headers["X-Windlass-Device"] == SECOND
    assert [process["pid"] for process in truth_of(node, 1)["processes"]] == [ready]
    assert truth_of(node, 0)["used"] == 0
    unload_and_check(node, "probe", uuids=[FIRST, SECOND])


def test_of_two_gpus_it_sees_the_one_of_its_load_only(daemons, gate):
    node = Node(daemons, "2x8GiB", device_probe("probe", "2GiB", "3500MiB", standby=1))
    ready = wait_for_standby(node.served)
    assert environment_of(ready)["CUDA_VISIBLE_DEVICES"] == "%s,%s" % (FIRST, SECOND)
    gate.open()
    reply = node.served.ask("probe", {"do": "devices", "gate": gate.path})
    assert reply.json() == {"uuids": [reply.headers["X-Windlass-Device"]], "pid": ready}
    unload_and_check(node, "probe", uuids=[FIRST, SECOND])


def test_a_model_whose_import_uses_the_driver_is_served_without(daemons):
    """Which GPUs its process sees was settled by then."""
    model = device_probe("probe", "2GiB", "3500MiB", standby=1, python="eager_probe:DeviceProbe")
    node = Node(daemons, "2x8GiB", model)
    failed = node.served.log.wait_for("model.standby_failed")
    assert failed["type"] == "unsupported" and "standby = 0" in failed["message"]
    node.served.log.wait_for("model.standby_ended")
    reply = ask(node.served)
    assert reply.json()["pid"] != failed["pid"]
    assert standbys(node.served) == []
    assert len(node.served.log.find("model.standby_failed")) == 1


def test_a_process_on_standby_loads_faster_than_a_cold_one(daemon):
    """[R68] By the import of PyTorch: at least 30 %, as the daemon measured it."""
    pytest.importorskip("torch")
    python = "torch_probe:Probe"
    served = daemon(probe("cold", python=python) + probe("warm", python=python, standby=1))
    wait_for_standby(served, "warm")
    ask(served, "cold")  # the files are in the page cache now, for both
    order(served, "unload", "cold")
    load_ms = lambda reply: float(reply.headers["X-Windlass-Load-Ms"])  # noqa: E731
    cold, warm = load_ms(ask(served, "cold")), load_ms(ask(served, "warm"))
    assert warm <= 0.7 * cold, (warm, cold)
