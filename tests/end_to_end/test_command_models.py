"""Models that are programs of their own which serve HTTP: `command` with `ready`."""

import http.client
import json
import os
import pathlib
import signal
import sys
import tempfile
import threading

import pytest
from emulated import GIB, FIRST, Node
from processes import descriptor_count, is_alive
from support import MODELS, SOON_S, eventually, model_table

PROGRAM = [sys.executable, "-u", str(MODELS / "http_program.py")]


def program(tmp_path, name="web", command=None, **keys):
    """A [models.NAME] table of models/http_program.py, ready as soon as tmp_path/ready is there."""
    (tmp_path / "ready").touch()
    settings = {"command": command or [*PROGRAM, "{port}", str(tmp_path)]}
    return model_table(name, None, {**settings, "ready": "http:/health", "concurrency": 8, **keys})


@pytest.fixture
def web(daemon, tmp_path):
    return daemon(program(tmp_path))


def connect(served):
    return http.client.HTTPConnection("127.0.0.1", served.port, timeout=SOON_S)


def ask(served, path, method="GET", body=None, headers=None, model="web"):
    connection = connect(served)
    try:
        connection.request(method, "/api/models/%s/http%s" % (model, path), body, headers or {})
        response = connection.getresponse()
        response.data = response.read()
        return response
    finally:
        connection.close()


def test_it_is_started_for_the_first_request_and_told_what_the_client_sent(web):
    assert web.model("web")["residency"] == "cold"
    sent = {"X-Own": "kept", "Connection": "keep-alive, X-Hop", "X-Hop": "dropped"}
    sent.update({"X-Windlass-Priority": "2", "TE": "trailers", "Accept": "text/x"})
    response = ask(web, "/any/thing?a=%20b&c", "POST", b"a body", sent)
    assert (response.status, response.headers["X-Mine"]) == (200, "1")
    told = json.loads(response.data)
    assert (told["method"], told["path"]) == ("POST", "/any/thing?a=%20b&c")
    assert told["body"] == "a body"
    fields = dict(told["fields"])
    assert fields["x-own"] == "kept" and fields["accept"] == "text/x"
    assert fields["host"].startswith("127.0.0.1:") and fields["content-length"] == "6"
    assert fields["connection"] == "close"
    assert not {"x-hop", "x-windlass-priority", "te"} & set(fields)
    worker = web.get("/api/workers").json()["workers"][0]
    assert response.headers["X-Windlass-Request-Id"] == "r1"
    assert int(response.headers["X-Windlass-Worker-Pid"]) == worker["pid"]
    assert told["pid"] != worker["pid"] and is_alive(told["pid"])
    again = json.loads(ask(web, "").data)
    assert (again["path"], again["pid"]) == ("/", told["pid"])


def test_answers_come_as_the_program_gives_them(web):
    response = ask(web, "/teapot")
    assert (response.status, response.data) == (418, b"short and stout")
    assert "X-Mine" not in response.headers
    head = ask(web, "/any", "HEAD")
    assert (head.status, head.data) == (200, b"") and int(head.headers["Content-Length"]) > 0
    assert ask(web, "/health").status == 204
    with web.wire() as wire:  # the connection stays, as after any other answer
        for path in ("/teapot", "/health", "/any"):
            wire.request("GET", "/api/models/web/http" + path)
            assert wire.reply().status in (418, 204, 200)


@pytest.mark.parametrize("where", ["{port}", "{socket}"])
def test_pieces_reach_the_client_one_by_one(daemons, tmp_path, where):
    models = program(tmp_path, command=[*PROGRAM, where, str(tmp_path)])
    with tempfile.TemporaryDirectory(prefix="wl") as state_dir:  # paths of sockets are short
        served = daemons.start(models, state_dir=pathlib.Path(state_dir)).wait_until_started()
        check_drip(served, tmp_path / "go")
        served.end()


def check_drip(served, go):
    connection = connect(served)
    connection.request("GET", "/api/models/web/http/drip")
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.readline() == b"one\n"  # while the program waits for us
    go.touch()
    assert response.read() == b"two\n"
    connection.close()


