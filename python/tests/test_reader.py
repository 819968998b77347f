"""Two threads that take turns at reading one channel."""

from __future__ import annotations

import pathlib
import socket
import threading
import time

import pytest
from conftest import DEADLINE_S

from windlass.frames import Frame, Type, encode
from windlass.reader import LOOK_MS, Reader

QUIET_S = 0.3  # more than the reading thread looks at a main thread that only waits


class Pair:
    """A reader whose main thread is the test's, and the daemon's end of its socket."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        self.reader = Reader(theirs)
        self.ids: list[int] = []
        self.readers: list[threading.Thread] = []
        self.ends: list[Exception | None] = []
        self.arrived = threading.Semaphore(0)
        self.thread = threading.Thread(
            target=self.reader.live, args=(self._on_frame, self._on_end), daemon=True
        )
        self.thread.start()

    def _on_frame(self, frame: Frame) -> None:
        self.ids.append(frame.id)
        self.readers.append(threading.current_thread())
        self.arrived.release()

    def _on_end(self, error: Exception | None) -> None:
        self.ends.append(error)
        self.arrived.release()

    def send(self, id: int) -> None:
        self.socket.sendall(b"".join(encode(Frame(Type.CANCEL, id))))

    def read_until(self, count: int) -> None:
        while len(self.ids) < count:
            self.reader.read()


@pytest.fixture
def pair():
    pair = Pair()
    yield pair
    pair.socket.close()
    pair.reader.read()
    pair.thread.join(DEADLINE_S)
    assert not pair.thread.is_alive() and len(pair.ends) == 1


def test_the_reading_thread_reads_until_the_main_thread_does(pair):
    pair.send(1)
    assert pair.arrived.acquire(timeout=DEADLINE_S)
    threading.Timer(0.05, pair.send, (2,)).start()
    pair.read_until(2)
    assert pair.readers == [pair.thread, threading.current_thread()]


def test_the_reading_thread_reads_while_the_main_thread_is_busy(pair):
    for id in (1, 4, 7):
        threading.Timer(QUIET_S, pair.send, (id,)).start()  # until then the other one falls asleep
        pair.read_until(id)
        pair.arrived.acquire()
        for busy_id in (id + 1, id + 2):
            pair.send(busy_id)
            assert pair.arrived.acquire(timeout=DEADLINE_S)
        assert pair.readers[-2:] == [pair.thread] * 2
    assert pair.ids == list(range(1, 10))


def test_nothing_is_lost_or_doubled_while_they_take_turns(pair):
    count = 3000

    def send_all() -> None:
        for id in range(count):
            pair.send(id)
            if id % 50 == 0:
                time.sleep(id % 7 * LOOK_MS / 2000)  # lint: sleep is the subject (uneven arrivals)

    sender = threading.Thread(target=send_all)
    sender.start()
    while len(pair.ids) < count:
        pair.reader.read()
        if len(pair.ids) % 3 == 0:
            time.sleep(LOOK_MS * 2.5 / 1000)  # lint: sleep is the subject (a run)
    sender.join()
    assert pair.ids == list(range(count))
    assert set(pair.readers) == {pair.thread, threading.current_thread()}


def test_an_interrupted_wait_is_over_for_ever(pair):
    pair.reader.interrupt()
    for _ in range(3):
        pair.reader.read()
    assert pair.ids == []


def test_an_idle_worker_sleeps_but_for_its_heartbeat(start):
    daemon = start("Echo")
    daemon.load(heartbeat_ms=3_600_000)
    daemon.run(1)
    daemon.expect(Type.STARTED, 1)
    daemon.expect(Type.RESULT, 1)
    assert_sleeps(daemon.process.pid)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_worker_that_waits_for_its_last_run_sleeps(start, concurrency):
    daemon = start("Gate")
    daemon.load(heartbeat_ms=3_600_000, concurrency=concurrency)
    daemon.run(1)
    daemon.expect(Type.STARTED, 1)
    daemon.send(Type.STOP)
    for id in (2, 3):
        daemon.run(id)  # is read, and reading goes on
        daemon.expect(Type.RECALLED, id)
    assert_sleeps(daemon.process.pid)
    daemon.open_gate()
    daemon.expect(Type.RESULT, 1)
    assert daemon.receive() is None
    assert daemon.end() == 0


def assert_sleeps(pid: int) -> None:
    """Counted in wake-ups of its threads; the first of the windows has the end of what was."""
    deadline = time.monotonic() + DEADLINE_S
    before = switches(pid)
    while time.monotonic() < deadline:
        time.sleep(QUIET_S)  # lint: sleep is the subject
        after = switches(pid)
        if after == before:
            return
        before = after
    raise AssertionError(f"an idle worker goes on to wake up: {before}")


def switches(pid: int) -> list[str]:
    """How often each thread of a process went to sleep."""
    found = []
    for path in sorted(pathlib.Path(f"/proc/{pid}/task").glob("*/status")):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended since it was listed, as an idle thread of a pool does after `stop`
        found += [
            line for line in text.splitlines() if line.startswith("voluntary_ctxt_switches")
        ]
    return found
