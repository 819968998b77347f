"""The Python clients as processes: many share one copy, and one that dies holds nothing."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys

import pytest
from support import AT_ONCE_S, HERE, ROOT, SOON_S, eventually, is_alive, probe

import windlass as wl

PROCESSES, CALLERS, CALLS = 8, 8, 10
EVERY_WAY = [(where, kind) for where in ("tcp", "unix") for kind in ("threads", "tasks")]


def url_of(served, where):
    return served.url if where == "tcp" else "unix:" + served.socket


def script(name, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    return [sys.executable, str(HERE / name), *arguments], environment


@pytest.mark.parametrize(("where", "kind"), EVERY_WAY)
def test_8_processes_of_8_callers_share_one_copy_and_each_gets_its_own_answers(
    daemon, where, kind
):
    """[A3.2] The client was made and used before the forks, and maps nothing of a GPU."""
    served = daemon(probe())
    numbers = [str(number) for number in (PROCESSES, CALLERS, CALLS)]
    argv, environment = script("many_callers.py", url_of(served, where), kind, *numbers)
    printed = subprocess.check_output(argv, env=environment, timeout=12 * SOON_S)
    told = [json.loads(line) for line in printed.splitlines()]
    pids = {client["pid"] for client in told}
    assert len(pids) == PROCESSES + 1  # the parent told twice

    asked = [entry for client in told for entry in client["asked"]]
    assert len(asked) == PROCESSES * CALLERS * CALLS + 2
    assert all(answer["value"] == value for value, answer, _ in asked)
    # The model numbers its runs: each was run once and answered once, one at a time.
    assert sorted(answer["runs"] for _, answer, _ in asked) == list(range(1, len(asked) + 1))
    assert {answer["most"] for _, answer, _ in asked} == {1}

    workers = {worker for _, _, worker in asked}
    assert len(workers) == 1 and not workers & pids  # no client is what holds the device
    assert not any(client["gpu"] or client["imported"] for client in told)
    model = served.model()
    assert (model["loads"], model["copies"], model["waiting"]) == (1, 1, 0)


@contextlib.contextmanager
def doomed_client(url, kind, *orders):
    """A client process; call the yielded function for its next order."""
    argv, environment = script("doomed_client.py", url, kind, *map(json.dumps, orders))
    client = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    try:

        def begin_next():
            client.stdin.write(b"\n")
            client.stdin.flush()

        begin_next.process = client
        yield begin_next
    finally:
        client.kill()
        client.wait(SOON_S)
        with contextlib.suppress(BrokenPipeError):
            client.stdin.close()
        client.stdout.close()


@pytest.mark.parametrize(("where", "kind"), EVERY_WAY)
def test_a_killed_client_process_holds_nothing_a_second_later(daemon, gate, where, kind):
    """[A0.5] What it waited for is gone, what runs for it has got `cancel`."""
    served = daemon(probe())
    served.ask("probe")
    running = gate.hold("running", "outlast_cancel")  # so that nothing moves up meanwhile
    waiting = [{"name": "never %d" % number} for number in range(3)]
    with doomed_client(url_of(served, where), kind, running, *waiting) as begin_next:
        begin_next()
        served.said("ran running")
        for number in range(1, 4):
            begin_next()
            served.wait_for_waiting(number)
    eventually(lambda: served.model()["waiting"] == 0, "its requests are gone", AT_ONCE_S)
    served.said("cancelled running", limit_s=AT_ONCE_S)
    assert served.model()["running"] == 1
    gate.open()
    assert served.ask("probe", {"value": "free"}).json()["value"] == "free"
    ran = [record["line"] for record in served.log.find("worker.output", stream="stdout")]
    assert [line for line in ran if line.startswith("ran never")] == []
    assert len(served.log.find("request.failed", type="cancelled")) == 4


@pytest.mark.parametrize(("where", "kind"), EVERY_WAY)
def test_a_forked_child_does_not_keep_its_dead_parents_calls(daemon, gate, where, kind):
    """[A0.5] The child has copies of the parent's sockets, and lets go of them at once."""
    served = daemon(probe())
    served.ask("probe")
    orders = [gate.hold("running", "outlast_cancel"), {"name": "waiting"}]
    with doomed_client(url_of(served, where), kind, *orders) as begin_next:
        begin_next()
        served.said("ran running")
        begin_next()
        served.wait_for_waiting(1)
        begin_next()
        child = int(begin_next.process.stdout.readline())
        assert served.model()["waiting"] == 1  # the parent lives, and so do its calls
        begin_next.process.kill()
        eventually(lambda: served.model()["waiting"] == 0, "its request is gone", AT_ONCE_S)
        served.said("cancelled running", limit_s=AT_ONCE_S)
        assert is_alive(child)
    gate.open()


@pytest.mark.parametrize("where", ["tcp", "unix"])
def test_a_cancelled_task_ends_its_request_and_the_client_goes_on(daemon, gate, where):
    """[A0.5] As a client that dies: waiting, it is removed; running, it gets `cancel`."""
    served = daemon(probe())

    async def main():
        in_thread = lambda *call: asyncio.get_running_loop().run_in_executor(  # noqa: E731
            None, lambda: call[0](*call[1:])
        )
        async with wl.AsyncClient(url_of(served, where)) as client:
            order = gate.hold("running", "outlast_cancel")
            running = asyncio.ensure_future(client.call("probe", order))
            await in_thread(served.said, "ran running")
            waiting = asyncio.ensure_future(client.call("probe", {"name": "never"}))
            staying = asyncio.ensure_future(client.call("probe", {"value": "stays"}))
            await in_thread(served.wait_for_waiting, 2)
            waiting.cancel()
            running.cancel()
            for task in (waiting, running):
                with pytest.raises(asyncio.CancelledError):
                    await task
            await in_thread(served.wait_for_waiting, 1)
            await in_thread(lambda: served.said("cancelled running", limit_s=AT_ONCE_S))
            gate.open()
            assert (await staying)["value"] == "stays"
            assert (await client.call("probe", {"value": 2}))["value"] == 2

    asyncio.run(main())
    assert not served.log.find("worker.output", line="ran never")
    assert served.model()["loads"] == 1


@pytest.mark.parametrize("where", ["tcp", "unix"])
def test_a_half_closed_client_counts_as_gone(daemon, gate, where):
    """[A0.5] It can still read, and still its requests end: see ARCHITECTURE."""
    served = daemon(probe())

    def begin(order):
        wire = served.wire() if where == "tcp" else served.socket_wire()
        fields = {"Content-Type": "application/json"}
        wire.request("POST", "/api/models/probe/call", json.dumps(order).encode(), fields)
        return wire

    with begin(gate.hold("running", "outlast_cancel")) as running:
        served.said("ran running")
        with begin({"name": "never"}) as waiting:
            served.wait_for_waiting(1)
            waiting.finish_sending()
            eventually(lambda: served.model()["waiting"] == 0, "it is gone", AT_ONCE_S)
        running.finish_sending()
        served.said("cancelled running", limit_s=AT_ONCE_S)
        gate.open()
    assert served.ask("probe", {"value": 1}).status == 200
    assert not served.log.find("worker.output", line="ran never")