def test_a_request_is_streamed_while_its_answer_is(web):
    connection = connect(web)
    connection.putrequest("POST", "/api/models/web/http/echo")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(b"3\r\nabc\r\n")
    response = connection.getresponse()
    assert response.read1(100) == b"abc"
    connection.send(b"2\r\nde\r\n")
    assert response.read1(100) == b"de"
    connection.send(b"0\r\n\r\n")
    assert response.read() == b""
    connection.close()


def test_bodies_of_any_size_pass_in_both_directions(daemon, tmp_path):
    served = daemon(program(tmp_path), body_limit="1MiB")
    assert ask(served, "/swallow", "POST", b"y" * (20 << 20)).data == b"%d" % (20 << 20)
    assert len(ask(served, "/flood/320").data) == 20 << 20


def test_a_body_that_is_read_late_is_whole(daemon, tmp_path):
    """Whatever of it lies where when its end comes."""
    served = daemon(program(tmp_path))
    sizes = [(2 << 20) + (number << 17) + number for number in range(16)]
    wires = [served.wire() for _ in sizes]

    def send(wire, size):
        wire.request(
            "POST",
            "/api/models/web/http/late",
            headers={"Transfer-Encoding": "chunked", "Content-Length": None},
        )
        wire.send(b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"z" * size))

    senders = [threading.Thread(target=send, args=pair) for pair in zip(wires[:8], sizes[:8])]
    for sender in senders:
        sender.start()
    served.log.wait_for("worker.output", line="not reading", count=8)
    (tmp_path / "go").touch()
    for sender in senders:
        sender.join()
    for wire, size in zip(wires[8:], sizes[8:]):
        send(wire, size)
    for wire, size in zip(wires, sizes):
        assert wire.reply().body == b"%d" % size
        wire.close()


def test_both_sides_agree_where_a_body_ends(web):
    """However the client contradicts itself: what is inside is no second request."""
    inside = b"GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n"
    with web.wire() as wire:
        head = ["POST /api/models/web/http/any HTTP/1.1", "Host: localhost"]
        head += ["Connection: Content-Length", "Content-Length: %d" % len(inside), "", ""]
        wire.send("\r\n".join(head).encode() + inside)
        told = wire.reply().json()
    assert told["body"] == inside.decode()
    assert dict(told["fields"])["content-length"] == str(len(inside))
    assert not web.log.find("worker.output", line="slept /sleep")


def test_who_waits_while_the_program_dies_goes_to_the_next(daemon, tmp_path):
    """Uncharged: only what had begun is lost."""
    served = daemon(program(tmp_path, concurrency=2, backoff="10ms"))
    pid = json.loads(ask(served, "/any").data)["pid"]
    running = [served.wire() for _ in range(2)]
    for wire in running:
        wire.request("GET", "/api/models/web/http/hold")
    served.log.wait_for("worker.output", line="holding", count=2)
    waiting = [served.wire() for _ in range(60)]
    for wire in waiting:
        wire.request("GET", "/api/models/web/http/any")
    served.wait_for_waiting(len(waiting), "web")
    os.kill(pid, signal.SIGKILL)
    for wire in running:
        assert wire.reply().status == 502
    statuses = [wire.reply().status for wire in waiting]
    # But for those that got the places of the first two while it was dying, and reached it.
    assert statuses.count(502) <= 2 and statuses.count(200) == len(waiting) - statuses.count(502)
    for wire in running + waiting:
        wire.close()


def test_it_is_not_unloaded_before_its_streams_end(daemon, tmp_path):
    served = daemon(program(tmp_path, unload_after="0s"))
    connection = connect(served)
    connection.request("GET", "/api/models/web/http/drip")
    response = connection.getresponse()
    assert response.readline() == b"one\n"
    with served.wire() as unloading:
        unloading.request("POST", "/api/models/web/unload")
        served.log.wait_for("model.draining", model="web")
        (tmp_path / "go").touch()
        assert response.read() == b"two\n"
        assert unloading.reply().status == 200
    connection.close()
    assert served.model("web")["residency"] == "cold"


