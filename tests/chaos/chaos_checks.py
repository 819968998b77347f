"""What must hold after a run of chaos beside the last checks of every run."""

import json
import os
import subprocess

from chaos_daemon import DEVICES, GIB
from last_checks import books_are_true, eventually, idle_ones_go

STRANGERS = ((0, 1 * GIB), (1, 2 * GIB))  # (pid, bytes), on the first device
RESIDENT, RESIDENT_SIZE = os.getpid(), 3 * GIB


def residents_are_seen(daemon):
    """Put on every device before anybody loads: later they could be taken for what one left."""
    for device in range(len(DEVICES)):
        daemon.emulator("stranger", device, "%dB" % RESIDENT_SIZE, RESIDENT)
    return books_are_true(daemon, len(DEVICES) * [RESIDENT_SIZE])


def what_it_left_is_proved(daemon, model):
    """That of its last process. A device may show it before the engine was told."""

    def look():
        records, _ = daemon.records()
        mine = [record for record in records if record.get("model") == model]
        reaped = [r["generation"] for r in mine if r["event"] == "worker.reaped"]
        ends = ("worker.memory_returned", "device.fence_lifted")
        proved = [r["generation"] for r in mine if r["event"] in ends]
        is_proved = not reaped or reaped[-1] in proved
        return [] if is_proved else ["the memory of %s, worker %d" % (model, reaped[-1])]

    return eventually(daemon, look, "the end of what is on its way back is not told")


def strangers_are_seen(daemon):
    """Beside loaded models. None may be on its way out: what comes meanwhile is taken for its."""
    problems = idle_ones_go(daemon, ["lead"]) + what_it_left_is_proved(daemon, "lead")
    problems += books_are_true(daemon, [0, 0, 0])
    for pid, size in STRANGERS:
        daemon.emulator("stranger", 0, "%dB" % size, pid)
    problems += books_are_true(daemon, [sum(size for _, size in STRANGERS), 0, 0])
    for pid, _ in STRANGERS:
        daemon.emulator("stranger", 0, "0B", pid)
    return problems


def is_replayed(program, recording):
    """After the daemon's end: its engine does the same again, without its world. And in a line."""
    argv = [str(program), "replay", "--json", str(recording)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    said = json.loads(done.stdout) if done.stdout else {}
    if done.returncode != 0 or said["end"] != "stopped" or said["torn_bytes"] != 0:
        return ["the replay of %s: %s%s" % (recording, done.stdout, done.stderr)], ""
    size = os.path.getsize(recording)
    return [], "replayed %d events and %d commands from %d bytes, all the same" % (
        said["events"],
        said["commands"],
        size,
    )
