"""HTTP/1.1 to one daemon over kept connections. Knows requests and replies, not what they mean."""

from __future__ import annotations

import collections
import http.client
import os
import select
import socket
import time
import urllib.parse
from typing import NamedTuple

from .errors import InvalidInput, Timeout, Unavailable

CONNECT_TIMEOUT_S = 5.0
LIMIT_MAX_S = 24 * 86_400.0  # a socket's timeout is at most 2^31 ms
IDLE_MAX = 64  # connections kept for the next request; one thread at a time uses each


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class _NotSent(Exception):
    """The server cannot have got the whole request, so that it has not begun to act on it."""


class _Connection(http.client.HTTPConnection):  # it sets TCP_NODELAY itself
    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, timeout=CONNECT_TIMEOUT_S)
        self.pid = os.getpid()  # a forked child must not write into its parent's connections

    def is_reusable(self) -> bool:
        """Idle and open. Whatever can be read from an idle connection is its end, or garbage."""
        if self.pid != os.getpid() or self.sock is None:
            return False
        poll = select.poll()  # select.select() fails for descriptors above 1023
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)


class Transport:
    """Thread-safe without a lock (the operations of a deque are atomic), so that a fork at any
    moment leaves no lock taken in the child."""

    def __init__(self, url: str) -> None:
        """Raises InvalidInput for an address that is not http://HOST[:PORT][/PREFIX]."""
        try:
            parts = urllib.parse.urlsplit(url)
            host, port = parts.hostname, parts.port or 80
        except ValueError as error:
            raise InvalidInput(f"{url!r} is not an address: {error}") from error
        if parts.scheme != "http" or not host or parts.query or parts.fragment:
            raise InvalidInput(f"{url!r} is not an address like http://127.0.0.1:7411")
        self.url = url
        self._host, self._port, self._prefix = host, port, parts.path.rstrip("/")
        self._idle: collections.deque[_Connection] = collections.deque()

    def exchange(
        self, method: str, path: str, headers: dict[str, str], body: bytes, limit_s: float
    ) -> Reply:
        """Sends a request and waits for the reply, at most `limit_s` after the connection is made.

        A connection that the server closed while it was idle is replaced; a request that may have
        reached the server is never sent twice. Raises Unavailable (reasons "connection_refused",
        "connection_failed", "connection_lost") and Timeout.
        """
        request = (method, self._prefix + path, body, headers)
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._attempt(connection, request, limit_s)
            except _NotSent:
                pass  # it was closed between the check and the sending; a new one will do
        try:
            return self._attempt(self._connect(), request, limit_s)
        except _NotSent as error:
            raise Unavailable(
                f"{self.url} closed the connection before the whole request was sent "
                f"({error.__cause__}): it has not run",
                reason="connection_lost",
            ) from error.__cause__

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
        connection = _Connection(self._host, self._port)
        try:
            connection.connect()
        except ConnectionRefusedError as error:
            raise Unavailable(
                f"nothing listens at {self.url}: start the daemon with `windlass serve`, "
                "or set WINDLASS_URL to where it runs",
                reason="connection_refused",
            ) from error
        except OSError as error:
            raise Unavailable(
                f"no connection to {self.url} within {CONNECT_TIMEOUT_S:g} s: {error}",
                reason="connection_failed",
            ) from error
        return connection

    def _attempt(self, connection: _Connection, request: tuple, limit_s: float) -> Reply:
        is_kept = False
        try:
            limit_s = min(limit_s, LIMIT_MAX_S)
            deadline = time.monotonic() + limit_s
            connection.sock.settimeout(limit_s)
            _send(connection, request)
            connection.sock.settimeout(max(0.001, deadline - time.monotonic()))
            response = connection.getresponse()
            reply = Reply(response.status, response.headers, response.read())
            is_kept = not response.will_close and len(self._idle) < IDLE_MAX
            return reply
        except socket.timeout as error:
            raise Timeout(
                f"{self.url} did not answer within {limit_s:g} s; the daemon should have ended the "
                "request before that: see whether it is stuck, or pass a longer timeout"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                f"the connection to {self.url} broke before the answer came ({error}): the request "
                "may or may not have run",
                reason="connection_lost",
            ) from error
        finally:
            if is_kept:
                self._idle.append(connection)
            else:
                connection.close()


def _send(connection: _Connection, request: tuple) -> None:
    try:
        connection.request(*request)
    except socket.timeout:
        raise
    except OSError as error:
        # The server may have refused the request before the end of its body (413, say) and closed
        # the connection: then its answer can be read, and says more than the broken pipe.
        if not _has_answer(connection.sock):
            raise _NotSent from error


def _has_answer(sock: socket.socket) -> bool:
    try:
        sock.setblocking(False)
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
