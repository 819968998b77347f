"""HTTP/1.1 to one daemon over kept connections. Knows requests and replies, not what they mean."""

from __future__ import annotations

import collections
import http.client
import os
import select
import socket
import struct
import time

from .address import (
    CONNECT_TIMEOUT_S,
    Address,
    not_answered,
    not_connected,
    not_sent,
    too_late,
)
from .exchange import Reply, Request
from .forks import forget_in_children, replace_by_nothing

LIMIT_MAX_S = 24 * 86_400.0  # a socket's timeout is at most 2^31 ms
IDLE_MAX = 64  # connections kept for the next request; one thread at a time uses each


class NotSent(Exception):
    """The server cannot have got the whole request, so that it has not begun to act on it."""


def is_quiet(fd: int) -> bool:
    """Whether a connection can be used once more. What is to be read from one that idles is its
    end, or garbage."""
    poll = select.poll()  # select.select() fails for descriptors above 1023
    poll.register(fd, select.POLLIN)
    return not poll.poll(0)


class _Connection(http.client.HTTPConnection):  # it sets TCP_NODELAY itself
    def __init__(self, address: Address) -> None:
        super().__init__(address.host, address.port or None, timeout=CONNECT_TIMEOUT_S)
        self._path = address.path
        self.pid = os.getpid()  # a forked child must not write into its parent's connections

    def connect(self) -> None:
        if self._path is None:
            super().connect()
        else:
            self.sock = connect_unix(self._path)
        forget_in_children(self)

    def forget(self) -> None:
        """For a forked child: see forks.py. It has no thread that could be using this."""
        if self.sock is not None:
            replace_by_nothing(self.sock.fileno())

    def is_reusable(self) -> bool:
        return self.pid == os.getpid() and self.sock is not None and is_quiet(self.sock.fileno())


def connect_unix(path: str) -> socket.socket:
    """Connects within CONNECT_TIMEOUT_S, or raises OSError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # With a timeout of Python's the socket does not block, and where the listener's backlog is
        # full, connect() then fails at once and poll() never tells of room (unix(7), EAGAIN).
        limit = struct.pack("ll", int(CONNECT_TIMEOUT_S), 0)  # a struct timeval
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        sock.connect(path)
    except BlockingIOError as error:
        sock.close()
        raise socket.timeout("timed out") from error
    except BaseException:
        sock.close()
        raise
    return sock


class Transport:
    """Thread-safe without a lock (the operations of a deque are atomic), so that a fork at any
    moment leaves no lock taken in the child."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._idle: collections.deque[_Connection] = collections.deque()

    def exchange(self, request: Request) -> Reply:
        """Sends a request and waits for the reply, at most its limit after the connection is made.

        A connection that the server closed while it was idle is replaced; a request that may have
        reached the server is never sent twice. Raises Unavailable (reasons "connection_refused",
        "connection_failed", "connection_lost"), PermissionDenied and Timeout.
        """
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._attempt(connection, request)
            except NotSent:
                pass  # it was closed between the check and the sending; a new one will do
        try:
            return self._attempt(self._connect(), request)
        except NotSent as error:
            raise not_sent(self.address, error.__cause__) from error.__cause__

    def close(self) -> None:
        """Closes the idle connections. Later requests open new ones."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                return  # another thread took the last one

    def _take_idle(self) -> _Connection | None:
        while True:
            try:
                connection = self._idle.pop()  # the latest: the others may grow old and be closed
            except IndexError:
                return None
            if connection.is_reusable():
                return connection
            connection.close()  # closes the descriptor only, which does not concern a parent

    def _connect(self) -> _Connection:
        connection = _Connection(self.address)
        try:
            connection.connect()
        except OSError as error:
            raise not_connected(self.address, error) from error
        return connection

    def _attempt(self, connection: _Connection, request: Request) -> Reply:
        is_kept = False
        limit_s = min(request.limit_s, LIMIT_MAX_S)
        try:
            deadline = time.monotonic() + limit_s
            connection.sock.settimeout(limit_s)
            _send(connection, self.address.prefix, request)
            connection.sock.settimeout(max(0.001, deadline - time.monotonic()))
            response = connection.getresponse()
            reply = Reply(response.status, response.headers, response.read())
            is_kept = not response.will_close and len(self._idle) < IDLE_MAX
            return reply
        except socket.timeout as error:
            raise too_late(self.address, limit_s) from error
        except (OSError, http.client.HTTPException) as error:
            raise not_answered(self.address, error) from error
        finally:
            if is_kept:
                self._idle.append(connection)
            else:
                connection.close()


def _send(connection: _Connection, prefix: str, request: Request) -> None:
    try:
        connection.request(request.method, prefix + request.path, request.body, request.headers)
    except socket.timeout:
        raise
    except OSError as error:
        # The server may have refused the request before the end of its body (413, say) and closed
        # the connection: then its answer can be read, and says more than the broken pipe.
        if not _has_answer(connection.sock):
            raise NotSent from error


def _has_answer(sock: socket.socket) -> bool:
    try:
        sock.setblocking(False)
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
