"""The WSGI application without a daemon: its answers, and what each typed error becomes."""

import io
import json
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "python")]

import app
import windlass as wl


class FakeClient:
    """Answers or raises what it was made with, and keeps what it was asked."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.asked = []

    def request(self, model, value):
        self.asked.append((model, value))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return wl.Answer(self.outcome, "application/json", "r1", "1", 4701, "cpu", 0.1, 0.0, 0.5)


def post(monkeypatch, outcome, body):
    """Status, headers, answer and the client after one posted body."""
    client = FakeClient(outcome)
    monkeypatch.setattr(app, "client", client)
    seen = {}

    def start_response(status, headers):
        seen.update(status=status, headers=dict(headers))

    environ = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    answer = json.loads(b"".join(app.application(environ, start_response)))
    return seen["status"], seen["headers"], answer, client


def test_an_image_is_passed_on_and_the_answer_names_both_processes(monkeypatch):
    outcome = {"digits": [7], "confidence": [0.9]}
    status, headers, answer, client = post(monkeypatch, outcome, b'{"images": [[1, 2]]}')
    assert status == "200 OK"
    assert headers == {"Content-Type": "application/json"}
    assert answer == {**outcome, "model_pid": 4701, "web_pid": os.getpid()}
    assert client.asked == [("digits", {"images": [[1, 2]]})]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 99999, b"9" * (2 << 20)])
def test_a_body_that_is_no_json_or_too_large_never_reaches_the_model(monkeypatch, body):
    status, _, answer, client = post(monkeypatch, {}, body)
    assert status == "400 Bad Request"
    assert answer["error"]["type"] == "invalid_input"
    assert "must be JSON" in answer["error"]["message"]
    assert client.asked == []


@pytest.mark.parametrize(
    "error, status",
    [
        (wl.InvalidInput("17 is no pixel"), "400 Bad Request"),
        (wl.QueueFull("full"), "429 Too Many Requests"),
        (wl.Unavailable("not now"), "503 Service Unavailable"),
        (wl.Timeout("too long"), "504 Gateway Timeout"),
        (wl.NotFound("no model of that name"), "502 Bad Gateway"),
        (wl.WorkerLost("gone"), "502 Bad Gateway"),
    ],
)
def test_typed_errors_become_statuses(monkeypatch, error, status):
    seen, headers, answer, _ = post(monkeypatch, error, b"{}")
    assert seen == status
    assert answer["error"] == {"type": error.type, "message": error.message}
    assert "Retry-After" not in headers


def test_retry_after_is_rounded_up_and_no_traceback_is_shown(monkeypatch):
    error = wl.Unavailable("backing off", retry_after_s=1.2, traceback="line 7 of a secret")
    status, headers, answer, _ = post(monkeypatch, error, b"{}")
    assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "2")
    assert "secret" not in json.dumps(answer)
