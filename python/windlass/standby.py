"""A process that stands by has imported its model before anybody knows which GPU it is for."""

from __future__ import annotations

import os

from .errors import Unsupported

VARIABLE = "WINDLASS_STANDBY"  # set by the daemon, which started this process ahead of its load
NOT_INITIALIZED = 3  # cuCtxGetCurrent() before cuInit(), by the documentation of the driver API


def is_on_standby() -> bool:
    return VARIABLE in os.environ


def has_used_driver() -> bool:
    """It is too late to choose a GPU: CUDA's driver is initialised, and has read which ones it
    shows. Asked without waking it; False as well where it was never opened."""
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
    for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        os.environ[name] = uuid
