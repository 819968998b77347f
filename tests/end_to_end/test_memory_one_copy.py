"""One copy on a GPU, however many client processes use it."""

import pytest
from books import truth_of, unload_and_check
from crowd import IDLE_CLIENT, Crowd, answers
from emulated import CONTEXT, FIRST, GIB, Node, ballast

MIB = 1 << 20
RUN_MS = "2"


@pytest.mark.parametrize(
    ("size", "need", "counts"),
    [("3GiB", "4GiB", (1, 9, 17, 33)), ("100MiB", "1GiB", (17,))],
)
def test_1_9_17_and_33_client_processes_cost_one_copy(daemons, size, need, counts):
    """[A3.1] [R54] [R83] Not 27, 51 and 99 GB; one client alone has as much as all of them."""
    node = Node(daemons, "1x24GiB", ballast("steel", size, need))
    weights = 3 * GIB if size == "3GiB" else 100 * MIB
    seen, workers = {}, set()
    with Crowd() as clients:
        for count in counts:
            told = clients.grow_to(count, [IDLE_CLIENT, node.served.url, "steel", RUN_MS])
            told += clients.ask()  # all of them at once
            workers |= {answer["pid"] for answer in answers(told)}
            seen[count] = truth_of(node)
            assert node.served.model("steel")["copies"] == 1
    assert len(workers) == 1
    for count, truth in seen.items():
        holders = [process["pid"] for process in truth["processes"]]
        assert holders == list(workers), "%d clients: %s" % (count, truth)
        assert weights <= truth["used"] <= weights + CONTEXT, "%d clients: %s" % (count, truth)
    used = [truth["used"] for truth in seen.values()]
    assert max(used) - min(used) <= CONTEXT
    assert node.served.model("steel")["loads"] == 1
    unload_and_check(node, "steel", uuids=[FIRST])
