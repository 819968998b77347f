"""What /proc tells of the processes of a daemon under test."""

import os
import pathlib


def is_alive(pid):
    """Whether the process runs; a zombie does not."""
    try:
        stat = pathlib.Path("/proc/%d/stat" % pid).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


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
