"""Who reads the channel: a thread for it, or the main thread itself while it has nothing to run.

To hand a run from one thread to another takes two wake-ups and the interpreter lock twice, which is
more than many a run. So the main thread, where it alone runs the model, reads as well. While it is
busy, the reading thread looks every LOOK_MS whether it has come back, and else reads in its place
until it does: cancel, recall, stop and the end of the channel are seen in the midst of any run.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from typing import Callable

from .frames import Decoder, Frame

READ_SIZE = 256 * 1024  # bytes; above the default buffer of a Unix socket (208 KiB, Linux 6.1)
LOOK_MS = 5  # the main thread may be away twice as long until somebody reads in its place
LOOKS_MAX = 10  # at a main thread that only waits; then the reading thread sleeps until it is rung
AT_ONCE = struct.pack("ll", 0, 1)  # struct timeval: a microsecond, because 0 would mean for ever
# A signal that comes in the instant before the main thread begins to wait does not end the wait:
# its handler is called that late at most. Well below the default `term_grace` of 10 s.
AT_LEAST_EVERY = struct.pack("ll", 5, 0)


class Reader:
    """Reads frames in one thread at a time: the one that has the role, the reading thread at first.

    body_max    of a frame, in bytes; 0 at first
    is_shared   the main thread reads too, or may come to
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, AT_LEAST_EVERY)
        self._decoder = Decoder()
        self.is_shared = True
        self._buffer = memoryview(bytearray(READ_SIZE))  # one for all: new ones cost page faults
        self._role = threading.Lock()  # held by the thread that reads
        self._role.acquire()  # for the reading thread
        self._is_over = False
        self._is_interrupted = False
        self._is_wanted = False  # the main thread waits for the role
        self._visits = 0  # how often the main thread has read
        self._is_asleep = False  # the reading thread, until it is rung
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._rope, False)
        self._poll = select.poll()
        self._poll.register(self._bell, select.POLLIN)

    @property
    def body_max(self) -> int:
        return self._decoder.body_max

    @body_max.setter
    def body_max(self, size: int) -> None:
        self._decoder.body_max = size

    # In the main thread.

    def read(self) -> None:
        """Waits until something has come, and delivers it; `interrupt` ends the wait.

        May return early, with or without something delivered.
        """
        if not self._role.acquire(blocking=False):
            self._is_wanted = True
            self._ring()
            self._role.acquire()
            self._is_wanted = False
            self._role.release()
            return  # the reading thread may have delivered something just before
        if not self._is_over:
            self._receive(0)
        self._role.release()
        self._visits += 1  # before the look at `_is_asleep`: see `_sleep`
        if self._is_asleep:
            self._ring()

    def interrupt(self) -> None:
        """Ends the waiting in `read`, now and for ever. For the main thread's signal handlers.

        A system call that a signal cut short begins anew, now with a time limit.
        """
        self._is_interrupted = True
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, AT_ONCE)

    def _ring(self) -> None:
        try:
            os.write(self._rope, b".")
        except BlockingIOError:
            return  # the bell rings already

    # In the reading thread.

    def live(
        self, on_frame: Callable[[Frame], None], on_end: Callable[[Exception | None], None]
    ) -> None:
        """The reading thread's life. The callbacks are those of `Channel.start`."""
        self._on_frame, self._on_end = on_frame, on_end
        while True:
            self._read_until_wanted()
            self._role.release()
            while not self._is_over:
                self._wait_until_away()
                if self._role.acquire(blocking=False):
                    break
            if self._is_over:
                return

    def _read_until_wanted(self) -> None:
        self._poll.register(self._socket, select.POLLIN)
        while not self._is_wanted and not self._is_over:
            if not self.is_shared and not self._is_interrupted:
                self._receive(0)  # one call instead of two
            elif self._socket.fileno() in self._wait(None):
                self._receive(socket.MSG_DONTWAIT)
        self._poll.unregister(self._socket)

    def _wait_until_away(self) -> None:
        """Returns when the main thread has been busy from one look to the next."""
        visits, looks = -1, 0
        while not self._is_over:
            if visits != self._visits:
                visits, looks = self._visits, 0
            elif not self._role.locked():
                return
            elif looks >= LOOKS_MAX:
                self._sleep(visits)
            looks += 1
            self._wait(LOOK_MS)

    def _sleep(self, visits: int) -> None:
        """Waits for the end of the read that the main thread is in."""
        self._is_asleep = True  # before the look at `_visits`: one of the two sees the other
        if visits == self._visits:
            self._wait(None)
        self._is_asleep = False

    def _wait(self, limit_ms: int | None) -> list[int]:
        """Waits for what is registered; the descriptors that are ready."""
        ready = [descriptor for descriptor, _ in self._poll.poll(limit_ms)]
        if self._bell in ready:
            os.read(self._bell, 64)
        return ready

    # In the thread that has the role.

    def _receive(self, flags: int) -> None:
        """Reads once and delivers the frames; or else the end, once."""
        end: Exception | None = None
        try:
            size = self._socket.recv_into(self._buffer, 0, flags)
            if size:
                self._decoder.feed(self._buffer[:size])
                while (frame := self._decoder.next_frame()) is not None:
                    self._on_frame(frame)
                return
        except BlockingIOError:
            return
        except ConnectionError:
            pass  # the daemon died with bytes of ours unread: an end like any other
        except Exception as error:
            end = error
        self._is_over = True
        self._on_end(end)
