"""Starting, watching and ending the demo's processes, and what Linux tells about their memory.

What is started here is ended here: in order at the end, by the kernel if the demo is killed.
"""

import ctypes
import os
import signal
import subprocess
import time

TIME_FACTOR = float(os.environ.get("WINDLASS_TIME_FACTOR", "1"))
STOP_S = 15 * TIME_FACTOR  # the daemon promises to be gone within 10 s of SIGTERM
POLL_S = 0.05

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class DemoError(Exception):
    """What stops the demo, in words for its user."""


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Processes:
    """A context manager that ends, in reverse order, every process started through it."""

    def __init__(self, log_dir):
        self._log_dir = log_dir
        self._started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._started):
            self.end(process)

    def start(self, name, argv, **options):
        """Starts `argv`; what it prints goes to a log file unless `options` take it elsewhere."""
        log_path = os.path.join(self._log_dir, name + ".log")
        with open(log_path, "ab") as log:
            options.setdefault("stdin", subprocess.DEVNULL)
            options.setdefault("stdout", log)
            # A session of its own: Ctrl-C reaches the demo only, which then ends all in order.
            process = subprocess.Popen(
                argv, stderr=log, start_new_session=True, preexec_fn=_die_with_parent, **options
            )
        process.log_path = log_path
        process.display_name = name
        self._started.append(process)
        return process

    def end(self, process):
        """Asks, waits STOP_S at most, then kills; a Ctrl-C meanwhile kills at once."""
        try:
            if process.poll() is None:
                process.terminate()
                process.wait(STOP_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._started.remove(process)


def log_tail(process, lines=25):
    with open(process.log_path, encoding="utf-8", errors="replace") as log:
        return "".join(log.readlines()[-lines:])


def wait_until(condition, process, what, limit_s):
    """Polls until `condition` gives something true; DemoError if `process` ends or it is late."""
    deadline = time.monotonic() + limit_s * TIME_FACTOR
    while True:
        value = condition()
        if value:
            return value
        problem = None
        if process.poll() is not None:
            problem = "%s ended with status %d" % (process.display_name, process.returncode)
        elif time.monotonic() > deadline:
            problem = "%s took longer than %g s" % (what, limit_s * TIME_FACTOR)
        if problem:
            raise DemoError("%s; the end of its log:\n%s" % (problem, log_tail(process)))
        time.sleep(POLL_S)


def memory_of(pid):
    """The process's share of physical memory (PSS) in bytes; None where it cannot be read."""
    try:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # Gone, or not ours to read: unknown, which is not zero.
    return None


def memory_sum(pids):
    """The sum of memory_of over `pids`; None if one of them cannot be read."""
    sizes = [memory_of(pid) for pid in pids]
    return None if None in sizes else sum(sizes)


def memory_available():
    """Bytes that new processes may take: the machine's, or what the control group leaves."""
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    available = int(fields["MemAvailable"].split()[0]) * 1024
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as limit:
            with open("/sys/fs/cgroup/memory.current", encoding="ascii") as current:
                return min(available, int(limit.read()) - int(current.read()))
    except (OSError, ValueError):  # no control group, or its limit reads "max"
        return available


def family_of(pid):
    """`pid` and all its descendants that are alive, read from /proc."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as file:
                    # The name in parentheses may hold anything; the parent is 2nd after it.
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it ended while we looked
            children.setdefault(parent, []).append(int(entry))
    family, fresh = [], [pid]
    while fresh:
        member = fresh.pop()
        family.append(member)
        fresh.extend(children.get(member, []))
    return family


def maps_library(pid, name):
    """Whether the process has a file mapped whose path contains `name`."""
    try:
        with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as maps:
            return any(name in line for line in maps)
    except OSError:
        return False
