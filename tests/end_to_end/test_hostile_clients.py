"""Clients that lie, dawdle, vanish or come in masses: nobody else notices, and nothing grows."""

import resource
import socket
import subprocess
import sys

import pytest
from processes import descriptor_count, is_sanitized, processor_s, resident_bytes
from support import HERE, REPLY_S, eventually, probe

PATH = "/api/models/probe/call"
HARD_LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def has_grown(served, before, size):
    """Whether its memory has grown by more than that."""
    return not is_sanitized(served.pid) and resident_bytes(served.pid) - before > size


def answers(served):
    """Whether an ordinary client is served as if it were alone."""
    reply = served.ask("probe", {"value": 7})
    return (reply.status, reply.json()["value"]) == (200, 7)


@pytest.fixture
def served(daemon):
    return daemon(probe(queue_limit=10000))


@pytest.mark.parametrize(
    "fields, status",
    [
        (["Content-Length: -1"], 400),
        (["Content-Length: +5"], 400),
        (["Content-Length: 5x"], 400),
        (["Content-Length: 0x10"], 400),
        (["Content-Length: 99999999999999999999999"], 400),
        (["Content-Length: 5", "Content-Length: 6"], 400),
        (["Content-Length: 5, 6"], 400),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: gzip, chunked"], 501),
        (["Transfer-Encoding: xchunked"], 501),
    ],
)
def test_a_length_that_lies_or_is_in_doubt_is_refused_and_nothing_runs(served, fields, status):
    with served.wire() as wire:
        head = ["POST %s HTTP/1.1" % PATH, "Host: localhost"] + fields + ["", ""]
        wire.send("\r\n".join(head).encode() + b"hello")
        reply = wire.reply()
        assert reply.status == status and reply.error["message"]
        assert wire.is_at_end()
    assert served.model()["loads"] == 0


def test_a_body_shorter_than_its_length_never_runs_and_a_longer_one_is_no_smuggler(served):
    with served.wire() as wire:
        wire.request("POST", PATH, b"{}", {"Content-Length": "100"})
        wire.finish_sending()
        assert wire.is_at_end()
    assert served.model()["loads"] == 0
    with served.wire() as wire:  # what is too much is a request of its own, and none
        body = b'{"value": 1}'
        wire.send(
            b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%sGARBAGE\r\n\r\n" % (PATH.encode(), len(body), body)
        )
        assert wire.reply().json()["value"] == 1
        assert wire.reply().status == 400
        assert wire.is_at_end()


@pytest.mark.parametrize("chunk", [b"-5\r\nhello\r\n", b"zzz\r\n", b"z", b"f" * 17 + b"\r\n"])
def test_chunks_that_lie_are_refused(served, chunk):
    with served.wire() as wire:
        fields = {"Content-Length": None, "Transfer-Encoding": "chunked"}
        wire.request("POST", PATH, headers=fields)
        wire.send(chunk)
        assert wire.reply().status in (400, 413)
        assert wire.is_at_end()
    assert served.model()["loads"] == 0


@pytest.mark.parametrize("piece", [b"X-%d: " + b"x" * 4000 + b"\r\n", b"X-%d: y\r\n", b"x%d"])
def test_a_header_without_end_is_cut_off(served, piece):
    """Also one that comes in small pieces, each within the limit, or as one endless line."""
    before = resident_bytes(served.pid)
    with served.wire() as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        sent = 0
        while sent < 64 << 10:  # what comes after the refusal is thrown away
            wire.send(piece % sent)
            sent += len(piece)
        assert wire.reply().status == 431
    assert not has_grown(served, before, 1 << 20)
    assert answers(served)


def test_dawdlers_hold_nobody_up(served):
    """Slow heads and slow bodies, a byte at a time, while others are served."""
    heads = [served.wire() for _ in range(50)]
    bodies = [served.wire() for _ in range(50)]
    for wire in bodies:
        wire.request("POST", PATH, headers={"Content-Length": "1000"})
    for byte in b"GET /healthz HT":
        for wire in heads:
            wire.send(bytes([byte]))
        for wire in bodies:
            wire.send(b"x")
        assert answers(served)
    for wire in heads + bodies:
        wire.close()
    eventually(lambda: served.get("/healthz").status == 200, "the daemon answers")


def test_half_closed_clients_are_answered_or_gone_but_never_kept(served, gate):
    before = descriptor_count(served.pid)
    for _ in range(100):
        with served.wire() as wire:
            wire.request("GET", "/healthz")
            wire.finish_sending()
            assert wire.reply().status == 200
        with served.wire() as wire:
            wire.send(b"GET /hea")
            wire.finish_sending()
            assert wire.is_at_end()
    assert answers(served)  # starts the worker, which has descriptors of its own
    with served.begin("probe", gate.hold("held")) as wire:
        wire.finish_sending()
        assert wire.is_at_end()
    gate.open()
    assert answers(served)
    eventually(lambda: descriptor_count(served.pid) < before + 10, "their descriptors are gone")


