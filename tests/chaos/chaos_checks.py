"""What must hold once nobody asks, kills or breaks any more: each check gives its problems.

The emulator knows what is really on its devices; the daemon knows only what drivers told it and
what it saw itself. Here the two are laid side by side.
"""

import json
import os
import pathlib
import time

import soak
import windlass as wl
from chaos_daemon import (
    ANSWER_TIMEOUT_S,
    BALLAST,
    DEVICES,
    FENCE_INTERVAL_S,
    GIB,
    LIST_INTERVAL_S,
    LOAD_TIMEOUT_S,
    RESTART_PAUSE_S,
    RUN_TIMEOUT_S,
    SETTLE_TIMEOUT_S,
    SILENT_INTERVAL_S,
    TERM_GRACE_S,
)
from processes import children_of, descriptor_count
from times import TIME_FACTOR

# Every fault is over: a host that hangs is given up and another one started, the listing finds a
# lost device, what was silent is asked again, a worker that hangs goes down the ladder, what it
# left is settled or its fence looked at. Nothing of it need wait for more than this.
HEALED_S = TIME_FACTOR * (
    2 * ANSWER_TIMEOUT_S + RESTART_PAUSE_S + 2 * LIST_INTERVAL_S + SILENT_INTERVAL_S
    + RUN_TIMEOUT_S + LOAD_TIMEOUT_S + 3 * TERM_GRACE_S + SETTLE_TIMEOUT_S + 2 * FENCE_INTERVAL_S
)  # fmt: skip
STRANGERS = ((0, 1 * GIB), (1, 2 * GIB))  # (pid, bytes), on the first device
RESIDENT, RESIDENT_SIZE = os.getpid(), 3 * GIB
DESCRIPTORS_MORE = 2  # than at the begin: of the connections that ask


def eventually(check, what, limit_s=HEALED_S):
    """Asks until check() names no problem any more; else the last ones."""
    deadline = time.monotonic() + limit_s
    while True:
        problems = check()
        if not problems:
            return []
        if time.monotonic() > deadline:
            return ["%s, not within %.0f s: %s" % (what, limit_s, p) for p in problems]
        time.sleep(0.1)  # lint: sleep is the subject (a poll)


def wait_for_devices(daemon):
    def look():
        listed = [device["uuid"] for device in daemon.ask("/api/devices")["devices"]]
        return [] if listed == DEVICES else ["only these are listed: %s" % listed]

    problems = eventually(look, "not all devices are listed")
    if problems:
        raise SystemExit("chaos: " + problems[0])


def all_is_answered(daemon, clients):
    """Each once: the daemon has counted as many calls as clients have seen answered."""

    def look():
        counted = soak.server_count(daemon)
        if clients.answered <= counted <= clients.answered + clients.vanished:
            return []
        return ["clients got %d answers, the daemon counted %d" % (clients.answered, counted)]

    return eventually(look, "not every request had one answer")


def every_model_serves(daemon):
    """Whatever was done to it: a call of each is answered."""
    client, problems = wl.Client(daemon.url), []
    for model in [*BALLAST, "cork"]:
        client.resume(model)

        def serve(model=model):
            try:
                client.call(model, b"1", timeout=HEALED_S)
            except wl.Error as error:
                return ["%s: %s: %s" % (model, error.type, error)]
            return []

        problems += eventually(serve, "a model does not serve again")
    return problems


def _bytes(number):
    return None if number is None else number["bytes"]


def _difference(device, truth, strangers):
    """Of one device's books from the emulator's truth."""
    said = {holder["pid"]: _bytes(holder["used"]) for holder in device["holders"]}
    real = {process["pid"]: process["bytes"] for process in truth["processes"]}
    own = sum(h["used"]["bytes"] for h in device["holders"] if h["model"] and h["used"])
    compared = {
        "state": (device["state"], "ok"),
        "used": (_bytes(device["used"]), truth["used"]),
        "holders": (said, real),
        "foreign": (_bytes(device["foreign"]), strangers),
        "fenced": (_bytes(device["fenced"]) or 0, 0),
        "faults": (truth["faults"], {}),
    }
    problems = [
        "%s of %s is %s, and really %s" % (name, device["uuid"], ours, theirs)
        for name, (ours, theirs) in compared.items()
        if ours != theirs
    ]
    if (_bytes(device["claimed"]) or 0) < own:
        problems.append("%s is claimed, its workers have %s" % (device["claimed"], own))
    if own + strangers != truth["used"]:
        problems.append("workers have %d, strangers %d of %d" % (own, strangers, truth["used"]))
    return problems


