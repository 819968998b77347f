"""A daemon on emulated devices, models that take their memory, and the tool that breaks them."""

import json
import pathlib
import subprocess
import sys
import time

from support import MODELS, SOON_S, eventually, model_table, windlass_program

FIRST = "GPU-e0000000-0000-0000-0000-000000000000"
SECOND = "GPU-e0000000-0000-0000-0000-000000000001"
GIB = 1 << 30
CONTEXT = 450 << 20  # what a CUDA context costs there

# Nothing is kept back, and what happens to devices is seen soon.
DEVICES = {"headroom": "0B", "sample_interval": "100ms", "list_interval": "200ms"}


def ballast(name, size, need, run_ms=0, **keys):
    """A [models.NAME] table: it takes `size` at its load; a call is busy for `run_ms`."""
    command = [windlass_program(), "ballast", "--bytes", size, "--run-ms", str(run_ms)]
    return model(name, command=command, need=need, **keys)


def device_probe(name, size, need=None, **keys):
    """models/device_probe.py, which takes `size` at its load; without `need` nobody knows."""
    settings = {"python": "device_probe:DeviceProbe", "path": str(MODELS)}
    settings.update(interpreter=sys.executable, **keys)
    if need:
        settings["need"] = need
    return model_table(name, {"BALLAST_BYTES": size}, settings)


def model(name, **keys):
    lines = ["[models.%s]" % name]
    lines += ["%s = %s" % (key, json.dumps(value)) for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def obedient(name, size, need, **keys):
    """Likewise of models/device_model.py, which does what a request of JSON tells it."""
    settings = {"python": "device_model:Obedient", "path": str(MODELS), "need": need}
    settings.update(interpreter=sys.executable, **keys)
    return model_table(name, {"BALLAST_BYTES": size, "BALLAST_RUN_MS": 0}, settings)


def toml_of(sections):
    """Tables of keys, by name."""
    lines = []
    for section, values in sections.items():
        lines.append("[%s]" % section)
        lines += ["%s = %s" % (key, json.dumps(value)) for key, value in values.items()]
    return "\n".join(lines) + "\n"


class Node:
    """`devices`: keys of [devices] beside DEVICES; `daemon`: keys of [daemon]."""

    def __init__(self, daemons, specification, models, devices=None, daemon=None, **how):
        keys = {"daemon": daemon or {}, "devices": {**DEVICES, **(devices or {})}}
        text = toml_of(keys) + models
        arguments = ("--emulate", specification, *how.pop("arguments", ()))
        self.served = daemons.start(text, arguments=arguments, **how)
        self.served.wait_until_started()
        self.log = self.served.log
        count = int(specification.partition("x")[0])
        for number in range(count):
            self.wait_for("GPU-e0000000-0000-0000-0000-00000000000%x" % number, "ok")
        eventually(lambda: self._cpu()["state"] == "ok", "the CPU is ok")

    def _cpu(self):
        return self.served.get("/api/devices").json()["cpu"]

    def tool(self, *words):
        """`windlass-emulator WORD NODE ...`."""
        program = pathlib.Path(windlass_program()).parent / "windlass-emulator"
        node = self.served.state_dir / "emulator"
        argv = [str(program), words[0], str(node), *map(str, words[1:])]
        return subprocess.run(argv, check=True, timeout=SOON_S, capture_output=True, text=True)

    def used(self, index=0):
        """What is really taken of a device, whatever its driver says."""
        return json.loads(self.tool("status").stdout)["devices"][index]["used"]

    def device(self, uuid):
        """What the daemon shows of it; None while it is not listed."""
        devices = self.served.get("/api/devices").json()["devices"]
        return next((device for device in devices if device["uuid"] == uuid), None)

    def bytes_of(self, uuid, what):
        """`used`, `claimed`, `foreign`, `fenced`, ...; None where unknown."""
        number = self.device(uuid)[what]
        return None if number is None else number["bytes"]

    def wait_for(self, uuid, state):
        check = lambda: (self.device(uuid) or {}).get("state") == state  # noqa: E731
        eventually(check, "%s is %s" % (uuid, state))

    def wait_for_bytes(self, uuid, what, count):
        check = lambda: self.bytes_of(uuid, what) == count  # noqa: E731
        eventually(check, "%d bytes of %s are %s" % (count, uuid, what))

    def call(self, model, **limits):
        headers = {"X-Windlass-%s" % key.title(): value for key, value in limits.items()}
        return self.served.get("/api/models/%s/call" % model, "POST", **headers)

    def refused(self, model, reason, available=None):
        """The error of a call that waits in vain, once the daemon knows what is missing there."""

        def ask():
            error = self.call(model, wait="200ms").error
            is_known = reason == "device" or error.get("required") is not None
            is_meant = error.get("reason") == reason and error["type"] == "unavailable"
            is_settled = available is None or error.get("available") == available
            return error if is_known and is_meant and is_settled else None

        return eventually(ask, "%s is refused for its %s" % (model, reason))

    def unload(self, model):
        with self.served.client() as client:
            client.unload(model)

    def see_more_samples(self, uuid, count=3):
        """Waits until its driver has answered so many times more."""

        def measured_after(instant):
            """None, or an instant after the last answer, if that came after `instant`."""
            began = time.monotonic()
            used = self.device(uuid)["used"]
            is_newer = used is not None and began - used["age_s"] > instant
            return time.monotonic() - used["age_s"] if is_newer else None

        instant = time.monotonic()
        for _ in range(count):
            again = lambda since=instant: measured_after(since)  # noqa: E731
            instant = eventually(again, "it is measured again")

    def workers(self, model):
        listed = self.served.get("/api/workers").json()["workers"]
        return [worker for worker in listed if worker["model"] == model]

    def wait_until_runs(self, model):
        """Its worker, with a run in it."""
        find = lambda: [worker for worker in self.workers(model) if worker["running"]]  # noqa: E731
        return eventually(find, model + " runs")[0]

class LastingNode:
    """A node that is there before its daemon and after it; only its environment names it."""

    def __init__(self, folder, specification):
        self.folder = str(folder)
        binaries = pathlib.Path(windlass_program()).parent
        self.program = str(binaries / "windlass-emulator")
        libraries = str(binaries.parent / "lib" / "emulator")
        self.environment = {"WINDLASS_EMULATOR": self.folder, "LD_LIBRARY_PATH": libraries}
        self.tool("create", specification)

    def tool(self, word, *words):
        argv = [self.program, word, self.folder, *map(str, words)]
        return subprocess.run(
            argv, check=True, timeout=SOON_S, capture_output=True, text=True
        ).stdout

    def status(self):
        return json.loads(self.tool("status"))

    def count_holders(self):
        """Processes with something on a device."""
        return sum(len(device["processes"]) for device in self.status()["devices"])
