"""An HTTP/1.1 connection whose every byte the test decides."""

import http.client
import json
import socket
from typing import NamedTuple

from times import REPLY_S


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error that the body must be."""
        assert self.status >= 400, self
        assert self.headers["Content-Type"] == "application/json", self
        return self.json()["error"]


class Wire:
    """One connection. Closing it while a request runs is a client that vanishes."""

    def __init__(self, where):
        """`where`: a port of this machine, or the path of a Unix socket."""
        if isinstance(where, int):
            self._socket = socket.create_connection(("127.0.0.1", where), REPLY_S)
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(REPLY_S)
            self._socket.connect(where)
        self._stream = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._stream.close()
        self._socket.close()

    def finish_sending(self):
        """Closes the sending side only."""
        self._socket.shutdown(socket.SHUT_WR)

    def set_option(self, level, name, value):
        self._socket.setsockopt(level, name, value)

    def send(self, data):
        self._socket.sendall(data)

    def request(self, method, path, body=b"", headers=None):
        """Sends a request with Host and Content-Length; a header of None is left out."""
        fields = {"Host": "localhost", "Content-Length": str(len(body)), **(headers or {})}
        lines = ["%s: %s" % (name, text) for name, text in fields.items() if text is not None]
        head = "\r\n".join(["%s %s HTTP/1.1" % (method, path)] + lines + ["", ""])
        self.send(head.encode("latin-1") + body)

    def reply_head(self):
        """Status and header fields of the next reply; its body is still to come."""
        line = self._stream.readline()
        assert line.startswith(b"HTTP/1.1 "), "instead of a reply: %r" % line
        return int(line.split()[1]), http.client.parse_headers(self._stream)

    def reply(self):
        """The next reply, whole."""
        status, headers = self.reply_head()
        size = int(headers.get("Content-Length", "0"))
        return Reply(status, headers, self._stream.read(size))

    def is_silent(self, seconds):
        """Whether nothing arrives for so long, after all that came was read."""
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
            return False
        except socket.timeout:
            return True
        finally:
            self._socket.settimeout(REPLY_S)

    def is_at_end(self):
        """Waits until the daemon closed its side; False if it sent something instead."""
        try:
            return self._stream.read(1) == b""
        except ConnectionError:
            return True
