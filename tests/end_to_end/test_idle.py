"""When a model is loaded, and when its process goes again."""

import os
import signal

from support import AT_ONCE_S, eventually, is_alive, probe


def test_a_model_that_nobody_asks_for_is_never_loaded(daemon):
    """[A0.6] [R56] Not at start, not by looking at it, and not after 10 x unload_after."""
    served = daemon(probe("forgotten", unload_after="40ms") + probe("used", unload_after="40ms"))
    with served.client() as client:
        for number in range(1, 11):  # ten whole idle times of another one pass
            client.call("used")
            served.log.wait_for("model.unloaded", count=number, model="used")
            assert client.model("forgotten")["residency"] == "cold"
    model = served.model("forgotten")
    assert (model["loads"], model["worker_pid"], model["copies"]) == (0, None, 0)
    assert served.get("/healthz").json()["uptime_s"] > 10 * 0.04
    assert not served.log.find("model.loading", model="forgotten")


def test_unload_after_0s_ends_the_process_within_a_second_of_the_answer(daemon):
    """[R61]"""
    served = daemon(probe(unload_after="0s"))
    for number in range(1, 4):
        pid = served.ask("probe").json()["pid"]
        eventually(lambda: not is_alive(pid), "process %d is gone" % pid, AT_ONCE_S)
        served.log.wait_for("model.unloaded", count=number)
    assert served.model()["loads"] == 3
    assert served.model()["failures"] == 0


def test_unload_after_0s_keeps_the_process_while_others_wait(daemon, gate):
    served = daemon(probe(unload_after="0s"))
    wires = [served.begin("probe", gate.hold(str(number))) for number in range(4)]
    served.said("ran 0")
    served.wait_for_waiting(3)
    gate.open()
    pids = set()
    for wire in wires:
        with wire:
            pids.add(wire.reply().headers["X-Windlass-Worker-Pid"])
    assert len(pids) == 1


def test_the_idle_time_counts_from_the_last_answer_and_the_next_call_works(daemon):
    """The events tell it: stopping, reaped, unloaded."""
    served = daemon(probe(unload_after="1s"))
    first = served.ask("probe").json()
    # Longer than the idle time in all, but never idle for so long.
    assert served.ask("probe", {"do": "report", "seconds": 1.2}).status == 200
    assert served.ask("probe").json() == first
    assert not served.log.find("model.unloaded")
    for event in ("model.stopping", "worker.reaped", "model.unloaded"):
        assert served.log.wait_for(event)["model"] == "probe"
    assert not is_alive(first["pid"])
    again = served.ask("probe").json()
    assert again["value"] == first["value"] and again["pid"] != first["pid"]


def test_never_keeps_the_process(daemon):
    served = daemon(probe("kept", unload_after="never") + probe("other", unload_after="50ms"))
    pid = served.ask("kept").json()["pid"]
    for number in range(1, 6):
        served.ask("other")
        served.log.wait_for("model.unloaded", count=number, model="other")
    assert served.ask("kept").json()["pid"] == pid
    assert served.model("kept")["loads"] == 1


def test_the_idle_time_may_come_from_the_environment(daemon):
    """[R12] IDLE_CLEAR_TIMEOUT_SEC is the default of unload_after."""
    served = daemon(
        probe() + probe("own", unload_after="never"), {"IDLE_CLEAR_TIMEOUT_SEC": "1"}
    )
    own = served.ask("own").json()["pid"]
    pid = served.ask("probe").json()["pid"]
    served.log.wait_for("model.unloaded", model="probe")
    assert not is_alive(pid) and is_alive(own)


def test_the_hooks_run_in_their_order_and_exactly_once(daemon):
    """[R70] start, load, unload, exit; after a failed load and after SIGTERM exit still runs."""
    served = daemon(
        probe() + probe("failing", {"PROBE_LOAD": "raise_plain"}) + probe("signalled")
    )
    served.ask("probe")
    served.ask("probe")
    assert served.get("/api/models/probe/unload", "POST").status == 200
    served.ask("failing")
    served.log.wait_for("model.backoff", model="failing")
    pid = served.ask("signalled").json()["pid"]


    os.kill(pid, signal.SIGTERM)
    served.log.wait_for("worker.reaped", model="signalled")

    def hooks(model):
        lines = [record["line"] for record in served.log.find("worker.output", model=model)]
        return [line for line in lines if line.startswith("hook")]

    whole = ["hook start", "hook load cpu", "hook unload", "hook exit"]
    assert hooks("probe") == whole
    assert hooks("signalled") == whole
    assert hooks("failing") == ["hook start", "hook load cpu", "hook exit"]
