"""The worker's end of the socket to the daemon: one thread reads, one beats, anyone sends.

Knows frames as such, not what they mean to a model.
"""

from __future__ import annotations

import collections
import os
import queue
import socket
import threading
import time
from typing import Callable

from .frames import Decoder, Frame, Type, encode

READ_SIZE = 256 * 1024  # bytes; above the default buffer of a Unix socket (208 KiB, Linux 6.1)


class Channel:
    """A stream socket that carries frames.

    `send` writes at once, and blocks while the daemon does not read. `post` never blocks: the frame
    goes to an outbox that the beating thread writes, so that the reading thread and code under a
    signal handler can use it. Whatever was posted before a `send` is on the wire before it.

    After the end of the channel both do nothing; the reading thread reports the end once.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.set_inheritable(False)
        sock.setblocking(True)  # the flag belongs to the socket, and the daemon may have set it
        self._socket = sock
        self._decoder = Decoder()
        self._open = True
        self._write_lock = threading.Lock()  # held for whole frames
        self._outbox: collections.deque[Frame] = collections.deque()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._beat_s: float | None = None
        # A forked child of the model must not keep the channel open after this process has died.
        os.register_at_fork(after_in_child=sock.close)

    def start(
        self, on_frame: Callable[[Frame], None], on_end: Callable[[Exception | None], None]
    ) -> None:
        """Starts the threads. Both callbacks run in the reading thread and must not block.

        `on_frame` may raise ProtocolError; `on_end` gets what ended the channel, None for an
        orderly end of the stream.
        """
        for name, target in (
            ("windlass-read", lambda: self._read_all(on_frame, on_end)),
            ("windlass-beat", self._beat_and_flush),
        ):
            threading.Thread(target=target, name=name, daemon=True).start()

    def configure(self, body_max: int, beat_s: float) -> None:
        """Sets the limit for bodies, in bytes, and begins to beat. For `on_frame`."""
        self._decoder.body_max = body_max
        self._beat_s = beat_s
        self._wake.put(None)

    def send(self, frame: Frame) -> None:
        """Writes everything posted so far, then this frame."""
        parts = encode(frame)
        with self._write_lock:
            self._flush_locked()
            self._write_locked(parts)

    def post(self, frame: Frame) -> None:
        """Leaves a frame without a body to the beating thread."""
        self._outbox.append(frame)
        self._wake.put(None)

    def flush(self) -> None:
        """Writes everything posted so far."""
        with self._write_lock:
            self._flush_locked()

    def _flush_locked(self) -> None:
        while self._outbox:
            self._write_locked(encode(self._outbox.popleft()))

    def _write_locked(self, parts: tuple[bytes, bytes]) -> None:
        if not self._open:
            return
        views = [memoryview(part) for part in parts if part]
        try:
            while views:
                sent = self._socket.sendmsg(views, [], socket.MSG_NOSIGNAL)
                while views and sent >= len(views[0]):
                    sent -= len(views.pop(0))
                if views:
                    views[0] = views[0][sent:]
        except OSError:
            self._close()

    def _close(self) -> None:
        """Ends both directions, so that the reading thread sees the end and reports it."""
        self._open = False
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # not connected any more, which is what was wanted

    def _read_all(self, on_frame, on_end) -> None:
        end: Exception | None = None
        try:
            while data := self._socket.recv(READ_SIZE):
                self._decoder.feed(data)
                while (frame := self._decoder.next_frame()) is not None:
                    on_frame(frame)
        except ConnectionError:
            pass  # the daemon died with bytes of ours unread: an end like any other
        except Exception as error:
            end = error
        self._close()
        on_end(end)

    def _beat_and_flush(self) -> None:
        beat_at: float | None = None  # time.monotonic()
        while self._open:
            try:
                wait_s = None if beat_at is None else max(0.0, beat_at - time.monotonic())
                self._wake.get(timeout=wait_s)
            except queue.Empty:
                pass  # time to beat
            if self._beat_s is not None and (beat_at is None or time.monotonic() >= beat_at):
                beat_at = time.monotonic() + self._beat_s
                self._outbox.append(Frame(Type.HEARTBEAT))
            self.flush()
