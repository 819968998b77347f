"""Memory of emulated devices: admitted by what is measured, waited for, refused, proved back."""

import json

from emulated import FIRST, GIB, Node, ballast
from support import eventually


def test_a_model_claims_its_need_on_a_gpu_and_its_memory_comes_back(daemons):
    node = Node(daemons, "1x24GiB", ballast("a", "3GiB", "4GiB"))
    answer = node.call("a")
    assert answer.status == 200, answer.body
    assert answer.headers["X-Windlass-Device"] == FIRST
    assert node.device(FIRST)["claimed"]["bytes"] == 4 * GIB
    with node.served.client() as client:
        client.unload("a")
    eventually(lambda: node.device(FIRST)["claimed"]["bytes"] == 0, "the claim is released")
    assert json.loads(node.tool("status").stdout)["devices"][0]["used"] == 0


def test_what_does_not_fit_waits_and_what_never_can_is_refused(daemons):
    """[A3.5]"""
    models = ballast("a", "3GiB", "4GiB") + ballast("b", "5GiB", "6GiB") + ballast(
        "huge", "20GiB", "21GiB"
    )
    node = Node(daemons, "1x8GiB", models)
    node.tool("stranger", 0, "3584MiB")
    refused = node.call("huge")
    assert refused.status == 503
    error = refused.json()["error"]
    assert error["reason"] == "memory" and error["required"] == 21 * GIB
    late = node.call("b", wait="1s")
    assert late.status == 503, late.body
    error = late.json()["error"]
    assert error["type"] == "unavailable" and error["reason"] == "memory"
    assert error["required"] == 6 * GIB and error["available"] <= 4608 << 20
    assert [holder["kind"] for holder in error["holders"]] == ["foreign"]
