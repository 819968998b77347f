"""A model that only takes device memory and is busy: it stands in for a real one in tests.

    [models.ballast]
    python = "windlass.ballast:Ballast"
    env = { BALLAST_BYTES = "3GiB", BALLAST_RUN_MS = "20" }

The twin of `windlass ballast`, over `ctypes` and the CUDA driver library alone. A request whose
body is a number is busy for that many milliseconds instead.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import re
import threading
import time

from . import errors
from .device_memory import DeviceMemory

UNIT = 2 << 20  # in which the driver gives out memory; one page of each is touched
PAGE = 4096

SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

# CUresult -> what the caller does. The table is src/driver_abi/cuda_result_class.h.
TRANSIENT = {46, 802, 805, 807, 808, 809, 909}
CONTEXT_LOST = {226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 806, 810, 911}
DEVICE_LOST = {214, 220, 916, 999}
DRIVER = {34, 100, 102, 221, 222, 223, 303, 304, 803, 804}
UNSUPPORTED = {215, 217, 224, 225, 500, 801, 811, 812}


def error_class(result: int) -> type[errors.Error]:
    """The error that a CUresult other than success stands for."""
    if result == 2:
        return errors.OutOfMemory
    if result == 800:
        return errors.PermissionDenied
    for results, kind in (
        (TRANSIENT, errors.Transient),
        (CONTEXT_LOST, errors.ContextLost),
        (DEVICE_LOST, errors.DeviceLost),
        (DRIVER, errors.DriverMissing),
        (UNSUPPORTED, errors.Unsupported),
    ):
        if result in results:
            return kind
    return errors.Internal


def parse_bytes(text: str) -> int:
    """Reads "3GiB", "512MiB" or "1000B"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)", text)
    count = int(float(match[1]) * SIZES[match[2]]) if match else 0
    if count <= 0:
        raise errors.InvalidInput(f"{text!r} is no amount of memory; write it as 3GiB or 512MiB")
    return count


class Cuda:
    """The driver library; a result other than success becomes one of our errors."""

    def __init__(self) -> None:
        name = os.environ.get("WINDLASS_CUDA_LIBRARY", "libcuda.so.1")
        try:
            self._library = ctypes.CDLL(name)
        except OSError as error:
            raise errors.DriverMissing(
                f"cannot open {name}: {error}; is the NVIDIA driver installed here?"
            ) from error

    def call(self, function: str, *arguments: object) -> None:
        """call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(bytes))"""
        result = getattr(self._library, function)(*arguments)
        if result != 0:
            name = self._name_of(result)
            raise error_class(result)(f"{function} returned {name}", cause=name)

    def _name_of(self, result: int) -> str:
        text = ctypes.c_char_p()
        if self._library.cuGetErrorName(result, ctypes.byref(text)) == 0 and text.value:
            return text.value.decode()
        return f"CUresult {result}"


