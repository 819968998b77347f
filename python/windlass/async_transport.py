"""HTTP/1.1 to one daemon over kept connections, on asyncio streams. As `transport.py`, it knows
requests and replies, not what they mean. Thread: the one of its event loop."""

from __future__ import annotations

import asyncio
import collections
import http.client
import io
import os
import re
import socket

from .address import (
    CONNECT_TIMEOUT_S,
    Address,
    not_answered,
    not_connected,
    not_sent,
    too_late,
)
from .errors import Timeout
from .exchange import Reply, Request
from .forks import forget_in_children, replace_by_nothing
from .transport import LIMIT_MAX_S, NotSent, connect_unix, is_quiet

BUFFER = 1 << 18  # also the longest head of a reply

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r\n")


class AsyncTransport:
    """Belongs to the event loop that uses it first, until that loop is closed or a fork."""

    def __init__(self, address: Address, connections_max: int) -> None:
        self.address = address
        self._connections_max = connections_max
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._idle: list[_Connection] = []
        self._slots = _Slots(connections_max)

    async def exchange(self, request: Request) -> Reply:
        """Sends a request and waits for the reply, at most the request's limit in all. When the
        task is cancelled the connection is closed, by which the daemon knows.

        A connection that the server closed while it was idle is replaced; a request that may have
        reached the server is never sent twice. Raises Unavailable (reasons "connection_refused",
        "connection_failed", "connection_lost"), PermissionDenied and Timeout.
        """
        self._bind()
        loop, slots = asyncio.get_running_loop(), self._slots
        deadline = loop.time() + min(request.limit_s, LIMIT_MAX_S)
        if not await slots.take(deadline):
            raise Timeout(
                f"{request.limit_s:g} s went by and all {self._connections_max} connections to "
                f"{self.address.url} were in use: it has not run; allow more time, or give "
                "AsyncClient a larger connections_max"
            )
        try:
            connection = self._take_idle()
            if connection is not None:
                try:
                    return await self._attempt(connection, request, deadline)
                except NotSent:
                    pass  # it was closed between the check and the sending; a new one will do
            try:
                return await self._attempt(await self._connect(), request, deadline)
            except NotSent as error:
                raise not_sent(self.address, error.__cause__) from error.__cause__
        finally:
            slots.give_back()

    def close(self) -> None:
        """Closes the idle connections. Later requests open new ones."""
        if self._loop is None:
            return
        self._bind()
        while self._idle:
            self._idle.pop().abort()

    def _bind(self) -> None:
        loop, pid = asyncio.get_running_loop(), os.getpid()
        if self._loop is loop and self._pid == pid:
            return
        if self._loop is not None and self._pid == pid and not self._loop.is_closed():
            raise RuntimeError(
                f"this AsyncClient of {self.address.url} belongs to another event loop, which is "
                "still open: make one AsyncClient for each loop"
            )
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.forget()
        self._loop, self._pid, self._slots = loop, pid, _Slots(self._connections_max)

    def _take_idle(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()  # the latest: the others may grow old and be closed
            if connection.is_reusable():
                return connection
            connection.abort()
        return None

    async def _connect(self) -> _Connection:
        try:
            return await _within(CONNECT_TIMEOUT_S, _Connection.open(self.address))
        except OSError as error:
            raise not_connected(self.address, error) from error

    async def _attempt(
        self, connection: _Connection, request: Request, deadline: float
    ) -> Reply:
        is_late, is_kept = False, False

        def give_up() -> None:
            nonlocal is_late
            is_late = True
            connection.abort()

        # A timer that ends the connection, not wait_for(), which before Python 3.12 may swallow
        # the cancellation of its caller.
        timer = asyncio.get_running_loop().call_at(deadline, give_up)
        try:
            connection.send(self.address.prefix, self.address.host, request)
            reply, may_stay = await connection.receive()
            is_kept = may_stay and not is_late
            return reply
        except (OSError, EOFError, asyncio.LimitOverrunError, http.client.HTTPException) as error:
            if is_late:
                raise too_late(self.address, request.limit_s) from error
            raise not_answered(self.address, _spell(error)) from error
        finally:
            timer.cancel()
            if is_kept:
                self._idle.append(connection)
            else:
                connection.abort()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._socket = writer.get_extra_info("socket")
        forget_in_children(self)

    @classmethod
    async def open(cls, address: Address) -> _Connection:
        if address.path is None:  # asyncio sets TCP_NODELAY itself
            streams = await asyncio.open_connection(address.host, address.port, limit=BUFFER)
        else:
            sock = await _connect_unix(address.path)
            streams = await asyncio.open_unix_connection(sock=sock, limit=BUFFER)
        return cls(*streams)

    def send(self, prefix: str, host: str, request: Request) -> None:
        """Hands the request over; its end may still wait for room. Raises NotSent if the server
        cannot have all of it."""
        host = f"[{host}]" if ":" in host else host
        lines = [f"{request.method} {prefix}{request.path} HTTP/1.1", f"Host: {host}"]
        if request.method != "GET":
            lines.append(f"Content-Length: {len(request.body)}")
        lines += [f"{name}: {text}" for name, text in request.headers.items()]
        head = "\r\n".join(lines + ["", ""]).encode("ascii")
        self._writer.write(head)
        if request.body:
            self._writer.write(request.body)
        # What a write cannot hand to the kernel because the connection is broken closes the
        # transport at once. The answer is not waited for by drain(): a server that refuses a large
        # body answers and closes before it has taken all of it.
        if self._writer.transport.is_closing():
            raise NotSent from ConnectionResetError("the connection was closed")

    async def receive(self) -> tuple[Reply, bool]:
        """The reply, and whether the connection can be used again."""
        status, version = 100, 1
        while 100 <= status < 200:
            head = await self._reader.readuntil(b"\r\n\r\n")
            line = _STATUS.match(head)
            if line is None:
                raise http.client.BadStatusLine(repr(head[:80]))
            version, status = int(line[1]), int(line[2])
        headers = http.client.parse_headers(io.BytesIO(head[line.end() :]))
        may_stay = version == 1 and "close" not in headers.get("Connection", "").lower()
        size = headers.get("Content-Length")
        if "chunked" in headers.get("Transfer-Encoding", "").lower():
            body = await self._receive_chunks()
        elif status in (204, 304):
            body = b""
        elif size is not None:
            body = await self._reader.readexactly(_number(size, 10))
        else:
            body, may_stay = await self._reader.read(), False
        return Reply(status, headers, body), may_stay

    async def _receive_chunks(self) -> bytes:
        pieces = []
        while True:
            line = await self._reader.readuntil(b"\r\n")
            size = _number(line.partition(b";")[0].decode("latin-1").strip(), 16)
            if size == 0:
                break
            pieces.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            pass  # trailers
        return b"".join(pieces)

    def is_reusable(self) -> bool:
        is_open = not self._writer.transport.is_closing() and not self._reader.at_eof()
        return is_open and is_quiet(self._socket.fileno())

    def abort(self) -> None:
        self._writer.transport.abort()

    def forget(self) -> None:
        """Lets go of a connection of a loop that is closed or, after a fork, the parent's. Its
        transport must not be touched: a parent and its child share the selector of the loop."""
        replace_by_nothing(self._socket.fileno())


class _Slots:
    """At most so many connections at once; who waits gets one in the order of arrival. (The
    Semaphore of Python 3.9 can lose one when a task is cancelled.)"""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: collections.deque[asyncio.Future] = collections.deque()

    async def take(self, deadline: float) -> bool:
        """Whether there was one before the deadline."""
        if self._free > 0:
            self._free -= 1
            return True
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        timer = loop.call_at(deadline, lambda: turn.done() or turn.set_result(False))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.give_back()  # it was handed over at the same moment
            raise
        finally:
            timer.cancel()

    def give_back(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self._free += 1


async def _connect_unix(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.connect(path)
        return sock
    except BlockingIOError:
        # The listener's backlog is full, and no event tells of room (unix(7), EAGAIN); asyncio's
        # sock_connect() would take the socket for connected. A thread can wait for room.
        sock.close()
    except BaseException:
        sock.close()
        raise
    sock = await asyncio.get_running_loop().run_in_executor(None, connect_unix, path)
    sock.setblocking(False)
    return sock


async def _within(seconds: float, opening) -> _Connection:
    """Opens a connection or raises OSError at the end of the time. Unlike wait_for() of Python
    before 3.12 it neither swallows a cancellation nor loses a connection that came with one."""
    task = asyncio.ensure_future(opening)
    is_taken = False
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise socket.timeout("timed out")
        is_taken = True
        return task.result()
    finally:
        if not is_taken:
            task.cancel()
            task.add_done_callback(_discard)


def _discard(task: asyncio.Task) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().abort()


def _number(text: str, base: int) -> int:
    if not re.fullmatch("[0-9]+" if base == 10 else "[0-9A-Fa-f]+", text):
        raise http.client.HTTPException(f"{text[:40]!r} is not a length")
    return int(text, base)


def _spell(error: Exception) -> Exception | str:
    if isinstance(error, asyncio.IncompleteReadError):
        return "the connection was closed"
    return error
