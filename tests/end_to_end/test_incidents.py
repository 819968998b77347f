"""What is known of workers, how one is ended by hand, and what an incident leaves to be read."""

import json
import subprocess

from support import AT_ONCE_S, eventually, is_alive, probe, windlass_program
from times import TIME_FACTOR

SHORT = {"run_timeout": "300ms", "cancel_grace": "40ms", "term_grace": "200ms", "backoff": "20ms"}


def workers_of(served):
    return served.get("/api/workers").json()["workers"]


def incidents_of(served):
    return served.get("/api/incidents").json()["incidents"]


def kill(served, id):
    return served.get("/api/workers/%s/kill" % id, method="POST")


def run_cli(served, *words):
    argv = [windlass_program(), *words, "--url", served.url]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


def test_a_hang_in_native_code_leaves_steps_and_stacks(daemon):
    """[R30] Nothing of Python runs any more in it, and still its Python stacks are known."""
    served = daemon(probe(**SHORT))
    reply = served.ask("probe", {"do": "call", "function": "hold_interpreter_lock_for_ever"})
    assert reply.error["type"] == "timeout"
    served.log.wait_for("worker.reaped")
    (incident,) = incidents_of(served)
    steps = [step["step"] for step in incident["steps"]]
    assert steps[:2] == ["detected", "looked_at"]
    # A long look leaves no time for SIGTERM.
    after = [step for step in steps[2:] if step != "terminated"]
    assert sorted(after) == ["killed", "proved", "reaped"]
    times = [step["after_ms"] for step in incident["steps"]]
    assert times[0] == 0 and times == sorted(times)
    assert times[1] <= 2000 * TIME_FACTOR  # it was looked at
    assert incident["cause"]["type"] == "timeout"
    assert incident["request"] == reply.error["request_id"]
    assert "SIGKILL" in incident["how"] and incident["model"] == "probe"
    evidence = incident["evidence"]
    assert evidence["complete"], evidence["missing"]
    assert any("hold_interpreter_lock_for_ever" in line for line in evidence["python_stacks"])
    main = next(t for t in evidence["threads"] if t["thread"] == incident["pid"])
    assert main["state"] == "S" and "futex" in (main["wait_channel"] or "futex")
    native = any("lock" in frame for frame in main["native_stack"])
    assert native or any("native" in what for what in evidence["missing"])
    said = served.log.wait_for("worker.looked_at", complete=True)
    assert "hold_interpreter_lock_for_ever" in said["python_stacks"]
    killed = served.log.wait_for("worker.killed", pid=incident["pid"])
    assert served.log.records.index(said) < served.log.records.index(killed)

    assert served.ask("probe", {"value": 1}).json()["value"] == 1
    (incident,) = incidents_of(served)
    assert incident["steps"][-1]["step"] == "resumed"


def test_a_death_is_an_incident_without_evidence_and_a_good_end_is_none(daemon):
    served = daemon(probe(backoff="20ms"))
    served.ask("probe")
    with served.client() as client:
        client.unload("probe")
    assert incidents_of(served) == []
    served.ask("probe", {"do": "call", "function": "abort"})
    served.log.wait_for("worker.reaped", count=2)
    (incident,) = incidents_of(served)
    assert [step["step"] for step in incident["steps"]] == ["detected", "reaped", "proved"]
    assert incident["cause"]["type"] == "worker_lost" and "SIGABRT" in incident["how"]
    assert incident["evidence"] is None


def test_workers_are_listed_with_what_they_do_and_ended_by_hand(daemon, gate):
    served = daemon(probe(unload_after="never") + probe("other"))
    assert workers_of(served) == []
    other = served.ask("other").json()["pid"]
    running = served.begin("probe", gate.hold("running", "hold_lively"))
    served.said("ran running")
    waiting = served.begin("probe", {"value": "waits"})
    served.wait_for_waiting(1)
    has_progress = lambda: workers_of(served)[-1]["progress"]  # noqa: E731
    eventually(has_progress, "its progress is shown")
    worker = workers_of(served)[-1]
    assert (worker["model"], worker["state"], worker["device"]) == ("probe", "ready", "cpu")
    assert len(worker["running"]) == 1 and worker["progress"]["request"] == worker["running"][0]
    assert worker["pid"] == served.model()["worker_pid"] and worker["since_s"] >= 0

    with running, waiting:
        reply = kill(served, worker["id"])
        assert (reply.status, reply.json()["id"]) == (200, worker["id"])
        assert running.reply().error["type"] == "worker_lost"
        assert waiting.reply().json()["value"] == "waits"  # by the next one, without a pause
    eventually(lambda: not is_alive(worker["pid"]), "it is gone", AT_ONCE_S)
    assert served.model()["failures"] == 0
    assert served.ask("other").json()["pid"] == other
    served.log.wait_for("worker.kill_ordered", generation=worker["id"])
    (incident,) = incidents_of(served)
    steps = [step["step"] for step in incident["steps"]]
    assert steps[:4] == ["detected", "ordered", "looked_at", "killed"]
    assert {"reaped", "resumed"} <= set(steps)
    assert incident["progress"]["request"] == worker["running"][0]
    assert kill(served, worker["id"]).status == 404


def test_the_command_line_shows_workers_and_kills_one(daemon):
    served = daemon(probe())
    assert "no workers" in run_cli(served, "workers").stdout
    pid = served.ask("probe").json()["pid"]
    shown = run_cli(served, "workers")
    assert shown.returncode == 0 and str(pid) in shown.stdout and "probe" in shown.stdout
    listed = json.loads(run_cli(served, "workers", "--json").stdout)["workers"]
    id = str(listed[0]["id"])
    killed = run_cli(served, "workers", "kill", id)
    assert killed.returncode == 0, killed.stderr
    assert id in killed.stdout and str(pid) in killed.stdout
    eventually(lambda: not is_alive(pid), "it is gone")
    served.log.wait_for("worker.reaped")
    assert run_cli(served, "workers", "kill", id).returncode == 4
    unknown = run_cli(served, "workers", "kill", "99", "--json")
    assert unknown.returncode == 4
