"""The worker's end of the socket to the daemon: a `Reader` reads, a thread beats, anyone sends.

Knows frames as such, not what they mean to a model.
"""

from __future__ import annotations

import collections
import os
import queue
import socket
import threading
import time
from typing import Callable, Sequence

from .frames import Frame, Type, encode
from .reader import Reader

RESTING_PACE = 600  # so much more seldom beats a worker that has nothing to do
PARTS_MAX = 1024  # of one sendmsg: IOV_MAX of Linux


class Channel:
    """A stream socket that carries frames.

    `send` writes at once, and blocks while the daemon does not read. `post` never blocks: the frame
    goes to an outbox that the beating thread writes, so that who reads and code under a signal
    handler can use it. Whatever was posted before a `send` is on the wire before it.

    After the end of the channel both do nothing; who reads reports the end once.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.set_inheritable(False)
        sock.setblocking(True)  # the flag belongs to the socket, and the daemon may have set it
        self._socket = sock
        self._reader = Reader(sock)
        self._open = True
        self._write_lock = threading.Lock()  # held for whole frames
        self._outbox: collections.deque[Frame] = collections.deque()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._beat_s: float | None = None
        self._is_resting = False  # as of the last beat, and nothing has come since
        # A forked child of the model must not keep the channel open after this process has died.
        os.register_at_fork(after_in_child=sock.close)

    def start(
        self,
        on_frame: Callable[[Frame], None],
        on_end: Callable[[Exception | None], None],
        is_resting: Callable[[], bool],
    ) -> None:
        """Starts the threads. The first two run in the thread that reads and must not block.

        `on_frame` may raise ProtocolError; `on_end` gets what ended the channel, None for an
        orderly end of the stream. `is_resting`, in the thread that beats, says whether everything
        that was asked is answered; then it beats less, so that a thousand idle workers are no work
        for their daemon.
        """

        def take(frame: Frame) -> None:
            on_frame(frame)
            if self._is_resting:
                self._is_resting = False
                self._wake.put(None)

        def end(error: Exception | None) -> None:
            self._close()
            on_end(error)

        for name, target in (
            ("windlass-read", lambda: self._reader.live(take, end)),
            ("windlass-beat", lambda: self._beat_and_flush(is_resting)),
        ):
            threading.Thread(target=target, name=name, daemon=True).start()

    def configure(self, body_max: int, beat_s: float, *, is_shared: bool) -> None:
        """Sets the limit for bodies, in bytes, and begins to beat. For `on_frame`.

        `is_shared` says whether the main thread will `read`.
        """
        self._reader.body_max = body_max
        self._reader.is_shared = is_shared
        self._beat_s = beat_s
        self._wake.put(None)

    def read(self) -> None:
        """See `Reader.read`."""
        self._reader.read()

    def interrupt(self) -> None:
        """See `Reader.interrupt`."""
        self._reader.interrupt()

    def send(self, *parts: bytes) -> None:
        """Writes everything posted so far, then these whole frames, as `encode` gives them.

        With one call to the kernel where that can be.
        """
        with self._write_lock:
            self._write_locked([*self._take_posted(), *parts] if self._outbox else parts)

    def post(self, frame: Frame) -> None:
        """Leaves a frame without a body to the beating thread."""
        self._outbox.append(frame)
        self._wake.put(None)

    def flush(self) -> None:
        """Writes everything posted so far."""
        with self._write_lock:
            self._write_locked(self._take_posted())

    def _take_posted(self) -> list[bytes]:
        parts: list[bytes] = []
        while self._outbox:
            parts += encode(self._outbox.popleft())
        return parts

    def _write_locked(self, parts: Sequence[bytes]) -> None:
        if not self._open:
            return
        left = sum(map(len, parts))
        try:
            while left:
                sent = self._socket.sendmsg(parts[:PARTS_MAX], (), socket.MSG_NOSIGNAL)
                left -= sent
                if left:
                    parts = _unsent(parts, sent)
        except OSError:
            self._close()

    def _close(self) -> None:
        """Ends both directions, so that who reads sees the end and reports it."""
        self._open = False
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # not connected any more, which is what was wanted

    def _beat_and_flush(self, is_resting: Callable[[], bool]) -> None:
        beat_at: float | None = None  # time.monotonic()
        while self._open:
            try:
                wait_s = None if beat_at is None else max(0.0, beat_at - time.monotonic())
                self._wake.get(timeout=wait_s)
            except queue.Empty:
                pass  # time to beat
            beat_s, now = self._beat_s, time.monotonic()
            if beat_s is None:
                pass  # not yet
            elif beat_at is None or now >= beat_at:
                # Said before it is looked at: a frame that comes meanwhile is seen, or sees this.
                self._is_resting = True
                if not is_resting():
                    self._is_resting = False
                beat_at = now + beat_s * (RESTING_PACE if self._is_resting else 1)
                self._outbox.append(Frame(Type.HEARTBEAT))
            elif not self._is_resting:
                beat_at = min(beat_at, now + beat_s)  # something has come while it rested
            self.flush()


def _unsent(parts: Sequence[bytes], sent: int) -> list[bytes | memoryview]:
    """What is left of the parts after so many bytes."""
    for index, part in enumerate(parts):
        if sent < len(part):
            return [memoryview(part)[sent:], *parts[index + 1 :]]
        sent -= len(part)
    return []
