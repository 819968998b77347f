"""Variants: settings of one model, each with copies, environment and need of its own."""

import json
import signal
import subprocess

from books import unload_and_check
from emulated import CONTEXT, FIRST, GIB, Node, device_probe
from support import SOON_S, environment_of, eventually, probe, windlass_program


def variant(name, of="probe", env=None, **keys):
    """A [models.MODEL.variants.NAME] table."""
    lines = ["[models.%s.variants.%s]" % (of, name)]
    lines += ["%s = %s" % (key, json.dumps(value)) for key, value in keys.items()]
    pairs = ["%s = %s" % (key, json.dumps(value)) for key, value in (env or {}).items()]
    return "\n".join(lines + ["env = { %s }" % ", ".join(pairs)]) + "\n"


BASE = probe(env={"PRECISION": "fp32", "THREADS": "4"}, preload=True)
HALF = variant("fp16", env={"PRECISION": "fp16"})
SHORT = variant("int8", env={"PRECISION": "int8"})
DESCRIBE = {"do": "describe"}


def describe(served, name, **headers):
    reply = served.ask(name, DESCRIBE, **headers)
    assert reply.status == 200, reply.body
    return reply.json()


def run_cli(served, *words):
    argv = [windlass_program(), *words, "--url", served.url]
    return subprocess.run(argv, capture_output=True, text=True, timeout=SOON_S)


def test_each_variant_has_a_process_of_its_own(daemon):
    served = daemon(BASE + HALF + SHORT + probe("plain"), {"WINDLASS_VARIANT": "the daemon's"})
    eventually(lambda: served.get("/readyz").status == 200, "the model is loaded")
    states = {state["name"]: state for state in served.get("/api/models").json()["models"]}
    assert list(states) == ["plain", "probe", "probe:fp16", "probe:int8"]
    # What is loaded at the start is the model, and none of its variants.
    assert states["probe"]["residency"] == "ready"
    assert states["probe:fp16"]["residency"] == "cold"
    assert (states["probe"]["model"], states["probe"]["variant"]) == ("probe", None)
    assert (states["probe:fp16"]["model"], states["probe:fp16"]["variant"]) == ("probe", "fp16")

    plain, half = describe(served, "probe"), describe(served, "probe", variant="fp16")
    assert (plain["variant"], half["variant"]) == (None, "fp16")
    again = describe(served, "probe:fp16")  # the same by its whole name
    assert (again["pid"], again["variant"]) == (half["pid"], "fp16")
    assert describe(served, "probe%3Afp16", variant="fp16")["pid"] == half["pid"]
    seen, other = environment_of(half["pid"]), environment_of(plain["pid"])
    assert (seen["PRECISION"], seen["THREADS"], seen["WINDLASS_VARIANT"]) == ("fp16", "4", "fp16")
    assert other["PRECISION"] == "fp32" and "WINDLASS_VARIANT" not in other

    # A model without variants makes of the word what it likes.
    assert describe(served, "plain", variant="whatever")["variant"] == "whatever"
    metrics = served.get("/metrics").body.decode()
    assert 'windlass_call_run_seconds_count{model="probe:fp16"} 3' in metrics
    assert 'windlass_call_run_seconds_count{model="probe"} 1' in metrics
    assert 'windlass_call_run_seconds_count{model="plain"} 1' in metrics
    assert served.log.find("model.ready", model="probe:fp16")


def test_what_is_no_variant_is_refused_and_says_which_there_are(daemon):
    served = daemon(probe() + HALF + SHORT + probe("plain"))
    for name, headers in (("probe", {"variant": "fp8"}), ("probe:fp8", {})):
        reply = served.ask(name, DESCRIBE, **headers)
        assert (reply.status, reply.error["type"]) == (404, "not_found")
        assert "no variant fp8" in reply.error["message"]
        assert reply.error["message"].endswith("has: fp16, int8")
    reply = served.ask("plain:fp16", DESCRIBE)
    assert reply.status == 404 and reply.error["message"].endswith("has: none")
    reply = served.ask("probe:fp16", DESCRIBE, variant="int8")
    assert (reply.status, reply.error["type"]) == (400, "invalid_input")
    assert "name one" in reply.error["message"]
    assert served.get("/api/models/probe:fp8").status == 404
    assert all(state["loads"] == 0 for state in served.get("/api/models").json()["models"])


