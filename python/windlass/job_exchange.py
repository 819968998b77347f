"""What both clients share about jobs: requests, replies, and what is done one after the other.

Does no I/O: a function that takes several steps is a generator. It yields a `Request`, and gets its
reply sent or its error thrown in; or a number of seconds that nothing shall happen for.
"""

from __future__ import annotations

import time
import urllib.parse
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, NamedTuple, Union

from . import exchange
from .errors import DataCorrupt, Error, InvalidInput, QueueFull, Timeout, Unavailable
from .exchange import Reply, Request

WAIT_S = 30.0  # so long one question may wait for a job to be over
PAUSE_S = 0.3  # between two tries while no daemon is there
PATIENCE_S = 60.0  # so long a daemon may be away while a job is waited for
FULL_PAUSE_MAX_S = 5.0  # between two tries while a queue is full
PARALLEL_USUAL = 64

OVER = ("succeeded", "failed", "cancelled")

Steps = Generator[Union[Request, float], Any, Any]
OnItem = Callable[[int, int], None]


class Ticket(NamedTuple):
    """What a daemon answers when a job is on its disk."""

    id: str
    state: str
    is_new: bool


class Progress(NamedTuple):
    """What a job last said of itself. What it did not say is None."""

    step: int | None
    total: int | None
    phase: str | None
    age_s: float


class Wishes(NamedTuple):
    """How a job is to be done; None is as the model's configuration says."""

    priority: int | None = None
    variant: str | None = None
    content_type: str | None = None
    key: str | None = None
    tenant: str | None = None
    run_at: str | float | None = None
    deadline: str | float | None = None
    run_timeout: float | None = None
    stall_timeout: float | None = None


def submit(model: str, value: Any, wishes: Wishes) -> Request:
    """Raises InvalidInput and Unsupported."""
    content_type, body = exchange.encode(value, wishes.content_type)
    headers = {"Content-Type": content_type}
    headers.update(exchange.choice_headers(wishes.priority, wishes.variant))
    texts = {"Key": wishes.key, "Tenant": wishes.tenant}
    texts["Run-At"] = _moment("run_at", wishes.run_at)
    texts["Deadline"] = _moment("deadline", wishes.deadline)
    for name, seconds in (("Run", wishes.run_timeout), ("Stall", wishes.stall_timeout)):
        if seconds is not None:
            text = exchange.duration(f"{name.lower()}_timeout", seconds)
            texts[f"{name}-Timeout"] = text
    headers.update({f"X-Windlass-{name}": text for name, text in texts.items() if text is not None})
    path = exchange.model_path(model, "jobs")
    return exchange.checked("POST", path, headers, body, exchange.QUERY_LIMIT_S + exchange.MARGIN_S)


def read_ticket(reply: Reply) -> Ticket:
    told = exchange.read_json(reply, "a job that was handed over", (200, 202))
    try:
        return Ticket(told["id"], told["state"], bool(told["new"]))
    except KeyError as error:
        raise DataCorrupt(f"the answer to a job names no {error}; is this a daemon?") from error


def query(id: str, wait_s: float = 0.0) -> Request:
    wait = f"?wait={max(1, round(wait_s * 1000))}ms" if wait_s > 0 else ""
    return Request("GET", _path(id) + wait, {}, b"", exchange.QUERY_LIMIT_S + wait_s)


def query_result(id: str) -> Request:
    return Request("GET", _path(id, "result"), {}, b"", exchange.CALL_LIMIT_S)


def order(id: str, action: str) -> Request:
    """ "cancel", "retry", "hold", "release" or "delete"."""
    if action == "delete":
        return Request("DELETE", _path(id), {}, b"", exchange.QUERY_LIMIT_S)
    return Request("POST", _path(id, action), {}, b"", exchange.QUERY_LIMIT_S)


def order_all(action: str, filters: dict[str, Any]) -> Request:
    method, path = ("DELETE", "") if action == "delete" else ("POST", "/" + action)
    return Request(method, f"/api/jobs{path}{_query(filters)}", {}, b"", exchange.CALL_LIMIT_S)


def query_jobs(filters: dict[str, Any]) -> Request:
    return exchange.query("/api/jobs" + _query(filters))


def query_queue(since: str | None) -> Request:
    return exchange.query("/api/queue" + _query({"detailed": since and "1", "since": since}))


def query_events(filters: dict[str, Any]) -> Request:
    return exchange.query("/api/events" + _query(filters))


def progress_of(told: dict) -> Progress | None:
    progress = told.get("progress")
    if not progress:
        return None
    names = ("step", "total", "phase", "age_s")
    return Progress(*(progress.get(name) for name in names))


