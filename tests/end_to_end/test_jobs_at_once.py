"""Jobs for which a place is free when they come: the transaction that accepts them begins them."""

import signal

from jobs import post, result, show, submit, wait_until
from support import probe


def submit_ticket(served, order, **fields):
    answer = post(served, "/api/jobs", {"model": "probe", "input": order, **fields})
    assert answer.status in (200, 202), answer.body
    return answer.json()


def begin(served, gate, name):
    """A job that runs, and holds its place until the gate is opened."""
    ticket = submit_ticket(served, gate.hold(name))
    served.said("ran " + name)
    return ticket


def test_a_job_that_finds_a_place_runs_when_it_is_accepted(daemon, gate):
    served = daemon(probe())
    wait_until(served, submit(served, {"do": "echo"}), "succeeded")
    first = begin(served, gate, "a")
    assert first["state"] == "running"
    told = show(served, first["id"])
    assert (told["state"], told["attempts"]) == ("running", 1)
    assert told["history"][0]["worker"] == served.model()["generation"]
    second = submit_ticket(served, {"do": "echo", "value": 2})
    assert second["state"] == "available"
    gate.open()
    assert wait_until(served, first["id"], "succeeded")["history"][0]["outcome"] == "succeeded"
    wait_until(served, second["id"], "succeeded")
    assert result(served, second["id"]).json()["value"] == 2


def test_who_waits_longer_comes_first_though_a_place_is_free_again(daemon, gate):
    served = daemon(probe())
    wait_until(served, submit(served, {"do": "echo"}), "succeeded")
    first = begin(served, gate, "a")
    others = [submit(served, {"do": "echo", "value": n}) for n in range(5)]
    gate.open()
    last = submit(served, {"do": "echo", "value": 5})
    ends = [wait_until(served, job, "succeeded") for job in [first["id"], *others, last]]
    begun = [told["history"][0]["started_at"] for told in ends]
    assert begun == sorted(begun)


def test_what_is_refused_keeps_no_place(daemon):
    """The model has one, and it is free as often as a job is refused."""
    served = daemon(probe(queue_limit=1))
    wait_until(served, submit(served, {"do": "echo"}), "succeeded")
    late = submit(served, {"do": "echo"}, run_at="1h")
    for _ in range(3):
        refused = post(served, "/api/jobs", {"model": "probe", "input": {"do": "echo"}})
        assert refused.status == 429 and refused.json()["error"]["type"] == "queue_full"
        assert post(served, "/api/models/probe/call", {"do": "echo"}).status == 200
    assert served.get("/api/jobs/%s/cancel" % late, method="POST").json()["state"] == "cancelled"
    assert submit_ticket(served, {"do": "echo"})["state"] == "running"


def test_one_that_began_when_it_was_accepted_survives_the_daemon(daemons, gate):
    """[A4.5] [R101]"""
    text = "[daemon]\n" + probe()
    state = daemons.folder / "state"
    served = daemons.start(text, state_dir=state).wait_until_started()
    wait_until(served, submit(served, {"do": "echo"}), "succeeded")
    ticket = begin(served, gate, "a")
    assert ticket["state"] == "running"
    served.exit_code = -signal.SIGKILL
    served.process.kill()
    served.end()
    served = daemons.start(text, state_dir=state).wait_until_started()
    gate.open()
    told = wait_until(served, ticket["id"], "succeeded")
    assert (told["attempts"], told["failures"], told["crashes"]) == (2, 0, 0)
    assert [a["outcome"] for a in told["history"]] == ["lost", "succeeded"]
