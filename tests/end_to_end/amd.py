"""A copy of what sysfs shows of an AMD GPU, which a daemon's driver hosts read as their own."""

import pathlib
import shutil
import sys

from emulated import toml_of
from support import MODELS, eventually, model_table

UUID = "GPU-a1b2c3d4e5f60718"
GIB = 1 << 30
GPU_ID = 50000
DEVICES = {"headroom": "0B", "sample_interval": "100ms", "list_interval": "200ms"}


class AmdTree:
    def __init__(self, folder, capacity=8 * GIB):
        self.folder = pathlib.Path(folder)
        self.card = self.folder / "class/drm/card0/device"
        self.processes = self.folder / "class/kfd/kfd/proc"
        self.environment = {"WINDLASS_AMD_SYSFS": str(self.folder), "CUDA_VISIBLE_DEVICES": "0"}
        node = self.folder / "class/kfd/kfd/topology/nodes/1"
        self.capacity = capacity
        self.processes.mkdir(parents=True)
        node.mkdir(parents=True)
        (node / "gpu_id").write_text("%d\n" % GPU_ID)
        (node / "properties").write_text(
            "location_id 768\ndomain 0\ngfx_target_version 90010\nunique_id %d\n"
            % int(UUID.removeprefix("GPU-"), 16)
        )
        self.plug_in()

    def plug_in(self):
        self.card.mkdir(parents=True)
        files = {
            "vendor": "0x1002",
            "uevent": "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0",
            "unique_id": UUID.removeprefix("GPU-"),
            "product_name": "AMD Instinct MI210",
            "gpu_busy_percent": "37",
            "mem_info_vram_used": "0",
            "mem_info_vram_total": str(self.capacity),
        }
        for name, text in files.items():
            (self.card / name).write_text(text + "\n")

    def unplug(self):
        shutil.rmtree(self.card.parent)

    def forget(self, pid):
        """The kernel has given back what the process held."""
        shutil.rmtree(self.processes / str(pid))
        (self.card / "mem_info_vram_used").write_text("0\n")

    def model(self, name, size, **keys):
        """A [models.NAME] table of models/amd_probe.py, which takes `size` at its load."""
        settings = {"python": "amd_probe:AmdProbe", "path": str(MODELS)}
        settings.update(interpreter=sys.executable, **keys)
        return model_table(name, {"AMD_TREE": str(self.folder), "AMD_BYTES": size}, settings)


class AmdMachine:
    def __init__(self, daemons, tree, models, devices=None):
        text = toml_of({"daemon": {}, "devices": {**DEVICES, **(devices or {})}}) + models
        self.served = daemons.start(text, tree.environment).wait_until_started()
        self.log = self.served.log
        self.wait_for("ok")

    def device(self):
        devices = self.served.get("/api/devices").json()["devices"]
        return next((device for device in devices if device["uuid"] == UUID), None)

    def wait_for(self, state):
        eventually(lambda: (self.device() or {}).get("state") == state, "it is " + state)

    def wait_for_bytes(self, what, count):
        check = lambda: (self.device()[what] or {}).get("bytes") == count  # noqa: E731
        eventually(check, "%d bytes are %s" % (count, what))

    def worker(self, model):
        listed = self.served.get("/api/workers").json()["workers"]
        return next(worker for worker in listed if worker["model"] == model)
