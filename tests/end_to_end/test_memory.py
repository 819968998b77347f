"""Memory of emulated devices: admitted, proved back, refused."""

from books import unload_and_check
from emulated import FIRST, GIB, Node, ballast


def test_a_model_claims_its_need_on_a_gpu_and_its_memory_comes_back(daemons):
    node = Node(daemons, "1x24GiB", ballast("a", "3GiB", "4GiB"))
    answer = node.call("a")
    assert answer.status == 200, answer.body
    assert answer.headers["X-Windlass-Device"] == FIRST
    assert node.device(FIRST)["claimed"]["bytes"] == 4 * GIB
    unload_and_check(node, "a", uuids=[FIRST])


def test_what_can_never_fit_is_refused_at_once(daemons):
    """[A3.5] However long it would wait: test_memory_waits.py is about what may fit later."""
    node = Node(daemons, "1x8GiB", ballast("huge", "20GiB", "21GiB"))
    refused = node.call("huge")
    assert refused.status == 503
    error = refused.json()["error"]
    assert (error["type"], error["reason"]) == ("unavailable", "memory")
    assert (error["required"], error["available"]) == (21 * GIB, 8 * GIB)
    assert (error["holders"], "retry_after_s" in error) == ([], False)
