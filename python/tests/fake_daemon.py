"""A daemon made of one socket: starts a real worker process and speaks frames with it."""

from __future__ import annotations

import os
import pathlib
import select
import signal
import socket
import subprocess
import time

from windlass.frames import Decoder, Frame, Type, encode

TESTS = pathlib.Path(__file__).parent
TIME_FACTOR = float(os.environ.get("WINDLASS_TIME_FACTOR", "1"))
DEADLINE_S = 10 * TIME_FACTOR  # for anything that happens at once on a quiet machine
BODY_MAX = 1 << 20

QUIET = (Type.HEARTBEAT,)  # frames that come at any time


class FakeDaemon:
    """One worker and the daemon's end of its channel. Every wait has a deadline."""

    answer_s = DEADLINE_S  # for its next frame

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.socket, theirs = socket.socketpair()
        gate_end, self._gate = os.pipe()
        self._decoder = Decoder()
        self._decoder.body_max = 1 << 26
        with theirs:
            self.process = subprocess.Popen(
                command,
                env={
                    **child_env(),
                    "WINDLASS_CHANNEL": str(theirs.fileno()),
                    "TEST_GATE": str(gate_end),
                    **env,
                },
                pass_fds=[theirs.fileno(), gate_end],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        os.close(gate_end)
        self._printed = b""

    def send(self, type: Type, id: int = 0, meta: dict | None = None, body: bytes = b"") -> None:
        self.socket.settimeout(DEADLINE_S)
        self.socket.sendall(b"".join(encode(Frame(type, id, meta or {}, body))))

    def send_bytes(self, data: bytes) -> None:
        """What is no frame."""
        self.socket.settimeout(DEADLINE_S)
        self.socket.sendall(data)

    def receive(self, *, skip: tuple[Type, ...] = QUIET) -> Frame | None:
        """The next frame of a type not in `skip`; None at the end of the channel."""
        deadline = time.monotonic() + self.answer_s
        while True:
            frame = self._decoder.next_frame()
            if frame is None:
                self.socket.settimeout(max(0.001, deadline - time.monotonic()))
                data = self.socket.recv(1 << 18)
                if not data:
                    return None
                self._decoder.feed(data)
            elif frame.type not in skip:
                return frame

    def expect(self, type: Type, id: int = 0, *, skip: tuple[Type, ...] = QUIET) -> Frame:
        frame = self.receive(skip=skip)
        assert frame is not None, f"channel ended, {type.name} expected; {self.errors()}"
        assert (frame.type, frame.id) == (type, id), frame
        return frame

    def load(self, **meta) -> None:
        self.expect(Type.HELLO)
        self.send_load(**meta)
        self.expect(Type.LOADED)

    def send_load(self, **meta) -> None:
        default = {
            "model": "test",
            "device": "cpu",
            "concurrency": 1,
            "body_max": BODY_MAX,
            "heartbeat_ms": 1000,
        }
        self.send(Type.LOAD, meta={**default, **meta})

    def run(self, id: int, body: bytes = b"null", **meta) -> None:
        self.send(Type.RUN, id, {"content_type": "application/json", **meta}, body)

    def open_gate(self, count: int = 1) -> None:
        """Lets `count` calls of `pass_gate` in the worker return."""
        os.write(self._gate, b"." * count)

    def remove_gate(self) -> None:
        """Lets all calls of `pass_gate` return, for ever."""
        os.close(self._gate)
        self._gate = -1

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def line(self) -> str:
        """The next line that the model prints."""
        deadline = time.monotonic() + DEADLINE_S
        stdout = self.process.stdout.fileno()
        while b"\n" not in self._printed:
            ready, _, _ = select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(stdout, 4096) if ready else b""
            assert data, f"no line came; {self._printed!r}"
            self._printed += data
        line, self._printed = self._printed.split(b"\n", 1)
        return line.decode()

    def wait_for(self, text: str) -> None:
        """Takes lines until one begins with `text`."""
        while not self.line().startswith(text):
            pass

    def end(self, deadline_s: float = DEADLINE_S) -> int:
        """Waits for the process to end; its exit status."""
        return self.process.wait(deadline_s)

    def logged_to_the_end(self) -> list[dict]:
        """What its log frames say; no others come any more."""
        metas = []
        while (frame := self.receive()) is not None:
            assert frame.type is Type.LOG, frame
            metas.append(frame.meta)
        return metas

    def stop(self) -> int:
        self.send(Type.STOP)
        self.logged = self.logged_to_the_end()
        return self.end()

    def lines(self) -> list[str]:
        """What the model printed and `line` did not take; after the end."""
        return (self._printed + self.process.stdout.read()).decode().splitlines()

    def errors(self) -> str:
        """Its stderr, after the end."""
        return self.process.stderr.read().decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        self.process.stderr.close()
        self.socket.close()
        if self._gate >= 0:
            self.remove_gate()


def child_env() -> dict[str, str]:
    """The environment for a Python that finds the package and the models of the tests."""
    paths = [str(TESTS.parent), str(TESTS)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("WINDLASS_")}
    return {**clean, "PYTHONPATH": os.pathsep.join(paths)}