def test_a_client_that_leaves_is_told_to_the_program(web):
    connection = connect(web)
    connection.request("GET", "/api/models/web/http/ticks")
    assert connection.getresponse().readline() == b"tick\n"
    connection.close()
    web.said("the listener left", "web")
    eventually(lambda: web.model("web")["running"] == 0, "its place is free")
    assert ask(web, "/any").status == 200


def test_no_more_than_its_concurrency_reach_it_at_once(daemon, tmp_path):
    served = daemon(program(tmp_path, concurrency=2))
    connections = [connect(served) for _ in range(4)]
    for connection in connections:
        connection.request("GET", "/api/models/web/http/hold")
    served.log.wait_for("worker.output", line="holding", count=2)
    eventually(lambda: served.model("web")["running"] == 2, "two have begun")
    connections.pop().close()  # of those that wait, or of those that have begun
    (tmp_path / "go").touch()
    for connection in connections:
        assert connection.getresponse().read() == b"held\n"
        connection.close()


def test_its_death_in_a_stream_shows_and_the_next_request_starts_it_anew(web):
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(web, "/die")
    assert cut.value.partial == b"last words\n"
    lost = web.log.wait_for("worker.lost", model="web")
    assert "exited with status 3" in lost["message"]
    assert ask(web, "/any").status == 200
    assert web.model("web")["failures"] == 1
    with pytest.raises(http.client.IncompleteRead):
        ask(web, "/crash")
    assert "(SIGSEGV)" in web.log.wait_for("worker.lost", count=2, model="web")["message"]


def test_a_connection_that_it_cuts_is_an_error_of_that_request_alone(web):
    pid = json.loads(ask(web, "/any").data)["pid"]
    response = ask(web, "/cut")
    assert response.status == 502
    error = json.loads(response.data)["error"]
    assert error["type"] == "worker_lost" and "without an answer" in error["message"]
    assert json.loads(ask(web, "/any").data)["pid"] == pid


def test_a_program_that_is_killed_takes_its_worker_along(web):
    pid = json.loads(ask(web, "/any").data)["pid"]
    os.kill(pid, signal.SIGKILL)
    lost = web.log.wait_for("worker.lost", model="web")
    assert "signal 9" in lost["message"]


def test_a_program_that_ends_before_it_is_ready_says_how(daemon, tmp_path):
    command = ["sh", "-c", "echo no such weights; exit 3"]
    served = daemon(program(tmp_path, command=command))
    response = ask(served, "/any")
    error = json.loads(response.data)["error"]
    assert (response.status, error["type"]) == (500, "internal")
    assert "exited with status 3 before it was ready" in error["message"]
    served.said("no such weights", "web")


def test_a_program_that_is_missing_is_named(daemon, tmp_path):
    served = daemon(program(tmp_path, command=["no-such-program"]))
    response = ask(served, "/any")
    assert response.status == 404
    assert "no-such-program" in json.loads(response.data)["error"]["message"]


def test_requests_wait_until_it_is_ready_and_no_longer_than_its_load_may_take(daemon, tmp_path):
    served = daemon(program(tmp_path, load_timeout="500ms", term_grace="1s"))
    (tmp_path / "ready").unlink()
    assert ask(served, "/any").status == 504
    (tmp_path / "ready").touch()
    assert ask(served, "/any").status == 200


def test_a_stream_that_takes_too_long_ends_alone(daemon, tmp_path):
    served = daemon(program(tmp_path, run_timeout="300ms"))
    pid = json.loads(ask(served, "/any").data)["pid"]
    with pytest.raises(http.client.IncompleteRead):
        ask(served, "/ticks")
    served.said("the listener left", "web")
    failed = served.log.wait_for("request.failed", model="web")
    assert failed["type"] == "timeout" and "run_timeout" in failed["message"]
    assert json.loads(ask(served, "/any").data)["pid"] == pid


def test_one_that_says_nothing_for_too_long_is_ended(daemon, tmp_path):
    served = daemon(program(tmp_path, stall_timeout="300ms", cancel_grace="0s"))
    response = ask(served, "/hold")
    assert (response.status, json.loads(response.data)["error"]["type"]) == (504, "stalled")
    served.log.wait_for("worker.terminated", model="web")
    (tmp_path / "go").touch()
    assert ask(served, "/hold").data == b"held\n"


