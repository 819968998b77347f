"""`host_memory`: a worker that holds more of the machine's memory is ended, and nobody else."""

import pytest
from jobs import submit, wait_until
from support import AT_ONCE_S, eventually, is_alive, probe
from times import SOON_S

LIMIT = {"host_memory": "150MiB", "backoff": "1ms", "job_backoff": "10ms"}

# In its cgroup, where the machine lets each worker have one (and the kernel ends it there, where
# memory is counted by cgroup), and measured.
WAYS = pytest.mark.parametrize("cgroups", ["auto", "none"])


def incident_of(served, worker):
    listed = served.get("/api/incidents").json()["incidents"]
    return next(incident for incident in listed if incident["worker"] == worker)


@WAYS
@pytest.mark.parametrize("function", ["take_much", "take_much_in_a_child"])
def test_only_the_worker_that_holds_too_much_is_killed(daemon, cgroups, function):
    """[A4.14] [R118] Its run ends with `host_out_of_memory`; the next gets a fresh worker."""
    served = daemon(probe(**LIMIT) + probe("bystander", **LIMIT), cgroups=cgroups)
    other = served.ask("bystander").json()["pid"]
    pid = served.ask("probe").json()["pid"]
    reply = served.ask("probe", {"do": "call", "function": function})
    assert (reply.status, reply.error["type"]) == (503, "host_out_of_memory")
    assert "host_memory of 150 MiB" in reply.error["message"]

    told = served.log.wait_for("worker.host_memory_exceeded")
    assert (told["pid"], told["limit"]) == (pid, 150 << 20) and told["bytes"] > 149 << 20
    lost = served.log.wait_for("worker.lost", model="probe")
    assert lost["type"] == "host_out_of_memory"
    incident = incident_of(served, told["generation"])
    assert incident["cause"]["type"] == "host_out_of_memory"
    steps = [step["step"] for step in incident["steps"]]
    assert steps[0] == "detected" and "reaped" in steps

    assert served.ask("probe").json()["pid"] != pid and not is_alive(pid)
    assert served.ask("bystander").json()["pid"] == other
    assert len(served.log.find("worker.lost")) == 1


@WAYS
def test_a_load_that_takes_too_much_fails_with_that(daemon, cgroups):
    """[A4.14]"""
    served = daemon(probe(env={"PROBE_LOAD": "take_much"}, **LIMIT), cgroups=cgroups)
    reply = served.ask("probe")
    assert (reply.status, reply.error["type"]) == (503, "host_out_of_memory")
    assert served.log.wait_for("model.load_failed")["type"] == "host_out_of_memory"


def test_a_worker_that_idles_is_ended_too(daemon, gate):
    """[A4.14] A thread that a run has left behind takes as much."""
    served = daemon(probe(**LIMIT), cgroups="none")
    order = gate.hold("late", do="call_later")
    pid = served.ask("probe", {**order, "function": "take_much"}).json()["pid"]
    gate.open()
    served.log.wait_for("worker.host_memory_exceeded", pid=pid)
    eventually(lambda: not is_alive(pid), "it is gone", AT_ONCE_S)


def test_a_job_is_charged_a_failure_and_tried_again(daemon, tmp_path):
    """[A4.14] Its evidence is the incident of the worker that it took along."""
    served = daemon(probe(**LIMIT), cgroups="none")
    order = {"do": "call_once", "file": str(tmp_path / "once"), "function": "take_much"}
    told = wait_until(served, submit(served, order), "succeeded", limit_s=2 * SOON_S)
    assert (told["failures"], told["crashes"]) == (1, 0)
    first = told["history"][0]
    assert (first["outcome"], first["error"]["type"]) == ("failed", "host_out_of_memory")
    assert first["evidence"]["worker"] == first["worker"]
    assert served.log.wait_for("job.retried")["type"] == "host_out_of_memory"
