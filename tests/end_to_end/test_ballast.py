"""Both ballasts on emulated devices: workers that take device memory and are busy."""

import json
import subprocess
import sys
import threading

import pytest
import windlass as wl
from support import ROOT, windlass_program

DEVICE = "GPU-e0000000-0000-0000-0000-000000000001"
BYTES = 3 << 30
CONTEXT = 450 << 20


class Emulated:
    """A node of two devices, and models that see the second."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.program = windlass_program()
        self.tool("create", self.folder, "2x24GiB,teardown=0s")

    def tool(self, *words):
        argv = [self.program.replace("bin/windlass", "bin/windlass-emulator"), *map(str, words)]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def truth(self):
        return json.loads(self.tool("status", self.folder))["devices"][1]

    def model(self, kind, more=""):
        variables = {
            "CUDA_VISIBLE_DEVICES": DEVICE,
            "WINDLASS_EMULATOR": self.folder,
            "LD_LIBRARY_PATH": self.program.replace("bin/windlass", "lib/emulator"),
        }
        command = [self.program, "ballast", "--bytes", "3GiB", "--run-ms", "0"]
        if kind == "python":
            variables.update(BALLAST_BYTES="3GiB", BALLAST_RUN_MS="0", PYTHONPATH=ROOT / "python")
            command = [sys.executable, "-m", "windlass.worker", "windlass.ballast:Ballast"]
        settings = ["%s=%s" % item for item in variables.items()]
        argv = ["/usr/bin/env", *settings, *command]
        return "[models.ballast]\ncommand = %s\n%s" % (json.dumps(argv), more)


@pytest.fixture(params=["program", "python"])
def ballast(request, tmp_path, daemon):
    """-> (what is emulated, the daemon that serves a ballast on it)."""
    emulated = Emulated(tmp_path / "node")
    return emulated, daemon(emulated.model(request.param))


def call(served, body=b""):
    with served.client() as client:
        return client.call("ballast", body, content_type="application/octet-stream")


def test_a_ballast_holds_its_memory_and_gives_it_back(ballast):
    emulated, served = ballast
    answer = call(served)
    assert answer["bytes"] == BYTES and answer["rounds"] == 1
    truth = emulated.truth()
    assert truth["used"] == BYTES + CONTEXT
    assert truth["processes"] == [{"pid": answer["pid"], "bytes": BYTES + CONTEXT}]
    assert call(served, b"50")["rounds"] > 1
    with served.client() as client:
        client.unload("ballast")
    assert emulated.truth()["used"] == 0


@pytest.mark.parametrize("kind", ["program", "python"])
def test_runs_beside_each_other_do_not_find_each_others_bytes(tmp_path, daemon, kind):
    emulated = Emulated(tmp_path / "node")
    served = daemon(emulated.model(kind, "concurrency = 4\n"))
    call(served)
    rounds = []
    busy = [
        threading.Thread(target=lambda: rounds.append(call(served, b"100")["rounds"]))
        for _ in range(4)
    ]
    for thread in busy:
        thread.start()
    for thread in busy:
        thread.join()
    assert len(rounds) == 4


def test_a_full_device_is_out_of_memory(ballast):
    emulated, served = ballast
    emulated.tool("stranger", emulated.folder, 1, "22GiB")
    with pytest.raises(wl.OutOfMemory, match="CUDA_ERROR_OUT_OF_MEMORY"):
        call(served)
    assert emulated.truth()["processes"] == []


@pytest.mark.parametrize("code, error", [(719, wl.ContextLost), (999, wl.DeviceLost)])
def test_a_broken_context_or_device_is_told_apart(ballast, code, error):
    emulated, served = ballast
    first = call(served)["pid"]
    emulated.tool("fault", emulated.folder, 1, "sticky_error", code)
    with pytest.raises(error):
        call(served)
    assert call(served)["pid"] != first


def test_without_a_driver_it_says_so(daemon):
    command = [windlass_program(), "ballast", "--bytes", "1MiB"]
    models = "[models.ballast]\ncommand = %s\n" % json.dumps(command)
    served = daemon(models, {"WINDLASS_CUDA_LIBRARY": "libnobody-has-this.so.7"})
    with pytest.raises(wl.DriverMissing, match="libnobody-has-this"):
        call(served)
