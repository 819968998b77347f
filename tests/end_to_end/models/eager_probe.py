"""A device probe whose import uses the driver, as a module does that counts its GPUs."""

import ctypes

from device_probe import DeviceProbe  # noqa: F401

ctypes.CDLL("libcuda.so.1").cuInit(0)
