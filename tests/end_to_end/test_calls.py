"""Calls of a model, from HTTP through engine and channel into a worker and back."""

import struct
import time

import pytest
from support import probe

HEADERS = ("Request-Id", "Copy", "Worker-Pid", "Device", "Queue-Ms", "Load-Ms", "Run-Ms")


def call(served, body, content_type, model="probe"):
    with served.wire() as wire:
        headers = {} if content_type is None else {"Content-Type": content_type}
        wire.request("POST", "/api/models/%s/call" % model, body, headers)
        return wire.reply()


def npy(shape, data):
    """An .npy file of doubles, format 1.0, made without numpy."""
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': %r, }" % (shape,)
    text = text.ljust(64 - 10 - 1 + 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def test_json_bytes_arrays_and_nothing_travel_unchanged(daemon):
    served = daemon(probe())
    value = {"text": "gr\u00fc\u00dfe \u4f60\u597d", "numbers": [1, -2.5, 1e300, None, True]}
    assert served.ask("probe", {"value": value}).json()["value"] == value

    every_byte = bytes(range(256)) * 4096
    reply = call(served, every_byte, "application/octet-stream")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/octet-stream")
    assert reply.body == every_byte

    array = npy((2, 3), struct.pack("<6d", *range(6)))
    assert call(served, array, "application/x-npy").body == array

    for content_type in ("application/octet-stream", None):
        reply = call(served, b"", content_type)
        assert (reply.status, reply.body) == (200, b"")


def test_an_answer_says_who_gave_it_and_where_the_time_went(daemon):
    """[R65] [R77] Every answer names its worker's pid, and what a load cost it."""
    served = daemon(probe())
    first, second = served.ask("probe"), served.ask("probe")
    for reply in (first, second):
        told = {name: reply.headers["X-Windlass-" + name] for name in HEADERS}
        assert told["Worker-Pid"] == str(reply.json()["pid"])
        assert told["Device"] == "cpu"
        assert all(float(told[name]) >= 0 for name in HEADERS if name.endswith("-Ms"))
    assert first.headers["X-Windlass-Copy"] == second.headers["X-Windlass-Copy"]
    # The first one waited for the model, the second found it ready.
    assert float(first.headers["X-Windlass-Load-Ms"]) > 0
    assert float(second.headers["X-Windlass-Load-Ms"]) == 0


def test_request_ids_are_distinct_and_those_of_the_log(daemon):
    served = daemon(probe())
    replies = [served.ask("probe", {"value": number}) for number in range(20)]
    failed = served.ask("probe", {"do": "raise", "error": "ValueError", "message": "no"})
    ids = [reply.headers["X-Windlass-Request-Id"] for reply in replies + [failed]]
    assert len(set(ids)) == len(ids)
    assert all(name[0] == "r" and name[1:].isdigit() for name in ids)
    assert failed.error["request_id"] == ids[-1]
    assert served.log.wait_for("request.failed", request=ids[-1])["model"] == "probe"


def test_the_worker_learns_variant_and_time_left(daemon):
    served = daemon(probe())
    told = served.ask("probe", {"do": "describe"}, variant="fp16", timeout="30s").json()
    assert told["variant"] == "fp16"
    assert 0 < told["remaining_s"] <= 30


def test_an_unknown_model_is_not_found_and_the_known_ones_are_named(daemon):
    served = daemon(probe("alpha") + probe("beta"))
    for reply in (
        served.ask("gamma"),
        served.get("/api/models/gamma"),
        served.get("/api/models/gamma/load", "POST"),
        served.get("/api/models/gamma/unload", "POST"),
    ):
        assert reply.status == 404
        assert reply.error["type"] == "not_found"
        assert "gamma" in reply.error["message"]
        assert "alpha, beta" in reply.error["message"]
    assert served.ask("alpha").status == 200


def test_the_client_of_python_gets_values_and_typed_errors(daemon):
    import windlass

    served = daemon(probe())
    with served.client() as client:
        assert client.call("probe", {"value": [1, 2]})["value"] == [1, 2]
        assert client.call("probe", b"\x00\xff") == b"\x00\xff"
        answer = client.request("probe", {"value": None})
        assert (answer.device, answer.worker_pid) == ("cpu", answer.value["pid"])
        with pytest.raises(windlass.NotFound, match="probe"):
            client.call("nobody")
        with pytest.raises(windlass.InvalidInput, match="not valid JSON"):
            client.call("probe", "{", content_type="application/json")
        assert client.health()["status"] == "ok"


def test_what_a_worker_raises_reaches_the_client_and_keeps_the_copy(daemon):
    """[A3.12] [R155] The lease is released: the next request uses the same copy, at once."""
    served = daemon(probe())
    before = served.ask("probe")
    plain = served.ask("probe", {"do": "raise", "error": "ValueError", "message": "too dark"})
    assert plain.status == 500
    assert (plain.error["type"], plain.error["cause"]) == ("internal", "ValueError")
    assert "too dark" in plain.error["message"]
    assert "do_raise" in plain.error["traceback"] and "probe_model.py" in plain.error["traceback"]
    logged = served.log.wait_for("request.failed", request=plain.error["request_id"])
    assert logged["traceback"] == plain.error["traceback"]

    typed = {"OutOfMemory": 503, "InvalidInput": 400, "Transient": 503, "DataCorrupt": 500}
    for name, status in typed.items():
        reply = served.ask("probe", {"do": "raise", "error": name, "message": "so it is"})
        assert (reply.status, reply.error["message"]) == (status, "so it is")

    after = served.ask("probe")
    assert after.json()["pid"] == before.json()["pid"]
    assert after.headers["X-Windlass-Copy"] == before.headers["X-Windlass-Copy"]
    model = served.model()
    assert (model["loads"], model["failures"], model["running"]) == (1, 0, 0)


def test_an_idempotent_model_is_tried_again_after_a_transient_error(daemon, tmp_path):
    """[R152] At most three times in all, and the pause between them doubles."""
    served = daemon(probe(idempotent=True, backoff="20ms"))
    order = {"do": "call_once", "function": "raise_transient", "file": str(tmp_path / "tried")}
    assert served.ask("probe", order).status == 200
    before = time.monotonic()
    refused = served.ask("probe", {"do": "raise", "error": "Transient", "message": "always"})
    assert time.monotonic() - before >= 0.020 + 0.040
    assert (refused.status, refused.error["type"]) == (503, "transient")
    request = refused.error["request_id"]
    assert len(served.log.find("request.retried", request=request)) == 2
    assert len(served.log.find("request.retried")) == 3
