"""Jobs of Client and AsyncClient, against a daemon made of http.server."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from blocking import BlockingClient
from conftest import DEADLINE_S, child_env
from fake_jobs import FakeJobs, Refusal
from fake_server import FakeServer

import windlass as wl
from windlass import job_exchange


@pytest.fixture
def server():
    server = FakeServer()
    yield server
    server.close()


@pytest.fixture
def jobs(server):
    return FakeJobs(server)


@pytest.fixture(params=[wl.Client, BlockingClient], ids=["sync", "asyncio"])
def client(request, server, jobs):
    with request.param(server.url) as client:
        yield client


def test_a_job_is_handed_over_and_its_result_is_a_value(server, jobs, client):
    jobs.run = lambda value: {"made of": value}
    job = client.submit("flux", {"prompt": "a harbour"})
    assert (job.id, job.is_new) == ("j1", True)
    assert job.result() == {"made of": {"prompt": "a harbour"}}
    assert job.wait(timeout=5)["state"] == "succeeded"
    assert client.job("j1").result(timeout=1) == {"made of": {"prompt": "a harbour"}}
    seen = server.seen[0]
    assert (seen.method, seen.path) == ("POST", "/api/models/flux/jobs")
    assert seen.headers["Content-Type"] == "application/json"
    assert not [name for name in seen.headers if name.startswith("X-Windlass")]


def test_wishes_travel_as_headers(server, client):
    client.submit(
        "a/b",
        b"1",
        priority=2,
        variant="fp16",
        content_type="image/png",
        key="k1",
        tenant="anna",
        run_at=90,
        deadline="2100-01-01T00:00:00Z",
        run_timeout=3600,
        stall_timeout=0.5,
    )
    headers = {
        name[11:]: text
        for name, text in server.seen[0].headers.items()
        if name.startswith("X-Windlass-")
    }
    assert server.seen[0].path == "/api/models/a%2Fb/jobs"
    assert server.seen[0].headers["Content-Type"] == "image/png"
    assert headers == {
        "Priority": "2",
        "Variant": "fp16",
        "Key": "k1",
        "Tenant": "anna",
        "Run-At": "90000ms",
        "Deadline": "2100-01-01T00:00:00Z",
        "Run-Timeout": "3600000ms",
        "Stall-Timeout": "500ms",
    }


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"run_timeout": 0}, "run_timeout is 0, not a number of seconds above 0"),
        ({"run_at": -1}, "run_at is -1"),
        ({"priority": 10}, "priority is 10"),
        ({"key": "a\r\nHost: b"}, "cannot stand in a header"),
    ],
)
def test_wishes_that_make_no_sense_are_refused_before_anything_is_sent(
    server, client, wishes, words
):
    with pytest.raises(wl.InvalidInput, match=words):
        client.submit("m", 1, **wishes)
    assert not server.seen


def test_the_same_key_is_the_same_job(client):
    first = client.submit("m", 1, key="k")
    again = client.submit("m", 1, key="k")
    assert (again.id, again.is_new) == (first.id, False)


def test_a_job_that_fails_raises_its_own_error(jobs, client):
    def fail(value):
        raise Refusal(504, "stalled", "no progress for 30s", job="j1")

    jobs.run = fail
    job = client.submit("m", 1)
    assert job.wait()["state"] == "failed"
    with pytest.raises(wl.Stalled, match="no progress for 30s"):
        job.result()


def test_a_wait_that_is_too_short_leaves_the_job_as_it_is(jobs, client):
    jobs.is_held = True
    job = client.submit("m", 1)
    with pytest.raises(wl.Timeout, match="the job j1 is running after 0.05 s; it goes on"):
        job.wait(timeout=0.05)
    assert "wait=50ms" in jobs.queries
    assert job.progress() is None
    jobs.jobs["j1"]["progress"] = {"step": 12, "total": 50, "phase": "denoise", "age_s": 1.25}
    assert job.progress() == wl.Progress(step=12, total=50, phase="denoise", age_s=1.25)
    assert job.cancel()["state"] == "cancelled"
    with pytest.raises(wl.Cancelled):
        job.result()


def test_orders_lists_and_queues(server, jobs, client):
    job = client.submit("m", 1)
    job.hold(), job.release(), job.retry(), job.delete()
    assert [(seen.method, seen.path) for seen in server.seen[1:]] == [
        ("POST", "/api/jobs/j1/hold"),
        ("POST", "/api/jobs/j1/release"),
        ("POST", "/api/jobs/j1/retry"),
        ("DELETE", "/api/jobs/j1"),
    ]
    assert [told["id"] for told in client.jobs(state=["failed", "held"], model="a b")] == ["j1"]
    assert jobs.queries[-1] == "state=failed%2Cheld&model=a%20b&limit=100"
    assert client.order_jobs("cancel", model="m") == 1
    assert client.order_jobs("delete", all=True) == 1
    assert (server.seen[-1].method, server.seen[-1].path) == ("DELETE", "/api/jobs?all=1")
    assert client.queue()["pending"] == 3
    assert client.queue(since="7d")["pending"] == 3
    assert jobs.queries[-2:] == ["", "detailed=1&since=7d"]
    assert client.events(job="j1", since="10m") == [{"number": 7}]
    with pytest.raises(wl.NotFound, match="there is no such job"):
        client.job("j99").status()


def test_map_gives_a_value_or_an_error_for_each_item_in_order(jobs, client):
    def run(value):
        if value == 3:
            raise Refusal(400, "invalid_input", "not 3")
        return value * 10

    jobs.run = run
    told = []
    outcomes = client.map(
        "m", [1, 2, 3, object(), 5], on_item=lambda done, total: told.append((done, total))
    )
    assert outcomes[:2] + outcomes[4:] == [10, 20, 50]
    assert isinstance(outcomes[2], wl.InvalidInput) and outcomes[2].message == "not 3"
    assert isinstance(outcomes[3], wl.Unsupported)
    assert told == [(count, 5) for count in range(1, 6)]
    assert client.map("m", []) == []
    with pytest.raises(wl.InvalidInput, match="max_parallel is 0"):
        client.map("m", [1], max_parallel=0)


def test_map_with_a_key_does_nothing_twice(jobs, client):
    ran = []
    jobs.run = lambda value: ran.append(value) or value
    assert client.map("m", [1, 2], key="night") == [1, 2]
    assert client.map("m", [1, 2, 3], key="night", max_parallel=1) == [1, 2, 3]
    assert ran == [1, 2, 3]
    assert set(jobs.keys) == {"night-0", "night-1", "night-2"}
    assert client.map("m", [1]) == [1]  # without one it is another call
    assert ran == [1, 2, 3, 1]


def test_map_waits_where_the_queue_is_full(jobs, client):
    jobs.refusals = [Refusal(429, "queue_full", retry_after_s=0.01)] * 3
    assert client.map("m", [1, 2, 3]) == [1, 2, 3]
    assert len(jobs.jobs) == 3


def test_map_raises_where_no_job_can_be_kept(jobs, client):
    jobs.refusals = [Refusal(503, "unavailable", reason="disk_full")]
    with pytest.raises(wl.Unavailable, match="disk_full"):
        client.map("m", [1, 2])


def test_a_daemon_that_is_gone_is_waited_for_and_not_for_ever(server, jobs, client, monkeypatch):
    job = client.submit("m", 1)
    lost = iter([True, True])

    def cut(handler, seen):
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    def answer(handler, seen):
        if next(lost, False):
            cut(handler, seen)
        else:
            jobs.answer(handler, seen)

    server.answer = answer
    jobs.leaving = 2
    monkeypatch.setattr(job_exchange, "PAUSE_S", 0.01)
    assert job.result() == 1
    server.answer = cut
    monkeypatch.setattr(job_exchange, "PATIENCE_S", 0.05)
    with pytest.raises(wl.Unavailable):
        job.wait()


def test_jobs_load_no_gpu_library():
    code = "import sys, windlass as wl; wl.Job, wl.AsyncJob, wl.Progress; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=child_env(),
        timeout=DEADLINE_S,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"torch", "numpy"} & set(done.stdout.split())
