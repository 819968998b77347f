"""Pipes and channels that are full: what a worker prints or answers faster than the daemon reads.
That the daemon's own log may be full is in test_log.py, a worker that does not read its channel in
test_worker_faults.py."""

import array
import fcntl
import os
import signal
import termios

import pytest
from processes import is_sanitized, resident_bytes
from support import AT_ONCE_S, Gate, eventually, probe


def unread_bytes(pid, descriptor):
    """What waits in a pipe that the process writes to."""
    pipe = os.open("/proc/%d/fd/%d" % (pid, descriptor), os.O_RDONLY | os.O_NONBLOCK)
    try:
        count = array.array("i", [0])
        fcntl.ioctl(pipe, termios.FIONREAD, count)
        return count[0]
    finally:
        os.close(pipe)


@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_worker_that_prints_for_ever_slows_nobody(daemon, gate, descriptor):
    served = daemon(probe() + probe("other"))
    other = served.ask("other").json()["pid"]
    served.ask("probe")
    before = resident_bytes(served.pid)
    flood = {"do": "flood", "gate": gate.path, "descriptor": descriptor}
    with served.begin("probe", flood) as wire:
        served.said("x" * 1000)
        for number in range(30):
            reply = served.ask("other", {"value": number}, timeout="%gs" % AT_ONCE_S)
            assert reply.json() == {"value": number, "pid": other}
        served.log.wait_for("worker.output", count=1_000, line="x" * 1000)
        grown = resident_bytes(served.pid) - before
        gate.open()
        printed = wire.reply().json()
    if not is_sanitized(served.pid):
        assert grown < 32 << 20, "%d bytes more, of %d printed" % (grown, printed)


def test_a_daemon_that_stands_still_loses_nothing_of_a_worker(daemon, tmp_path):
    """Lines and answer are more than pipe and channel hold; the worker waits, and goes on."""
    served = daemon(probe(concurrency=2))
    gates = [Gate(tmp_path / name) for name in ("pipe", "channel")]
    talk = {"do": "talk", "gate": gates[0].path, "lines": 12_000}
    with served.begin("probe", talk) as wire, served.begin(
        "probe", {"do": "answer_much", "gate": gates[1].path, "size": 8 << 20}
    ) as much:
        served.said("talking")
        served.said("answering")
        pid = served.model()["worker_pid"]
        served.signal(signal.SIGSTOP)
        try:
            for gate in gates:
                gate.open()
            eventually(lambda: unread_bytes(pid, 1) >= 60_000, "the pipe is full")
        finally:
            served.signal(signal.SIGCONT)
        assert wire.reply().json() == 12_000
        assert len(much.reply().json()) == 8 << 20
    served.said("line 11999")
    lines = [record["line"] for record in served.log.find("worker.output", stream="stdout")]
    assert [line for line in lines if line.startswith("line ")] == [
        "line %d" % number for number in range(12_000)
    ]
    assert served.model()["worker_pid"] == pid
    assert not served.log.find("run.limit_reached")
