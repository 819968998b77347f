"""Loading and unloading by hand."""

from support import eventually, is_alive, probe


def order(served, action, model="probe", **headers):
    return served.get("/api/models/%s/%s" % (model, action), "POST", **headers)


def test_load_waits_until_ready_and_unload_until_cold(daemon):
    """[R65] Who calls a model that was loaded ahead does not pay for it."""
    served = daemon(probe())
    loaded = order(served, "load")
    assert loaded.status == 200
    model = loaded.json()
    assert (model["residency"], model["copies"], model["loads"]) == ("ready", 1, 1)
    assert model["ready_since_s"] >= 0 and is_alive(model["worker_pid"])
    assert order(served, "load").json()["worker_pid"] == model["worker_pid"]
    called = served.ask("probe")
    assert called.json()["pid"] == model["worker_pid"]
    assert float(called.headers["X-Windlass-Load-Ms"]) == 0

    unloaded = order(served, "unload")
    assert unloaded.status == 200
    assert (unloaded.json()["residency"], unloaded.json()["worker_pid"]) == ("cold", None)
    assert not is_alive(model["worker_pid"])
    assert order(served, "unload").json()["residency"] == "cold"
    assert served.ask("probe").status == 200
    assert [entry["name"] for entry in served.get("/api/models").json()["models"]] == ["probe"]


def test_load_of_a_model_that_fails_returns_its_error(daemon):
    served = daemon(probe(env={"PROBE_LOAD": "raise_typed"}, backoff="1m"))
    for count in (1, 2):  # a load by hand does not wait for the end of the pause
        reply = order(served, "load")
        assert (reply.status, reply.error["type"]) == (503, "out_of_memory")
        served.log.wait_for("model.backoff", count=count)
    assert served.model()["loads"] == 2


def test_a_hint_begins_a_load_that_nobody_waits_for(daemon, gate):
    served = daemon(probe(env={"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path}))
    hinted = order(served, "load?wait=0")
    assert (hinted.status, hinted.json()["ready_since_s"]) == (200, None)
    eventually(lambda: served.model()["residency"] == "loading", "it is being loaded")
    gate.open()
    eventually(lambda: served.model()["residency"] == "ready", "it was loaded")
    refused = order(served, "load?wait=never")
    assert (refused.status, refused.error["type"]) == (400, "invalid_input")
    assert "wait=0" in refused.error["message"]


def test_unload_lets_what_runs_finish_first(daemon, gate):
    """[R9] As whatever moves a model does."""
    served = daemon(probe())
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    with served.wire() as unloading:
        unloading.request("POST", "/api/models/probe/unload")
        served.log.wait_for("model.draining")
        gate.open()
        with running:
            assert running.reply().json() == "running"
        assert unloading.reply().json()["residency"] == "cold"
    assert not served.log.find("worker.terminated")


def test_an_order_whose_time_is_over_says_so_and_goes_on(daemon, gate):
    slow = probe("slow", {"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path})
    served = daemon(probe() + slow)
    served.ask("probe")  # from here on it is known how much memory there is
    reply = order(served, "load", "slow", **{"X-Windlass-Timeout": "400ms"})
    assert (reply.status, reply.error["type"]) == (504, "timeout")
    served.said("loading", "slow")
    gate.open()
    served.log.wait_for("model.ready", model="slow")
    assert served.model("slow")["loads"] == 1


def test_models_are_listed_with_all_that_is_known(daemon):
    served = daemon(probe("one") + probe("two"))
    served.ask("two")
    listed = {model["name"]: model for model in served.get("/api/models").json()["models"]}
    assert list(listed) == ["one", "two"]
    assert (listed["one"]["residency"], listed["two"]["residency"]) == ("cold", "ready")
    assert (listed["one"]["device"], listed["one"]["workers"]) == (None, [])
    pid, number = listed["two"]["worker_pid"], listed["two"]["generation"]
    worker = {"id": number, "pid": pid, "device": "cpu", "state": "ready"}
    assert (listed["two"]["device"], listed["two"]["workers"]) == ("cpu", [worker])
    assert set(listed["one"]) == {
        "name", "model", "variant", "residency", "copies", "worker_pid", "generation", "device",
        "workers", "running", "waiting", "paused", "breaker", "need", "need_bytes",
        "claimed_bytes", "claimed_peak_bytes", "used_bytes", "used_peak_bytes", "allocator_bytes",
        "allocator_peak_bytes", "loads", "failures", "ready_since_s",
        "loading_for_s", "last_error", "retry_after_s",
        "waiting_requests",
    }  # fmt: skip


def test_errors_of_load_and_unload_name_their_request(daemon, gate):
    served = daemon(probe())
    with served.begin("probe", gate.hold("running")) as running:
        served.said("ran running")
        reply = order(served, "unload", **{"X-Windlass-Timeout": "10ms"})
        assert reply.error["type"] == "timeout"
        request = reply.error["request_id"]
        assert reply.headers["X-Windlass-Request-Id"] == request
        served.log.wait_for("request.failed", request=request)
        gate.open()
        assert running.reply().status == 200
    assert order(served, "load").headers["X-Windlass-Request-Id"]
