"""Drivers that are missing or broken, and devices that do not say how full they are."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from emulated import FIRST, LastingNode, Node, ballast
from support import ROOT, SOON_S, eventually, probe, windlass_program

LIBRARIES = pathlib.Path(windlass_program()).parent.parent / "lib" / "emulator"
NVML = str(LIBRARIES / "libnvidia-ml.so.1")


def without_symbols(folder):
    return {"WINDLASS_NVML_LIBRARY": "libm.so.6"}


def without_gpu(folder):
    """The emulator's, of no node."""
    return {"WINDLASS_NVML_LIBRARY": NVML, "WINDLASS_EMULATOR": ""}


def failing_to_begin(folder):
    """As after an upgrade of the driver."""
    tool = [str(pathlib.Path(windlass_program()).parent / "windlass-emulator")]
    node = str(folder / "node")
    subprocess.run(tool + ["create", node, "1x8GiB"], check=True, timeout=SOON_S)
    subprocess.run(tool + ["fault", node, "0", "driver_mismatch"], check=True, timeout=SOON_S)
    return {"WINDLASS_NVML_LIBRARY": NVML, "WINDLASS_EMULATOR": node}


# Missing, and no library at all: see test_devices.py.
CASES = [
    (without_symbols, "broken"),
    (without_gpu, "absent"),
    (failing_to_begin, "broken"),
]

LIST = """
import json, sys, windlass as wl
print(json.dumps([wl.devices(sys.argv[1]), wl.devices(sys.argv[1], cpu=True)]))
"""


@pytest.mark.parametrize("make, state", CASES, ids=[make.__name__ for make, _ in CASES])
def test_whatever_is_wrong_with_the_driver_everything_else_works(daemons, tmp_path, make, state):
    """[A5.5] [R127] [R136] [R149] Exit code 0 everywhere; what is absent is absent, not 0."""
    environment = make(tmp_path)
    served = daemons.serve(probe(devices="cpu"), environment)
    assert served.log.wait_for("device.driver")["state"] == state
    eventually(lambda: served.get("/api/devices").json()["cpu"]["used"], "the CPU was measured")
    everywhere = {**os.environ, **environment, "PYTHONPATH": str(ROOT / "python")}

    def run(*argv):
        told = subprocess.run(
            argv, env=everywhere, capture_output=True, text=True, timeout=SOON_S
        )
        assert told.returncode == 0 and "Traceback" not in told.stderr, told
        return told.stdout

    devices, with_cpu = json.loads(run(sys.executable, "-c", LIST, served.url))
    assert devices == [] and [device["uuid"] for device in with_cpu] == ["cpu"]
    for unknown in ("compute_capability", "driver_version", "cuda_version", "bus_id"):
        assert with_cpu[0][unknown] is None
    program = windlass_program()
    assert "cpu" in run(program, "devices", "--url", served.url)
    shown = json.loads(run(program, "devices", "--url", served.url, "--json"))
    told = served.get("/api/devices").json()
    assert shown["devices"] == told["devices"] == []
    (driver,) = told["drivers"]
    assert driver["state"] == state and driver["version"] is None and driver["message"]
    assert served.get("/healthz").json()["status"] == "ok"
    assert served.ask("probe").status == 200


def test_a_driver_that_hangs_as_it_is_opened_is_not_taken_for_none(daemons, tmp_path):
    """It may have GPUs: what may run anywhere waits for it, what runs on the CPU does not."""
    os.mkfifo(tmp_path / "driver")  # opening it waits for a writer
    environment = {"WINDLASS_NVML_LIBRARY": str(tmp_path / "driver")}
    models = probe("somewhere") + probe("here", devices="cpu")
    served = daemons.serve(models, environment)
    assert served.ask("here").status == 200
    late = served.ask("somewhere", wait="300ms")
    assert late.status == 503, late
    error = late.json()["error"]
    assert error["reason"] == "device" and 'devices = "cpu"' in error["message"], error


def test_numbers_that_were_never_known_are_null_everywhere(daemons, tmp_path):
    """[A5.5] [R131] Not 0, in any of the lists; and nothing fails for it."""
    node = LastingNode(tmp_path / "node", "1x8GiB")
    node.tool("fault", 0, "query_fails", 999)
    keys = '[devices]\nlist_interval = "100ms"\nsample_interval = "100ms"\n'
    served = daemons.start(keys + probe(devices="cpu"), node.environment).wait_until_started()
    find = lambda: served.get("/api/devices").json()["devices"]  # noqa: E731
    eventually(lambda: [d["state"] for d in find()] == ["failing"], "it is listed, and fails")
    import windlass as wl

    argv = [windlass_program(), "devices", "--url", served.url, "--json"]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=SOON_S)
    assert told.returncode == 0
    for devices in (find(), wl.devices(served.url), json.loads(told.stdout)["devices"]):
        (device,) = devices
        assert device["uuid"] == FIRST
        assert device["used"] is None and device["free"] is None and device["capacity"] is None
        assert device["foreign"] is None and device["holders_known"] is False
    assert served.ask("probe").status == 200


@pytest.mark.parametrize("policy", ["refuse", "allow"])
def test_a_device_that_does_not_say_how_full_it_is_admits_as_configured(daemons, policy):
    """[A5.5] `refuse` waits and says for what; `allow` starts it there."""
    models = ballast("a", "1GiB", "2GiB")
    unknown = {"on_unknown_memory": policy}
    node = Node(daemons, "1x8GiB", models, devices=unknown)
    node.tool("fault", 0, "query_fails", 999)
    node.wait_for(FIRST, "failing")
    if policy == "allow":
        reply = node.call("a")
        assert reply.status == 200, reply.body
        assert reply.headers["X-Windlass-Device"] == FIRST
    else:
        node.refused("a", "device")
        assert node.served.model("a")["loads"] == 0
    device = node.device(FIRST)
    assert device["trouble"] and device["used"]["age_s"] > 0
