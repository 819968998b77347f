"""Models that are restarted and paused by hand, and the breaker of one that keeps dying."""

import subprocess

from support import is_alive, probe, windlass_program


def test_a_restart_lets_the_run_finish_and_comes_back_in_a_new_process(daemon, gate):
    """[A4.11] [R112] [R157] The former process is gone before the next is started."""
    served = daemon(probe())
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    pid = served.model()["worker_pid"]
    with served.wire() as restarting:
        restarting.request("POST", "/api/models/probe/restart")
        served.log.wait_for("model.draining")
        waiting = served.begin("probe", {"value": 7})
        gate.open()
        with running:
            assert running.reply().json() == "running"
        restarted = restarting.reply().json()
    assert restarted["residency"] == "ready"
    assert restarted["worker_pid"] != pid and not is_alive(pid)
    with waiting:
        assert waiting.reply().json()["value"] == 7
    events = [record["event"] for record in served.log.records]
    reaped, loads = events.index("worker.reaped"), events.count("model.loading")
    assert (events[:reaped].count("model.loading"), loads) == (1, 2)
    assert not served.log.find("worker.terminated")


def test_a_paused_model_keeps_what_waits_and_finishes_what_runs(daemon, gate):
    served = daemon(probe())
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    with served.client() as client:
        assert client.pause("probe")["paused"]
        with served.begin("probe", {"value": 1}) as waiting:
            served.wait_for_waiting(1)
            assert served.model()["waiting_requests"][0]["reason"] == "paused"
            gate.open()
            with running:
                assert running.reply().json() == "running"
            assert served.model()["waiting_requests"][0]["reason"] == "paused"
            assert not client.resume("probe")["paused"]
            assert waiting.reply().json()["value"] == 1
        assert client.restart("probe")["loads"] == 2


def test_the_command_line_pauses_resumes_and_restarts(daemon):
    served = daemon(probe())
    for action, text in [
        ("pause", "probe: cold, paused\n"),
        ("resume", "probe: cold\n"),
        ("restart", "probe: ready, pid "),
    ]:
        argv = [windlass_program(), "models", action, "probe", "--url", served.url]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(text)


def test_the_breaker_stops_a_model_that_answers_and_dies_in_turns(daemon):
    served = daemon(
        probe(backoff="10ms", breaker_deaths=3, breaker_window="1h", breaker_cooldown="1h")
        + probe("bystander")
    )
    for _ in range(3):  # each answer in between resets the back-off, not the breaker
        assert served.ask("probe").status == 200
        lost = served.ask("probe", {"do": "call", "function": "kill_itself"})
        assert lost.error["type"] == "worker_lost"
    opened = served.log.wait_for("model.breaker_opened", model="probe")
    assert opened["type"] == "worker_lost"
    refused = served.ask("probe")
    assert (refused.status, refused.error["reason"]) == (503, "breaker_open")
    assert 3500 < refused.error["retry_after_s"] <= 3600
    assert served.model()["breaker"] == "open"
    loads = served.model()["loads"]
    assert served.ask("bystander").status == 200

    with served.client() as client:  # who asks by hand has repaired it
        assert client.load("probe")["breaker"] == "probing"
    assert served.ask("probe").status == 200
    served.log.wait_for("model.breaker_closed", model="probe")
    assert served.model()["breaker"] == "closed"
    assert served.model()["loads"] == loads + 1
