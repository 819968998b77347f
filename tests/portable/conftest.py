"""Fixtures for the tests of what `make portable` builds."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))  # times.py


@pytest.fixture(scope="session")
def portable():
    """The folder under test: $WINDLASS_PORTABLE, else that of the checkout."""
    folder = pathlib.Path(
        os.environ.get("WINDLASS_PORTABLE") or ROOT / "build" / "portable" / "windlass"
    )
    assert (folder / "bin" / "windlass").exists(), "%s is not there: `make portable`" % folder
    return folder
