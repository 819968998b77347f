"""What systemd hears of a daemon that it has started with Type=notify and WatchdogSec."""

import signal
import socket

import pytest
from processes import environment_of, process_state
from support import AT_ONCE_S, eventually, probe

WATCHDOG_S = 1.0


class Manager:
    """The end that listens."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(AT_ONCE_S)

    def hear(self):
        return self._socket.recv(64).decode()

    def hear_nothing_for(self, limit_s):
        self._socket.settimeout(limit_s)
        with pytest.raises(TimeoutError):
            self.hear()
        self._socket.settimeout(AT_ONCE_S)

    def forget(self):
        """Drops what was said before."""
        self._socket.setblocking(False)
        try:
            while True:
                self.hear()
        except BlockingIOError:
            self._socket.settimeout(AT_ONCE_S)

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path):
    listening = Manager(tmp_path)
    yield listening
    listening.close()


def test_a_manager_hears_that_it_is_ready_that_its_loop_turns_and_that_it_stops(daemons, manager):
    """[R88] Who watches all others is watched: a loop that stands still is heard of no more. Its
    workers cannot speak in its name."""
    told = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
    served = daemons.serve(probe(), environment=told)
    assert manager.hear() == "READY=1"
    assert [manager.hear() for _ in range(3)] == ["WATCHDOG=1"] * 3
    worker = environment_of(served.ask("probe").json()["pid"])
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(worker)

    served.signal(signal.SIGSTOP)
    eventually(lambda: process_state(served.pid) == "T", "it stands still", AT_ONCE_S)
    manager.forget()
    manager.hear_nothing_for(2 * WATCHDOG_S)
    served.signal(signal.SIGCONT)
    assert manager.hear() == "WATCHDOG=1"

    served.signal(signal.SIGTERM)
    while (last := manager.hear()) == "WATCHDOG=1":
        pass
    assert last == "STOPPING=1"
    assert served.wait() == 0


def test_a_manager_that_is_gone_is_told_of_in_the_log(daemons, tmp_path):
    served = daemons.serve(probe(), environment={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert str(tmp_path / "nobody") in served.log.wait_for("daemon.not_notified")["message"]
    assert served.ask("probe").status == 200
