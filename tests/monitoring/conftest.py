"""Daemons as the end-to-end tests have them."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))
from support import Daemons  # noqa: E402


@pytest.fixture
def daemons(tmp_path):
    started = Daemons(tmp_path)
    try:
        yield started
        started.end_all()
    finally:
        started.kill_all()
