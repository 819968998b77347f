"""AsyncClient: what tasks, loops and forks have to do with it. test_client.py has the rest."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest
from conftest import DEADLINE_S, child_env
from fake_server import FakeServer

import windlass as wl
from windlass import exchange


@pytest.fixture
def server():
    server = FakeServer()
    yield server
    server.close()


def run(main) -> None:
    """Runs a coroutine function to its end, which it must reach in time."""

    async def bounded() -> None:
        await asyncio.wait_for(main(), DEADLINE_S)

    asyncio.run(bounded())


def held(server: FakeServer) -> tuple[threading.Event, threading.Semaphore]:
    """Makes the server hold its answers until the event; the semaphore counts what it holds."""
    gate, arrived = threading.Event(), threading.Semaphore(0)

    def answer(handler, seen):
        arrived.release()
        assert gate.wait(DEADLINE_S)
        FakeServer.echo(handler, seen)

    server.answer = answer
    return gate, arrived


async def until(semaphore: threading.Semaphore, count: int = 1) -> None:
    """Waits without blocking the loop."""
    for _ in range(count):
        arrived = lambda: semaphore.acquire(timeout=DEADLINE_S)  # noqa: E731
        assert await asyncio.get_running_loop().run_in_executor(None, arrived)


def test_tasks_run_at_the_same_time_and_each_gets_its_own_answer(server):
    gate, arrived = held(server)

    async def main() -> None:
        async with wl.AsyncClient(server.url) as client:
            tasks = [asyncio.ensure_future(client.call("m", number)) for number in range(8)]
            await until(arrived, 8)
            gate.set()
            assert await asyncio.gather(*tasks) == list(range(8))
            assert await asyncio.gather(*[client.call("m", n) for n in range(8)]) == list(range(8))

    run(main)
    assert server.connections == 8  # kept for the second round


def test_connections_are_bounded(server):
    async def main() -> None:
        client = wl.AsyncClient(server.url, connections_max=2)
        assert await asyncio.gather(*[client.call("m", n) for n in range(50)]) == list(range(50))
        await client.close()

    run(main)
    assert server.connections == 2


def test_who_waits_for_a_connection_gets_it_in_order(server):
    async def main() -> None:
        client = wl.AsyncClient(server.url, connections_max=1)
        await asyncio.gather(*[client.call("m", n) for n in range(20)])
        await client.close()

    run(main)
    assert [int(seen.body) for seen in server.seen] == list(range(20))
    with pytest.raises(wl.InvalidInput, match="connections_max is 0"):
        wl.AsyncClient(connections_max=0)


def test_waiting_for_a_connection_ends_at_the_limit(server, monkeypatch):
    monkeypatch.setattr(exchange, "MARGIN_S", 0.05)
    gate, arrived = held(server)

    async def main() -> None:
        client = wl.AsyncClient(server.url, connections_max=1)
        first = asyncio.ensure_future(client.call("m", 1))
        await until(arrived)
        with pytest.raises(wl.Timeout, match="all 1 connections .* in use: it has not run"):
            await client.call("m", 2, timeout=0.05)
        gate.set()
        assert await first == 1
        assert await client.call("m", 3) == 3
        await client.close()

    run(main)
    assert [seen.body for seen in server.seen] == [b"1", b"3"]


def test_a_cancelled_task_closes_its_connection_and_gives_its_place_back(server):
    gate, arrived = held(server)

    async def main() -> None:
        client = wl.AsyncClient(server.url, connections_max=1)
        running = asyncio.ensure_future(client.call("m", "running"))
        await until(arrived)
        waiting = asyncio.ensure_future(client.call("m", "waiting"))
        last = asyncio.ensure_future(client.call("m", "last"))
        await asyncio.sleep(0)  # both wait for a connection
        waiting.cancel()
        running.cancel()
        for task in (running, waiting):
            with pytest.raises(asyncio.CancelledError):
                await task
        gate.set()
        assert await last == "last"
        await client.close()

    run(main)
    assert [seen.body for seen in server.seen] == [b'"running"', b'"last"']
    assert server.connections == 2  # the first was not used again


def test_a_task_cancelled_just_as_it_gets_a_place_hands_it_on(server):
    gate, arrived = held(server)

    async def main() -> None:
        client = wl.AsyncClient(server.url, connections_max=1)
        first = asyncio.ensure_future(client.call("m", 1))
        await until(arrived)
        second = asyncio.ensure_future(client.call("m", 2))
        third = asyncio.ensure_future(client.call("m", 3))
        first.add_done_callback(lambda _: second.cancel())
        await asyncio.sleep(0)
        gate.set()
        assert await first == 1
        assert await third == 3
        assert second.cancelled()
        await client.close()

    run(main)


def test_cancellation_while_connecting_leaves_nothing_behind(server):
    async def main() -> None:
        client = wl.AsyncClient(server.url, connections_max=1)
        for turns in range(8):  # cancelled after so many turns of the loop: in every phase
            task = asyncio.ensure_future(client.call("m", turns))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
        assert await client.call("m", "works") == "works"
        await client.close()

    run(main)


def test_another_open_loop_is_refused_and_a_closed_one_is_forgotten(server):
    client = wl.AsyncClient(server.url)
    assert asyncio.run(client.call("m", 1)) == 1
    assert asyncio.run(client.call("m", 2)) == 2  # the loop of the first is closed
    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(client.call("m", 3)) == 3
        with pytest.raises(RuntimeError, match="belongs to another event loop, .* one AsyncClient"):
            asyncio.run(client.call("m", 4))
        loop.run_until_complete(client.close())
    finally:
        loop.close()
    assert [seen.body for seen in server.seen] == [b"1", b"2", b"3"]


def test_an_answer_in_chunks_and_one_without_a_length(server):
    def in_chunks(handler, _):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n")

    def until_the_end(handler, _):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"abc")
        handler.close_connection = True

    async def main() -> None:
        client = wl.AsyncClient(server.url)
        server.answer = in_chunks
        assert await client.call("m") == b"abc0123456789"
        assert await client.call("m") == b"abc0123456789"
        assert server.connections == 1
        server.answer = until_the_end
        assert await client.call("m") == b"abc"
        await client.close()

    run(main)


FORK = """
import asyncio, os, sys
import windlass as wl

client = wl.AsyncClient(sys.argv[1])

async def parent():
    assert await client.call("m", "parent") == "parent"
    child = os.fork()
    if child == 0:
        ok = False
        try:
            ok = asyncio.run(twice()) == ["child", "child"]
        finally:
            os._exit(0 if ok else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert await client.call("m", "parent") == "parent"
    await client.close()

async def twice():
    return [await client.call("m", "child") for _ in range(2)]

asyncio.run(parent())
"""


def test_a_client_works_on_both_sides_of_a_fork(server):
    """[A3.2] Used before the fork and after it, from within the parent's running loop."""
    subprocess.run(
        [sys.executable, "-c", FORK, server.url], env=child_env(), check=True, timeout=DEADLINE_S
    )
    used = [(seen.body, seen.connection) for seen in server.seen]
    assert used == [(b'"parent"', 1), (b'"child"', 2), (b'"child"', 2), (b'"parent"', 1)]
