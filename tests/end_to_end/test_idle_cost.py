"""What a daemon costs that has nothing to do: no processor time, and little memory."""

import pathlib
import threading

from support import probe

WATCHED_S = 3
WAKEUPS_MAX = 5  # the loop sleeps for a minute at most; the log and the like have a few


def field_of(path, name):
    (line,) = [line for line in path.read_text().splitlines() if line.startswith(name + ":")]
    return int(line.split()[1])


def test_an_idle_daemon_sleeps_and_is_small(daemon):
    """Counted in wake-ups, because a tick of the processor's clock is 10 ms."""
    served = daemon(probe())
    assert served.get("/healthz").status == 200
    process = pathlib.Path("/proc/%d" % served.pid)
    pause = threading.Event()
    pause.wait(1.5)  # lint: sleep is the subject (the last sweep after the connection went)
    status = process / "status"
    before = field_of(status, "voluntary_ctxt_switches")
    ticks = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
    pause.wait(WATCHED_S)  # lint: sleep is the subject
    after = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
    assert field_of(status, "voluntary_ctxt_switches") - before <= WAKEUPS_MAX
    assert sum(map(int, after)) - sum(map(int, ticks)) <= 1
    resident_kb = field_of(status, "VmRSS")
    print("an idle daemon has %.1f MB" % (resident_kb / 1e3))
    is_sanitized = field_of(status, "VmSize") > 1 << 30  # kB: AddressSanitizer's shadow
    assert is_sanitized or resident_kb < 30_000
