"""A process that stands by has imported its model before anybody knows which GPU it is for."""

from __future__ import annotations

import os
import re

from .errors import Unsupported

VARIABLE = "WINDLASS_STANDBY"  # set by the daemon, which started this process ahead of its load
AMD_UUID = re.compile("GPU-[0-9a-fA-F]{16}")  # NVIDIA's has groups
NOT_INITIALIZED = 3  # cuCtxGetCurrent() before cuInit(), by the documentation of the driver API


def is_on_standby() -> bool:
    return VARIABLE in os.environ


def has_opened_kfd() -> bool:
    """ROCm opens it when it begins, and keeps it."""
    for number in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + number) == "/dev/kfd":
                return True
        except OSError:
            continue  # the listing's own, which is closed by now
    return False


def has_used_driver() -> bool:
    """It is too late to choose a GPU: CUDA's or ROCm's driver is initialised, and has read which
    ones it shows. Asked without waking it; False as well where it was never opened."""
    if has_opened_kfd():
        return True
    import ctypes  # only here: clients import this package too, and need none of it

    try:
        driver = ctypes.CDLL("libcuda.so.1", mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return False
    context = ctypes.c_void_p()
    return driver.cuCtxGetCurrent(ctypes.byref(context)) != NOT_INITIALIZED


def choose_device(uuid: str) -> None:
    """From now on this process shows CUDA and ROCm this GPU only; empty: none.

    Raises Unsupported if it is too late for that.
    """
    if has_used_driver():
        raise Unsupported(
            "the process used the GPU's driver while it was on standby, and can be given no device "
            "any more; use devices in `load` or later, or set `standby = 0`"
        )
    is_amd = AMD_UUID.fullmatch(uuid) is not None
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if is_amd else uuid
    os.environ["ROCR_VISIBLE_DEVICES"] = uuid if is_amd else ""
