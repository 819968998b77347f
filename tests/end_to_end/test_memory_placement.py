"""Which GPU a copy goes to, and that it sees no other."""

from books import truth_of, unload_and_check
from emulated import FIRST, SECOND, Node, device_probe
from processes import environment_of
from support import eventually

MIB = 1 << 20
NEED = "3500MiB"  # two would fit on one device
NOWHERE = "GPU-e0000000-0000-0000-0000-00000000000a"


def begin(node, gate, count):
    """Calls that run until the gate opens; one copy has no place for six of them."""
    order = {"do": "devices", "gate": gate.path}
    return [node.served.begin("probe", order) for _ in range(count)]


def finish(gate, wires):
    """-> device of each answer: the worker's pid, its copy, and the devices that it saw"""
    gate.open()
    seen = {}
    for wire in wires:
        with wire:
            reply = wire.reply()
        assert reply.status == 200, reply.body
        told = {**reply.json(), "copy": reply.headers["X-Windlass-Copy"]}
        assert int(reply.headers["X-Windlass-Worker-Pid"]) == told["pid"]
        seen.setdefault(reply.headers["X-Windlass-Device"], told)
        assert seen[reply.headers["X-Windlass-Device"]] == told
    return seen


def test_copies_are_pinned_by_uuid_one_to_each_gpu(daemons, gate):
    """[A3.4] [R63] [R66] [R77] [R82] And every worker sees exactly one device."""
    node = Node(daemons, "2x8GiB", device_probe("probe", "2GiB", NEED, copies=2))
    calls = begin(node, gate, 10)
    eventually(lambda: node.served.model()["running"] == 2, "two run at the same time")
    node.served.wait_for_waiting(8)
    seen = finish(gate, calls)
    assert sorted(seen) == [FIRST, SECOND]
    assert seen[FIRST]["copy"] != seen[SECOND]["copy"]
    for index, uuid in enumerate([FIRST, SECOND]):
        pid = seen[uuid]["pid"]
        assert seen[uuid]["uuids"] == [uuid]
        assert environment_of(pid)["CUDA_VISIBLE_DEVICES"] == uuid
        assert [process["pid"] for process in truth_of(node, index)["processes"]] == [pid]
        assert node.bytes_of(uuid, "claimed") == 3500 * MIB
    unload_and_check(node, "probe", uuids=[FIRST, SECOND])


def test_a_model_with_devices_of_its_own_goes_there_only(daemons, gate):
    """[A3.4] Its second copy finds no room there, and the other device stays empty."""
    keys = {"devices": [NOWHERE, SECOND], "copies": "auto"}
    node = Node(daemons, "2x8GiB", device_probe("probe", "2GiB", NEED, **keys))
    node.tool("stranger", 1, "2GiB")
    calls = begin(node, gate, 6)
    eventually(lambda: node.served.model()["running"] == 1, "one runs")
    node.tool("stranger", 1, "2049MiB")  # instead of that
    node.wait_for_bytes(SECOND, "foreign", 2049 * MIB)  # it was looked whether more fit
    seen = finish(gate, calls)
    assert list(seen) == [SECOND] and seen[SECOND]["uuids"] == [SECOND]
    assert node.served.model()["loads"] == 1
    assert truth_of(node, 0)["used"] == 0
    unload_and_check(node, "probe", uuids=[SECOND], strangers=2049 * MIB)


def test_an_error_names_the_device_that_is_nowhere(daemons):
    """[A3.4] It may come yet: so its model waits for it, and says so."""
    node = Node(daemons, "1x8GiB", device_probe("probe", "2GiB", NEED, devices=[NOWHERE]))
    with node.served.begin("probe") as waiting:
        reasons = lambda: [  # noqa: E731
            request["reason"] for request in node.served.model()["waiting_requests"]
        ]
        eventually(lambda: reasons() == ["device"], "it waits for a device")
        refused = node.call("probe", wait="100ms")
        assert reasons() == ["device"]
    error = refused.json()["error"]
    assert (refused.status, error["type"], error["reason"]) == (503, "unavailable", "device")
    assert NOWHERE in error["message"] and "windlass devices" in error["message"]
    assert node.served.model()["loads"] == 0
