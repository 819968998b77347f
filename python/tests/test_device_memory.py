"""Which allocator is asked, and what becomes of one that fails; the rest: tests/contract/worker."""

from __future__ import annotations

import sys
import types

import pytest

import windlass as wl
from windlass.device_memory import HOOKS, Gauge, TorchAllocator, find_allocator


class Cuda:
    """What is used of torch.cuda."""

    def __init__(self, is_initialized=True):
        self.is_initialized = lambda: is_initialized
        self.resets = 0

    def reset_peak_memory_stats(self):
        self.resets += 1

    def memory_stats(self):
        return {
            "allocated_bytes.all.peak": 3000,
            "reserved_bytes.all.current": 4096,
            "reserved_bytes.all.peak": 4096,
        }


def broken():
    raise RuntimeError("CUDA error: unspecified launch failure")


@pytest.fixture
def give_torch(monkeypatch):
    return lambda cuda: monkeypatch.setitem(
        sys.modules, "torch", types.SimpleNamespace(cuda=cuda)
    )


def run(gauge):
    return gauge.end(gauge.begin())


def test_pytorch_tells_of_each_run(give_torch):
    """[A3.6] [R71]"""
    cuda = Cuda()
    give_torch(cuda)
    gauge = Gauge(find_allocator(object()))
    gauge.settle()
    assert run(gauge) == {"peak_bytes": 3000, "reserved_bytes": 4096}
    assert (cuda.resets, gauge.reserved()) == (1, 4096)


def test_a_worker_that_has_not_touched_the_device_does_not_now(give_torch):
    cuda = Cuda(is_initialized=False)
    cuda.memory_stats = cuda.reset_peak_memory_stats = broken
    give_torch(cuda)
    gauge = Gauge(TorchAllocator())
    assert (run(gauge), gauge.reserved()) == ({}, None)


def test_a_peak_that_was_not_reset_is_not_told(give_torch):
    """The run itself has touched the device for the first time."""
    cuda = Cuda(is_initialized=False)
    give_torch(cuda)
    gauge = Gauge(TorchAllocator())
    begun = gauge.begin()
    cuda.is_initialized = lambda: True
    assert gauge.end(begun) == {}
    assert run(gauge) == {"peak_bytes": 3000}


@pytest.mark.parametrize("name", ["memory_stats", "reset_peak_memory_stats", "is_initialized"])
def test_what_pytorch_raises_is_as_if_it_was_not_there(give_torch, name):
    cuda = Cuda()
    setattr(cuda, name, broken)
    give_torch(cuda)
    assert run(Gauge(TorchAllocator())) == {}


def test_without_pytorch_nobody_knows_and_nothing_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    gauge = Gauge(TorchAllocator())
    assert (run(gauge), gauge.reserved()) == ({}, None)
    assert "torch" not in sys.modules


@pytest.mark.parametrize("told", [None, (1, 2), (1, 2, -1), (1, 2, 1 << 51), (1, 2, "many")])
def test_what_a_model_tells_wrongly_is_not_told(told):
    model = types.SimpleNamespace(reset_device_peak=bool, read_device_memory=lambda: told)
    assert run(Gauge(find_allocator(model))) == {}


def test_the_hooks_of_a_model_come_before_pytorch(give_torch):
    give_torch(Cuda())
    told = wl.DeviceMemory(peak=1, reserved=2, reserved_peak=3)
    model = types.SimpleNamespace(reset_device_peak=bool, read_device_memory=lambda: told)
    assert run(Gauge(find_allocator(model))) == {"peak_bytes": 1}


@pytest.mark.parametrize("hook", HOOKS)
def test_one_hook_without_the_other_is_a_mistake(hook):
    with pytest.raises(TypeError, match=rf"has {hook}\(\) and no"):
        find_allocator(types.SimpleNamespace(**{hook: print}))
