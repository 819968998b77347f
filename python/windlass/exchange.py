"""What both clients share: a call as an HTTP request, and its reply as a value or a typed error.

Does no I/O. Imports no GPU library; numpy only to decode an array.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import math
import urllib.parse
from typing import Any, NamedTuple

from . import content
from .errors import DataCorrupt, Error, InvalidInput, MemoryHolder, Unsupported, from_type

CALL_LIMIT_S = 20 * 60.0  # the daemon's default `call_timeout`
QUERY_LIMIT_S = 10.0  # for what the daemon answers from memory
MARGIN_S = 5.0  # the daemon ends a request in time; beyond this it is the daemon that is stuck


class Request(NamedTuple):
    """`limit_s` is how long the client waits at most, whatever the daemon does."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    limit_s: float


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model returned, and how. None where the daemon did not say.

    value          decoded by its content type; bytes of an unknown one
    copy           which copy of the model answered
    worker_pid     process of that copy
    device         "cpu" or the device's UUID
    queue_ms, load_ms, run_ms   milliseconds waited, waited for a load, and inside the model
    total_bytes, free_before_bytes   memory of the device, and what was free before the run
    peak_bytes     the most that the model's process took of it in this run
    context_bytes  what that process holds there beyond what its allocator knows of
    shared         another run was in that process beside this one: the peak may be that of either
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
    total_bytes: int | None = None
    free_before_bytes: int | None = None
    peak_bytes: int | None = None
    context_bytes: int | None = None
    shared: bool | None = None


def call(
    model: str,
    value: Any,
    *,
    timeout: float | None,
    wait: float | None,
    priority: int | None,
    variant: str | None,
    content_type: str | None,
) -> Request:
    """The request of `Client.request`. Raises InvalidInput and Unsupported."""
    content_type, body = encode(value, content_type)
    headers = {"Content-Type": content_type}
    if timeout is not None:
        headers["X-Windlass-Timeout"] = duration("timeout", timeout)
    if wait is not None:
        headers["X-Windlass-Wait"] = duration("wait", wait)
    headers.update(choice_headers(priority, variant))
    return checked("POST", model_path(model, "call"), headers, body, _limit(timeout))


def choice_headers(priority: int | None, variant: str | None) -> dict[str, str]:
    headers = {}
    if priority is not None:
        if priority not in range(10):
            raise InvalidInput(f"priority is {priority!r}, not a whole number from 0 to 9")
        headers["X-Windlass-Priority"] = str(int(priority))
    if variant is not None:
        headers["X-Windlass-Variant"] = variant
    return headers


def order(model: str, action: str, timeout: float | None) -> Request:
    """What an administrator orders: "load", "offload", "unload", "restart", "pause" or
    "resume"."""
    headers = {} if timeout is None else {"X-Windlass-Timeout": duration("timeout", timeout)}
    return checked("POST", model_path(model, action), headers, b"", _limit(timeout))


def kill(worker: int) -> Request:
    number = urllib.parse.quote(str(worker), safe="")
    return Request("POST", f"/api/workers/{number}/kill", {}, b"", QUERY_LIMIT_S)


def query(path: str) -> Request:
    return Request("GET", path, {}, b"", QUERY_LIMIT_S)


def query_explanation(subject: str) -> Request:
    return query("/api/explain/" + urllib.parse.quote(subject, safe=""))


def query_model(model: str) -> Request:
    return query(model_path(model))


def devices_of(told: dict, cpu: bool) -> list[dict]:
    """What is asked for, of the answer to `GET /api/devices`."""
    processor = [told["cpu"]] if cpu and told.get("cpu") else []
    return processor + told["devices"]


def read_answer(reply: Reply) -> Answer:
    """What a call came to. Raises the typed error that the reply is."""
    _raise_error(reply)
    return _answer(reply)


def read_object(request: Request, reply: Reply) -> dict:
    """The JSON object that answers anything but a call. Raises as `read_answer`."""
    return read_json(reply, request.path)


def read_json(reply: Reply, subject: str, successes: tuple[int, ...] = (200,)) -> dict:
    """Likewise; `subject` is what errors call it."""
    if reply.status not in successes:
        raise _error(reply)
    value = _decode(content.JSON, reply.body)
    if not isinstance(value, dict):
        raise DataCorrupt(f"{subject} answered a JSON {type(value).__name__}, not an object")
    return value


def read_value(reply: Reply) -> Any:
    """Of the result of a job. Raises as `read_answer`."""
    _raise_error(reply)
    return _decode(reply.headers.get("Content-Type") or content.BYTES, reply.body)


def checked(
    method: str, path: str, headers: dict[str, str], body: bytes, limit_s: float
) -> Request:
    """A request whose headers can be sent. Raises InvalidInput."""
    for name, text in headers.items():
        if not (isinstance(text, str) and text.isascii() and text.isprintable()):
            raise InvalidInput(f"{text!r} cannot stand in a header ({name})")
    return Request(method, path, headers, body, limit_s)


def _raise_error(reply: Reply) -> None:
    if reply.status != 200:
        raise _error(reply)


def model_path(model: str, action: str = "") -> str:
    path = "/api/models/" + urllib.parse.quote(model, safe="")
    return f"{path}/{action}" if action else path


def _limit(timeout: float | None) -> float:
    return (CALL_LIMIT_S if timeout is None else timeout) + MARGIN_S


def duration(name: str, seconds: float) -> str:
    """As the daemon reads it. Rounded up, because 0 would mean something else."""
    if not (isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds > 0):
        raise InvalidInput(f"{name} is {seconds!r}, not a number of seconds above 0")
    return f"{math.ceil(seconds * 1000)}ms"


def encode(value: Any, content_type: str | None) -> tuple[str, bytes]:
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

    def whole(name: str) -> int | None:
        value = number(name)
        return int(value) if value is not None and math.isfinite(value) else None

    content_type = reply.headers.get("Content-Type") or content.BYTES
    return Answer(
        value=_decode(content_type, reply.body),
        content_type=content_type,
        request_id=text("Request-Id"),
        copy=text("Copy"),
        worker_pid=whole("Worker-Pid"),
        device=text("Device"),
        queue_ms=number("Queue-Ms"),
        load_ms=number("Load-Ms"),
        run_ms=number("Run-Ms"),
        total_bytes=whole("Total-Bytes"),
        free_before_bytes=whole("Free-Before-Bytes"),
        peak_bytes=whole("Peak-Bytes"),
        context_bytes=whole("Context-Bytes"),
        shared={"true": True, "false": False}.get(text("Shared") or ""),
    )


# Of an error's body, beside `type`, `message`, `request_id` and `holders`: named alike in `Error`.
_ERROR_FIELDS = (
    "reason",
    "retry_after_s",
    "cause",
    "traceback",
    "model",
    "device",
    "required",
    "available",
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
    fields = {name: told.get(name) for name in _ERROR_FIELDS}
    fields["holders"] = _holders(told.get("holders"))
    request_id = told.get("request_id") or reply.headers.get("X-Windlass-Request-Id")
    return from_type(type_, message, request_id=request_id, **fields)


def _holders(told: Any) -> tuple[MemoryHolder, ...]:
    """Those that can be read: a newer daemon may tell of others."""
    entries = told if isinstance(told, list) else []
    return tuple(
        MemoryHolder(entry["kind"], entry["bytes"], entry.get("model"), entry.get("generation"))
        for entry in entries
        if isinstance(entry, dict) and {"kind", "bytes"} <= entry.keys()
    )
