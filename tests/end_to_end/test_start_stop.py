"""Many starts and ends, and who may not start: nothing may pile up anywhere."""

import ctypes
import os
import signal
import sys

import pytest
from processes import cgroup_of, children_but_hosts
from support import HERE, eventually, model_table, probe, remains_of

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def trivial(name="raw"):
    """A worker that is up in 20 ms: Python without its site, and no SDK."""
    command = [sys.executable, "-S", "-E", str(HERE / "models" / "raw_worker.py"), "none"]
    return model_table(name, None, {"command": command, "path": str(HERE)})


def children():
    return open("/proc/self/task/%d/children" % os.getpid()).read().split()


def named(pid):
    """With its name and state (proc(5)), by which a failure is understood."""
    return " ".join(open("/proc/%s/stat" % pid).read().split()[:3])


@pytest.fixture
def all_orphans_come_here():
    """Whoever outlives a daemon becomes our child, dead or alive; gives a way to list them."""
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield lambda: [named(pid) for pid in children()]
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def test_a_hundred_starts_and_ends_leave_nothing(daemons, all_orphans_come_here):
    """[R15] [R105] No process, dead or alive, no cgroup and no file, of 100 daemons."""
    state_dir = daemons.folder / "state"
    before = all_orphans_come_here()
    files = None
    for number in range(100):
        served = daemons.start(trivial(), state_dir=state_dir).wait_until_started()
        assert served.ask("raw").json()["run"] == 1
        served.end()
        served.process.stderr.close()
        if served.log.find("keeper.late"):  # a busy machine; whom the daemon leaves behind is ours
            keeper = served.log.find("keeper.started")[-1]["pid"]
            eventually(lambda: os.waitpid(keeper, os.WNOHANG)[0] == keeper, "the keeper has ended")
        assert not remains_of(served.id, state_dir)
        assert all_orphans_come_here() == before, "after %d daemons" % (number + 1)
        found = sorted(os.listdir(str(state_dir)))
        assert files in (None, found)
        files = found
    assert os.listdir(str(state_dir / "run")) == []


def test_a_hundred_workers_leave_nothing_in_the_daemon(daemon):
    """[R15] [R105] No child, descriptor, memory file, cgroup or folder of 100 workers."""
    served = daemon(trivial())
    keeper = served.log.wait_for("keeper.started")["pid"]

    def holdings():
        links = []
        for number in os.listdir("/proc/%d/fd" % served.pid):
            try:
                links.append(os.readlink("/proc/%d/fd/%s" % (served.pid, number)))
            except FileNotFoundError:
                continue  # closed meanwhile
        assert not [link for link in links if "memfd" in link]
        return len(links)

    counts = []
    with served.client() as client:
        for _ in range(100):
            client.load("raw")
            client.unload("raw")
            counts.append(holdings())
    assert counts[-1] <= counts[1], counts
    assert children_but_hosts(served.pid) == [keeper]
    folder = served.state_dir / "run" / served.id
    eventually(lambda: os.listdir(str(folder)) == ["record"], "all folders of workers are gone")
    cgroup = cgroup_of(served.id)
    if cgroup and cgroup.exists():
        assert not [name for name in os.listdir(str(cgroup)) if name.isdigit()]


def test_a_second_daemon_on_the_same_state_folder_is_refused(daemons):
    """It says who has it and what to do, and the first one does not notice."""
    first = daemons.start(probe()).wait_until_started()
    pid = first.ask("probe").json()["pid"]
    second = daemons.start(probe(), state_dir=first.state_dir)
    second.exit_code = 5
    second.wait()
    second.end()
    failed = second.log.wait_for("daemon.failed")
    assert failed["type"] == "conflict"
    for word in (str(first.pid), str(first.state_dir), "--state-dir"):
        assert word in failed["message"]
    assert os.listdir(str(first.state_dir / "run")) == [first.id]
    assert first.ask("probe").json()["pid"] == pid
    first.end()
    third = daemons.start(probe(), state_dir=first.state_dir).wait_until_started()
    assert not third.log.find("daemon.leftovers_cleared")


def test_a_start_right_after_sigkill_gets_the_lock(daemons):
    """Again and again, with no pause in between: a dying daemon is waited for."""
    state_dir = daemons.folder / "state"
    killed = []
    for _ in range(10):
        killed.append(daemons.start(probe(), state_dir=state_dir).wait_until_started())
        killed[-1].exit_code = -signal.SIGKILL
        killed[-1].signal(signal.SIGKILL)
    for served in killed:
        served.end()


def test_only_its_own_folders_are_cleared(daemons):
    """What is in `run` and is no daemon's stays; another machine's daemon leaves just a folder."""
    state_dir = daemons.folder / "state"
    foreign = state_dir / "run" / "00000000000000aa" / "worker-1-x"
    foreign.mkdir(parents=True)
    (foreign / "file").write_text("left behind")
    record = "daemon 00000000000000aa\npids of-another-boot\nprocess %d 1\nworker 1 %d 1\n"
    text = record % (os.getpid(), os.getpid())
    (foreign.parent / "record").write_text(text)
    (state_dir / "run" / "notes").mkdir()
    served = daemons.start(probe(), state_dir=state_dir).wait_until_started()
    cleared = served.log.wait_for("daemon.leftovers_cleared")
    assert (cleared["daemons"], cleared["processes"]) == (1, 0)
    assert sorted(os.listdir(str(state_dir / "run"))) == sorted([served.id, "notes"])
