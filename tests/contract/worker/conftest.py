"""The contract of a worker, kept by each SDK: every test runs against all of them."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "python/tests")]

from fake_daemon import FakeDaemon  # noqa: E402  (found beside the tests of the Python SDK)

PROGRAM = pathlib.Path(os.environ.get("WINDLASS_BINARY") or ROOT / "build/dev/bin/windlass")
COMMANDS = {
    "python": [sys.executable, str(HERE / "conformance_model.py")],
    "cpp": [str(PROGRAM.parent / "windlass-conformance-worker")],
}


@pytest.fixture(params=sorted(COMMANDS))
def sdk(request):
    return request.param


@pytest.fixture
def start(sdk):
    """start(GATED="load", ...) -> a FakeDaemon with a worker that keeps the contract."""
    daemons = []

    def start_worker(**environment):
        daemons.append(FakeDaemon(COMMANDS[sdk], environment))
        return daemons[-1]

    yield start_worker
    for daemon in daemons:
        daemon.close()


@pytest.fixture
def loaded(start):
    """loaded(concurrency=1, ...) -> the same, its model loaded."""

    def load(environment=None, **order):
        daemon = start(**(environment or {}))
        load_model(daemon, **order)
        return daemon

    return load


def load_model(daemon, **order):
    from windlass.frames import Type

    daemon.expect(Type.HELLO)
    daemon.send_load(**order)
    assert daemon.expect(Type.PROGRESS).meta == {"step": 1, "total": 2, "phase": "weights"}
    daemon.expect(Type.LOADED)
