"""HTTP as such: what is well-formed, too large, not allowed, or of another origin."""

import json

import pytest
from support import probe

PATH = "/api/models/probe/call"
LIMIT = 64 << 10


@pytest.fixture
def served(daemon):
    return daemon(probe(), body_limit="64KiB")


def exchange(served, method, path, body=b"", headers=None):
    with served.wire() as wire:
        wire.request(method, path, body, headers)
        return wire.reply()


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces + (b"",))


def test_paths_and_methods_that_do_not_exist_are_refused_with_the_right_ones(served):
    for path in ("/", "/api", "/api/models/probe/burn", "/api/models/probe/call/more", "/v9"):
        reply = exchange(served, "GET", path)
        assert (reply.status, reply.error["type"]) == (404, "not_found")
        assert "/api/models" in reply.error["message"]
    for method, path, allowed in (
        ("GET", PATH, "POST"),
        ("DELETE", "/api/models/probe", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("GET", "/api/models/probe/unload", "POST"),
    ):
        reply = exchange(served, method, path)
        assert (reply.status, reply.headers["Allow"]) == (405, allowed)
        assert reply.error["type"] == "invalid_input"
    assert served.model()["loads"] == 0


@pytest.mark.parametrize(
    "name, text",
    [
        ("Timeout", "soon"),
        ("Timeout", "0s"),
        ("Timeout", "5"),
        ("Wait", "-1s"),
        ("Priority", "10"),
        ("Priority", "high"),
        ("Variant", "a b"),
    ],
)
def test_a_header_that_cannot_be_read_is_named_and_nothing_runs(served, name, text):
    reply = exchange(served, "POST", PATH, b"{}", {"X-Windlass-" + name: text})
    assert (reply.status, reply.error["type"]) == (400, "invalid_input")
    assert "X-Windlass-" + name in reply.error["message"] and text in reply.error["message"]
    assert served.model()["loads"] == 0


def test_a_body_over_the_cap_is_refused_and_no_other_request_harmed(served, gate):
    other = served.begin("probe", gate.hold("other"))
    served.said("ran other")
    with served.wire() as wire:  # refused by its length alone: not a byte of the body is sent
        wire.request("POST", PATH, headers={"Content-Length": str(LIMIT + 1)})
        by_length = wire.reply()
        assert wire.is_at_end()
    with served.wire() as wire:
        wire.request(
            "POST", PATH, headers={"Content-Length": None, "Transfer-Encoding": "chunked"}
        )
        wire.send(chunked(b"x" * LIMIT, b"x"))
        by_chunks = wire.reply()
        assert wire.is_at_end()
    for reply in (by_length, by_chunks):
        assert (reply.status, reply.error["type"]) == (413, "invalid_input")
        assert "64 KiB" in reply.error["message"] or "64KiB" in reply.error["message"]
    gate.open()
    with other:
        assert other.reply().status == 200
    at_the_cap = exchange(served, "POST", PATH, b"x" * LIMIT, {"Content-Type": "text/plain"})
    assert at_the_cap.body == b"x" * LIMIT


def test_an_answer_over_the_cap_is_an_error_and_keeps_the_worker(served):
    pid = served.ask("probe").json()["pid"]
    order = {"value": "x" * (LIMIT // 2)}  # comes back twice
    reply = served.ask("probe", {"do": "inflate", **order})
    assert (reply.status, reply.error["type"]) == (501, "unsupported")
    assert served.ask("probe").json()["pid"] == pid


def test_headers_that_are_too_large_are_refused(served):
    reply = exchange(served, "GET", "/healthz", headers={"X-Large": "x" * (32 << 10)})
    assert (reply.status, reply.error["type"]) == (431, "invalid_input")


def test_chunked_bodies_arrive_whole(served):
    with served.wire() as wire:
        headers = {"Content-Length": None, "Transfer-Encoding": "chunked"}
        wire.request("POST", PATH, headers={**headers, "Content-Type": "application/json"})
        for piece in (b'{"val', b'ue": ', b'"in pieces"}'):
            wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        wire.send(b"0\r\n\r\n")
        assert wire.reply().json()["value"] == "in pieces"


def test_a_client_that_asks_before_it_sends_is_told_to_go_on_or_not(served):
    body = b'{"value": 1}'
    with served.wire() as wire:
        wire.request(
            "POST",
            PATH,
            headers={
                "Expect": "100-continue",
                "Content-Length": str(len(body)),
                "Content-Type": "application/json",
            },
        )
        assert wire.reply().status == 100
        wire.send(body)
        assert wire.reply().json()["value"] == 1
    with served.wire() as wire:
        headers = {"Expect": "100-continue", "Content-Length": str(LIMIT + 1)}
        wire.request("POST", PATH, headers=headers)
        assert wire.reply().status == 413


def test_only_local_names_and_origins_are_answered(served):
    port = str(served.port)
    for host in ("localhost", "LOCALHOST:" + port, "127.0.0.1:" + port, "[::1]:" + port):
        assert exchange(served, "GET", "/healthz", headers={"Host": host}).status == 200
    for host in ("evil.example", "evil.example:" + port, "127.0.0.1.evil.example", "192.0.2.1"):
        reply = exchange(served, "GET", "/healthz", headers={"Host": host})
        assert (reply.status, reply.error["type"]) == (403, "permission_denied")
        assert "allowed_hosts" in reply.error["message"]
    assert exchange(served, "GET", "/healthz", headers={"Host": None}).status == 400
    for origin, status in (
        ("http://localhost:3000", 200),
        ("https://127.0.0.1", 200),
        ("http://evil.example", 403),
        ("null", 403),
    ):
        assert exchange(served, "GET", "/healthz", headers={"Origin": origin}).status == status


def test_a_configured_host_is_answered(daemon):
    served = daemon(probe(), allowed_hosts=["box.example"])
    for fields in ({"Host": "box.example"}, {"Origin": "https://box.example"}):
        assert exchange(served, "GET", "/healthz", headers=fields).status == 200
    assert exchange(served, "GET", "/healthz", headers={"Host": "fox.example"}).status == 403


def test_one_connection_serves_many_requests_errors_among_them(served):
    with served.wire() as wire:
        pids = set()
        for number in range(10):
            body = json.dumps({"value": number}).encode()
            wire.request("POST", PATH, body, {"Content-Type": "application/json"})
            reply = wire.reply()
            assert reply.json()["value"] == number
            pids.add(reply.json()["pid"])
            wire.request("GET", "/api/models/nobody")
            assert wire.reply().status == 404
        assert len(pids) == 1
        wire.request("GET", "/healthz", headers={"Connection": "close"})
        assert wire.reply().headers["Connection"] == "close"
        assert wire.is_at_end()


def test_requests_sent_ahead_are_answered_in_their_order(served):
    with served.wire() as wire:
        for number in range(5):
            body = json.dumps({"value": number}).encode()
            wire.request("POST", PATH, body, {"Content-Type": "application/json"})
        assert [wire.reply().json()["value"] for _ in range(5)] == list(range(5))


def test_garbage_is_answered_400_and_the_connection_closed(served):
    with served.wire() as wire:
        wire.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert wire.reply().status == 400
        assert wire.is_at_end()
    assert served.get("/healthz").status == 200
