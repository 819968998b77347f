"""Workers that keep memory are replaced, on a device and on the CPU; nobody who asks notices."""

import signal
import time

from books import truth_of
from emulated import CONTEXT, FIRST, GIB, Node, device_probe
from support import eventually, probe

MIB = 1 << 20
OFTEN = '[devices]\nsample_interval = "50ms"\n'


def ask_until_recycled(log, ask, pause_s, count=1):
    """Pids of those who answered, until so many were replaced; between its runs it rests."""
    pids = []

    def is_over():
        pids.append(ask())
        time.sleep(pause_s)  # lint: sleep is the subject
        return len(log.find("model.recycled")) >= count

    eventually(is_over, "it is replaced")
    return pids


def test_a_model_that_leaks_on_its_device_is_replaced(daemons):
    models = device_probe("probe", "1GiB", "2GiB", max_growth="300MiB")
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    order = {"do": "leak_there", "bytes": 100 * MIB}
    ask = lambda: node.served.ask("probe", order).json()["pid"]  # noqa: E731
    pids = ask_until_recycled(node.log, ask, 0.15)
    recycled = node.log.wait_for("model.recycled")
    assert (recycled["cause"], recycled["device"]) == ("growth", FIRST)
    assert recycled["bytes"] > 300 * MIB and recycled["bytes"] % (100 * MIB) == 0
    assert 5 <= recycled["runs"] == pids.count(pids[0])
    node.log.wait_for("model.ready", count=2)  # without anybody's asking
    eventually(lambda: truth_of(node)["used"] <= GIB + CONTEXT + 100 * MIB, "all is back")
    assert node.served.ask("probe").json()["pid"] != pids[0]
    assert node.served.model()["failures"] == 0 and not node.log.find("request.failed")


def test_one_that_takes_much_for_a_run_only_stays(daemons):
    models = device_probe("probe", "1GiB", "4GiB", max_growth="100MiB")
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    order = {"do": "scratch", "bytes": 2 * GIB, "seconds": 0.15}
    pids = {node.served.ask("probe", order).json()["pid"] for _ in range(8)}
    node.see_more_samples(FIRST)
    assert len(pids) == 1 and not node.log.find("model.recycled")


def test_where_processes_are_hidden_nothing_happens(daemons):
    models = device_probe("probe", "1GiB", "4GiB", max_growth="100MiB")
    node = Node(daemons, "1x8GiB,teardown=0s", models)
    node.tool("fault", 0, "pids_hidden", 1)
    order = {"do": "leak_there", "bytes": 200 * MIB}
    for _ in range(4):
        assert node.served.ask("probe", order).status == 200
        node.see_more_samples(FIRST, 2)
    assert not node.log.find("model.recycled")


def test_a_model_that_leaks_on_the_cpu_is_replaced_again_and_again(daemons):
    served = daemons.start(OFTEN + probe(max_growth="64MiB", devices="cpu")).wait_until_started()
    ask = lambda: served.ask("probe", {"do": "leak", "bytes": 16 * MIB}).json()["pid"]  # noqa: E731
    pids = ask_until_recycled(served.log, ask, 0.2, count=2)
    for recycled in served.log.find("model.recycled"):
        assert (recycled["cause"], recycled["device"]) == ("growth", "cpu")
        assert recycled["bytes"] > 64 * MIB
    assert len(set(pids)) >= 2
    assert served.model()["failures"] == 0 and not served.log.find("request.failed")


def test_a_reload_sets_the_limit_without_a_new_process(daemons):
    served = daemons.start(OFTEN + probe(devices="cpu")).wait_until_started()
    pid = served.ask("probe").json()["pid"]
    served.configuration.write_text(OFTEN + probe(devices="cpu", max_growth="64MiB"))
    served.signal(signal.SIGHUP)
    served.log.wait_for("configuration.reloaded")
    ask = lambda: served.ask("probe", {"do": "leak", "bytes": 16 * MIB}).json()["pid"]  # noqa: E731
    assert ask_until_recycled(served.log, ask, 0.2)[0] == pid
