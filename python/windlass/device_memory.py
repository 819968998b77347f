"""What a run takes of the device's memory, where an allocator in this process can say."""

from __future__ import annotations

import sys
import threading
from typing import Any, NamedTuple

HOOKS = ("reset_device_peak", "read_device_memory")
BYTES_MAX = 1 << 50  # what the daemon believes


class DeviceMemory(NamedTuple):
    """What `read_device_memory()` of a model returns, in bytes.

    peak           the most that was handed out since `reset_device_peak()`
    reserved       held of the device now, handed out or kept for later
    reserved_peak  the most of that since `reset_device_peak()`
    """

    peak: int
    reserved: int
    reserved_peak: int


class TorchAllocator:
    """PyTorch's, once it has touched a GPU. Never imports torch nor touches a device."""

    def reset_device_peak(self) -> None:
        self._cuda().reset_peak_memory_stats()

    def read_device_memory(self) -> DeviceMemory | None:
        # One look for all three: each takes tens of microseconds.
        stats = self._cuda().memory_stats()
        peak, held = "allocated_bytes.all.peak", "reserved_bytes.all.%s"
        return DeviceMemory(stats[peak], stats[held % "current"], stats[held % "peak"])

    def is_there(self) -> bool:
        return "torch" in sys.modules and self._cuda().is_initialized()

    def _cuda(self) -> Any:
        return sys.modules["torch"].cuda


class ModelAllocator:
    """The one that the model tells of, by its two hooks."""

    def __init__(self, model: Any) -> None:
        self.reset_device_peak, self.read_device_memory = (getattr(model, n) for n in HOOKS)

    def is_there(self) -> bool:
        return True


def find_allocator(model: Any) -> TorchAllocator | ModelAllocator:
    """The model's, if it has both hooks. Raises TypeError for one without the other."""
    has = [callable(getattr(model, name, None)) for name in HOOKS]
    if any(has) and not all(has):
        there, missing = HOOKS if has[0] else HOOKS[::-1]
        raise TypeError(
            f"{type(model).__qualname__} has {there}() and no {missing}(): a peak is that of a run"
            " only if it can be reset; write both, or neither"
        )
    return ModelAllocator(model) if all(has) else TorchAllocator()


class Gauge:
    """Measures runs, which may overlap. Thread-safe.

    Whatever the allocator raises is as if there was none: a number that is only told must not fail
    what it is about.
    """

    def __init__(self, allocator: TorchAllocator | ModelAllocator) -> None:
        self._allocator = allocator
        self._lock = threading.Lock()  # guards all below
        self._begun_count = 0
        self._running_count = 0
        self._is_reset = False  # for those that run
        self._at_rest: int | None = None  # what was reserved when it was last looked at

    def settle(self) -> None:
        """No run is on, and what it holds of the device may have changed."""
        self._at_rest = self.reserved()

    def reserved(self) -> int | None:
        memory = self._read()
        return None if memory is None else memory.reserved

    def begin(self) -> int:
        """A run begins; `end` wants what this returns."""
        with self._lock:
            if self._running_count == 0:
                self._is_reset = self._reset()
            self._running_count += 1
            self._begun_count += 1
            return 0 if self._running_count > 1 else self._begun_count

    def end(self, begun: int) -> dict[str, int]:
        """What to tell of it, as the `result` frame does."""
        with self._lock:
            self._running_count -= 1
            memory = self._read() if self._is_reset else None
            at_rest, self._at_rest = self._at_rest, memory and memory.reserved
            if memory is None:
                return {}
            told = {"peak_bytes": memory.peak}
            is_alone = begun == self._begun_count
            if is_alone and at_rest == memory.reserved == memory.reserved_peak:
                told["reserved_bytes"] = memory.reserved
            return told

    def _reset(self) -> bool:
        try:
            if not self._allocator.is_there():
                return False
            self._allocator.reset_device_peak()
            return True
        except Exception:  # lint: handled, see the class
            return False

    def _read(self) -> DeviceMemory | None:
        try:
            if not self._allocator.is_there():
                return None
            told = self._allocator.read_device_memory()
            memory = DeviceMemory(*map(int, told))
            return memory if all(0 <= count <= BYTES_MAX for count in memory) else None
        except Exception:  # lint: handled, see the class
            return None
