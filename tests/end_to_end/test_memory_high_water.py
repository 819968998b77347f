"""Requests one after the other and many at once do not fill the device bit by bit."""

import threading

from books import truth_of, unload_and_check
from emulated import CONTEXT, FIRST, GIB, Node, device_probe

SCRATCH = 512 << 20  # of each run; two at once would be more than 5 % of what there is
RUN_S = 0.005  # so that others wait meanwhile
SEQUENTIAL = 50
CLIENTS, EACH = 10, 10


def ask_for_scratch(client, count, used):
    """Each answer tells what the device had in use when this run had all that it takes."""
    for _ in range(count):
        order = {"do": "scratch", "bytes": SCRATCH, "seconds": RUN_S}
        used.append(client.call("probe", order)["used"])


def test_the_high_water_mark_stays_where_the_first_request_put_it(daemons):
    """[A3.7] [R58] 50 in a row and 10 x 10 at once: at most 5 % more, and never out of memory."""
    node = Node(daemons, "1x24GiB", device_probe("probe", "3GiB", "4GiB"))
    first, in_a_row, at_once = [], [], []
    with node.served.client() as client:
        ask_for_scratch(client, 1, first)
        assert first == [3 * GIB + CONTEXT + SCRATCH]
        ask_for_scratch(client, SEQUENTIAL - 1, in_a_row)
        arguments = (client, EACH, at_once)
        threads = [
            threading.Thread(target=ask_for_scratch, args=arguments) for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(at_once) == CLIENTS * EACH  # whoever ran out of memory is missing here
    assert max(in_a_row + at_once) <= 1.05 * first[0]
    assert truth_of(node)["used"] == 3 * GIB + CONTEXT
    told = node.served.model()
    assert (told["loads"], told["copies"], told["failures"]) == (1, 1, 0)
    unload_and_check(node, "probe", uuids=[FIRST])