def books_are_true(daemon, strangers):
    """The daemon's ledger is the emulator's. `strangers`: bytes by device."""

    def compare():
        truth = daemon.truth()["devices"]
        devices = daemon.ask("/api/devices")["devices"]
        if [device["uuid"] for device in devices] != DEVICES:
            return ["other devices than there are: %s" % devices]
        return [
            problem
            for device, real, more in zip(devices, truth, strangers)
            for problem in _difference(device, real, more)
        ]

    return eventually(compare, "the ledger is not true")


def idle_ones_go(daemon, which):
    """Nobody orders it: `unload_after` is enough, whatever state they were left in."""

    def look():
        return [
            "%s is %s" % (model["name"], model["residency"])
            for model in wl.Client(daemon.url).models()
            if model["name"] in which and model["residency"] != "cold"
        ]

    return eventually(look, "an idle model does not go")


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

    return eventually(look, "the end of what is on its way back is not told")


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


def nothing_is_held(daemon):
    """After every model was unloaded."""
    client = wl.Client(daemon.url)
    for model in client.models():
        client.unload(model["name"], timeout=HEALED_S)
    problems = books_are_true(daemon, [0, 0, 0])

    def look():
        truth, devices = daemon.truth(), daemon.ask("/api/devices")["devices"]
        held = ["%s is claimed" % d["claimed"] for d in devices if _bytes(d["claimed"]) != 0]
        held += ["%d bytes are in use" % d["used"] for d in truth["devices"] if d["used"]]
        if truth["processes"]:
            held.append("%d processes use devices" % truth["processes"])
        workers = daemon.ask("/api/workers")["workers"]
        busy = [m["name"] for m in client.models() if m["running"] or m["waiting"]]
        held += ["a worker is left: %s" % worker for worker in workers]
        return held + ["%s has requests" % name for name in busy]

    return problems + eventually(look, "not everything was given back")


def health_is_back(daemon):
    def look():
        health = daemon.ask("/healthz")
        return [] if health["status"] == "ok" else [str(health.get("troubles"))]

    return eventually(look, "the daemon is not well")


def incidents_are_closed(daemon):
    def look():
        return [
            "worker %d of %s: %s, %s" % (i["worker"], i["model"], i["how"], i["steps"])
            for i in daemon.ask("/api/incidents")["incidents"]
            if i["how"] is None
            or not {"detected", "reaped", "proved"} <= {step["step"] for step in i["steps"]}
        ]

    return eventually(look, "an incident is not closed")


def _state_of(pid):
    try:
        stat = pathlib.Path("/proc/%d/stat" % pid).read_text(errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[0]


def nothing_leaks(daemon, descriptors):
    def look():
        count = descriptor_count(daemon.pid)
        problems = []
        if count > descriptors + DESCRIPTORS_MORE:
            problems.append("%d descriptors are open, %d were" % (count, descriptors))
        wanted = daemon.children(b"driver-host") + daemon.children(b"keeper")
        for child in children_of(daemon.pid):
            if child not in wanted:
                problems.append("child %d is left, in state %s" % (child, _state_of(child)))
        return problems

    return eventually(look, "something leaks")


def memory_was_there(records):
    """Where nobody else takes memory, what was admitted must find it, or the books were wrong."""
    return [
        "it was admitted, and its memory was not there: %s" % json.dumps(record)
        for record in records
        if record["event"] in ("model.load_retried", "model.load_failed")
        and record.get("type") == "out_of_memory"
        and record["model"] != "gold"  # whose need is not known
    ]


def log_is_sound(daemon, may_run_out):
    """Read after the daemon's end."""
    records, strays = daemon.records()
    problems = ["no line of the log: %s" % line for line in strays[:20]]
    allowed = ("configuration.error", "configuration.not_reloaded")
    problems += [
        "an error in the log: %s" % json.dumps(record)
        for record in records
        if record["level"] == "error" and record["event"] not in allowed
    ]
    if not may_run_out:
        problems += memory_was_there(records)
    generations = lambda event: {  # noqa: E731
        record["generation"] for record in records if record["event"] == event
    }
    lost = generations("model.loading") - generations("worker.reaped")
    if lost:
        problems.append("the end of these workers was never told: %s" % sorted(lost))
    closed = generations("device.fenced") - generations("device.fence_lifted")
    if closed:
        problems.append("these fences were never lifted: %s" % sorted(closed))
    return problems
