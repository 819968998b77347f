"""SIGTERM while workers use devices, one of them stuck in the driver: nothing stays on a device."""

import os
import signal

import pytest
from emulated import FIRST, SECOND, LastingNode, ballast, obedient
from namespaces import UNSHARE, why_not_permitted
from processes import children_of
from support import AT_ONCE_S, eventually

MINUTE_MS = b"60000"


def descendants_of(pid):
    children = children_of(pid)
    return children + [pid for child in children for pid in descendants_of(child)]


def begin(served, model, body):
    wire = served.wire()
    wire.request("POST", "/api/models/%s/call" % model, body)
    return wire


@pytest.mark.parametrize("within", [[], UNSHARE], ids=["plain", "as PID 1"])
def test_sigterm_leaves_no_process_and_nothing_on_a_device(daemons, tmp_path, within):
    """[A0.4] [R1] Two at work, one stuck in the driver; times divided by 50."""
    if within and (why := why_not_permitted()):
        pytest.skip("no namespaces are permitted here: " + why)
    models = obedient("stuck", "1GiB", "2GiB", devices=[FIRST])
    models += ballast("one", "1GiB", "2GiB", devices=[SECOND])
    models += obedient("two", "1GiB", "2GiB", devices=[SECOND])
    text = '[daemon]\nshutdown_grace = "100ms"\n[devices]\nheadroom = "0B"\n' + models
    node = LastingNode(tmp_path / "node", "2x24GiB,teardown=0s")
    served = daemons.start(text, node.environment, within=within).wait_until_started()
    for model in ("stuck", "one", "two"):
        with begin(served, model, b"0") as wire:
            assert wire.reply().status == 200
    assert node.count_holders() == 3
    node.tool("fault", 0, "hang_synchronize")
    wires = [begin(served, model, MINUTE_MS) for model in ("stuck", "one", "two")]
    running = lambda: [  # noqa: E731
        len(worker["running"]) for worker in served.get("/api/workers").json()["workers"]
    ]
    eventually(lambda: running() == [1, 1, 1], "all three are at work")
    everybody = descendants_of(served.pid)
    first = children_of(served.pid)[0] if within else served.pid
    os.kill(first, signal.SIGTERM)
    assert served.wait(AT_ONCE_S) == 0
    assert not [pid for pid in everybody if os.path.exists("/proc/%d" % pid)]
    assert node.count_holders() == 0
    status = node.status()
    assert status["processes"] == 0
    assert [device["used"] for device in status["devices"]] == [0, 0]
    for wire in wires:
        wire.close()
