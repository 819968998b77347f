"""The frames between daemon and worker, as bytes: docs/worker-protocol.md, version 1.

Sans I/O: bytes in, frames out. Knows no socket, no thread and no meaning of a frame.
"""

from __future__ import annotations

import enum
import functools
import json
import struct
from typing import NamedTuple

VERSION = 1
META_MAX = 65_536  # bytes of JSON in a frame
HEADER = struct.Struct("<BBHIIQ")  # type, version, reserved, meta_size, body_size, id
# Made once: json.dumps() with settings makes an encoder for each call, which costs more than the
# encoding of a few names.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class ProtocolError(Exception):
    """A frame breaks the protocol. Nothing after it on the channel can be trusted."""


class Type(enum.IntEnum):
    """The first byte of a frame. Below 64: worker to daemon; above: daemon to worker."""

    HELLO = 1
    LOADED = 2
    STARTED = 3
    RESULT = 4
    CHUNK = 5
    PROGRESS = 6
    HEARTBEAT = 7
    ERROR = 8
    RECALLED = 9
    OFFLOADED = 10
    RESTORED = 11
    MEMORY = 12
    LOG = 13
    SETTINGS = 14
    LOAD = 65
    RUN = 66
    RECALL = 67
    CANCEL = 68
    OFFLOAD = 69
    RESTORE = 70
    STOP = 71


class Frame(NamedTuple):
    """One message. `id` is the request that it is about, 0 where there is none."""

    type: Type
    id: int = 0
    meta: dict = {}  # read only: the default is shared
    body: bytes = b""


_TYPES = {int(type_): type_ for type_ in Type}


def encode(frame: Frame) -> tuple[bytes, ...]:
    """The bytes of a frame: its head and, if it has one, its body, which is not copied.

    Raises ProtocolError for metadata over META_MAX or with a number that JSON does not have.
    """
    meta = meta_bytes(frame.meta) if frame.meta else b""
    if len(meta) > META_MAX:
        raise ProtocolError(f"{frame.type.name}: {len(meta)} bytes of metadata, over {META_MAX}")
    return encode_with(meta, frame.type, frame.id, frame.body)


def encode_with(meta: bytes, type: Type, id: int, body: bytes = b"") -> tuple[bytes, ...]:
    """The same for a frame whose metadata is bytes already, and no more than META_MAX."""
    head = HEADER.pack(type, VERSION, 0, len(meta), len(body), id) + meta
    return (head, body) if body else (head,)


def meta_bytes(value: object) -> bytes:
    """JSON as metadata carries it: compact UTF-8."""
    try:
        text = _ENCODER.encode(value)
    except ValueError as error:
        raise ProtocolError(f"metadata that is no JSON: {error}") from error
    # A lone surrogate (a file name in a message, say) has no UTF-8; strict readers refuse its
    # escape too. "?" keeps the rest readable.
    return text.encode("utf-8", "replace")


class Decoder:
    """Cuts a stream of bytes into frames.

    `feed` takes bytes as they come; `next_frame` gives the frames one by one, so that `body_max`
    (bytes, 0 at first) may change between two frames of the same read. After a ProtocolError the
    decoder is of no use.
    """

    def __init__(self) -> None:
        self.body_max = 0
        self._buffer: bytes | bytearray = b""  # a bytearray if it was put together of pieces
        self._begin = 0  # of the next frame; what lies before it is dropped with the next feed

    def feed(self, data: bytes | memoryview) -> None:
        if self._begin == len(self._buffer):
            self._buffer = bytes(data)  # the usual case, and cheaper to cut
        else:
            rest = self._buffer if isinstance(self._buffer, bytearray) else bytearray(self._buffer)
            del rest[: self._begin]
            rest += data
            self._buffer = rest
        self._begin = 0

    def next_frame(self) -> Frame | None:
        """The next whole frame, or None until more bytes are fed."""
        buffer, begin = self._buffer, self._begin
        meta_begin = begin + HEADER.size
        if len(buffer) < meta_begin:
            return None
        type_, version, reserved, meta_size, body_size, id_ = HEADER.unpack_from(
            buffer, begin
        )
        if version != VERSION:
            raise ProtocolError(f"version {version}; this side speaks {VERSION}")
        if reserved != 0:
            raise ProtocolError(f"reserved field is {reserved}, not 0")
        if meta_size > META_MAX:
            raise ProtocolError(f"{meta_size} bytes of metadata, over {META_MAX}")
        if body_size > self.body_max:
            raise ProtocolError(f"{body_size} bytes of body, over {self.body_max}")
        known_type = _TYPES.get(type_)
        if known_type is None:
            raise ProtocolError(f"unknown frame type {type_}")
        body_begin = meta_begin + meta_size
        end = body_begin + body_size
        if len(buffer) < end:
            return None
        self._begin = end
        if isinstance(buffer, bytes):
            meta, body = buffer[meta_begin:body_begin], buffer[body_begin:end]
        else:
            with memoryview(buffer) as view:  # a slice of a bytearray would be copied twice
                meta, body = bytes(view[meta_begin:body_begin]), bytes(view[body_begin:end])
        return Frame(known_type, id_, _parse_meta(meta), body)


@functools.lru_cache(maxsize=64)  # few differ: of a run's, `timeout_ms` alone, and not by much
def _parse_meta(data: bytes) -> dict:
    if not data:
        return {}
    try:
        meta = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"metadata is no JSON: {error}") from error
    if not isinstance(meta, dict):
        raise ProtocolError(f"metadata is a JSON {type(meta).__name__}, not an object")
    return meta
