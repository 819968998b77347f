"""What a daemon costs that has nothing to do: no processor time, and little memory."""

import pathlib
import time

from processes import TICK_S, is_sanitized, processor_s, resident_bytes
from support import probe

WATCHED_S = 3
WAKEUPS_MAX = 5  # the loop sleeps for a minute at most; the log and the like have a few


def wakeups_of(pid):
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def test_an_idle_daemon_sleeps_and_is_small(daemon):
    """[R13] Counted in wake-ups, because a tick of the processor's clock is 10 ms."""
    served = daemon(probe())
    pid = served.pid
    assert served.get("/healthz").status == 200
    time.sleep(1.5)  # lint: sleep is the subject (the last sweep after the connection went)
    wakeups, processor = wakeups_of(pid), processor_s(pid)
    time.sleep(WATCHED_S)  # lint: sleep is the subject
    assert wakeups_of(pid) - wakeups <= WAKEUPS_MAX
    assert processor_s(pid) - processor < 1.5 * TICK_S  # one at most
    print("an idle daemon has %.1f MB" % (resident_bytes(pid) / 1e6))
    assert is_sanitized(pid) or resident_bytes(pid) < 30_000_000
