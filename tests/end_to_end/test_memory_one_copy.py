"""One copy on a GPU, however many client processes use it."""

import time

from books import truth_of, unload_and_check
from crowd import FORKED_CLIENTS, IDLE_CLIENT, Crowd, answers
from emulated import CONTEXT, FIRST, GIB, Node, ballast
from processes import environment_of
from support import SOON_S, eventually

MIB = 1 << 20
RUN_MS = "2"
UI, API = 0, 1
UNLOAD_AFTER_S = 0.4


def check_one_copy(truth, weights, lines):
    """One process has it all, and it is the one that answered; gives how much."""
    assert [process["pid"] for process in truth["processes"]] == list(workers_of(lines)), truth
    assert weights <= truth["used"] <= weights + CONTEXT, truth
    return truth["used"]


def workers_of(lines):
    return {answer["pid"] for answer in answers(lines)}


def test_1_9_17_and_33_client_processes_cost_one_copy(daemons):
    """[A3.1] [R53] [R54] [R62] [R83] Not 27, 51 and 99 GB; one client has as much as all."""
    models = ballast("steel", "3GiB", "4GiB") + ballast("lead", "100MiB", "1GiB")
    node = Node(daemons, "1x24GiB", models)
    lines, used = [], []
    with Crowd() as clients:
        for count in (1, 9, 17, 33):
            lines += clients.grow_to(count, [IDLE_CLIENT, node.served.url, "steel", RUN_MS])
            lines += clients.ask()  # all of them at once
            used.append(check_one_copy(truth_of(node), 3 * GIB, lines))
        assert max(used) - min(used) <= CONTEXT
        unload_and_check(node, "steel", uuids=[FIRST])
        lines = clients.ask(*range(17), line="lead")
        check_one_copy(truth_of(node), 100 * MIB, lines)
    for name in ("steel", "lead"):
        assert node.served.model(name)["loads"] == 1
    unload_and_check(node, "lead", uuids=[FIRST])


def test_a_web_ui_and_an_api_have_one_copy_between_them(daemons):
    """[A0.7] [R157] Two processes, both active: the second costs at most 64 MiB."""
    node = Node(daemons, "1x24GiB", ballast("steel", "3GiB", "4GiB"))
    argv = [IDLE_CLIENT, node.served.url, "steel", RUN_MS]
    with Crowd() as clients:
        told = clients.grow_to(1, argv)
        alone = truth_of(node)["used"]
        told += clients.grow_to(2, argv)
        for _ in range(5):
            told += clients.ask(UI, API)
        both = truth_of(node)
    assert len({answer["pid"] for answer in answers(told)}) == 1
    assert both["used"] - alone <= 64 * MIB
    assert len(both["processes"]) == 1
    model = node.served.model("steel")
    assert (model["copies"], model["loads"]) == (1, 1)
    unload_and_check(node, "steel", uuids=[FIRST])


def keep_warm(clients, who):
    """Calls of one client for longer than the idle time, never idle for as long; when the last one
    was sent."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        sent = [time.monotonic()]
        pids, gaps = set(), []
        while time.monotonic() < sent[0] + 1.25 * UNLOAD_AFTER_S:
            pids.add(answers(clients.ask(who))[0]["pid"])
            gaps.append(time.monotonic() - sent[-1])
            sent.append(time.monotonic())
        if len(pids) == 1:
            return sent[-2]
        # A machine that stalls may well have left it idle for too long; that says nothing.
        assert max(a + b for a, b in zip(gaps, gaps[1:] + [0])) > UNLOAD_AFTER_S
    raise AssertionError("this machine is too slow to be busy for %g s" % UNLOAD_AFTER_S)


def test_the_activity_of_either_restarts_the_idle_time(daemons):
    """[A0.7] The one works, the other is silent; then the other way round; then both are."""
    models = ballast("steel", "3GiB", "4GiB", unload_after="%dms" % (1000 * UNLOAD_AFTER_S))
    node = Node(daemons, "1x24GiB", models)
    with Crowd() as clients:
        clients.grow_to(2, [IDLE_CLIENT, node.served.url, "steel", "20"])
        for who in (UI, API):
            last_sent = keep_warm(clients, who)
        node.served.log.wait_for("model.unloaded", count=node.served.model("steel")["loads"])
        assert time.monotonic() - last_sent >= UNLOAD_AFTER_S
    unload_and_check(node, uuids=[FIRST])


def test_clients_that_were_forked_hold_nothing_of_a_device(daemons):
    """[A3.2] [R55] They could have: the driver would be found, and the device is there for them."""
    node = Node(daemons, "1x24GiB", ballast("steel", "3GiB", "4GiB"))
    node.served.ask("steel")
    worker = node.served.model("steel")["worker_pid"]
    own = environment_of(worker)
    device = {name: own[name] for name in ("WINDLASS_EMULATOR", "LD_LIBRARY_PATH")}
    with Crowd(device) as clients:
        said = clients.grow_to(1, [FORKED_CLIENTS, node.served.url, "steel", RUN_MS, "8"])
        said = answers(said + clients.more(8))
        listed = lambda: [holder["pid"] for holder in node.device(FIRST)["holders"]]  # noqa: E731
        eventually(lambda: listed() == [worker], "the driver lists the worker")
        held = truth_of(node)["processes"]
    assert [process["pid"] for process in held] == [worker]
    assert len({client["pid"] for client in said}) == 9
    assert {client["answer"]["pid"] for client in said} == {worker}
    assert [client["gpu"] for client in said] == [[]] * 9
    unload_and_check(node, "steel", uuids=[FIRST])
