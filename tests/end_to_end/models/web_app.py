"""A web application that hands over and answers, as docs/jobs.md shows it; for gunicorn."""

import json
import os

import windlass as wl

client = wl.Client(os.environ["WINDLASS_URL"])


def application(environ, start_response):
    """POST /KEY with an order hands over; GET /ID tells of the job, GET /ID/wait waits for it."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].strip("/")
    if method == "POST":
        order = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        told = {"id": client.submit("probe", order, key=path).id, "pid": os.getpid()}
    elif path.endswith("/wait"):
        told = {"value": client.job(path[: -len("/wait")]).result(timeout=600)}
    else:
        job = client.job(path)
        status = job.status()
        done = status["state"] == "succeeded"
        told = {
            "state": status["state"],
            "progress": status["progress"],
            "attempts": status["attempts"],
            "value": job.result() if done else None,
        }
    body = json.dumps(told).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
