"""What importing the package costs: nothing of a GPU, no numpy, no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import DEADLINE_S, child_env
from fake_server import FakeServer

import windlass as wl


def run(code: str, *arguments: str) -> str:
    return subprocess.check_output(
        [sys.executable, "-c", code, *arguments], env=child_env(), text=True, timeout=DEADLINE_S
    )


def test_importing_loads_only_the_errors():
    loaded = run(
        "import sys; before = set(sys.modules)\n"
        "import windlass\n"
        "print(*sorted(m for m in sys.modules if m.startswith('windlass')))\n"
        "assert not {'http.client', 'socket', 'json', 'threading'} & (set(sys.modules) - before)"
    )
    assert loaded.split() == ["windlass", "windlass.errors", "windlass.version"]


USE_THE_CLIENTS = """
import asyncio, sys
import windlass as wl

url = sys.argv[1]
wl.Client(url).call("m", [1])
asyncio.run(wl.AsyncClient(url).call("m", [1]))
wl.Answer, wl.Request, wl.progress, wl.serve
print(*[module for module in ("numpy", "torch", "ctypes") if module in sys.modules])
words = ["libcuda", "libcudart", "libnvidia", "libamdhip", "libhip", "libhsa", "libtorch", "numpy"]
maps = open("/proc/self/maps").read()
print(*[word for word in words if word in maps])
"""


def test_the_clients_map_no_gpu_library_and_import_neither_numpy_nor_torch():
    """[A3.2] Both clients, used; judged by /proc/self/maps."""
    server = FakeServer()
    try:
        assert run(USE_THE_CLIENTS, server.url).split() == []
    finally:
        server.close()


def test_every_public_name_is_there_and_listed():
    for name in wl.__all__:
        assert getattr(wl, name) is not None
        assert name in dir(wl)
    with pytest.raises(AttributeError, match="no attribute 'Modell'"):
        wl.Modell  # noqa: B018
