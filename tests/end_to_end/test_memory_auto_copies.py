"""`copies = "auto"`: as many as fit beside strangers, who may grow and shrink."""

import pytest
from books import truth_of, unload_and_check
from emulated import FIRST, Node, device_probe
from support import AT_ONCE_S, eventually

MIB = 1 << 20
NEED = 6000 * MIB
USED = 8000 * MIB  # by the stranger at first
GROWN = 12000 * MIB  # then one copy must go, and one is enough


class Crew:
    """A device of 24564 MiB, a stranger there, and calls that keep copies busy."""

    def __init__(self, daemons, gate):
        # The device is looked at every 2 s / 50, so that 5 s become 1 s: see docs/scenarios.md.
        devices = {"headroom": "1024MiB", "sample_interval": "40ms"}
        models = device_probe("probe", "5500MiB", "6000MiB", copies="auto")
        self.node = Node(daemons, "1x24564MiB", models, devices=devices)
        self.served, self.gate = self.node.served, gate
        self.set_stranger(USED)

    def set_stranger(self, size):
        self.node.tool("stranger", 0, size)

    def begin(self, count):
        """Calls at once, until two of them run."""
        wires = [self.served.begin("probe", self.gate.hold(str(i))) for i in range(count)]
        eventually(lambda: self.served.model()["running"] == 2, "two run at the same time")
        return wires

    def finish(self, wires):
        """-> the pids that answered"""
        self.gate.open()
        pids = set()
        for wire in wires:
            with wire:
                reply = wire.reply()
            assert reply.status == 200, reply.body
            pids.add(int(reply.headers["X-Windlass-Worker-Pid"]))
        self.gate.close()
        return pids

    def pids(self):
        return {process["pid"] for process in truth_of(self.node)["processes"]}

    def check_one_goes(self):
        self.served.log.wait_for("model.stopping", limit_s=AT_ONCE_S)
        self.served.log.wait_for("worker.memory_returned")
        told = self.served.model()
        assert (told["copies"], self.pids()) == (1, {told["worker_pid"]})
        assert self.node.bytes_of(FIRST, "claimed") == NEED


@pytest.fixture
def crew(daemons, gate):
    return Crew(daemons, gate)


def test_there_are_as_many_copies_as_fit_and_busy_ones_are_not_touched(crew):
    """[A3.3] [R64] Two; the total divided by the need would say four."""
    calls = crew.begin(6)
    busy = crew.pids()
    crew.set_stranger(USED + 2 * MIB)
    crew.node.wait_for_bytes(FIRST, "foreign", USED + 2 * MIB)  # looked again: no third one fits
    assert len(busy) == 2 and crew.served.model()["loads"] == 2
    assert crew.node.bytes_of(FIRST, "claimed") == 2 * NEED
    assert crew.node.bytes_of(FIRST, "capacity") == 24564 * MIB

    crew.set_stranger(GROWN)
    crew.node.wait_for_bytes(FIRST, "foreign", GROWN)
    assert crew.served.model()["running"] == 2 and crew.pids() == busy
    assert not crew.served.log.find("model.stopping")

    assert crew.finish(calls) == busy  # now they are idle
    crew.check_one_goes()
    assert crew.served.model()["loads"] == 2
    unload_and_check(crew.node, "probe", uuids=[FIRST], strangers=GROWN)


def test_idle_copies_give_way_to_a_stranger_and_come_back_after_it(crew):
    """[A3.3] [R69] Within 5 s; and only as many as it needs."""
    first = crew.finish(crew.begin(4))
    assert crew.pids() == first and len(first) == 2
    crew.set_stranger(GROWN)
    crew.check_one_goes()
    assert crew.pids() < first

    crew.set_stranger(USED)
    again = crew.finish(crew.begin(4))
    assert crew.pids() == again and len(again) == 2
    assert len(again & first) == 1 and crew.served.model()["loads"] == 3
    assert crew.node.bytes_of(FIRST, "claimed") == 2 * NEED
    unload_and_check(crew.node, "probe", uuids=[FIRST], strangers=USED)
