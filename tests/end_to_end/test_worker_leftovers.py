"""What a worker leaves behind when it ends, while its daemon lives on."""

import os
import signal

import pytest
from processes import arguments_of
from support import AT_ONCE_S, eventually, is_alive, probe

CGROUPS = pytest.mark.parametrize("cgroups", ["auto", "none"])


def far_children(served, count):
    """Pids of the children that have come up."""
    last = served.log.wait_for("worker.output", count=count, stream="stderr")
    assert "far child" in last["line"]
    lines = [record["line"] for record in served.log.find("worker.output", stream="stderr")]
    return [int(line.rpartition(" ")[2]) for line in lines]


@CGROUPS
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_children_in_sessions_of_their_own_end_with_the_worker(daemon, cgroups, number):
    """[R8] The next worker starts when they are gone, not before."""
    served = daemon(probe(backoff="20ms"), cgroups=cgroups)
    wire = served.begin("probe", {"do": "call", "function": "hang_beside_two_far_children"})
    children = far_children(served, 2)
    pid = served.model()["worker_pid"]
    os.kill(pid, number)
    with wire:
        assert wire.reply().error["type"] == "worker_lost"
    left = served.log.wait_for("worker.leftovers_killed")
    assert (left["pid"], left["processes"], left["all_gone"]) == (pid, 2, True)
    assert not any(map(is_alive, children))
    assert served.ask("probe").json()["pid"] != pid


@CGROUPS
def test_an_unload_leaves_no_children(daemon, cgroups):
    served = daemon(probe(), cgroups=cgroups)
    assert served.ask("probe", {"do": "call", "function": "start_far_child"}).status == 200
    (child,) = far_children(served, 1)
    with served.client() as client:
        client.unload("probe")
    assert not is_alive(child)
    assert served.log.wait_for("worker.leftovers_killed")["processes"] == 1


@CGROUPS
def test_a_child_that_holds_channel_and_pipes_and_writes_for_ever_holds_up_nothing(
    daemon, cgroups
):
    served = daemon(probe(backoff="20ms") + probe("other"), cgroups=cgroups)
    other = served.ask("other").json()["pid"]
    pid = served.ask("probe").json()["pid"]
    for _ in range(3):
        reply = served.ask("probe", {"do": "call", "function": "die_and_leave_a_chatterbox"})
        assert reply.error["type"] == "worker_lost"
    served.log.wait_for("worker.leftovers_killed", count=3)
    after = served.ask("probe").json()["pid"]
    assert after != pid and served.ask("other").json()["pid"] == other
    said = served.log.find("worker.output", line="still here")
    assert said, "it never wrote"


def test_the_children_of_others_are_let_alone(daemon):
    """A worker's end touches neither those of another worker nor those of the next daemon."""
    served = daemon(probe(backoff="20ms") + probe("other"), cgroups="none")
    bystander = daemon(probe(), cgroups="none")
    for host, model in ((served, "other"), (bystander, "probe")):
        host.ask(model, {"do": "call", "function": "start_far_child"})
    sound = far_children(served, 1) + far_children(bystander, 1)
    reply = served.ask("probe", {"do": "call", "function": "die_and_leave_a_chatterbox"})
    assert reply.error["type"] == "worker_lost"
    served.log.wait_for("worker.leftovers_killed")
    assert all(map(is_alive, sound))
    bystander.end()
    assert is_alive(sound[0])
    eventually(lambda: not is_alive(sound[1]), "its own has gone with it", AT_ONCE_S)


def test_orphans_of_a_living_worker_live_and_are_reaped(daemon):
    """The daemon adopts whom a worker's child left behind; nobody of them becomes a zombie."""
    served = daemon(probe())
    served.ask("probe", {"do": "call", "function": "start_orphans"})
    worker = served.model()["worker_pid"]
    children = open("/proc/%d/task/%d/children" % (served.pid, served.pid))

    def adopted():
        children.seek(0)
        return [int(pid) for pid in children.read().split() if int(pid) != worker]

    def orphans():
        return [pid for pid in adopted() if arguments_of(pid) == arguments_of(worker)]

    with children:
        eventually(lambda: len(orphans()) == 3, "the daemon has adopted them")
        alive = orphans()
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not set(alive) & set(adopted()), "all are reaped")
    assert served.ask("probe").status == 200
