"""Jobs over HTTP, for the end-to-end tests."""

import json

from support import eventually
from times import SOON_S

OVER = ("succeeded", "failed", "cancelled")


def post(served, path, body=None, headers=None):
    with served.wire() as wire:
        content = b"" if body is None else json.dumps(body).encode()
        wire.request("POST", path, content, {"Content-Type": "application/json", **(headers or {})})
        return wire.reply()


def submit(served, order=None, model="probe", **fields):
    """Hands a job over; its id."""
    answer = post(served, "/api/jobs", {"model": model, "input": order, **fields})
    assert answer.status in (200, 202), answer.body
    return answer.json()["id"]


def show(served, job):
    answer = served.get("/api/jobs/" + job)
    assert answer.status == 200, answer.body
    return answer.json()


def result(served, job):
    return served.get("/api/jobs/%s/result" % job)


def wait_until(served, job, state, limit_s=SOON_S):
    """Waits until the job is in that state; what is told of it then."""

    def look():
        told = show(served, job)
        assert told["state"] == state or told["state"] not in OVER, told
        return told if told["state"] == state else None

    return eventually(look, "%s is %s" % (job, state), limit_s)


def queue(served, **query):
    words = "&".join("%s=%s" % pair for pair in query.items())
    answer = served.get("/api/queue" + ("?" + words if words else ""))
    assert answer.status == 200, answer.body
    return answer.json()
