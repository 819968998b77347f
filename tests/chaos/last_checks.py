"""What must hold once nobody asks, kills or breaks any more: each check gives its problems.

The emulator knows what is really on its devices; the daemon knows only what drivers told it and
what it saw itself. Here the two are laid side by side. Of a NodeDaemon.
"""

import json
import pathlib
import time

import soak
import windlass as wl
from processes import children_of, descriptor_count

DESCRIPTORS_MORE = 2  # than at the begin: of the connections that ask


def eventually(daemon, check, what):
    """Asks until check() names no problem any more; else the last ones."""
    deadline = time.monotonic() + daemon.healed_s
    while True:
        problems = check()
        if not problems:
            return []
        if time.monotonic() > deadline:
            return ["%s, not within %.0f s: %s" % (what, daemon.healed_s, p) for p in problems]
        time.sleep(0.1)  # lint: sleep is the subject (a poll)


def wait_for_devices(daemon):
    def look():
        listed = [device["uuid"] for device in daemon.ask("/api/devices")["devices"]]
        return [] if listed == daemon.devices else ["only these are listed: %s" % listed]

    problems = eventually(daemon, look, "not all devices are listed")
    if problems:
        raise SystemExit("at the begin: " + problems[0])


def all_is_answered(daemon, clients):
    """Each once: the daemon has counted as many calls as clients have seen answered."""

    def look():
        counted = soak.server_count(daemon)
        if clients.answered <= counted <= clients.answered + clients.vanished:
            return []
        return ["clients got %d answers, the daemon counted %d" % (clients.answered, counted)]

    return eventually(daemon, look, "not every request had one answer")


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
        if [device["uuid"] for device in devices] != daemon.devices:
            return ["other devices than there are: %s" % devices]
        return [
            problem
            for device, real, more in zip(devices, truth, strangers)
            for problem in _difference(device, real, more)
        ]

    return eventually(daemon, compare, "the ledger is not true")


def every_model_serves(daemon):
    """Whatever was done to it: a call of each is answered."""
    client, problems = wl.Client(daemon.url), []
    for model in daemon.models:
        client.resume(model)

        def serve(model=model):
            try:
                client.call(model, daemon.request, timeout=daemon.healed_s)
            except wl.Error as error:
                return ["%s: %s: %s" % (model, error.type, error)]
            return []

        problems += eventually(daemon, serve, "a model does not serve again")
    return problems


def idle_ones_go(daemon, which):
    """Nobody orders it: `unload_after` is enough, whatever state they were left in."""

    def look():
        return [
            "%s is %s" % (model["name"], model["residency"])
            for model in wl.Client(daemon.url).models()
            if model["name"] in which and model["residency"] != "cold"
        ]

    return eventually(daemon, look, "an idle model does not go")


def nothing_is_held(daemon):
    """After every model was unloaded."""
    client = wl.Client(daemon.url)
    for model in client.models():
        client.unload(model["name"], timeout=daemon.healed_s)
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

    return problems + eventually(daemon, look, "not everything was given back")


def health_is_back(daemon):
    def look():
        health = daemon.ask("/healthz")
        return [] if health["status"] == "ok" else [str(health.get("troubles"))]

    return eventually(daemon, look, "the daemon is not well")


def incidents_are_closed(daemon):
    def look():
        return [
            "worker %d of %s: %s, %s" % (i["worker"], i["model"], i["how"], i["steps"])
            for i in daemon.ask("/api/incidents")["incidents"]
            if i["how"] is None
            or not {"detected", "reaped", "proved"} <= {step["step"] for step in i["steps"]}
        ]

    return eventually(daemon, look, "an incident is not closed")


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

    return eventually(daemon, look, "something leaks")


def memory_was_there(daemon, records):
    """Where nobody else takes memory, what was admitted must find it, or the books were wrong."""
    return [
        "it was admitted, and its memory was not there: %s" % json.dumps(record)
        for record in records
        if record["event"] in ("model.load_retried", "model.load_failed")
        and record.get("type") == "out_of_memory"
        and record["model"] not in daemon.unknown_needs
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
        problems += memory_was_there(daemon, records)
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


def remains(folder):
    """What a daemon may leave in its state folder: its lock, its store, well closed, and the room
    that it keeps for a full disk."""
    left = [str(path) for path in (folder / "state").rglob("*") if path.is_file()]
    known = ("/lock", "/windlass.db", "/windlass.db-ballast")
    return ["left behind: %s" % path for path in left if not path.endswith(known)]