# Several steps


def wait_steps(id: str, timeout: float | None) -> Steps:
    """Until the job is over: what the daemon says of it then. Raises Timeout, and the job goes on.

    A daemon that goes away is waited for: the job outlives it.
    """
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = WAIT_S if end is None else min(WAIT_S, max(0.0, end - time.monotonic()))
        told = yield from _patiently(query(id, left), lambda reply: _read_job(id, reply))
        if told.get("state") in OVER:
            return told
        if end is not None and time.monotonic() >= end:
            raise Timeout(
                f"the job {id} is {told.get('state')} after {timeout:g} s; it goes on, and can be "
                "waited for again"
            )


def result_steps(id: str, timeout: float | None) -> Steps:
    """What the model made of it, once it is over. Raises the job's own error."""
    yield from wait_steps(id, timeout)
    return (yield from _patiently(query_result(id), exchange.read_value))


def map_steps(
    model: str,
    items: Iterable[Any],
    wishes: Wishes,
    max_parallel: int,
    on_item: OnItem | None,
) -> Steps:
    """A value or an error for each item, in their order. See `Client.map`."""
    values = list(items)
    prefix = wishes.key or f"map-{uuid.uuid4().hex}"
    outcomes: list[Any] = []
    running: deque[str | Error] = deque()  # ids in the order of the items; errors of no job
    begun = 0
    while len(outcomes) < len(values):
        while begun < len(values) and len(running) < max_parallel:
            own = wishes._replace(key=f"{prefix}-{begun}")
            found = yield from _begin(model, values[begun], own, is_patient=not running)
            if found is None:
                break  # the queue is full: one of ours must end first
            running.append(found)
            begun += 1
        first = running.popleft()
        outcomes.append(first if isinstance(first, Error) else (yield from _outcome(first)))
        if on_item is not None:
            on_item(len(outcomes), len(values))
    return outcomes


def _begin(model: str, value: Any, wishes: Wishes, is_patient: bool) -> Steps:
    """The id of the job; the error where there can be none for this item; None: the queue is full,
    and that was not to be waited for."""
    try:
        request = submit(model, value, wishes)
    except Error as error:  # a value that cannot be sent
        return error
    while True:
        try:
            # Its key makes it safe to send it again.
            ticket = yield from _patiently(request, read_ticket, lost_is_harmless=True)
            return ticket.id
        except QueueFull as error:
            if not is_patient:
                return None
            yield min(error.retry_after_s or PAUSE_S, FULL_PAUSE_MAX_S)
        except (Unavailable, Timeout):
            raise  # nothing of this item: no daemon, or one that cannot keep jobs
        except Error as error:
            return error


def _outcome(id: str) -> Steps:
    try:
        return (yield from result_steps(id, None))
    except Unavailable as error:
        if _is_away(error):
            raise  # of the way to the daemon, not of the job
        return error
    except Error as error:
        return error


def _read_job(id: str, reply: Reply) -> dict:
    return exchange.read_object(query(id), reply)


def _patiently(
    request: Request, read: Callable[[Reply], Any], lost_is_harmless: bool = False
) -> Steps:
    """What `read` makes of the reply, also over the restart of a daemon."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return read((yield request))
        except Unavailable as error:
            is_lost = error.reason == "connection_lost"
            is_safe = request.method == "GET" or lost_is_harmless or not is_lost
            if not (is_safe and _is_away(error)) or time.monotonic() >= end:
                raise
        yield PAUSE_S


def _is_away(error: Unavailable) -> bool:
    """Whether there is no daemon now, rather than that one says no."""
    reason = error.reason or ""
    return reason.startswith("connection_") or reason == "shutting_down"


def check_parallel(max_parallel: int) -> int:
    if max_parallel < 1:
        raise InvalidInput(f"max_parallel is {max_parallel!r}, not 1 or more")
    return max_parallel


def _moment(name: str, moment: str | float | None) -> str | None:
    """A time as text, or seconds from now."""
    if moment is None or isinstance(moment, str):
        return moment
    return exchange.duration(name, moment)


def _path(id: str, action: str = "") -> str:
    path = "/api/jobs/" + urllib.parse.quote(id, safe="")
    return f"{path}/{action}" if action else path


def _query(filters: dict[str, Any]) -> str:
    given = {}
    for name, value in filters.items():
        if value is None or value is False:
            continue
        if isinstance(value, (list, tuple)):
            value = ",".join(value)
        given[name] = "1" if value is True else str(value)
    return "?" + urllib.parse.urlencode(given, quote_via=urllib.parse.quote) if given else ""