def test_slow_clients_are_no_stall_of_the_program(daemon, tmp_path):
    served = daemon(program(tmp_path, stall_timeout="300ms"))
    pid = json.loads(ask(served, "/any").data)["pid"]
    reader, writer = served.wire(), served.wire()
    reader.request("GET", "/api/models/web/http/flood/1000")
    writer.request("POST", "/api/models/web/http/swallow", headers={"Content-Length": "10"})
    eventually(lambda: served.model("web")["running"] == 2, "both have begun")
    # So long that a stall would have been found and its worker ended.
    assert writer.is_silent(1.0)
    assert not served.log.find("worker.terminated")
    writer.send(b"0123456789")
    assert writer.reply().body == b"10"
    for wire in (reader, writer):
        wire.close()
    assert json.loads(ask(served, "/any").data)["pid"] == pid


def test_a_body_that_does_not_come_gives_its_place_back(daemon, tmp_path):
    served = daemon(program(tmp_path))
    with served.wire() as wire:
        wire.request("POST", "/api/models/web/http/swallow", headers={"Content-Length": "10"})
        served.log.wait_for("model.ready", model="web")
        wire.send(b"012")
        wire.close()
    eventually(lambda: served.model("web")["running"] == 0, "its place is free")
    assert ask(served, "/any").status == 200


def test_each_kind_of_model_has_its_own_path(daemon, tmp_path):
    served = daemon(program(tmp_path) + model_table("py", None, {"python": "a:B"}))
    for path, hint in (("/api/models/web/call", "/http/"), ("/api/models/py/http/x", "/call")):
        reply = served.get(path, method="POST")
        assert (reply.status, reply.error["type"]) == (501, "unsupported")
        assert hint in reply.error["message"]
    assert ask(served, "/any", model="nobody").status == 404


def test_it_leaves_its_device_and_comes_back_as_any_model_does(daemons, tmp_path):
    """By a path of its own for each; what it claims is the engine's business, as ever."""
    moves = {"offload": "http:/sleep?level=1", "restore": "http:/wake_up"}
    idle = {"offload_after": "300ms", "unload_after": "never", "backoff": "50ms"}
    node = Node(daemons, "1x8GiB,teardown=0s", program(tmp_path, need="2GiB", **moves, **idle))
    assert ask(node.served, "/any").status == 200
    node.wait_for_bytes(FIRST, "claimed", 2 * GIB)
    node.served.said("slept /sleep?level=1", "web")
    node.log.wait_for("model.offloaded", model="web")
    node.wait_for_bytes(FIRST, "claimed", 0)  # it never took anything
    pid = json.loads(ask(node.served, "/any").data)["pid"]
    node.served.said("woke up", "web")
    (tmp_path / "sleepless").touch()
    failed = node.log.wait_for("model.offload_failed", model="web")
    assert "answered POST /sleep?level=1 with 500" in failed["message"]
    assert json.loads(ask(node.served, "/any").data)["pid"] == pid


def test_clients_that_come_and_go_in_masses_leave_nothing(web):
    """Each cut at a place of its own: while it waits, in its body, in its answer."""
    pid = json.loads(ask(web, "/any").data)["pid"]
    before = descriptor_count(web.pid)
    for number in range(60):
        with web.wire() as wire:
            path = "/api/models/web/http" + ("/ticks", "/hold", "/echo", "/flood/99")[number % 4]
            fields = {"Transfer-Encoding": "chunked", "Content-Length": None}
            wire.request("POST", path, headers=fields)
            wire.send(b"3\r\nabc\r\n")
            if number % 3 == 0 and number % 4 != 1:
                wire.reply_head()
    eventually(lambda: web.model("web")["running"] == 0, "all places are free")
    eventually(lambda: descriptor_count(web.pid) <= before + 2, "their descriptors are gone")
    assert json.loads(ask(web, "/any").data)["pid"] == pid
