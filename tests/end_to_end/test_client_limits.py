"""A client's own limits and its disappearance end its own request, and nothing else (Law 14)."""

from support import AT_ONCE_S, SOON_S, eventually, probe


def test_a_time_limit_that_ends_in_the_queue_removes_the_request(daemon, gate):
    served = daemon(probe())
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    for limits, advice in (
        ({"timeout": "60ms"}, "X-Windlass-Timeout"),
        ({"wait": "60ms"}, "X-Windlass-Wait"),
    ):
        # More than the worker is given ahead: some wait in the queue, one in the channel.
        waiting = [
            served.begin("probe", {"name": "never %s" % advice}, **limits) for _ in range(4)
        ]
        for wire in waiting:
            with wire:
                reply = wire.reply()
            assert (reply.status, reply.error["type"]) == (504, "timeout")
            assert advice in reply.error["message"] and "busy" in reply.error["message"]
    # One lies in the channel: it is recalled, and the worker may still be reading that.
    eventually(lambda: served.model()["waiting"] == 0, "the worker gave the last one back")
    gate.open()
    with running:
        assert running.reply().status == 200
    served.ask("probe", {"name": "last"})
    served.said("ran last")
    ran = [record["line"] for record in served.log.find("worker.output", stream="stdout")]
    assert [line for line in ran if line.startswith("ran")] == ["ran running", "ran last"]


def test_a_wait_limit_counts_the_load_but_not_the_run(daemon, gate):
    served = daemon(probe(env={"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path}))
    with served.begin("probe") as patient:
        served.said("loading")
        late = served.ask("probe", wait="60ms")
        assert (late.status, late.error["type"]) == (504, "timeout")
        assert "loading" in late.error["message"]
        gate.open()
        assert patient.reply().status == 200
    # Longer than its wait limit, all of it after it began.
    limit = "%dms" % (SOON_S * 1000)
    assert served.ask("probe", wait=limit).status == 200
    assert served.ask("probe", {"do": "report", "seconds": 0.8}, wait="600ms").status == 200
    assert served.model()["loads"] == 1


def test_a_time_limit_that_ends_in_the_run_cancels_and_the_late_answer_is_dropped(daemon, gate):
    served = daemon(probe())
    pid = served.ask("probe").json()["pid"]
    reply = served.ask("probe", gate.hold("slow", "outlast_cancel"), timeout="100ms")
    assert (reply.status, reply.error["type"]) == (504, "timeout")
    served.said("cancelled slow", limit_s=AT_ONCE_S)
    assert served.model()["running"] == 1  # the worker runs on
    following = served.begin("probe", {"value": "right"})
    gate.open()
    with following:
        answer = following.reply().json()
    assert answer == {"value": "right", "pid": pid}
    dropped = served.log.wait_for("run.result_dropped")
    assert dropped["request"] == reply.error["request_id"]
    assert (served.model()["loads"], served.model()["failures"]) == (1, 0)


def test_clients_that_vanish_while_they_wait_are_never_run(daemon, gate):
    served = daemon(probe())
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    vanishing = [served.begin("probe", {"name": "gone"}) for _ in range(4)]
    staying = served.begin("probe", {"value": "stays"})
    served.wait_for_waiting(5)
    for wire in vanishing:
        wire.close()
    served.wait_for_waiting(1)
    gate.open()
    with running, staying:
        assert running.reply().status == 200
        assert staying.reply().json()["value"] == "stays"
    assert not served.log.find("worker.output", line="ran gone")
    assert len(served.log.find("request.failed", type="cancelled")) == 4


def test_a_client_that_vanishes_in_its_run_has_it_cancelled(daemon):
    served = daemon(probe())
    pid = served.ask("probe").json()["pid"]
    wire = served.begin("probe", {"do": "heed_cancel", "name": "orphan"})
    served.said("ran orphan")
    wire.close()
    served.said("cancelled orphan", limit_s=AT_ONCE_S)
    assert served.ask("probe").json()["pid"] == pid