class Ballast:
    """Takes BALLAST_BYTES at load and is busy for BALLAST_RUN_MS in each run."""

    def __init__(self) -> None:
        self._bytes = parse_bytes(os.environ.get("BALLAST_BYTES", "1GiB"))
        self._run_ms = float(os.environ.get("BALLAST_RUN_MS", "20"))
        self._cuda: Cuda | None = None
        self._memory = ctypes.c_uint64()  # 0: it takes none of the device
        self._host = ctypes.c_void_p()  # where its bytes are then
        # Runs may be beside each other: each has a page of its own, or it would find another's
        # bytes.
        self._lock = threading.Lock()
        self._pages: set[int] = set()

    def load(self, device: str) -> None:
        self._cuda = Cuda()
        self._cuda.call("cuInit", 0)
        self._enter()
        try:
            self._take()
        except errors.Error:
            self._cuda.call("cuDevicePrimaryCtxRelease_v2", 0)  # with what was taken in it
            raise

    def _take(self) -> None:
        self._cuda.call(
            "cuMemAlloc_v2", ctypes.byref(self._memory), ctypes.c_size_t(self._bytes)
        )
        page = min(PAGE, self._bytes)
        units = (self._bytes - page) // UNIT + 1
        width, height = ctypes.c_size_t(page), ctypes.c_size_t(units)
        self._cuda.call(
            "cuMemsetD2D8_v2", self._memory, ctypes.c_size_t(UNIT), ctypes.c_ubyte(1), width, height
        )
        self._cuda.call("cuCtxSynchronize")

    def run(self, request):
        body = request.body.strip()
        run_ms = float(body) if body.isdigit() else self._run_ms
        end = time.monotonic() + run_ms / 1000
        self._enter()  # runs may be on another thread than the load
        self._cuda.call("cuDevicePrimaryCtxRelease_v2", 0)
        page, rounds = self._take_page(), 0
        try:
            while rounds == 0 or time.monotonic() < end:
                if request.cancelled:
                    raise errors.Cancelled("the request was cancelled")
                rounds += 1
                self._work_once(page, rounds % 256)
                request.progress(rounds)
        finally:
            with self._lock:
                self._pages.discard(page)
        return {"pid": os.getpid(), "bytes": self._bytes, "rounds": rounds}

    def offload(self) -> None:
        """Moves its bytes to pinned memory. What fails is undone: they are in one of two places."""
        host, count = ctypes.c_void_p(), ctypes.c_size_t(self._bytes)
        try:
            self._cuda.call("cuMemHostAlloc", ctypes.byref(host), count, 0)
        except errors.OutOfMemory as error:
            raise errors.HostOutOfMemory(error.message, cause=error.cause) from error
        try:
            self._cuda.call("cuMemcpyDtoH_v2", host, self._memory, count)
            self._cuda.call("cuMemFree_v2", self._memory)
        except errors.Error:
            self._cuda.call("cuMemFreeHost", host)
            raise
        self._memory, self._host = ctypes.c_uint64(), host

    def restore(self, device: str) -> None:
        memory, count = ctypes.c_uint64(), ctypes.c_size_t(self._bytes)
        self._cuda.call("cuMemAlloc_v2", ctypes.byref(memory), count)
        try:
            self._cuda.call("cuMemcpyHtoD_v2", memory, self._host, count)
            self._cuda.call("cuMemFreeHost", self._host)
        except errors.Error:
            self._cuda.call("cuMemFree_v2", memory)
            raise
        self._memory, self._host = memory, ctypes.c_void_p()

    def unload(self) -> None:
        if self._memory.value:
            self._cuda.call("cuMemFree_v2", self._memory)
        if self._host.value:
            self._cuda.call("cuMemFreeHost", self._host)
        self._cuda.call("cuDevicePrimaryCtxRelease_v2", 0)

    def reset_device_peak(self) -> None:
        """It takes its bytes in one piece, and nothing for its runs."""

    def read_device_memory(self) -> DeviceMemory:
        held = self._bytes if self._memory.value else 0
        return DeviceMemory(peak=held, reserved=held, reserved_peak=held)

    def _enter(self) -> None:
        context = ctypes.c_void_p()
        self._cuda.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self._cuda.call("cuCtxSetCurrent", context)

    def _take_page(self) -> int:
        with self._lock:
            page = next(number for number in itertools.count() if number not in self._pages)
            if page and (page + 1) * PAGE > self._bytes:
                raise errors.InvalidInput(
                    f"{self._bytes} bytes cannot be busy {page + 1} times at once; take more "
                    "BALLAST_BYTES, or lower `concurrency`"
                )
            self._pages.add(page)
        return page

    def _work_once(self, page: int, value: int) -> None:
        """A set, and a copy each way, which must bring back what was set."""
        size = min(PAGE, self._bytes)
        address = ctypes.c_uint64(self._memory.value + page * PAGE)
        seen, count = ctypes.create_string_buffer(size), ctypes.c_size_t(size)
        self._cuda.call("cuMemsetD8_v2", address, ctypes.c_ubyte(value), count)
        self._cuda.call("cuMemcpyDtoH_v2", seen, address, count)
        if seen.raw != bytes([value]) * size:
            raise errors.DataCorrupt(
                "device memory does not hold what was written; the device or its driver is broken"
            )
        self._cuda.call("cuMemcpyHtoD_v2", address, seen, count)
        self._cuda.call("cuCtxSynchronize")
