"""The daemon of a run of chaos: its devices, its models and their limits."""

import json
import math
import signal

from node_daemon import NodeDaemon
from times import TIME_FACTOR

GIB = 1 << 30
DEVICES = ["GPU-e0000000-0000-0000-0000-%012x" % index for index in range(3)]
CONTEXT = 450 << 20
SPECIFICATION = "3x20GiB,context=%dB,teardown=50ms,link=40GB" % CONTEXT
# The limits below are meant for a machine at leisure; a busy or sanitized one needs more.
SLOWNESS = max(1.0, TIME_FACTOR / 4)
ANSWER_TIMEOUT_S = 0.5 * SLOWNESS
RESTART_PAUSE_S = 0.3
LIST_INTERVAL_S = 0.5
SETTLE_TIMEOUT_S = 1.0
FENCE_INTERVAL_S = 5.0  # the daemon's own
SILENT_INTERVAL_S = 5.0  # likewise: how often a device that did not answer is asked again
RUN_TIMEOUT_S = 1.0 * SLOWNESS
LOAD_TIMEOUT_S = 3.0 * SLOWNESS
MOVE_TIMEOUT_S = 3.0 * SLOWNESS
TERM_GRACE_S = 0.2
# Every fault is over: a host that hangs is given up and another one started, the listing finds a
# lost device, what was silent is asked again, a worker that hangs goes down the ladder, what it
# left is settled or its fence looked at. Nothing of it need wait for more than this.
HEALED_S = TIME_FACTOR * (
    2 * ANSWER_TIMEOUT_S + RESTART_PAUSE_S + 2 * LIST_INTERVAL_S + SILENT_INTERVAL_S
    + RUN_TIMEOUT_S + LOAD_TIMEOUT_S + 2 * MOVE_TIMEOUT_S + 3 * TERM_GRACE_S + SETTLE_TIMEOUT_S
    + 2 * FENCE_INTERVAL_S
)  # fmt: skip


def _text(seconds):
    return "%dms" % math.ceil(seconds * 1000)


HEAD = """[daemon]
listen = "127.0.0.1:0"
shutdown_grace = "2s"

[devices]
headroom = "256MiB"
answer_timeout = "{answer}"
sample_interval = "200ms"
list_interval = "{listing}"
restart_pause = "{restart}"
settle_timeout = "{settle}"
""".format(
    answer=_text(ANSWER_TIMEOUT_S),
    listing=_text(LIST_INTERVAL_S),
    restart=_text(RESTART_PAUSE_S),
    settle=_text(SETTLE_TIMEOUT_S),
)
COMMON = {
    "start_timeout": _text(5 * SLOWNESS),
    "load_timeout": _text(LOAD_TIMEOUT_S),
    "run_timeout": _text(RUN_TIMEOUT_S),
    "offload_timeout": _text(MOVE_TIMEOUT_S),
    "restore_timeout": _text(MOVE_TIMEOUT_S),
    "backoff": "20ms",
    "backoff_max": "200ms",
    "breaker_deaths": 0,
    "cancel_grace": "50ms",
    "term_grace": _text(TERM_GRACE_S),
}
BREAKER = {"breaker_deaths": 4, "breaker_cooldown": "1s"}
# name: (bytes it takes, its table). Not all copies fit at once; one of each does if they are loaded
# in this order, the pinned one first.
BALLAST = {
    "zinc": (8 * GIB, {"need": "9GiB", "devices": [DEVICES[1]], "idempotent": True}),
    "steel": (3 * GIB, {"need": "4GiB", "copies": 2, "idempotent": True, "offload_after": "150ms"}),
    "iron": (6 * GIB, {"need": "7GiB", "copies": "auto", "offload_after": "never"}),
    "lead": (10 * GIB, {"need": "11GiB", "unload_after": "500ms"}),
    "gold": (2 * GIB, {"copies": 2}),  # its need is not known
    "tin": (5 * GIB, {"need": "40%", "concurrency": 3, "offload_after": "0s", **BREAKER}),
    "guest": (1 * GIB, {"need": "2GiB"}),
}
CORK = {"devices": "cpu"}  # echoes
MODELS = [name for name in BALLAST if name != "guest"] + ["cork"]


def allowed_devices(model):
    if model == "cork":
        return ["cpu"]
    return BALLAST[model][1].get("devices", DEVICES)


def _table(name, settings, turn=1):
    lines = ["[models.%s]" % name]
    lines += ["%s = %s" % (key, json.dumps(value)) for key, value in settings.items()]
    if name == "lead":  # which needs a new process when this changes
        lines.append('env = { TURN = "%d" }' % (turn // 3))
    return "\n".join(lines) + "\n\n"


class Daemon(NodeDaemon):
    devices = DEVICES
    models = [*BALLAST, "cork"]
    request = b"1"
    healed_s = HEALED_S
    unknown_needs = ("gold",)

    def __init__(self, program, folder):
        self.recording = folder / "chaos.wlrec"
        super().__init__(program, folder, SPECIFICATION, ["--record", str(self.recording)])

    def write_configuration(self, is_last=False):
        """As the soak's; and every seventh file has a mistake, which must change nothing."""
        self._turn += 1
        turn = 1 if is_last else self._turn
        text = HEAD
        for name, (size, settings) in BALLAST.items():
            if name == "guest" and not turn % 2:
                continue
            command = [str(self._program), "ballast", "--bytes", "%dB" % size, "--run-ms", "2"]
            idle = "never" if is_last else "1500ms"
            table = {"command": command, "unload_after": idle, **COMMON, **settings}
            if name == "iron":
                table["run_timeout"] = _text(RUN_TIMEOUT_S * (1 + turn % 2))
            text += _table(name, table, turn)
        echo = [str(self.bin / "windlass-echo-worker")]
        text += _table("cork", {"command": echo, **COMMON, **CORK})
        if turn % 7 == 0:
            text += "[models.broken]\nneed = 3\n"
        self.configuration.write_text(text)

    def reload(self, is_last=False):
        self.write_configuration(is_last)
        self.process.send_signal(signal.SIGHUP)

    def workers(self):
        return self.children(b"ballast") + self.children(b"windlass-echo-worker")
