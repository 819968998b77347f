"""What /proc tells of the processes of a daemon under test."""

import os
import pathlib
import re

TICK_S = 1 / os.sysconf("SC_CLK_TCK")  # of the processor time in /proc (proc(5))


def process_state(pid):
    """One letter, proc(5): "R", "S", "T" of one that was stopped, ...; "X" if there is none."""
    try:
        stat = pathlib.Path("/proc/%d/stat" % pid).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    return stat.rpartition(")")[2].split()[0]


def is_alive(pid):
    """Whether the process runs; a zombie does not."""
    return process_state(pid) not in ("Z", "X")


def children_of(pid):
    """Pids of the children of its first thread, zombies included."""
    return list(map(int, open("/proc/%d/task/%d/children" % (pid, pid)).read().split()))


def driver_hosts_of(pid):
    """Of a daemon; they come and go with their devices."""
    return [child for child in children_of(pid) if b"driver-host" in arguments_of(child)]


def children_but_hosts(pid):
    """Of a daemon: its keeper, workers, and whatever was not reaped."""
    return [child for child in children_of(pid) if b"driver-host" not in arguments_of(child)]


def arguments_of(pid):
    try:
        return pathlib.Path("/proc/%d/cmdline" % pid).read_bytes().split(b"\0")
    except OSError:
        return []  # it is gone


def descriptor_count(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def resident_bytes(pid):
    return _pages_of(pid)[1] * os.sysconf("SC_PAGE_SIZE")


def is_sanitized(pid):
    """Whether it has the shadow of AddressSanitizer, which also keeps what was freed."""
    return _pages_of(pid)[0] * os.sysconf("SC_PAGE_SIZE") > 1 << 40


def _pages_of(pid):
    return list(map(int, open("/proc/%d/statm" % pid).read().split()))


def processor_s(pid):
    """Processor time so far, to a tick of TICK_S."""
    fields = open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def environment_of(pid):
    """What the process got at its exec."""
    entries = pathlib.Path("/proc/%d/environ" % pid).read_bytes().split(b"\0")
    return dict(entry.decode().split("=", 1) for entry in entries if entry)


def tagged_processes(daemon_id):
    """Pids of all processes, descendants included, that carry a tag of this daemon's workers."""
    tag = b"\0WINDLASS_WORKER=" + daemon_id.encode() + b"/"
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and tag in b"\0" + open("/proc/%s/environ" % entry, "rb").read():
                found.append(int(entry))
        except OSError:
            continue  # it ended meanwhile, or is not ours
    return found


def cgroup_of(daemon_id):
    """The folder of a daemon's cgroups, as a path that need not exist; None without cgroups v2."""
    own = re.search(r"^0::(.*)$", pathlib.Path("/proc/self/cgroup").read_text(), re.M)
    mounts = pathlib.Path("/proc/mounts").read_text()
    mounted = re.search(r"^\S+ (\S+) cgroup2 ", mounts, re.M)
    if not own or not mounted:
        return None
    return pathlib.Path(mounted.group(1)) / own.group(1).strip("/") / ("windlass-" + daemon_id)


def remains_of(daemon_id, state_dir):
    """All that a dead daemon may not leave behind: processes, its cgroup, its folder."""
    places = [cgroup_of(daemon_id), state_dir / "run" / daemon_id]
    return tagged_processes(daemon_id) + [str(path) for path in places if path and path.exists()]
