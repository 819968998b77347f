"""What the daemon's `load` and `run` frames ask for, checked."""

from __future__ import annotations

from typing import NamedTuple

from . import content, errors
from .attempts import Attempt
from .frames import Frame, ProtocolError
from .reporting import Reporter
from .request import Request

UINT32_MAX = 0xFFFF_FFFF  # what the header of a frame can say of a body


class Load(NamedTuple):
    """Load the model on this device and serve it so."""

    device: str
    concurrency: int  # runs that may have begun and not ended
    body_max: int  # bytes
    heartbeat_s: float
    uuid: str  # of that GPU, for a process that stood by; empty for the CPU


def parse_load(frame: Frame) -> Load:
    """Raises ProtocolError."""
    numbers = {}
    for name, least in (("concurrency", 1), ("body_max", 0), ("heartbeat_ms", 1)):
        value = frame.meta.get(name)
        if type(value) is not int or not least <= value <= UINT32_MAX:
            raise ProtocolError(f"load: {name} is {value!r}, not a whole number from {least} up")
        numbers[name] = value
    device = frame.meta.get("device")
    if not isinstance(device, str):
        raise ProtocolError(f"load: device is {device!r}, not a string")
    uuid = frame.meta.get("uuid", "")
    if not isinstance(uuid, str):
        raise ProtocolError(f"load: uuid is {uuid!r}, not a string")
    heartbeat_s = numbers["heartbeat_ms"] / 1000
    return Load(device, numbers["concurrency"], numbers["body_max"], heartbeat_s, uuid)


def parse_attempt(frame: Frame) -> Attempt | None:
    """None for a call. Raises ProtocolError."""
    number = frame.meta.get("attempt")
    if number is None:
        return None
    free, told = frame.meta.get("free_bytes"), frame.meta.get("error")
    if type(number) is not int or number < 1:
        raise ProtocolError(f"run: attempt is {number!r}, not a whole number from 1 up")
    if free is not None and (type(free) is not int or free < 0):
        raise ProtocolError(f"run: free_bytes is {free!r}, not a whole number from 0 up")
    if told is None:
        return Attempt(number, None, free)
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        raise ProtocolError(f"run: error is {told!r}, not an error with a type")
    error = errors.from_type(told["type"], str(told.get("message", "")), cause=told.get("cause"))
    return Attempt(number, error, free)


def parse_run(frame: Frame, reporter: Reporter) -> Request:
    """Raises ProtocolError."""
    get = frame.meta.get
    timeout_ms, content_type, variant = get("timeout_ms"), get("content_type"), get("variant")
    if timeout_ms is not None and not isinstance(timeout_ms, (int, float)):
        raise ProtocolError(f"run: timeout_ms is {timeout_ms!r}, not a number")
    for name, text in (("content_type", content_type), ("variant", variant)):
        if text is not None and not isinstance(text, str):
            raise ProtocolError(f"run: {name} is {text!r}, not a string")
    return Request(
        frame.body,
        content_type or content.BYTES,
        variant=variant,
        timeout_s=None if timeout_ms is None else timeout_ms / 1000,
        reporter=reporter,
    )
