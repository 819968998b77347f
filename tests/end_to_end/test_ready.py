"""GET /readyz: whether requests can be sent here, and if not, why."""

import signal

from support import eventually, probe


def test_a_daemon_that_serves_is_ready_loaded_or_not(daemon):
    served = daemon(probe())
    reply = served.get("/readyz")
    assert (reply.status, reply.json()) == (200, {"status": "ready"})
    assert served.model()["loads"] == 0


def test_a_request_that_waits_longer_than_max_wait_is_the_cause_named(daemon, gate):
    served = daemon(probe(max_wait="50ms") + probe("other", max_wait="1h"))
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    assert served.get("/readyz").status == 200  # it runs: nothing waits
    waiting = served.begin("probe", {"value": "waited"}, priority="0")
    eventually(lambda: served.get("/readyz").status == 503, "the wait is noticed")
    error = served.get("/readyz").error
    assert (error["type"], error["reason"], error["model"]) == ("unavailable", "max_wait", "probe")
    assert "/api/models/probe" in error["message"]
    gate.open()
    with running, waiting:
        assert running.reply().status == waiting.reply().status == 200
    assert served.get("/readyz").status == 200


def test_a_model_that_loads_is_no_cause_but_a_back_off_is(daemon, gate):
    slow = probe("slow", {"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path}, max_wait="1ms")
    absent = {"PROBE_LOAD": "need_file", "PROBE_FILE": gate.path + ".none"}
    served = daemon(slow + probe("broken", absent, max_wait="1ms", backoff="1m"))
    with served.begin("slow") as loading:
        eventually(lambda: served.model("slow")["residency"] == "loading", "it is being loaded")
        assert served.get("/readyz").status == 200
        gate.open()
        assert loading.reply().status == 200
    assert served.ask("broken").status >= 500
    with served.begin("broken"):
        eventually(lambda: served.get("/readyz").status == 503, "the wait is noticed")
        assert served.get("/readyz").error["model"] == "broken"


def test_what_is_to_be_loaded_at_the_start_is_waited_for(daemon, gate):
    """[R65] And who calls it then does not pay for its load."""
    slow = probe("slow", {"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path}, preload=True)
    served = daemon(slow + probe("lazy"))
    eventually(lambda: served.model("slow")["residency"] == "loading", "it is being loaded")
    reply = served.get("/readyz")
    assert (reply.status, reply.error["reason"], reply.error["model"]) == (503, "preload", "slow")
    assert served.ask("lazy").status == 200  # who is there is served
    gate.open()
    eventually(lambda: served.get("/readyz").status == 200, "all are there")
    assert served.model("slow")["residency"] == "ready"
    assert served.model("lazy")["loads"] == 1
    assert float(served.ask("slow").headers["X-Windlass-Load-Ms"]) == 0


def test_a_model_that_is_added_is_loaded_if_it_wants_to_be(daemon):
    served = daemon(probe(unload_after="never"))
    models = probe(unload_after="never") + probe("early", preload=True) + probe("lazy")
    served.configuration.write_text("[daemon]\n" + models)
    served.signal(signal.SIGHUP)
    eventually(lambda: served.model("early")["residency"] == "ready", "it was loaded")
    assert served.get("/readyz").status == 200
    assert served.model("lazy")["loads"] == 0


def test_a_daemon_that_stops_is_not_ready(daemon, gate):
    served = daemon(probe(), shutdown_grace="1m")
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    with served.wire() as open_before:
        open_before.request("GET", "/healthz")
        assert open_before.reply().status == 200
        served.signal(signal.SIGTERM)
        served.log.wait_for("daemon.stopping")
        open_before.request("GET", "/readyz")
        reply = open_before.reply()
    assert (reply.status, reply.error["reason"]) == (503, "shutting_down")
    gate.open()
    with running:
        assert running.reply().status == 200
