"""AMD's GPUs as the kernel's files show them; a copy of these, because none is at hand."""

import os
import signal

import pytest
from amd import GIB, UUID, AmdMachine, AmdTree
from support import eventually
from times import TIME_FACTOR

HELD = 5 * GIB


@pytest.fixture
def tree(tmp_path):
    return AmdTree(tmp_path / "sys")


def test_a_model_runs_on_an_amd_gpu_and_sees_that_one_only(daemons, tree):
    """[R25] By ROCR_VISIBLE_DEVICES; CUDA is shown nothing, and what HIP is told stays."""
    models = tree.model("a", str(HELD), need="6GiB")
    machine = AmdMachine(daemons, tree, models)
    reply = machine.served.ask("a")
    assert reply.status == 200, reply.body
    assert reply.headers["X-Windlass-Device"] == UUID
    assert reply.json()["device"] == "cuda"  # PyTorch's name for ROCm's, too
    assert reply.json()["environment"] == {
        "CUDA_VISIBLE_DEVICES": "",
        "ROCR_VISIBLE_DEVICES": UUID,
        "HIP_VISIBLE_DEVICES": None,
    }
    eventually(lambda: machine.device()["holders"], "KFD lists the worker")
    shown = machine.device()
    assert shown["used"]["bytes"] == HELD
    assert (shown["kind"], shown["driver"], shown["busy_percent"]) == ("gpu", "amd", 37)
    assert shown["name"] == "AMD Instinct MI210 (gfx90a)" and shown["bus_id"] == "0000:03:00.0"
    (holder,) = shown["holders"]
    assert (holder["pid"], holder["model"]) == (reply.json()["pid"], "a")
    assert holder["used"]["bytes"] == HELD and holder["used"]["source"] == "kfd"
    assert shown["claimed"]["bytes"] == 6 * GIB
    machine.wait_for_bytes("foreign", 0)
    drivers = machine.served.get("/api/devices").json()["drivers"]
    assert {"library": "amd", "state": "usable", "version": None, "message": None} in drivers
    text = machine.served.get("/metrics").body.decode()
    assert 'windlass_device_utilization_ratio{device="%s"} 0.37' % UUID in text
    with machine.served.client() as client:
        client.unload("a")
    machine.wait_for_bytes("used", 0)
    machine.wait_for_bytes("claimed", 0)


def test_the_ladder_ends_a_hung_run_and_its_bytes_are_free_when_kfd_says_so(daemons, tree):
    """[R25] The next model waits for the kernel, not for the death of the process."""
    limits = {"run_timeout": "200ms", "cancel_grace": "50ms", "term_grace": "50ms"}
    models = tree.model("a", str(HELD), need="6GiB", backoff="5m", **limits)
    models += tree.model("b", str(HELD), need="6GiB")
    machine = AmdMachine(daemons, tree, models)
    assert machine.served.ask("a").status == 200
    pid = machine.worker("a")["pid"]
    reply = machine.served.ask("a", {"do": "hang"})
    assert (reply.status, reply.error["type"]) == (504, "timeout")
    machine.log.wait_for("worker.killed", model="a")  # SIGTERM it ignores
    reaped = machine.log.wait_for("worker.reaped", pid=pid)
    with machine.served.begin("b") as waiting:
        machine.log.wait_for("model.memory_awaited", model="b")
        assert machine.device()["claimed"]["bytes"] == 6 * GIB
        assert machine.served.model("b")["residency"] == "cold"
        tree.forget(pid)
        assert waiting.reply().status == 200
    returned = machine.log.wait_for("worker.memory_returned", generation=reaped["generation"])
    loading = machine.log.wait_for("model.loading", model="b")
    records = machine.log.records
    assert records.index(returned) < records.index(loading)
    (incident,) = machine.served.get("/api/incidents").json()["incidents"]
    steps = {step["step"]: step for step in incident["steps"]}
    assert steps["proved"]["by"] == "driver"
    assert {"detected", "killed", "reaped"} <= set(steps)


def test_what_does_not_come_back_is_fenced_until_kfd_shows_it_gone(daemons, tree):
    """[R25] Also while the dead process is still in KFD's list."""
    settle = {"settle_timeout": "%dms" % (200 * TIME_FACTOR)}
    machine = AmdMachine(daemons, tree, tree.model("a", str(HELD), need="6GiB"), devices=settle)
    assert machine.served.ask("a").status == 200
    pid = machine.worker("a")["pid"]
    machine.wait_for_bytes("used", HELD)
    os.kill(pid, signal.SIGKILL)
    fenced = machine.log.wait_for("device.fenced", device=UUID)
    assert fenced["bytes"] >= HELD  # all that it claimed, if it was not measured before its death
    machine.wait_for_bytes("fenced", HELD)
    tree.forget(pid)
    machine.log.wait_for("device.fence_lifted", device=UUID)
    machine.wait_for_bytes("fenced", 0)


def test_an_amd_gpu_that_goes_is_lost_and_comes_back(daemons, tree):
    """[R25] Although NVIDIA's driver, which is not here, cannot say anything about it."""
    machine = AmdMachine(daemons, tree, "")
    tree.unplug()
    machine.log.wait_for("device.lost", device=UUID)
    tree.plug_in()
    machine.log.wait_for("device.recovered", device=UUID)
    eventually(lambda: machine.device()["state"] == "ok", "it is usable again")