def test_clients_and_administrators_name_a_variant(daemon):
    served = daemon(probe() + HALF)
    with served.client() as client:
        half = client.call("probe", DESCRIBE, variant="fp16")
        assert half["variant"] == "fp16"
        client.load("probe")
        assert {model["name"]: model["residency"] for model in client.models()} == {
            "probe": "ready",
            "probe:fp16": "ready",
        }
        # A word about the model is about the model alone.
        client.unload("probe")
        assert client.model("probe:fp16")["worker_pid"] == half["pid"]
        assert client.restart("probe:fp16")["worker_pid"] != half["pid"]
        assert client.model("probe")["residency"] == "cold"
        client.pause("probe:fp16")
        assert client.model("probe:fp16")["paused"] and not client.model("probe")["paused"]
        client.resume("probe:fp16")
    told = run_cli(served, "call", "probe", "--variant", "fp16", "--data", '{"do": "describe"}')
    assert json.loads(told.stdout)["variant"] == "fp16"
    unloaded = run_cli(served, "models", "unload", "probe:fp16")
    assert unloaded.stdout == "probe:fp16: cold\n"
    assert "probe:fp16" in run_cli(served, "models").stdout
    assert run_cli(served, "call", "probe", "--variant", "fp8", "--data", "1").returncode == 4


def test_a_reload_adds_changes_and_removes_variants(daemon):
    served = daemon(probe() + HALF + SHORT)
    names = ("probe", "probe:fp16", "probe:int8")
    pids = {name: describe(served, name)["pid"] for name in names}
    changed = variant("int8", env={"PRECISION": "int4"})
    served.configuration.write_text("[daemon]\n" + probe() + changed + variant("bf16"))
    served.signal(signal.SIGHUP)
    reloaded = served.log.wait_for("configuration.reloaded")
    assert (reloaded["changed"], reloaded["removed"], reloaded["unchanged"]) == (2, 1, 1)
    assert describe(served, "probe")["pid"] == pids["probe"]
    served.log.wait_for("worker.reaped", pid=pids["probe:fp16"])
    assert served.ask("probe", DESCRIBE, variant="fp16").error["type"] == "not_found"
    short = describe(served, "probe", variant="int8")
    assert short["pid"] != pids["probe:int8"]
    assert environment_of(short["pid"])["PRECISION"] == "int4"
    assert describe(served, "probe", variant="bf16")["variant"] == "bf16"


SIZES = device_probe("probe", "2GiB") + variant("half", env={"BALLAST_BYTES": "1GiB"})
PEAKS = {"probe": 2 * GIB + CONTEXT, "probe:half": GIB + CONTEXT}


def test_what_each_variant_needs_is_learned_and_kept(daemons, gate):
    """[A3.10] For each model, variant and make of device; used by the next daemon."""
    first = Node(daemons, "1x8GiB", SIZES)
    for name in ("probe", "probe:half"):
        assert first.served.ask(name, {"do": "echo"}).status == 200
        learned = first.log.wait_for("model.need_learned", model=name)
        assert learned["bytes"] == PEAKS[name]
    first.served.end()

    second = Node(daemons, "1x8GiB", SIZES, state_dir=first.served.state_dir)
    second.log.wait_for("store.opened")
    for name, peak in PEAKS.items():
        state = second.served.model(name)
        assert (state["need"], state["need_bytes"]) == ("learned", peak)
    order = {"do": "devices", "gate": gate.path}
    calls = [second.served.begin(name, order) for name in PEAKS]
    both_run = lambda: all(second.served.model(n)["running"] == 1 for n in PEAKS)  # noqa: E731
    eventually(both_run, "both are there at once")
    assert second.used() == sum(PEAKS.values())
    gate.open()
    for wire in calls:
        with wire:
            assert wire.reply().status == 200
    unload_and_check(second, *PEAKS, uuids=[FIRST])


def test_each_variant_claims_the_need_that_it_was_given(daemons):
    models = device_probe("probe", "2GiB", need="3GiB", pinned=True)
    models += variant("half", env={"BALLAST_BYTES": "1GiB"}, need="2GiB")
    node = Node(daemons, "1x8GiB", models + variant("same"))
    for name in ("probe", "probe:half"):
        assert node.served.ask(name, {"do": "echo"}).status == 200
    assert {worker["model"] for worker in node.served.get("/api/workers").json()["workers"]} == {
        "probe",
        "probe:half",
    }
    node.wait_for_bytes(FIRST, "claimed", 5 * GIB)
    same = node.served.model("probe:same")
    assert (same["need"], same["need_bytes"]) == ("configured", 3 * GIB)
    node.unload("probe")
    node.wait_for_bytes(FIRST, "claimed", 2 * GIB)
    unload_and_check(node, "probe:half", uuids=[FIRST])
