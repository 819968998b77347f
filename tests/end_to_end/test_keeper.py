"""SIGKILL of the daemon, of its keeper, and of both: nothing of theirs may live on."""

import contextlib
import os
import random
import signal
import subprocess

import pytest
from support import AT_ONCE_S, eventually, is_alive, probe, remains_of

CGROUPS = pytest.mark.parametrize("cgroups", ["auto", "none"])
GONE_S = 2 * AT_ONCE_S  # what the scenario promises


def kill(served):
    """SIGKILL, and what is expected of its end."""
    served.exit_code = -signal.SIGKILL
    served.signal(signal.SIGKILL)
    served.wait()


def expect_nothing_left(served):
    """Within the promised time."""
    nothing = lambda: not remains_of(served.id, served.state_dir)  # noqa: E731
    eventually(nothing, "nothing of the daemon is left", GONE_S)


def hang(served, function, model="probe"):
    """Lets a worker hang beside a child in a session of its own; the pids of both."""
    pid = served.ask(model).json()["pid"]
    wire = served.begin(model, {"do": "call", "function": function})
    served.said("hanging", model)
    find = lambda: [  # noqa: E731
        record["line"] for record in served.log.find("worker.output", model=model, stream="stderr")
    ]
    (line,) = eventually(lambda: find()[-1:], "the child is up")
    wire.close()
    return pid, int(line.rpartition(" ")[2])


def keeper_of(served, count=1):
    return served.log.wait_for("keeper.started", count=count)["pid"]


@CGROUPS
def test_sigkill_of_the_daemon_ends_a_worker_in_native_code_and_its_far_child(daemon, cgroups):
    """[A0.5] [R8] Nobody in the worker can notice anything, and nothing reaches its child."""
    served = daemon(probe() + probe("idle"), cgroups=cgroups)
    served.ask("idle")
    pids = hang(served, "hang_in_native_code")
    kill(served)
    expect_nothing_left(served)
    assert not any(map(is_alive, pids))
    eventually(lambda: not is_alive(keeper_of(served)), "the keeper has ended", GONE_S)


def test_a_child_without_the_tag_goes_with_the_cgroup(daemon):
    """[A0.5]"""
    served = daemon(probe())
    missing = served.log.find("daemon.no_cgroups")
    if missing:
        pytest.skip(missing[0]["message"])
    pids = hang(served, "hang_beside_an_untagged_child")
    kill(served)
    expect_nothing_left(served)
    assert not any(map(is_alive, pids))


@CGROUPS
def test_children_that_multiply_are_ended_too(daemon, cgroups):
    """[A0.5] The keeper passes again until a pass finds nobody."""
    served = daemon(probe(), cgroups=cgroups)
    with served.begin("probe", {"do": "call", "function": "spawn_until_killed"}):
        served.log.wait_for("worker.output", count=3, stream="stderr")
        kill(served)
    expect_nothing_left(served)


def test_a_keeper_that_is_killed_is_replaced_and_its_successor_knows_all(daemon):
    """[A0.5]"""
    served = daemon(probe(), cgroups="none")
    pids = hang(served, "hang_beside_a_far_child")
    for count in (1, 2):
        keeper = keeper_of(served, count)
        os.kill(keeper, signal.SIGKILL)
        lost = served.log.wait_for("keeper.lost", pid=keeper)
        assert "SIGKILL" in lost["message"]
    last = keeper_of(served, 3)
    assert all(map(is_alive, pids))  # the end of a keeper means nothing to workers
    assert served.get("/healthz").status == 200
    kill(served)
    expect_nothing_left(served)
    assert not any(map(is_alive, pids))
    eventually(lambda: not is_alive(last), "the keeper has ended", GONE_S)


def test_the_keeper_does_not_heed_what_is_meant_for_the_daemon(daemon):
    served = daemon(probe())
    keeper = keeper_of(served)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        os.kill(keeper, number)
    assert os.getsid(keeper) == keeper
    served.ask("probe")
    assert is_alive(keeper) and not served.log.find("keeper.lost")


@CGROUPS
def test_what_both_left_is_cleared_by_the_next_start(daemons, cgroups):
    """[A0.5] The daemon and its keeper are killed together."""
    text = '[daemon]\ncgroups = "%s"\n' % cgroups + probe()
    first = daemons.start(text).wait_until_started()
    pids = hang(first, "hang_beside_a_far_child")
    first.signal(signal.SIGSTOP)  # so that it cannot start another keeper
    os.kill(keeper_of(first), signal.SIGKILL)
    first.leaves_folder = True
    kill(first)
    assert is_alive(pids[1]) and (first.state_dir / "run" / first.id).exists()

    second = daemons.start(text, state_dir=first.state_dir).wait_until_started()
    cleared = second.log.wait_for("daemon.leftovers_cleared")
    assert cleared["daemons"] == 1 and 1 <= cleared["processes"] <= 2
    assert not any(map(is_alive, pids))
    assert not remains_of(first.id, first.state_dir)
    assert second.ask("probe").status == 200


def bring_to(stage, served):
    """Starts what a daemon can be amid of; what its client must hold on to."""
    if stage == "start":
        return contextlib.nullcontext()
    served.wait_until_started()
    order = {"do": "call", "function": "hang_in_native_code"} if stage == "run" else None
    wire = served.begin("probe", order)
    if stage == "run":
        served.said("hanging")
    if stage == "stop":
        served.signal(signal.SIGTERM)
    return wire


def test_sigkill_at_any_moment_leaves_nothing(daemons):
    """[A0.5] While it starts, loads, runs or stops, by seed."""
    dice = random.Random(int(os.environ.get("WINDLASS_SEED", "5")))
    state_dir = daemons.folder / "state"
    ids = []
    for _ in range(16):
        text = '[daemon]\ncgroups = "%s"\n' % dice.choice(["auto", "none"])
        served = daemons.start(text + probe(), state_dir=state_dir)
        served.id = served.log.wait_for("daemon.starting")["daemon_id"]
        ids.append(served.id)
        with bring_to(dice.choice(["start", "load", "run", "stop"]), served):
            with contextlib.suppress(subprocess.TimeoutExpired):
                served.process.wait(dice.choice([0, 0.003, 0.01, 0.03, 0.1]))
            kill(served)
            # One that had been asked to stop may have been quicker.
            served.exit_code = served.process.returncode
            assert served.exit_code in (0, -signal.SIGKILL)
        # Before there was a keeper there was no worker; the folder is for the next start.
        served.leaves_folder = not served.log.find("keeper.started")
        served.end()
    last = daemons.start(probe(), state_dir=state_dir).wait_until_started()
    assert os.listdir(str(state_dir / "run")) == [last.id]
    assert not [remains for id_ in ids for remains in remains_of(id_, state_dir)]
