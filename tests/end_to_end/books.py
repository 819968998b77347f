"""Whether the daemon's books of an emulated device agree with what is really there."""

import json

from support import eventually


def truth_of(node, index=0):
    """The emulator's own: {"uuid", "capacity", "used", "processes": [{"pid", "bytes"}], ...}."""
    return json.loads(node.tool("status").stdout)["devices"][index]


def check_books(node, uuid, strangers=0):
    """Nobody but strangers has memory there any more, and the daemon knows that."""
    index = int(uuid[-1], 16)
    expected = {"used": strangers, "claimed": 0, "foreign": strangers, "fenced": 0}

    def is_told():
        device = node.device(uuid)
        told = {what: (device[what] or {}).get("bytes") for what in expected}
        return told == expected and device["holders"] == []

    eventually(lambda: truth_of(node, index)["used"] == strangers, "the memory is back")
    assert truth_of(node, index)["processes"] == []
    eventually(is_told, "of %s is told %s, and no holders" % (uuid, expected))


def unload_and_check(node, *models, uuids=(), strangers=0):
    for model in models:
        node.unload(model)
    for uuid in uuids:
        check_books(node, uuid, strangers)
