"""The probe model with memory on its device, and scratch memory for the length of a run."""

import ctypes
import os
import time
import uuid

import probe_model
from windlass import ballast


class DeviceProbe(probe_model.Probe):
    def load(self, device):
        self._ballast = ballast.Ballast()  # BALLAST_BYTES
        self._ballast.load(device)
        self._cuda = ballast.Cuda()
        super().load(device)

    def unload(self):
        self._ballast.unload()
        super().unload()

    def do_scratch(self, order, request):
        """Holds `bytes` for `seconds`; what the whole device had in use with them."""
        address, count = ctypes.c_uint64(), ctypes.c_size_t(order["bytes"])
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        # Runs are on the thread of the load, where its context is current.
        self._cuda.call("cuMemAlloc_v2", ctypes.byref(address), count)
        try:
            self._cuda.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
            time.sleep(order["seconds"])  # lint: sleep is the subject
        finally:
            self._cuda.call("cuMemFree_v2", address)
        return {"used": total.value - free.value, "pid": os.getpid()}

    def do_leak_there(self, order, request):
        """Takes so many bytes of the device, and never gives them back."""
        address, count = ctypes.c_uint64(), ctypes.c_size_t(order["bytes"])
        self._cuda.call("cuMemAlloc_v2", ctypes.byref(address), count)
        return {"pid": os.getpid()}

    def do_fill(self, order, request):
        """Holds `bytes` until the gate opens."""
        address, count = ctypes.c_uint64(), ctypes.c_size_t(order["bytes"])
        self._cuda.call("cuMemAlloc_v2", ctypes.byref(address), count)
        try:
            probe_model.pass_gate(order["gate"])
        finally:
            self._cuda.call("cuMemFree_v2", address)
        return {"pid": os.getpid()}

    def do_devices(self, order, request):
        """UUIDs of all devices that this process can see; told when the gate opens."""
        probe_model.pass_gate(order["gate"])
        count = ctypes.c_int()
        self._cuda.call("cuDeviceGetCount", ctypes.byref(count))
        uuids = []
        for number in range(count.value):
            device, bytes_ = ctypes.c_int(), ctypes.create_string_buffer(16)
            self._cuda.call("cuDeviceGet", ctypes.byref(device), number)
            self._cuda.call("cuDeviceGetUuid_v2", bytes_, device)
            uuids.append("GPU-%s" % uuid.UUID(bytes=bytes_.raw))
        return {"uuids": uuids, "pid": os.getpid()}
