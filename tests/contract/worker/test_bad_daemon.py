"""A daemon that breaks the protocol: the worker says so and exits, whatever came."""

import pytest
from fake_daemon import BODY_MAX
from test_life import run

from windlass.frames import HEADER, META_MAX, Frame, Type, encode


def frame(type, id=0, meta=None):
    return b"".join(encode(Frame(type, id, meta or {})))


LOAD = {"model": "m", "device": "cpu", "concurrency": 1, "body_max": 1, "heartbeat_ms": 1000}
RUN = {"content_type": "a/b", "timeout_ms": 1000}
NOT_JSON = b"{nothing"

BROKEN = {
    "an unknown type": HEADER.pack(99, 1, 0, 0, 0, 0),
    "a type of the worker": frame(Type.HELLO),
    "a reserved type": frame(Type.MEMORY),
    "an offload of a request": frame(Type.OFFLOAD, 5),
    "an offload with a body that is too large": HEADER.pack(Type.OFFLOAD, 1, 0, 0, BODY_MAX + 1, 0),
    "another version": HEADER.pack(Type.STOP, 2, 0, 0, 0, 0),
    "a reserved field that is used": HEADER.pack(Type.STOP, 1, 1, 0, 0, 0),
    "too much meta": HEADER.pack(Type.RUN, 1, 0, META_MAX + 1, 0, 1),
    "too large a body": HEADER.pack(Type.RUN, 1, 0, 0, BODY_MAX + 1, 1),
    "the largest body there is": HEADER.pack(Type.RUN, 1, 0, 0, 0xFFFFFFFF, 1),
    "meta that is no JSON": HEADER.pack(Type.RUN, 1, 0, len(NOT_JSON), 0, 1) + NOT_JSON,
    "meta that is no object": HEADER.pack(Type.RUN, 1, 0, 2, 0, 1) + b"[]",
    "a variant that is no text": frame(Type.RUN, 1, {**RUN, "variant": 5}),
    "a run without an id": frame(Type.RUN, 0, RUN),
    "a second load": frame(Type.LOAD, 0, LOAD),
    "garbage": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}

BROKEN_LOADS = {
    "a run before it": frame(Type.RUN, 1, RUN),
    "an offload before it": frame(Type.OFFLOAD),
    "a restore before it": frame(Type.RESTORE),
    "a body before it": HEADER.pack(Type.RUN, 1, 0, 0, 1, 1),
    "no device": frame(Type.LOAD, 0, {**LOAD, "device": None}),
    "a concurrency of 0": frame(Type.LOAD, 0, {**LOAD, "concurrency": 0}),
    "a body limit that no header could say": frame(Type.LOAD, 0, {**LOAD, "body_max": 1 << 32}),
    "no heartbeat": frame(Type.LOAD, 0, {**LOAD, "heartbeat_ms": 0}),
}


def assert_refused(daemon):
    assert daemon.receive() is None
    assert daemon.end() == 1
    assert "the channel to the daemon broke" in daemon.errors()


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_a_broken_frame_ends_a_loaded_worker(loaded, what):
    daemon = loaded()
    daemon.send_bytes(BROKEN[what])
    assert_refused(daemon)
    assert daemon.lines()[-2:] == ["unload", "exit"]


@pytest.mark.parametrize("what", sorted(BROKEN_LOADS))
def test_a_broken_load_ends_the_worker(start, what):
    daemon = start()
    daemon.expect(Type.HELLO)
    daemon.send_bytes(BROKEN_LOADS[what])
    assert_refused(daemon)
    assert daemon.lines() == ["start", "exit"]


def test_an_id_that_is_in_use_ends_the_worker_once_the_run_is_over(loaded):
    daemon = loaded()
    run(daemon, 1, "heed-cancel")
    daemon.wait_for("looking")
    run(daemon, 1, "heed-cancel")
    daemon.remove_gate()
    assert daemon.end(20) == 1
    assert "run 1 came twice" in daemon.errors()


def test_half_a_frame_and_the_end_is_an_end(loaded):
    daemon = loaded()
    daemon.send_bytes(HEADER.pack(Type.RUN, 1, 0, 100, 0, 1)[:7])
    daemon.socket.close()
    assert daemon.end() == 0


def test_a_frame_that_comes_byte_by_byte_is_a_frame(loaded):
    daemon = loaded()
    meta = {**RUN, "timeout_ms": 60_000}
    for byte in b"".join(encode(Frame(Type.RUN, 3, meta, b"echo slowly"))):
        daemon.send_bytes(bytes([byte]))
    daemon.expect(Type.STARTED, 3)
    assert daemon.expect(Type.RESULT, 3).body == b"slowly"
