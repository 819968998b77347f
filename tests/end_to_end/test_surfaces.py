"""What people and programs see of devices: where models are, what is missing, what was ended."""

import json
import pathlib
import re
import subprocess
import sys

import pytest
from emulated import FIRST, GIB, SECOND, Node, ballast, model
from support import MODELS, SOON_S, eventually, windlass_program


def run_cli(node, *words):
    argv = [windlass_program(), *words, "--url", node.served.url]
    return subprocess.run(argv, capture_output=True, text=True, timeout=SOON_S)


def row_of(text, name):
    """The cells of the line with this one, by the names of the columns; no cell is empty here."""
    head, *lines = [re.split("  +", line) for line in text.splitlines() if line]
    return dict(zip(head, next(cells for cells in lines if name in cells)))


def test_every_client_hears_how_much_memory_is_missing_and_who_holds_it(daemons):
    """[A3.5]"""
    import windlass as wl

    models = ballast("small", "3GiB", "4GiB") + ballast("huge", "20GiB", "21GiB")
    node = Node(daemons, "1x8GiB", models)
    assert node.call("small").status == 200
    called = run_cli(node, "call", "huge", "--data", "1")
    assert called.returncode == 6, called
    assert "memory of %s: 21 GiB needed, " % FIRST in called.stderr
    assert "; held by the model small (4 GiB)" in called.stderr
    told = json.loads(run_cli(node, "call", "huge", "--data", "1", "--json").stdout)["error"]
    assert (told["device"], told["required"]) == (FIRST, 21 * GIB)
    with node.served.client() as client, pytest.raises(wl.Unavailable) as caught:
        client.call("huge", 1)
    error = caught.value
    assert (error.model, error.device, error.required) == ("huge", FIRST, 21 * GIB)
    assert error.available == told["available"] <= 4 * GIB
    (holder,) = error.holders
    assert (holder.kind, holder.model, holder.bytes) == ("model", "small", 4 * GIB)
    assert told["holders"] == [holder._asdict()]


def test_copies_and_incidents_are_shown_where_they_are(daemons):
    node = Node(daemons, "2x8GiB", ballast("a", "3GiB", "6GiB", copies=2, backoff="20ms"))
    assert row_of(run_cli(node, "models").stdout, "a")["DEVICE"] == "-"
    waiting = [node.served.begin("a", 500) for _ in range(6)]  # one copy has no place for all
    for wire in waiting:
        with wire:
            assert wire.reply().status == 200
    with node.served.client() as client:
        (shown,) = client.models()
        assert sorted(worker["device"] for worker in shown["workers"]) == [FIRST, SECOND]
        assert "%s, %s" % (FIRST, SECOND) in run_cli(node, "models").stdout
        assert "%s, %s" % (FIRST, SECOND) in run_cli(node, "models", "show", "a").stdout
        worker = client.workers()[-1]
        row = row_of(run_cli(node, "workers").stdout, str(worker["pid"]))
        assert (row["ID"], row["DEVICE"]) == (str(worker["id"]), worker["device"])
        assert (worker["claimed_bytes"], row["CLAIMED"]) == (6 * GIB, "6 GiB")

        assert "no incidents" in run_cli(node, "incidents").stdout
        assert client.kill_worker(worker["id"])["pid"] == worker["pid"]
        steps = lambda: [step["step"] for step in client.incidents()[0]["steps"]]  # noqa: E731
        eventually(lambda: "proved" in steps(), "the memory is proved back")
        (incident,) = client.incidents()
    assert incident["worker"] == worker["id"]
    listed = run_cli(node, "incidents")
    assert listed.returncode == 0, listed.stderr
    row = row_of(listed.stdout, "a")
    assert (row["ID"], row["WORKER"]) == ("1", str(worker["id"]))
    assert row["DEVICE"] == incident["device"]
    assert "killed" in listed.stdout and "reaped" in listed.stdout
    assert "killed by signal 9" in run_cli(node, "incidents", "show", "1").stdout
    assert json.loads(run_cli(node, "incidents", "show", "1", "--json").stdout)["id"] == 1
    assert len(json.loads(run_cli(node, "incidents", "--json").stdout)["incidents"]) == 1
    unknown = run_cli(node, "incidents", "show", "9")
    assert unknown.returncode == 4 and "no incident 9" in unknown.stderr


def test_a_model_is_told_its_device_as_pytorch_names_it(daemons):
    """[A3.4] The UUID is what makes the device visible; inside it is the only one there is."""
    python = {"python": "probe_model:Probe", "path": str(MODELS), "interpreter": sys.executable}
    models = model("gpu", need="1GiB", **python) + model("host", devices="cpu", **python)
    node = Node(daemons, "1x8GiB", models)
    for name, device, visible in (("gpu", "cuda", FIRST), ("host", "cpu", "")):
        reply = node.served.ask(name)
        assert reply.status == 200, reply.body
        node.served.said("hook load " + device, model=name)
        environment = pathlib.Path("/proc/%d/environ" % reply.json()["pid"]).read_bytes()
        assert b"CUDA_VISIBLE_DEVICES=%s" % visible.encode() in environment.split(b"\0")


def test_a_gpu_that_mig_divides_is_shown_and_admits_nothing(daemons):
    node = Node(daemons, "1x8GiB", ballast("a", "3GiB", "4GiB"))
    node.tool("fault", 0, "mig", 1)
    node.wait_for(FIRST, "failing")
    assert "MIG instances" in node.device(FIRST)["trouble"]
    assert "MIG instances" in run_cli(node, "devices").stdout
    error = node.call("a", wait="300ms").json()["error"]
    assert (error["type"], error["reason"]) == ("unavailable", "device")
    node.tool("fault", 0, "mig", 0)
    node.wait_for(FIRST, "ok")
