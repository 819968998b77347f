"""Client and AsyncClient against a daemon made of http.server: what holds for both, and then
what only the first can do."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest
from blocking import BlockingClient
from conftest import DEADLINE_S, child_env
from fake_server import FakeServer

import windlass as wl
from windlass import address, exchange


@pytest.fixture
def server():
    server = FakeServer()
    yield server
    server.close()


@pytest.fixture(params=[wl.Client, BlockingClient], ids=["sync", "asyncio"])
def kind(request):
    return request.param


@pytest.fixture
def client(server, kind):
    with kind(server.url) as client:
        yield client


def test_call_sends_a_value_and_returns_a_value(server, client):
    assert client.call("digits", {"pixels": [1, 2]}) == {"pixels": [1, 2]}
    assert client.call("digits", b"\x00\xff") == b"\x00\xff"
    assert client.call("digits") is None
    first = server.seen[0]
    assert (first.method, first.path) == ("POST", "/api/models/digits/call")
    assert first.headers["Content-Type"] == "application/json"
    assert not [name for name in first.headers if name.startswith("X-Windlass")]


def test_options_travel_as_headers(server, client):
    client.call("m", 1, timeout=29.5, wait=0.0001, priority=9, variant="fp16")
    headers = server.seen[0].headers
    assert headers["X-Windlass-Timeout"] == "29500ms"
    assert headers["X-Windlass-Wait"] == "1ms"
    assert headers["X-Windlass-Priority"] == "9"
    assert headers["X-Windlass-Variant"] == "fp16"


def test_a_content_type_of_the_callers_own_goes_with_bytes_or_text(server, client):
    assert client.call("m", b"\x89PNG", content_type="image/png") == b"\x89PNG"
    assert client.call("m", "für", content_type="text/plain") == "für".encode()
    assert [seen.headers["Content-Type"] for seen in server.seen] == ["image/png", "text/plain"]
    with pytest.raises(wl.Unsupported, match="goes with bytes or str, not with dict"):
        client.call("m", {}, content_type="application/x-yaml")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": 0}, "timeout is 0, not a number of seconds above 0"),
        ({"timeout": float("inf")}, "timeout is inf"),
        ({"wait": "5s"}, "wait is '5s'"),
        ({"priority": 10}, "priority is 10"),
        ({"variant": "a\r\nHost: b"}, "cannot stand in a header"),
        ({"variant": "für"}, "cannot stand in a header"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_sent(
    server, client, options, words
):
    with pytest.raises(wl.InvalidInput, match=words):
        client.call("m", 1, **options)
    assert server.connections == 0


def test_request_tells_how_the_answer_came_about(server, client):
    server.answer = lambda handler, _: handler.reply_json(
        [1],
        X_Windlass_Request_Id="r17",
        X_Windlass_Copy="3",
        X_Windlass_Worker_Pid="4711",
        X_Windlass_Device="cpu",
        X_Windlass_Queue_Ms="0.25",
        X_Windlass_Load_Ms="0",
        X_Windlass_Run_Ms="12",
        X_Windlass_Total_Bytes="24000",
        X_Windlass_Free_Before_Bytes="0",
        X_Windlass_Peak_Bytes="3000",
        X_Windlass_Context_Bytes="450",
        X_Windlass_Shared="true",
    )
    assert client.request("m") == wl.Answer(
        value=[1],
        content_type="application/json",
        request_id="r17",
        copy="3",
        worker_pid=4711,
        device="cpu",
        queue_ms=0.25,
        load_ms=0.0,
        run_ms=12.0,
        total_bytes=24000,
        free_before_bytes=0,
        peak_bytes=3000,
        context_bytes=450,
        shared=True,
    )


def test_what_the_daemon_does_not_say_is_none(server, client):
    server.answer = lambda handler, _: handler.reply(200, b"x", X_Windlass_Run_Ms="soon")
    answer = client.request("m")
    assert (answer.value, answer.content_type) == (b"x", "application/octet-stream")
    assert (answer.copy, answer.worker_pid, answer.run_ms) == (None, None, None)
    assert (answer.total_bytes, answer.free_before_bytes, answer.peak_bytes) == (None, None, None)
    assert (answer.context_bytes, answer.shared) == (None, None)


def test_an_answer_that_does_not_decode_is_data_corrupt(server, client):
    server.answer = lambda handler, _: handler.reply(200, b"{", Content_Type="application/json")
    with pytest.raises(wl.DataCorrupt, match="the answer does not decode"):
        client.call("m")
    server.answer = lambda handler, _: handler.reply_json([])
    with pytest.raises(wl.DataCorrupt, match="a JSON list, not an object"):
        client.health()


def test_devices_are_the_gpus_and_with_cpu_the_machine_too(server, client):
    """[A5.5] [] without a driver, with or without what says so."""
    gpu, cpu = {"uuid": "GPU-1", "used": None}, {"uuid": "cpu"}
    server.answer = lambda handler, seen: handler.reply_json({"devices": [gpu], "cpu": cpu})
    assert client.devices() == [gpu]
    assert client.devices(cpu=True) == [cpu, gpu]
    assert wl.devices(client.url) == [gpu]
    server.answer = lambda handler, seen: handler.reply_json({"devices": [], "cpu": None})
    assert client.devices() == client.devices(cpu=True) == []


def test_the_other_methods_and_their_paths(server, client):
    server.answer = lambda handler, seen: handler.reply_json({"path": seen.path, "models": [{}]})
    assert client.models() == [{}]
    assert client.model("a b/c")["path"] == "/api/models/a%20b%2Fc"
    assert client.load("m", timeout=2)["path"] == "/api/models/m/load"
    assert client.unload("m")["path"] == "/api/models/m/unload"
    assert client.prefetch("m") is None
    assert server.seen[-1].path == "/api/models/m/load?wait=0"
    assert client.health()["path"] == "/healthz"
    assert client.kill_worker(7)["path"] == "/api/workers/7/kill"
    assert [seen.method for seen in server.seen] == ["GET"] * 2 + ["POST"] * 3 + ["GET", "POST"]
    assert server.seen[2].headers["X-Windlass-Timeout"] == "2000ms"


def test_workers_and_incidents_are_lists_as_the_daemon_tells_them(server, client):
    told = {"workers": [{"id": 7, "device": "GPU-1"}], "incidents": [{"id": 1, "worker": 7}]}
    server.answer = lambda handler, seen: handler.reply_json(told)
    assert client.workers() == told["workers"]
    assert client.incidents() == told["incidents"]
    assert [seen.path for seen in server.seen] == ["/api/workers", "/api/incidents"]


def test_every_type_of_error_arrives_as_its_class(server, client):
    for name, cls in wl.ERRORS.items():
        body = {"error": {"type": name, "message": f"about {name}"}}
        server.answer = lambda handler, _, body=body, status=cls.http_status: handler.reply_json(
            body, status, X_Windlass_Request_Id="r5"
        )
        with pytest.raises(cls) as caught:
            client.call("m")
        assert type(caught.value) is cls
        assert (caught.value.message, caught.value.request_id) == (f"about {name}", "r5")
    assert server.connections == 1  # errors do not cost the connection


def test_an_error_carries_all_that_the_daemon_says(server, client):
    told = {
        "type": "internal",
        "message": "KeyError: 'x'",
        "reason": "why",
        "retry_after_s": 1.5,
        "request_id": "r6",
        "cause": "KeyError",
        "traceback": "Traceback ...",
        "model": "m",
    }
    server.answer = lambda handler, _: handler.reply_json({"error": told}, 500)
    with pytest.raises(wl.Internal) as caught:
        client.call("m")
    error = vars(caught.value)
    nothing_of_memory = {"device": None, "required": None, "available": None, "holders": ()}
    assert error == {name: told[name] for name in told if name != "type"} | nothing_of_memory
    server.answer = lambda handler, _: handler.reply_json(
        {"error": {"type": "new", "message": "?"}}, 503
    )
    with pytest.raises(wl.Internal) as caught:
        client.call("m")
    assert caught.value.cause == "new"


def test_an_error_for_lack_of_memory_says_how_much_is_missing_and_who_holds_it(server, client):
    holder = {"kind": "model", "model": "x", "generation": 7, "bytes": 3 << 30}
    told = {
        "type": "unavailable",
        "message": "full",
        "reason": "memory",
        "retry_after_s": 1.0,
        "device": "GPU-1",
        "required": 6 << 30,
        "available": None,
        "holders": [holder, {"kind": "foreign", "bytes": 5}, {"of": "later"}, 3],
    }
    server.answer = lambda handler, _: handler.reply_json({"error": told}, 503)
    with pytest.raises(wl.Unavailable) as caught:
        client.call("m")
    error = caught.value
    assert (error.device, error.required, error.available) == ("GPU-1", 6 << 30, None)
    assert error.retry_after_s == 1.0
    own, strangers = error.holders
    assert own == wl.MemoryHolder("model", 3 << 30, "x", 7)
    assert (strangers.kind, strangers.bytes, strangers.model) == ("foreign", 5, None)



@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, wl.InvalidInput),
        (404, wl.NotFound),
        (413, wl.InvalidInput),
        (429, wl.QueueFull),
        (500, wl.Internal),
        (502, wl.WorkerLost),
        (503, wl.Unavailable),
        (302, wl.Internal),
    ],
)
@pytest.mark.parametrize("body", [b"<html>Bad Gateway", b'{"error":"v2"}', b'{"error":{}}', b"[]"])
def test_an_error_that_is_not_the_daemons_is_typed_by_its_status(server, client, status, cls, body):
    server.answer = lambda handler, _: handler.reply(status, body)
    with pytest.raises(cls, match=f"HTTP {status}: ") as caught:
        client.call("m")
    assert type(caught.value) is cls


def test_connections_are_kept(server, client):
    for _ in range(5):
        client.call("m", 1)
    assert server.connections == 1
    client.close()
    client.call("m", 1)
    assert server.connections == 2


def test_threads_share_a_client_and_each_has_a_connection_of_its_own(server):
    client = wl.Client(server.url)
    barrier = threading.Barrier(8, timeout=DEADLINE_S)

    def meet(handler, seen):
        barrier.wait()  # all eight are here at once
        FakeServer.echo(handler, seen)

    server.answer = meet
    answers: list[int] = []
    for _ in range(3):
        threads = [
            threading.Thread(target=lambda n=n: answers.append(client.call("m", n)))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
    assert sorted(answers) == sorted(list(range(8)) * 3)
    assert server.connections == 8


def test_a_connection_that_the_server_closed_while_idle_is_replaced(server, client):
    def echo_and_close(handler, seen):
        FakeServer.echo(handler, seen)
        handler.close_connection = True  # without saying so in a header

    server.answer = echo_and_close
    for number in range(3):
        assert client.call("m", number) == number
        assert server.closed.acquire(timeout=DEADLINE_S)
    assert server.connections == 3
    assert len(server.seen) == 3


def test_a_request_that_reached_the_server_is_never_sent_twice(server, client):
    client.call("m", 1)

    def vanish(handler, _):
        handler.close_connection = True

    server.answer = vanish
    with pytest.raises(wl.Unavailable, match="may or may not have run") as caught:
        client.call("m", 2)
    assert caught.value.reason == "connection_lost"
    assert [seen.body for seen in server.seen] == [b"1", b"2"]
    assert server.connections == 1


def test_an_answer_that_breaks_off_is_connection_lost(server, client):
    def half(handler, _):
        handler.reply(200, b"half", Content_Length="100")
        handler.close_connection = True

    server.answer = half
    with pytest.raises(wl.Unavailable) as caught:
        client.call("m", 2)
    assert caught.value.reason == "connection_lost"


def test_a_refusal_before_the_end_of_a_large_body_is_heard(server, client):
    server.is_deaf = True
    with pytest.raises(wl.InvalidInput, match="too large"):
        client.call("m", b"x" * (64 << 20))


def test_a_server_that_does_not_speak_http_is_connection_lost(kind):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = kind(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def talk():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(wl.Unavailable, match="broke before the answer") as caught:
            client.health()
        thread.join(DEADLINE_S)
    assert caught.value.reason == "connection_lost"


def test_nobody_listening_says_to_start_the_daemon(kind):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(wl.Unavailable, match="start the daemon with `windlass serve`") as caught:
        kind(url).health()
    assert caught.value.reason == "connection_refused"


def test_a_name_without_an_address_is_unavailable(kind):
    with pytest.raises(wl.Unavailable) as caught:
        kind("http://no-such-host.invalid:1").health()
    assert caught.value.reason == "connection_failed"


def test_a_daemon_that_does_not_answer_is_a_timeout(server, client, monkeypatch):
    monkeypatch.setattr(exchange, "MARGIN_S", 0.05)
    release = threading.Event()
    server.answer = lambda handler, seen: release.wait(DEADLINE_S)
    with pytest.raises(wl.Timeout, match="did not answer within 0.1 s"):
        client.call("m", 1, timeout=0.05)
    release.set()
    server.answer = server.echo
    assert client.call("m", 2) == 2  # on a new connection
    assert server.connections == 2


def test_limits_of_time_are_never_infinite(monkeypatch):
    client = wl.Client()
    limits: list[float] = []

    def refuse(request):
        limits.append(request.limit_s)
        raise wl.Conflict("enough")

    monkeypatch.setattr(client._transport, "exchange", refuse)
    for use in (
        lambda: client.call("m"),
        lambda: client.call("m", timeout=7),
        lambda: client.load("m"),
        lambda: client.health(),
    ):
        with pytest.raises(wl.Conflict):
            use()
    assert limits == [1205, 12, 1205, 10]


def test_a_limit_beyond_what_a_socket_can_wait_works(client):
    assert client.call("m", 1, timeout=1e9) == 1


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1", "127.0.0.1:7411", "localhost", "http://", "http://h:x", "http://h:0"]
    + ["http://[", "unix:", "unix:relative.sock", "/run/windlass.sock", "unix:/a\0b"],
)
def test_an_address_that_cannot_work_is_refused_at_once(kind, url):
    with pytest.raises(wl.InvalidInput, match="is not an address"):
        kind(url)


def test_the_address_comes_from_the_environment_or_is_the_default(monkeypatch):
    monkeypatch.delenv("WINDLASS_URL", raising=False)
    assert wl.Client().url == "http://127.0.0.1:7411"
    monkeypatch.setenv("WINDLASS_URL", "http://10.0.0.1:80")
    assert wl.Client().url == "http://10.0.0.1:80"
    assert wl.Client("http://a").url == "http://a"


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://a", 7411), ("http://a:", 7411), ("http://[::1]/gpu", 7411), ("http://a:80", 80)],
)
def test_an_address_without_a_port_means_that_of_the_daemon(url, port):
    assert address.parse(url).port == port


def test_a_prefix_in_the_address_is_kept(server, kind):
    kind(server.url + "/gpu/").call("m", 1)
    assert server.seen[0].path == "/gpu/api/models/m/call"


FORK = """
import os, sys
import windlass as wl

client = wl.Client(sys.argv[1])
assert client.call("m", "parent") == "parent"
child = os.fork()
if child == 0:
    ok = client.call("m", "child") == "child" and client.call("m", "child") == "child"
    os._exit(0 if ok else 1)
_, status = os.waitpid(child, 0)
assert status == 0
assert client.call("m", "parent") == "parent"
"""


def test_a_client_works_on_both_sides_of_a_fork(server):
    subprocess.run(
        [sys.executable, "-c", FORK, server.url], env=child_env(), check=True, timeout=DEADLINE_S
    )
    used = [(seen.body, seen.connection) for seen in server.seen]
    assert used == [(b'"parent"', 1), (b'"child"', 2), (b'"child"', 2), (b'"parent"', 1)]


def test_arrays_pass_both_ways(client):
    numpy = pytest.importorskip("numpy")
    numpy.testing.assert_array_equal(client.call("m", numpy.eye(3)), numpy.eye(3))
