"""Starts workers for the tests of the worker SDK."""

from __future__ import annotations

import sys

import pytest
from fake_daemon import BODY_MAX, DEADLINE_S, QUIET, FakeDaemon, child_env  # noqa: F401


@pytest.fixture
def start():
    """Starts a worker for a class in models.py: `start("Echo")`, with variables for it."""
    daemons: list[FakeDaemon] = []

    def start_worker(name: str, **env: str) -> FakeDaemon:
        return start_command(["-m", "windlass.worker", f"models:{name}"], env)

    def start_command(arguments: list[str], env: dict[str, str]) -> FakeDaemon:
        daemons.append(FakeDaemon([sys.executable, *arguments], env))
        return daemons[-1]

    start_worker.command = start_command
    yield start_worker
    for daemon in daemons:
        daemon.close()
