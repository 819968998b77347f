"""The client of the daemon. Imports no GPU library; numpy only to decode an array."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import urllib.parse
from typing import Any

from . import content
from .errors import DataCorrupt, Error, InvalidInput, Unsupported, from_type
from .transport import Reply, Transport

DEFAULT_URL = "http://127.0.0.1:7411"
CALL_LIMIT_S = 20 * 60.0  # the daemon's default `call_timeout`
QUERY_LIMIT_S = 10.0  # for what the daemon answers from memory
MARGIN_S = 5.0  # the daemon ends a request in time; beyond this it is the daemon that is stuck


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model returned, and how. None where the daemon did not say.

    value          decoded by its content type; bytes of an unknown one
    copy           which copy of the model answered
    worker_pid     process of that copy
    device         "cpu" or the device's UUID
    queue_ms, load_ms, run_ms   milliseconds waited, waited for a load, and inside the model
    """

    value: Any
    content_type: str
    request_id: str | None
    copy: str | None
    worker_pid: int | None
    device: str | None
    queue_ms: float | None
    load_ms: float | None
    run_ms: float | None


class Client:
    """Calls models. Thread-safe; usable on both sides of a fork; keeps connections open.

    Every method may raise the errors of `windlass.errors`: what the daemon answered, or
    `Unavailable` when it cannot be reached and `Timeout` when it does not answer in time.
    """

    def __init__(self, url: str | None = None) -> None:
        """`url`: of the daemon; by default WINDLASS_URL, else http://127.0.0.1:7411."""
        self._transport = Transport(url or os.environ.get("WINDLASS_URL") or DEFAULT_URL)

    @property
    def url(self) -> str:
        return self._transport.url

    def call(
        self,
        model: str,
        value: Any = None,
        *,
        timeout: float | None = None,
        wait: float | None = None,
        priority: int | None = None,
        variant: str | None = None,
        content_type: str | None = None,
    ) -> Any:
        """Only the value of the answer; the arguments are those of `request`."""
        return self.request(
            model,
            value,
            timeout=timeout,
            wait=wait,
            priority=priority,
            variant=variant,
            content_type=content_type,
        ).value

    def request(
        self,
        model: str,
        value: Any = None,
        *,
        timeout: float | None = None,
        wait: float | None = None,
        priority: int | None = None,
        variant: str | None = None,
        content_type: str | None = None,
    ) -> Answer:
        """Runs a model on a value and waits for its answer.

        timeout        seconds from now to the answer; by default the model's `call_timeout`
        wait           seconds from now until the model begins; by default its `wait_timeout`
        priority       0 (first) to 9
        variant        a named setting of the model
        content_type   what to call a value of bytes or str, which is then sent as it is
        """
        content_type, body = _encode(value, content_type)
        headers = {"Content-Type": content_type}
        if timeout is not None:
            headers["X-Windlass-Timeout"] = _duration("timeout", timeout)
        if wait is not None:
            headers["X-Windlass-Wait"] = _duration("wait", wait)
        if priority is not None:
            if priority not in range(10):
                raise InvalidInput(f"priority is {priority!r}, not a whole number from 0 to 9")
            headers["X-Windlass-Priority"] = str(int(priority))
        if variant is not None:
            headers["X-Windlass-Variant"] = variant
        reply = self._exchange("POST", _path(model, "call"), _limit(timeout), headers, body)
        return _answer(reply)

    def models(self) -> list[dict]:
        """All models and what they do now, as `GET /api/models` tells it."""
        return self._query("GET", "/api/models")["models"]

    def model(self, name: str) -> dict:
        """One model and what it does now, its waiting requests with their reasons among it."""
        return self._query("GET", _path(name))

    def load(self, name: str, timeout: float | None = None) -> dict:
        """Loads a model and waits until it is ready; `timeout` in seconds as for `request`."""
        return self._order(name, "load", timeout)

    def unload(self, name: str, timeout: float | None = None) -> dict:
        """Ends a model's worker and waits until it is gone; `timeout` as for `request`."""
        return self._order(name, "unload", timeout)

    def health(self) -> dict:
        """The daemon's state, version and configuration, as `GET /healthz` tells it."""
        return self._query("GET", "/healthz")

    def close(self) -> None:
        """Closes the idle connections. The client stays usable."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _order(self, name: str, action: str, timeout: float | None) -> dict:
        headers = {} if timeout is None else {"X-Windlass-Timeout": _duration("timeout", timeout)}
        return self._query("POST", _path(name, action), _limit(timeout), headers)

    def _query(
        self,
        method: str,
        path: str,
        limit_s: float = QUERY_LIMIT_S,
        headers: dict[str, str] | None = None,
    ) -> dict:
        reply = self._exchange(method, path, limit_s, headers or {})
        value = _decode(content.JSON, reply.body)
        if not isinstance(value, dict):
            raise DataCorrupt(f"{path} answered a JSON {type(value).__name__}, not an object")
        return value

    def _exchange(
        self, method: str, path: str, limit_s: float, headers: dict[str, str], body: bytes = b""
    ) -> Reply:
        for name, text in headers.items():
            if not (isinstance(text, str) and text.isascii() and text.isprintable()):
                raise InvalidInput(f"{text!r} cannot stand in a header ({name})")
        reply = self._transport.exchange(method, path, headers, body, limit_s)
        if reply.status != 200:
            raise _error(reply)
        return reply


def _path(model: str, action: str = "") -> str:
    path = "/api/models/" + urllib.parse.quote(model, safe="")
    return f"{path}/{action}" if action else path


def _limit(timeout: float | None) -> float:
    return (CALL_LIMIT_S if timeout is None else timeout) + MARGIN_S


def _duration(name: str, seconds: float) -> str:
    """As the daemon reads it. Rounded up, because 0 would mean something else."""
    if not (isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds > 0):
        raise InvalidInput(f"{name} is {seconds!r}, not a number of seconds above 0")
    return f"{math.ceil(seconds * 1000)}ms"


def _encode(value: Any, content_type: str | None) -> tuple[str, bytes]:
    if content_type is None:
        return content.encode(value)
    if isinstance(value, str):
        return content_type, value.encode("utf-8")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return content_type, bytes(value)
    raise Unsupported(
        f"a content_type goes with bytes or str, not with {type(value).__name__}: "
        "encode the value yourself, or leave the content_type out"
    )


def _decode(content_type: str, body: bytes) -> Any:
    try:
        return content.decode(content_type, body)
    except InvalidInput as error:  # not the caller's input: what came back
        raise DataCorrupt(f"the answer does not decode: {error.message}") from error


def _answer(reply: Reply) -> Answer:
    def text(name: str) -> str | None:
        return reply.headers.get(f"X-Windlass-{name}")

    def number(name: str) -> float | None:
        try:
            return float(text(name) or "")
        except ValueError:
            return None  # absent, or from a newer daemon that says it otherwise

    content_type = reply.headers.get("Content-Type") or content.BYTES
    pid = number("Worker-Pid")
    return Answer(
        value=_decode(content_type, reply.body),
        content_type=content_type,
        request_id=text("Request-Id"),
        copy=text("Copy"),
        worker_pid=None if pid is None else int(pid),
        device=text("Device"),
        queue_ms=number("Queue-Ms"),
        load_ms=number("Load-Ms"),
        run_ms=number("Run-Ms"),
    )


_TYPE_BY_STATUS = {
    403: "permission_denied",
    404: "not_found",
    409: "conflict",
    429: "queue_full",
    499: "cancelled",
    501: "unsupported",
    502: "worker_lost",
    503: "unavailable",
    504: "timeout",
}


def _error(reply: Reply) -> Error:
    """The typed error of a reply; by its status where the body is not the daemon's."""
    try:
        told = json.loads(reply.body)["error"]
        type_, message = told["type"], told["message"]
        if not (isinstance(type_, str) and isinstance(message, str)):
            raise TypeError("type and message must be strings")
    except (ValueError, KeyError, TypeError, RecursionError):
        # Something between us and the daemon answered: a proxy, or another server on the port.
        default = "invalid_input" if 400 <= reply.status < 500 else "internal"
        type_, told = _TYPE_BY_STATUS.get(reply.status, default), {}
        message = f"HTTP {reply.status}: {reply.body[:200].decode('utf-8', 'replace')!r}"
    fields = {name: told.get(name) for name in ("reason", "retry_after_s", "cause", "traceback")}
    request_id = told.get("request_id") or reply.headers.get("X-Windlass-Request-Id")
    return from_type(type_, message, request_id=request_id, **fields)
