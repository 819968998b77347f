"""SIGHUP: the configuration is read again, and only what changed is touched."""

import signal

from support import is_alive, probe


def rewrite(served, models):
    served.configuration.write_text("[daemon]\n" + models)
    served.signal(signal.SIGHUP)


def test_only_the_models_that_changed_are_touched(daemon, gate):
    served = daemon(probe("same") + probe("limits") + probe("program") + probe("gone"))
    pids = {name: served.ask(name).json()["pid"] for name in ("same", "limits", "program", "gone")}
    running = served.begin("program", gate.hold("running"))
    served.said("ran running", model="program")

    rewrite(
        served,
        probe("same")
        + probe("limits", run_timeout="7m")
        + probe("program", env={"PROBE_LOAD": "raise_typed"})
        + probe("fresh"),
    )
    reloaded = served.log.wait_for("configuration.reloaded")
    assert (reloaded["changed"], reloaded["removed"], reloaded["unchanged"]) == (3, 1, 1)
    assert served.ask("same").json()["pid"] == pids["same"]
    assert served.ask("limits").json()["pid"] == pids["limits"]
    assert served.ask("fresh").status == 200
    missing = served.ask("gone")
    assert (missing.status, missing.error["type"]) == (404, "not_found")
    served.log.wait_for("worker.reaped", pid=pids["gone"])

    gate.open()  # what ran may finish; then the new program is taken
    with running:
        assert running.reply().json() == "running"
    assert served.ask("program").error["type"] == "out_of_memory"
    assert not is_alive(pids["program"])
    names = [model["name"] for model in served.get("/api/models").json()["models"]]
    assert sorted(names) == ["fresh", "limits", "program", "same"]


def test_a_file_with_mistakes_changes_nothing(daemon):
    served = daemon(probe())
    pid = served.ask("probe").json()["pid"]
    rewrite(served, probe() + "[models.other]\nspeed = 3\n")
    served.log.wait_for("configuration.not_reloaded")
    mistakes = [line["message"] for line in served.log.find("configuration.error")]
    assert any("speed" in mistake for mistake in mistakes)
    assert served.ask("probe").json()["pid"] == pid
    rewrite(served, probe() + probe("other"))
    served.log.wait_for("configuration.reloaded")
    assert served.ask("other").status == 200


def test_what_needs_a_restart_is_named(daemon):
    served = daemon(probe())
    served.configuration.write_text('[daemon]\nbody_limit = "1MiB"\n' + probe())
    served.signal(signal.SIGHUP)
    assert served.log.wait_for("configuration.restart_needed")["key"] == "daemon.body_limit"
    assert served.log.wait_for("configuration.reloaded")["unchanged"] == 1


def test_a_removed_model_refuses_what_waits_and_may_come_back(daemon, gate):
    served = daemon(probe() + probe("other"))
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    with served.begin("probe", {"value": 1}) as waiting:
        served.wait_for_waiting(1)
        rewrite(served, probe("other"))
        reply = waiting.reply()
        assert (reply.status, reply.error["type"]) == (404, "not_found")
        assert "removed" in reply.error["message"]
    rewrite(served, probe() + probe("other"))
    served.log.wait_for("configuration.reloaded", count=2)
    with served.begin("probe", {"value": 2}) as waiting:
        served.wait_for_waiting(1)
        gate.open()
        with running:
            assert running.reply().json() == "running"
        assert waiting.reply().json()["value"] == 2
    assert served.model()["loads"] == 2
