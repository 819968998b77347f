"""Both ballasts move their bytes off an emulated device and back; its ledger is the witness."""

import json
import subprocess
import sys

import pytest
from conftest import PROGRAM, ROOT
from fake_daemon import DEADLINE_S, FakeDaemon
from test_moves import QUIET, assert_refused, move

from windlass.frames import Type

BYTES = 1 << 30
CONTEXT = 450 << 20


class Ballast(FakeDaemon):
    """A ballast on the one device of a node of its own, loaded."""

    def __init__(self, sdk, node):
        self.node = str(node)
        self.tool("create", self.node, "1x2GiB,link=1000GB,teardown=0s")
        command = [str(PROGRAM), "ballast", "--bytes", "1GiB", "--run-ms", "0"]
        if sdk == "python":
            command = [sys.executable, "-m", "windlass.worker", "windlass.ballast:Ballast"]
        variables = {
            "WINDLASS_EMULATOR": self.node,
            "LD_LIBRARY_PATH": str(PROGRAM.parents[1] / "lib/emulator"),
            "CUDA_VISIBLE_DEVICES": "0",
            "BALLAST_BYTES": "1GiB",
            "BALLAST_RUN_MS": "0",
            "PYTHONPATH": str(ROOT / "python"),
        }
        super().__init__(command, variables)
        assert self.expect(Type.HELLO).meta["can_offload"] is True
        self.send_load(device="cuda")
        self.expect(Type.LOADED)

    def tool(self, *words):
        argv = [str(PROGRAM.parent / "windlass-emulator"), *map(str, words)]
        return subprocess.run(
            argv, check=True, timeout=DEADLINE_S, capture_output=True, text=True
        ).stdout

    def used(self):
        return json.loads(self.tool("status", self.node))["devices"][0]["used"]

    def call(self, id):
        self.run(id, b"0", timeout_ms=60_000)
        self.expect(Type.STARTED, id)
        return json.loads(self.expect(Type.RESULT, id, skip=QUIET).body)


@pytest.fixture
def ballast(sdk, tmp_path):
    served = Ballast(sdk, tmp_path / "node")
    yield served
    served.close()


def test_only_the_context_stays_on_the_device(ballast):
    """Whoever looks right after the answer sees the bytes gone."""
    first = ballast.call(1)
    for id in (2, 3):
        assert ballast.used() == BYTES + CONTEXT
        assert move(ballast, Type.OFFLOAD).type is Type.OFFLOADED
        assert ballast.used() == CONTEXT
        assert move(ballast, Type.RESTORE).type is Type.RESTORED
        assert ballast.call(id) == first
    assert move(ballast, Type.OFFLOAD).type is Type.OFFLOADED
    assert ballast.stop() == 0
    assert ballast.used() == 0


def test_a_restore_that_finds_no_room_can_be_tried_again(ballast):
    move(ballast, Type.OFFLOAD)
    ballast.tool("stranger", ballast.node, 0, "1GiB")
    assert_refused(move(ballast, Type.RESTORE), "out_of_memory")
    assert ballast.used() == CONTEXT + (1 << 30)
    ballast.tool("stranger", ballast.node, 0, "0B")
    assert move(ballast, Type.RESTORE).type is Type.RESTORED
    assert ballast.call(1)["bytes"] == BYTES
