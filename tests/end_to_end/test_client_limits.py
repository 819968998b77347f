"""A client's own limits and its disappearance end its own request, and nothing else (Law 14)."""

import subprocess
import sys

from support import AT_ONCE_S, SOON_S, probe


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
    gate.open()
    with running:
        assert running.reply().status == 200
    served.ask("probe", {"name": "last"})
    served.said("ran last")
    ran = [record["line"] for record in served.log.find("worker.output", stream="stdout")]
    assert [line for line in ran if line.startswith("ran")] == ["ran running", "ran last"]


def test_a_wait_limit_counts_the_load_but_not_the_run(daemon, gate):
    served = daemon(probe(env={"PROBE_LOAD": "load_at_gate", "PROBE_GATE": gate.path}))
    late = served.ask("probe", wait="60ms")
    assert (late.status, late.error["type"]) == (504, "timeout")
    assert "starting" in late.error["message"] or "loading" in late.error["message"]
    served.said("loading")
    gate.open()
    # Longer than its wait limit, all of it after it began.
    limit = "%dms" % (SOON_S * 1000)
    assert served.ask("probe", wait=limit).status == 200
    assert served.ask("probe", {"do": "report", "seconds": 0.3}, wait="200ms").status == 200
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


KILLED_CLIENT = """
import socket, sys
port, running, waiting = int(sys.argv[1]), sys.argv[2], sys.argv[3]
kept = []
for body in (running, waiting):
    kept.append(socket.create_connection(("127.0.0.1", port)))
    head = "POST /api/models/probe/call HTTP/1.1\\r\\nHost: localhost\\r\\n"
    head += "Content-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
    kept[-1].sendall((head + body).encode())
    print("sent", flush=True)
    sys.stdin.readline()
"""


def test_a_client_that_is_killed_holds_nothing_a_second_later(daemon):
    """[A0.5] What it waited for is removed, what runs for it gets `cancel`."""
    served = daemon(probe())
    orders = ['{"do": "heed_cancel", "name": "first"}', '{"name": "second"}']
    argv = [sys.executable, "-c", KILLED_CLIENT, str(served.port)] + orders
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        served.said("ran first")
        client.stdin.write(b"\n")
        client.stdin.flush()
        served.wait_for_waiting(1)
        client.kill()
    served.said("cancelled first", limit_s=AT_ONCE_S)
    assert served.ask("probe", {"value": "free"}, wait="1s").status == 200
    model = served.model()
    assert (model["running"], model["waiting"], model["loads"]) == (0, 0, 1)
    assert not served.log.find("worker.output", line="ran second")
