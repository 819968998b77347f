"""The daemon of an outside run: two devices, and models of which not all fit at once."""

import json
import math

from node_daemon import NodeDaemon
from times import TIME_FACTOR

MIB = 1 << 20
DEVICES = ["GPU-e0000000-0000-0000-0000-%012x" % index for index in range(2)]
SPECIFICATION = "2x800MiB,context=16MiB,teardown=5ms,link=40GB"
SETTLE_TIMEOUT_S = 2.0
HEALED_S = 30.0 * TIME_FACTOR  # nothing hangs here: a bound for work that is still going on
HEAD = """[daemon]
listen = "127.0.0.1:0"
shutdown_grace = "5s"

[devices]
headroom = "0B"
sample_interval = "200ms"
settle_timeout = "{settle}ms"
""".format(settle=math.ceil(1000 * SETTLE_TIMEOUT_S * max(1.0, TIME_FACTOR / 4)))
COMMON = {"backoff": "10ms", "backoff_max": "50ms", "breaker_deaths": 0, "max_wait": "500ms"}
# name: (bytes of weights, its table). 1.6 GiB of devices for copies that need 2.1 GiB.
# To the calm ones nothing is done that may cost a run: every call that has the time is answered.
CALM = {
    "oak": (160 * MIB, {"need": "200MiB", "concurrency": 3, "offload_after": "20ms"}),
    "elm": (256 * MIB, {"need": "300MiB"}),
    "ash": (96 * MIB, {"need": "130MiB", "copies": 2, "concurrency": 2, "unload_after": "100ms",
                       "offload_after": "30ms"}),
    "fir": (320 * MIB, {"need": "360MiB", "offload_after": "never", "unload_after": "never"}),
}  # fmt: skip
ROUGH = {
    "gorse": (160 * MIB, {"need": "200MiB", "concurrency": 3}),
    "thorn": (256 * MIB, {"need": "300MiB", "idempotent": True, "offload_after": "10ms"}),
    "briar": (192 * MIB, {"need": "230MiB", "copies": 2}),
    "furze": (64 * MIB, {"need": "100MiB", "unload_after": "0s"}),
}
ALL = {**CALM, **ROUGH}

BASIS, PRIME, MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1
PAGE_WORDS, UNIT = 512, 4 * MIB


def digest_of(name):
    """What the worker must read on its device: the twin of tests/workers/witness.cpp."""
    word = BASIS
    for letter in name.encode():
        word = (word ^ letter) * PRIME & MASK
    digest = BASIS
    for _ in range(PAGE_WORDS * (ALL[name][0] // UNIT)):
        word ^= word << 13 & MASK
        word ^= word >> 7
        word ^= word << 17 & MASK
        digest = (digest ^ word) * PRIME & MASK
    return "%016x" % digest


class Daemon(NodeDaemon):
    devices = DEVICES
    models = list(ALL)
    request = b"last 0"
    healed_s = HEALED_S
    unknown_needs = ()

    def __init__(self, program, folder):
        super().__init__(program, folder, SPECIFICATION)

    def write_configuration(self):
        text = HEAD
        for name, (size, settings) in ALL.items():
            command = [str(self.bin / "windlass-witness-worker"), name, str(size)]
            text += "\n[models.%s]\n" % name
            for key, value in {"command": command, **COMMON, **settings}.items():
                text += "%s = %s\n" % (key, json.dumps(value))
        self.configuration.write_text(text)

    def workers(self):
        return self.children(b"windlass-witness-worker")
