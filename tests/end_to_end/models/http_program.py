"""A program that serves HTTP and knows nothing of Windlass: what `command` with `ready` is for.

    http_program.py PORT|PATH-OF-A-SOCKET [FOLDER]

What a request does stands in its path. Files in FOLDER are how a test holds it up.
"""

import http.server
import json
import os
import pathlib
import signal
import socket
import socketserver
import sys
import time

FOLDER = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ".")


def wait_for(name):
    while not (FOLDER / name).exists():
        time.sleep(0.005)  # lint: sleep is the subject


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, text):
        sys.stdout.write(text + "\n")  # print() would write the end of the line apart
        sys.stdout.flush()

    def reply(self, body, status=200, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def piece(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def pieces(self):
        """The request's body as it comes, chunk by chunk."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            left = int(self.headers.get("Content-Length", "0"))
            while left > 0:
                data = self.rfile.read1(min(left, 1 << 16))
                left -= len(data)
                yield data
            return
        while True:
            size = int(self.rfile.readline(), 16)
            data = self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return
            yield data

    def handle_any(self):
        name = self.path.partition("?")[0].strip("/").partition("/")[0] or "root"
        getattr(self, "on_" + name)()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

    def on_health(self):
        self.reply(b"", 204 if (FOLDER / "ready").exists() or len(sys.argv) < 3 else 503)

    def on_root(self):
        told = {
            "method": self.command,
            "path": self.path,
            "fields": [[name.lower(), value] for name, value in self.headers.items()],
            "body": b"".join(self.pieces()).decode(),
            "pid": os.getpid(),
        }
        self.reply(json.dumps(told).encode(), Content_Type="application/json", X_Mine="1")

    on_any = on_root

    def on_teapot(self):
        self.reply(b"short and stout", 418, Content_Type="text/plain", Connection="close, X-Mine")

    def on_echo(self):
        """Each piece comes back as soon as it is there."""
        self.begin()
        for data in self.pieces():
            self.piece(data)
        self.piece(b"")

    def on_drip(self):
        self.begin()
        self.piece(b"one\n")
        wait_for("go")
        self.piece(b"two\n")
        self.piece(b"")

    def on_hold(self):
        """Answers nothing until it may."""
        self.say("holding")
        wait_for("go")
        self.reply(b"held\n")

    def on_ticks(self):
        """For ever, until nobody listens."""
        self.begin()
        try:
            while True:
                self.piece(b"tick\n")
                time.sleep(0.01)  # lint: sleep is the subject
        except OSError:
            self.say("the listener left")

    def on_flood(self):
        self.begin()
        for _ in range(int(self.path.rpartition("/")[2])):
            self.piece(b"x" * (1 << 16))
        self.piece(b"")

    def on_swallow(self):
        size = sum(len(data) for data in self.pieces())
        self.reply(b"%d" % size)

    def on_late(self):
        """Reads nothing of its body until it may."""
        self.say("not reading")
        wait_for("go")
        self.on_swallow()

    def on_crash(self):
        self.begin()
        self.piece(b"last words\n")
        os.kill(os.getpid(), signal.SIGSEGV)

    def on_die(self):
        self.begin()
        self.piece(b"last words\n")
        os._exit(3)

    def on_cut(self):
        self.say("cutting")
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def on_sleep(self):
        self.say("slept " + self.path)
        self.reply(b"", 500 if (FOLDER / "sleepless").exists() else 200)

    def on_wake_up(self):
        self.say("woke up")
        self.reply(b"")


class TcpServer(http.server.ThreadingHTTPServer):
    pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self):
        request, _ = super().get_request()
        return request, ("local", 0)


if __name__ == "__main__":
    where = sys.argv[1]
    if where.startswith("/"):
        server = UnixServer(where, Handler)
    else:
        server = TcpServer(("127.0.0.1", int(where)), Handler)
    server.serve_forever()
