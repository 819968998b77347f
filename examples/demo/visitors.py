"""Visitors of the web application: many at once, each sending an image, waiting for its answer."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import NamedTuple, Optional

from processes import TIME_FACTOR

ANSWER_S = 60 * TIME_FACTOR


class Visit(NamedTuple):
    """One request. `problem` says how it failed; then there is no more to tell."""

    seconds: float
    label: int
    problem: Optional[str]
    digit: Optional[int] = None
    model_pid: Optional[int] = None
    web_pid: Optional[int] = None


def visit(port, image):
    body = json.dumps({"images": [image.pixels]})
    begun = time.monotonic()
    try:
        # A connection each: gunicorn's sync workers close it anyway, and so any worker may answer.
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)) as connection:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        seconds = time.monotonic() - begun
        return Visit(seconds, image.label, "%s: %s" % (type(error).__name__, error))
    seconds = time.monotonic() - begun
    if response.status != 200:
        problem = "status %d: %s" % (response.status, answer[:300].decode("utf-8", "replace"))
        return Visit(seconds, image.label, problem)
    told = json.loads(answer)
    return Visit(
        seconds, image.label, None, told["digits"][0], told["model_pid"], told["web_pid"]
    )


def send_round(port, images, visitors):
    """Sends every image once, `visitors` of them at a time; one Visit an image."""
    pool = ThreadPoolExecutor(visitors)
    try:
        return list(pool.map(lambda image: visit(port, image), images))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
