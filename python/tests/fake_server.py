"""A daemon made of http.server: answers what the test tells it to, and remembers what came."""

from __future__ import annotations

import dataclasses
import http.server
import json
import socket
import socketserver
import threading
from typing import Callable


@dataclasses.dataclass
class Seen:
    """One request as it arrived. `connection` counts from 1 in the order of the connects."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def setup(self) -> None:
        # socketserver would set TCP_NODELAY on a Unix socket, too.
        self.disable_nagle_algorithm = self.request.family != socket.AF_UNIX
        super().setup()
        with self.server.lock:
            self.server.connections += 1
            self.number = self.server.connections

    def finish(self) -> None:
        super().finish()
        self.connection.close()
        self.server.closed.release()

    def _answer(self) -> None:
        if self.server.is_deaf:  # refuses without reading the body
            self.close_connection = True
            self.reply(413, b'{"error":{"type":"invalid_input","message":"too large"}}')
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        seen = Seen(self.command, self.path, dict(self.headers), body, self.number)
        with self.server.lock:
            self.server.seen.append(seen)
        self.server.answer(self, seen)

    do_GET = do_POST = do_DELETE = _answer

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, value: object, status: int = 200, **headers: str) -> None:
        body = json.dumps(value).encode()
        self.reply(status, body, Content_Type="application/json", **headers)

    def log_message(self, *_: object) -> None:
        pass


class FakeServer(http.server.ThreadingHTTPServer):
    """`answer` may be replaced at any time; by default it echoes the body."""

    daemon_threads = True
    request_queue_size = 64  # with the default of 5 some of many connects wait for a second try
    block_on_close = False

    def __init__(self, path: str | None = None) -> None:
        """Listens on any free port, or on the Unix socket `path`."""
        if path is None:
            super().__init__(("127.0.0.1", 0), Handler)
            self.url = f"http://127.0.0.1:{self.server_address[1]}"
        else:
            self.address_family = socket.AF_UNIX
            super().__init__(path, Handler)
            self.url = f"unix:{path}"
        self.lock = threading.Lock()
        self.seen: list[Seen] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)  # released for each connection that ended
        self.is_deaf = False
        self.answer: Callable[[Handler, Seen], None] = self.echo
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()

    @staticmethod
    def echo(handler: Handler, seen: Seen) -> None:
        kind = seen.headers.get("Content-Type", "application/json")
        handler.reply(200, seen.body or b"{}", Content_Type=kind)

    def server_bind(self) -> None:
        # Not that of HTTPServer, which asks for the name of the host.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, *_: object) -> None:
        pass  # a client that went away is what some tests are about

    def close(self) -> None:
        self.shutdown()
        self.server_close()
