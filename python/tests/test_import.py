"""What importing the package costs: nothing of a GPU, no numpy, no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import child_env

import windlass as wl


def run(code: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], env=child_env(), text=True)


def test_importing_loads_only_the_errors():
    loaded = run(
        "import sys; before = set(sys.modules)\n"
        "import windlass\n"
        "print(*sorted(m for m in sys.modules if m.startswith('windlass')))\n"
        "assert not {'http.client', 'socket', 'json', 'threading'} & (set(sys.modules) - before)"
    )
    assert loaded.split() == ["windlass", "windlass.errors", "windlass.version"]


def test_using_the_client_side_maps_no_gpu_library():
    code = (
        "import sys, windlass as wl\n"
        "wl.Client(), wl.Answer, wl.Request, wl.progress, wl.serve\n"
        "assert not {'numpy', 'torch'} & set(sys.modules)\n"
        "maps = open('/proc/self/maps').read()\n"
        "print(*[word for word in ('libcuda', 'libnvidia', 'libtorch', 'numpy') if word in maps])"
    )
    assert run(code).strip() == ""


def test_every_public_name_is_there_and_listed():
    for name in wl.__all__:
        assert getattr(wl, name) is not None
        assert name in dir(wl)
    with pytest.raises(AttributeError, match="no attribute 'Modell'"):
        wl.Modell  # noqa: B018
