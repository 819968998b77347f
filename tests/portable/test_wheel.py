"""The wheel: built from ./python around the portable folder, put into an empty environment."""

import json
import os
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT
from serving import serving
from test_portable import FLOOR
from times import SOON_S

INSTALL_S = 6 * SOON_S

CALL = """
import json, sys
import windlass as wl
print(json.dumps([wl.__file__, wl.Client(sys.argv[1]).call("mine", {"text": "ahoy"})["text"]]))
"""


def run(*argv, **environment):
    argv = list(map(str, argv))
    clean = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        argv,
        env={**clean, **environment},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
    )
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def wheel(portable, tmp_path_factory):
    """Without a network: with the setuptools and the wheel that this Python has."""
    folder = tmp_path_factory.mktemp("wheel")
    offline = ["--no-index", "--no-build-isolation", "--no-deps"]
    argv = [sys.executable, "-m", "pip", "wheel", *offline, "-w", folder, ROOT / "python"]
    run(*argv, WINDLASS_PORTABLE=str(portable))
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """bin/ of a virtual environment in which nothing but the wheel was installed."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin" / "pip", "install", "--no-index", wheel)
    return folder / "bin"


def test_the_wheel_says_what_machine_it_is_for_and_leaves_nothing_in_the_tree(wheel):
    tag = "manylinux_%d_%d_%s" % (*FLOOR, os.uname().machine)
    assert wheel.name.endswith("-py3-none-%s.whl" % tag)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/WHEEL")]
        assert b"Root-Is-Purelib: false" in archive.read(metadata)
    assert "windlass/_program/bin/windlass" in names and "windlass/py.typed" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    assert not (ROOT / "python" / "build").exists()
    assert not list((ROOT / "python").glob("*.egg-info"))


def test_the_command_and_the_package_have_one_version(environment):
    told = json.loads(run(environment / "windlass", "--version", "--json"))
    code = "import windlass; print(windlass.__version__)"
    assert run(environment / "python", "-c", code).strip() == told["version"]


MODEL = """
import sys

class Mine:
    def load(self, device):
        pass

    def run(self, request):
        return {"text": request.json()["text"] + " from " + sys.prefix}
"""


def test_it_serves_and_calls_and_runs_models_in_the_environment_it_is_in(environment, tmp_path):
    with serving(environment / "windlass", tmp_path, {"HOME": str(tmp_path)}) as started:
        (tmp_path / "mine.py").write_text(MODEL)
        told = run(environment / "python", "-c", CALL, "http://" + started["listen"])
        file, text = json.loads(told)
        assert file.startswith(str(environment.parent))
        assert text == "ahoy from %s" % environment.parent
        models = run(environment / "windlass", "models", "--url", "unix:" + started["socket"])
        assert "mine" in models
