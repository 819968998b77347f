"""Fixtures of the end-to-end tests: real daemons with real worker processes."""

import pytest
from support import Daemons, Gate


def pytest_addoption(parser):
    parser.addoption("--part", help="2/3: every third of the tests, from the second on")


def pytest_collection_modifyitems(config, items):
    if part := config.getoption("--part"):
        number, count = map(int, part.split("/"))
        items[:] = items[number - 1 :: count]


@pytest.fixture
def daemons(tmp_path):
    """Starts daemons in every way; at the end each must have left nothing behind."""
    started = Daemons(tmp_path)
    try:
        yield started
        started.end_all()
    finally:
        started.kill_all()


@pytest.fixture
def daemon(daemons):
    """daemon(models_toml, **daemon_keys) -> a support.Daemon that serves."""
    return daemons.serve


@pytest.fixture
def gate(tmp_path):
    """What holds runs of the probe model until the test opens it."""
    return Gate(tmp_path / "gate")
