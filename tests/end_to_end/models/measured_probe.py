"""The probe with memory on its device, and an allocator, which keeps nothing, that tells of it."""

import os
import threading

import device_probe
import windlass as wl
from windlass import ballast


class MeasuredProbe(device_probe.DeviceProbe):
    def load(self, device):
        super().load(device)
        self._held_lock = threading.Lock()
        self._held = self._peak = ballast.parse_bytes(os.environ["BALLAST_BYTES"])

    def reset_device_peak(self):
        with self._held_lock:
            self._peak = self._held

    def read_device_memory(self):
        with self._held_lock:
            return wl.DeviceMemory(peak=self._peak, reserved=self._held, reserved_peak=self._peak)

    def do_scratch(self, order, request):
        self._hold(order["bytes"])
        try:
            return super().do_scratch(order, request)
        finally:
            self._hold(-order["bytes"])

    def _hold(self, count):
        with self._held_lock:
            self._held += count
            self._peak = max(self._peak, self._held)
