"""The daemon as PID 1 of a namespace without an init, and clients in namespaces of their own."""

import json
import os
import signal
import subprocess
import sys

import pytest
from namespaces import UNSHARE, why_not_permitted
from processes import children_but_hosts, children_of
from support import AT_ONCE_S, MODELS, ROOT, SOON_S, eventually, is_alive, probe, remains_of

@pytest.fixture(autouse=True)
def permitted():
    if why := why_not_permitted():
        pytest.skip("no namespaces are permitted here: " + why)


def namespace_of(pid):
    try:
        return os.readlink("/proc/%d/ns/pid" % pid)
    except OSError:
        return None


def members_of(namespace):
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if namespace_of(pid) == namespace]


def zombies_among(pids):
    return [pid for pid in pids if os.path.exists("/proc/%d" % pid) and not is_alive(pid)]


class First:
    """A daemon that is PID 1 in a namespace of its own."""

    def __init__(self, daemons, text):
        self.served = daemons.start(text, within=UNSHARE).wait_until_started()
        (self.pid,) = children_of(self.served.pid)  # as it is seen from outside
        self.namespace = namespace_of(self.pid)
        assert self.namespace != namespace_of(os.getpid())
        assert self.served.log.wait_for("daemon.started")["pid"] == 1


def begin_and_hang(served, model, function):
    wire = served.begin(model, {"do": "call", "function": function})
    served.said("hanging", model)
    return wire


def test_as_pid_1_it_adopts_reaps_and_leaves_nothing_on_sigterm(daemons):
    """[A0.4] [R1] [R26] Three busy workers, deaf ones and a far child; times divided by 50."""
    models = probe("deaf") + probe("native") + probe("parent")
    first = First(daemons, '[daemon]\nshutdown_grace = "100ms"\n' + models)
    served = first.served
    for _ in range(3):
        assert served.ask("parent", {"do": "call", "function": "start_orphans"}).status == 200
    wait = lambda: len(children_but_hosts(first.pid)) >= 11  # noqa: E731
    eventually(wait, "keeper, worker and nine orphans are its children")
    wires = [
        begin_and_hang(served, "deaf", "hang_deaf"),
        begin_and_hang(served, "native", "hang_in_native_code"),
        begin_and_hang(served, "parent", "hang_beside_a_far_child"),
    ]
    everybody = members_of(first.namespace)
    assert not zombies_among(everybody)
    os.kill(first.pid, signal.SIGTERM)
    assert served.wait(AT_ONCE_S) == 0
    assert served.log.wait_for("daemon.stopped")
    assert not [pid for pid in everybody if os.path.exists("/proc/%d" % pid)]
    for wire in wires:
        wire.close()


def test_as_pid_1_it_reaps_orphans_and_survives_them(daemons):
    """[R1] Whatever orphans end like, none stays defunct, and the daemon serves on."""
    first = First(daemons, probe())
    served = first.served
    served.ask("probe")
    before = set(children_of(first.pid))
    for _ in range(5):
        served.ask("probe", {"do": "call", "function": "start_orphans"})
    find = lambda: set(children_of(first.pid)) - before  # noqa: E731
    eventually(lambda: len(find()) == 15, "all orphans are adopted")
    for number, pid in enumerate(sorted(find())):
        os.kill(pid, (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV)[number % 3])
    eventually(lambda: not find(), "all orphans are reaped")
    assert served.ask("probe").status == 200
    os.kill(first.pid, signal.SIGTERM)
    assert served.wait(SOON_S) == 0


def test_sigkill_of_pid_1_ends_the_namespace_and_the_next_start_clears_its_folder(daemons):
    """[A0.5] The kernel ends the keeper too; a record's numbers of that namespace kill nobody."""
    first = First(daemons, probe())
    served = first.served
    with begin_and_hang(served, "probe", "hang_beside_a_far_child"):
        everybody = members_of(first.namespace)
        os.kill(first.pid, signal.SIGKILL)
        served.exit_code = served.process.wait(SOON_S)  # of unshare, which says it in its way
    assert served.exit_code != 0
    served.log.finish()
    served.log.strays.clear()  # unshare's own complaint
    served.leaves_folder = True
    gone = lambda: not any(map(is_alive, everybody))  # noqa: E731
    eventually(gone, "the namespace has ended", 2 * AT_ONCE_S)
    second = daemons.start(probe(), state_dir=served.state_dir).wait_until_started()
    assert second.log.wait_for("daemon.leftovers_cleared")["daemons"] == 1
    assert not remains_of(served.id, served.state_dir)


CALL = """
import json, os, socket, sys, windlass
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), 1)
    sys.exit("this namespace reaches the port")
except OSError:
    pass
with windlass.Client(sys.argv[1]) as client:
    answers = [client.call("probe", {"value": number}) for number in range(20)]
print(json.dumps([os.getpid(), answers]))
"""


def test_clients_in_namespaces_of_their_own_share_the_mounted_socket(daemons):
    """[A0.4] [R26] Eight clients without a network, with numbers of their own, and PID 1."""
    first = First(daemons, probe())
    served = first.served
    client = [*UNSHARE, "--net", sys.executable, "-c", CALL, "unix:" + served.socket]
    environment = {**os.environ, "PYTHONPATH": "%s:%s" % (ROOT / "python", MODELS)}
    running = [
        subprocess.Popen(
            client + [str(served.port)], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    workers = set()
    for process in running:
        out, _ = process.communicate(timeout=SOON_S)
        assert process.returncode == 0
        pid, answers = json.loads(out)
        assert pid == 1
        assert [answer["value"] for answer in answers] == list(range(20))
        workers |= {answer["pid"] for answer in answers}
    assert len(workers) == 1
    os.kill(first.pid, signal.SIGTERM)
    assert served.wait(SOON_S) == 0
