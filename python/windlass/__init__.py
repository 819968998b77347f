"""Windlass: write a model once, and call it from many processes.

A model is a class with `load(device)` and `run(request)`; `serve` or `python -m windlass.worker`
runs it under the daemon. `device` is "cpu" or "cuda", as `torch.device` takes it: the one GPU that
the process sees, whose UUID stands in the environment variable CUDA_VISIBLE_DEVICES (of AMD's in
ROCR_VISIBLE_DEVICES). Where the process is a variant of the model, WINDLASS_VARIANT names it,
before `load` already. If it has `offload()` and `restore(device)` too, its weights can go to host
memory between two runs and come back; `TorchModel` has both for any PyTorch module (the daemon of
this version does not ask for it yet). An `offload` that raises should leave the model as it was: it
counts as loaded, and runs. `on_retry(attempt, error, settings)` and `fit(settings, free_bytes)` may
lower what a job asks for. What PyTorch takes of a GPU in a run is told to who called; a model with
another allocator has `reset_device_peak()` and `read_device_memory()`, which returns a
`DeviceMemory`.

`Client` and `AsyncClient` call a model. Importing this package loads no GPU library, no numpy and
no torch, and only the errors at once: the rest comes with its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import (
    ERRORS,
    Cancelled,
    Conflict,
    ContextLost,
    DataCorrupt,
    DeviceLost,
    DriverMissing,
    Error,
    HostOutOfMemory,
    Internal,
    InvalidInput,
    MemoryHolder,
    NotFound,
    OutOfMemory,
    PermissionDenied,
    QueueFull,
    Stalled,
    Timeout,
    Transient,
    Unavailable,
    Unsupported,
    WorkerLost,
)
from .version import __version__

if TYPE_CHECKING:
    from .async_client import AsyncClient
    from .async_job import AsyncJob
    from .client import Client, devices
    from .device_memory import DeviceMemory
    from .exchange import Answer
    from .job import Job
    from .job_exchange import Progress
    from .reporting import progress
    from .request import Request
    from .torch_model import TorchModel
    from .worker import serve

_LAZY = {
    "Answer": "exchange",
    "AsyncClient": "async_client",
    "AsyncJob": "async_job",
    "Client": "client",
    "DeviceMemory": "device_memory",
    "Job": "job",
    "Progress": "job_exchange",
    "Request": "request",
    "TorchModel": "torch_model",
    "devices": "client",
    "progress": "reporting",
    "serve": "worker",
}

__all__ = [
    "ERRORS",
    "Answer",
    "AsyncClient",
    "AsyncJob",
    "Cancelled",
    "Client",
    "Conflict",
    "ContextLost",
    "DataCorrupt",
    "DeviceLost",
    "DeviceMemory",
    "DriverMissing",
    "Error",
    "HostOutOfMemory",
    "Internal",
    "InvalidInput",
    "Job",
    "MemoryHolder",
    "NotFound",
    "OutOfMemory",
    "PermissionDenied",
    "Progress",
    "QueueFull",
    "Request",
    "Stalled",
    "Timeout",
    "TorchModel",
    "Transient",
    "Unavailable",
    "Unsupported",
    "WorkerLost",
    "__version__",
    "devices",
    "progress",
    "serve",
]


def __getattr__(name: str):
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'windlass' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
