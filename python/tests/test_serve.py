"""`windlass.serve` and the command line of a worker."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import DEADLINE_S, child_env

from windlass.frames import Type

SCRIPT = """
import windlass as wl

class Double:
    def load(self, device): pass
    def run(self, request): return 2 * request.json()

if __name__ == "__main__":
    wl.serve(Double)
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "double.py"
    path.write_text(SCRIPT)
    return str(path)


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**child_env(), **env},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_a_script_serves_its_class(start, script):
    daemon = start.command([script], {})
    daemon.load()
    daemon.run(1, b"21")
    daemon.expect(Type.STARTED, 1)
    assert daemon.expect(Type.RESULT, 1).body == b"42"
    assert daemon.stop() == 0


def test_started_by_hand_it_says_how_to_serve_and_try_it(script):
    done = run(script)
    assert done.returncode == 2
    for words in (
        "[models.double]",
        f'command = ["{sys.executable}", "{script}"]',
        "windlass serve",
        "http://127.0.0.1:7411/api/models/double/call",
    ):
        assert words in done.stderr
    assert done.stdout == ""


def test_the_module_started_by_hand_shows_the_python_key():
    done = run("-m", "windlass.worker", "models:Echo")
    assert done.returncode == 2
    assert '[models.echo]\n    python = "models:Echo"' in done.stderr


@pytest.mark.parametrize("arguments", [[], ["a:B", "c:D"], ["--help"]])
def test_a_wrong_command_line_shows_the_usage(arguments):
    done = run("-m", "windlass.worker", *arguments)
    assert (done.returncode, done.stderr) == (2, "usage: python -m windlass.worker module:Class\n")


@pytest.mark.parametrize("descriptor", ["abc", "-1", "987", "0"])
def test_a_descriptor_that_is_no_socket_is_refused(descriptor):
    done = run("-m", "windlass.worker", "models:Echo", WINDLASS_CHANNEL=descriptor)
    assert done.returncode == 2
    assert f"WINDLASS_CHANNEL={descriptor} is no channel" in done.stderr


def test_a_model_module_that_serves_when_imported_is_told_so(start, tmp_path):
    (tmp_path / "unguarded.py").write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    arguments = ["-m", "windlass.worker", "unguarded:Double"]
    path = {"PYTHONPATH": f"{tmp_path}:{child_env()['PYTHONPATH']}"}
    error = start.command(arguments, path).expect(Type.ERROR)
    assert error.meta["cause"] == "SystemExit"
    assert "wl.serve(Double)" in error.meta["traceback"]
