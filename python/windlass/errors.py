"""The typed errors of Windlass: one class for each thing that a caller does differently.

A model raises them, the daemon carries them, a client catches them. `ERRORS` maps the word on the
wire to its class. Policy follows the class, never the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class MemoryHolder(NamedTuple):
    """Who holds memory of a device.

    kind         "model": a copy of `model`; "returning": its process is gone, and the driver still
                 shows the bytes; "fenced": the same for longer than it should take; "foreign": all
                 programs that are not Windlass's together
    bytes        how much
    model        whose copy it is or was; None for strangers
    generation   the number of its process, as `Client.workers` shows it; None for strangers
    """

    kind: str
    bytes: int
    model: str | None = None
    generation: int | None = None


class Error(Exception):
    """Base of all errors of Windlass.

    message         what happened, to what, and what to do about it
    reason          of `Unavailable` mostly: one word such as "backoff" or "connection_lost"
    retry_after_s   seconds after which another try makes sense, if known
    request_id      the request as the daemon names it ("r17"), in a client
    cause           class name of the exception behind it, where a model raised one
    traceback       text of the traceback in the worker, in a client
    model           the model that it is about, in a client

    Where memory of a device is what was missing (`Unavailable` with the reason "memory" or
    "memory_unknown", and `Timeout`), in a client:

    device          UUID of the device, or "cpu"
    required        bytes that the model needs there; None: unknown, or all there is
    available       bytes that nobody holds; None: the device does not say
    holders         who holds the others: a tuple of `MemoryHolder`
    """

    type = "internal"
    http_status = 500

    # Defaults on the class, so that a subclass may have a constructor of its own.
    message: str = ""
    reason: str | None = None
    retry_after_s: float | None = None
    request_id: str | None = None
    cause: str | None = None
    traceback: str | None = None
    model: str | None = None
    device: str | None = None
    required: int | None = None
    available: int | None = None
    holders: tuple[MemoryHolder, ...] = ()

    def __init__(
        self,
        message: str = "",
        *,
        reason: str | None = None,
        retry_after_s: float | None = None,
        request_id: str | None = None,
        cause: str | None = None,
        traceback: str | None = None,
        model: str | None = None,
        device: str | None = None,
        required: int | None = None,
        available: int | None = None,
        holders: Sequence[MemoryHolder] = (),
    ) -> None:
        super().__init__(message)
        self.message = str(message)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.request_id = request_id
        self.cause = cause
        self.traceback = traceback
        self.model = model
        self.device = device
        self.required = required
        self.available = available
        self.holders = tuple(holders)

    def __str__(self) -> str:
        details = []
        if self.reason is not None:
            details.append(f"reason {self.reason}")
        if self.retry_after_s is not None:
            details.append(f"retry after {self.retry_after_s} s")
        if self.request_id is not None:
            details.append(f"request {self.request_id}")
        text = self.message or self.type
        if details:
            text += f" ({', '.join(details)})"
        if self.traceback:
            text += "\n\nIn the worker:\n" + self.traceback.rstrip("\n")
        return text


class InvalidInput(Error):
    """The request can never succeed as it is. HTTP 400."""

    type = "invalid_input"
    http_status = 400


class PermissionDenied(Error):
    """This caller may not do that. HTTP 403."""

    type = "permission_denied"
    http_status = 403


class NotFound(Error):
    """There is no such model, request or path. HTTP 404."""

    type = "not_found"
    http_status = 404


class Conflict(Error):
    """It is possible only in another state than the present one. HTTP 409."""

    type = "conflict"
    http_status = 409


class QueueFull(Error):
    """The `queue_limit` of the model is reached; come back after `retry_after_s`. HTTP 429."""

    type = "queue_full"
    http_status = 429


class Unavailable(Error):
    """It cannot be served now; `reason` says why. HTTP 503."""

    type = "unavailable"
    http_status = 503


class OutOfMemory(Error):
    """The device has not enough memory. HTTP 503."""

    type = "out_of_memory"
    http_status = 503


class HostOutOfMemory(Error):
    """The machine has not enough memory. HTTP 503."""

    type = "host_out_of_memory"
    http_status = 503


class Transient(Error):
    """It may well succeed when tried again. HTTP 503."""

    type = "transient"
    http_status = 503


class DeviceLost(Error):
    """The device does not answer any more. HTTP 503."""

    type = "device_lost"
    http_status = 503


class DriverMissing(Error):
    """There is no driver, or no device of the kind that was asked for. HTTP 503."""

    type = "driver_missing"
    http_status = 503


class Timeout(Error):
    """A limit in time was reached: the caller's own or the model's. HTTP 504."""

    type = "timeout"
    http_status = 504


class Stalled(Error):
    """The model made no progress within its `stall_timeout`. HTTP 504."""

    type = "stalled"
    http_status = 504


class Cancelled(Error):
    """The caller withdrew the request. HTTP 499."""

    type = "cancelled"
    http_status = 499


class WorkerLost(Error):
    """The process that did the work is gone. HTTP 502."""

    type = "worker_lost"
    http_status = 502


class ContextLost(Error):
    """The context on the device is poisoned; only a new process helps. HTTP 502."""

    type = "context_lost"
    http_status = 502


class Unsupported(Error):
    """A well-formed wish that is not implemented. HTTP 501."""

    type = "unsupported"
    http_status = 501


class DataCorrupt(Error):
    """Stored or received data does not hold together. HTTP 500."""

    type = "data_corrupt"
    http_status = 500


class Internal(Error):
    """Anything else; `cause` names the class of the exception. HTTP 500."""

    type = "internal"
    http_status = 500


ERRORS: dict[str, type[Error]] = {
    error.type: error
    for error in (
        InvalidInput,
        PermissionDenied,
        NotFound,
        Conflict,
        QueueFull,
        Unavailable,
        OutOfMemory,
        HostOutOfMemory,
        Transient,
        DeviceLost,
        DriverMissing,
        Timeout,
        Stalled,
        Cancelled,
        WorkerLost,
        ContextLost,
        Unsupported,
        DataCorrupt,
        Internal,
    )
}


def from_type(type: str, message: str, **fields) -> Error:
    """The error object for a word on the wire; `fields` are the keyword arguments of `Error`.

    A word that this version does not know becomes `Internal` with the word as its cause.
    """
    known = ERRORS.get(type)
    if known is None:
        return Internal(message, **{**fields, "cause": type})
    return known(message, **fields)