def test_thousands_that_vanish_while_they_wait_leave_nothing(served, gate):
    """[A0.5] In masses: waiting ones are removed, running ones cancelled."""
    running = served.begin("probe", gate.hold("running"))
    served.said("ran running")
    before = descriptor_count(served.pid), resident_bytes(served.pid)
    reset = b"\1\0\0\0\0\0\0\0"  # struct linger: at once
    for round_ in range(20):
        wires = [served.begin("probe", {"name": "never"}) for _ in range(150)]
        for wire in wires[::2]:
            wire.set_option(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        for wire in wires:
            wire.close()
    served.wait_for_waiting(0)
    eventually(lambda: descriptor_count(served.pid) <= before[0] + 2, "their descriptors are gone")
    gate.open()
    with running:
        assert running.reply().status == 200
    assert answers(served)
    assert not served.log.find("worker.output", line="ran never")
    assert not has_grown(served, before[1], 30 << 20)


def test_hundreds_that_vanish_while_they_run_cost_no_worker(served):
    pid = served.ask("probe").json()["pid"]
    for number in range(200):
        with served.begin("probe", {"do": "heed_cancel", "name": "lost"}):
            served.log.wait_for("worker.output", count=number + 1, line="ran lost")
    assert served.ask("probe").json()["pid"] == pid
    assert served.model()["failures"] == 0


def test_ten_thousand_idle_connections_hold_nobody_up(served):
    wanted = 10_000
    count = min(wanted, HARD_LIMIT - HARD_LIMIT // 8 - 512)
    if count < wanted:
        print("only %d connections: the hard limit of descriptors is %d" % (count, HARD_LIMIT))
    if count < 100:
        pytest.skip("too few descriptors: the hard limit is %d" % HARD_LIMIT)
    assert answers(served)
    before = resident_bytes(served.pid)
    crowds = [
        subprocess.Popen(
            [sys.executable, str(HERE / "idle_connections.py")]
            + [str(served.port), str(count // 4), "127.0.0.%d" % (number + 2)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(4)
    ]
    try:
        for crowd in crowds:
            assert crowd.stdout.readline() == b"ready\n"
            assert answers(served)
        eventually(lambda: descriptor_count(served.pid) >= count // 4 * 4, "all are accepted")
        for _ in range(100):
            assert answers(served)
        print("%d idle connections: %.1f MB" % (count, (resident_bytes(served.pid) - before) / 1e6))
        assert not has_grown(served, before, count * (8 << 10))
    finally:
        for crowd in crowds:
            crowd.stdin.close()
            crowd.stdout.close()
            crowd.wait(REPLY_S)
    eventually(lambda: descriptor_count(served.pid) < 100, "their descriptors are gone")
    assert answers(served)


def test_without_descriptors_it_pauses_and_then_goes_on(served):
    assert answers(served)
    limit = descriptor_count(served.pid) + 20
    resource.prlimit(served.pid, resource.RLIMIT_NOFILE, (limit, limit))
    wires = [served.wire() for _ in range(40)]  # the kernel takes them; the daemon cannot
    served.log.wait_for("connections.paused")
    before = processor_s(served.pid)
    wires[0].request("GET", "/healthz")  # those who are in are served
    assert wires[0].reply().status == 200
    wires[-1].request("GET", "/healthz")
    assert wires[-1].is_silent(2)  # this one waits its turn
    assert processor_s(served.pid) - before < 0.5, "it spins"
    for wire in wires[:-1]:
        wire.close()
    with wires[-1]:
        assert wires[-1].reply().status == 200
    served.log.wait_for("connections.resumed")
    assert len(served.log.find("connections.paused")) <= 3
    assert answers(served)


def test_all_bodies_together_are_bounded(daemon, gate):
    served = daemon(probe(queue_limit=100), body_limit="1MiB", bodies_limit="3MiB")
    large = {"do": "hold", "name": "large", "gate": gate.path, "fill": "x" * 1_000_000}
    held = [served.begin("probe", large) for _ in range(3)]
    served.said("ran large")
    served.wait_for_waiting(2)
    with served.begin("probe", large) as fourth:
        error = fourth.reply()
        assert (error.status, error.error["reason"]) == (503, "bodies_limit")
        assert error.headers["Retry-After"] == "1" and "bodies_limit" in error.error["message"]
    assert served.get("/healthz").status == 200
    gate.open()
    for wire in held:
        with wire:
            assert wire.reply().status == 200
    assert served.ask("probe", large).status == 200
    assert b"\nwindlass_bodies_bytes 0\n" in served.get("/metrics").body


def test_workers_keep_the_limit_of_descriptors_that_the_daemon_was_given(daemon):
    """One that uses select() must not meet descriptors of 1024 and above."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1024:
        pytest.skip("the hard limit is %d" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        served = daemon(probe())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(served.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    worker = served.ask("probe").json()["pid"]
    assert resource.prlimit(worker, resource.RLIMIT_NOFILE) == (512, hard)
