"""A web application that reads digits: 17 gunicorn workers, and one copy of the model in Windlass.

    curl --data '{"images": [[64 numbers]]}' http://127.0.0.1:8000/
"""

import json
import math
import os

import windlass as wl

# Made once, before gunicorn forks its workers: the client is safe to use on both sides of a fork.
client = wl.Client()
STATUS = {  # by what the visitor should do about it; any other type is 502
    "invalid_input": "400 Bad Request",
    "queue_full": "429 Too Many Requests",
    "unavailable": "503 Service Unavailable",
    "timeout": "504 Gateway Timeout",
}


def application(environ, start_response):
    headers = [("Content-Type", "application/json")]
    try:
        read = client.request("digits", json_body(environ))
        status, answer = "200 OK", {**read.value, "model_pid": read.worker_pid}
    except wl.Error as error:
        status = STATUS.get(error.type, "502 Bad Gateway")
        answer = {"error": {"type": error.type, "message": error.message}}
        if error.retry_after_s:
            headers.append(("Retry-After", str(math.ceil(error.retry_after_s))))
    start_response(status, headers)
    return [json.dumps({**answer, "web_pid": os.getpid()}).encode()]


def json_body(environ, size_max=1 << 20):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        return json.loads(environ["wsgi.input"].read(min(size, size_max)))
    except (ValueError, RecursionError) as error:
        raise wl.InvalidInput("the body must be JSON of at most %d bytes: %s" % (size_max, error))
