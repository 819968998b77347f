"""Jobs: accepted once they are on disk, run until they end, and told of truly meanwhile."""

import json
import signal
import time

from jobs import post, queue, result, show, submit, wait_until
from support import AT_ONCE_S, eventually, probe


def test_a_job_runs_and_its_result_stays(daemon):
    served = daemon(probe())
    job = submit(served, {"do": "echo", "value": 7})
    told = wait_until(served, job, "succeeded")
    assert told["model"] == "probe"
    assert (told["attempts"], told["failures"], told["crashes"]) == (1, 0, 0)
    assert told["finished_at"] and [a["outcome"] for a in told["history"]] == ["succeeded"]
    answer = result(served, job)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json()["value"] == 7
    assert result(served, job).json() == answer.json()


def test_bytes_of_any_type_are_a_job_too(daemon):
    served = daemon(probe())
    with served.wire() as wire:
        wire.request("POST", "/api/models/probe/jobs", b"\x00\xff", {"Content-Type": "image/png"})
        job = wire.reply().json()["id"]
    wait_until(served, job, "succeeded")
    assert result(served, job).body == b"\x00\xff"


def test_who_waits_for_a_job_is_told_when_it_is_over(daemon, gate):
    served = daemon(probe())
    job = submit(served, gate.hold("a"))
    served.said("ran a")
    early = served.get("/api/jobs/%s/result" % job)
    assert early.status == 409 and "running" in early.json()["error"]["message"]
    with served.wire() as wire:
        wire.request("GET", "/api/jobs/%s?wait=30m" % job)
        gate.open()
        assert wire.reply().json()["state"] == "succeeded"
    short = served.get("/api/jobs/%s?wait=1ms" % submit(served, gate.hold("b")))
    assert short.status == 200


def test_progress_is_shown_while_a_job_runs(daemon, gate):
    served = daemon(probe())
    job = submit(served, {"do": "report", "seconds": 1})
    told = eventually(lambda: show(served, job)["progress"], "it reports progress")
    assert told["phase"] == "turning" and told["step"] >= 1
    assert show(served, job)["history"][-1]["worker"] == served.model()["generation"]
    wait_until(served, job, "succeeded")


def test_a_late_job_waits_for_its_time(daemon):
    served = daemon(probe())
    late = submit(served, {"do": "echo"}, run_at="1h")
    soon = submit(served, {"do": "echo"}, run_at="50ms")
    wait_until(served, soon, "succeeded")
    assert show(served, late)["state"] == "scheduled"
    assert served.get("/api/jobs/%s/cancel" % late, method="POST").json()["state"] == "cancelled"


def test_errors_are_retried_by_their_type(daemon, tmp_path):
    """[A4.6] [R103] [R117] What no attempt can mend fails at once; the rest after its budget."""
    served = daemon(probe(job_backoff="10ms", job_failures=2))
    bad = submit(served, {"do": "raise", "error": "InvalidInput", "message": "no such prompt"})
    told = wait_until(served, bad, "failed")
    assert (told["attempts"], told["reason"]) == (1, "rejected")
    assert told["error"] == {"type": "invalid_input", "message": "no such prompt"}
    plain = submit(served, {"do": "raise", "error": "-", "message": "boom"})
    told = wait_until(served, plain, "failed")
    assert (told["attempts"], told["failures"], told["reason"]) == (2, 2, "failures")
    assert [a["outcome"] for a in told["history"]] == ["failed", "failed"]
    once = {"do": "call_once", "file": str(tmp_path / "once"), "function": "raise_transient"}
    told = wait_until(served, submit(served, once), "succeeded")
    assert (told["attempts"], told["failures"]) == (2, 1)


def test_a_job_that_kills_its_workers_fails_alone(daemon):
    """[A4.6] It has failed after three attempts, with its evidence; the others are done."""
    served = daemon(probe(job_backoff="10ms", backoff="1ms", breaker_deaths=0, concurrency=2))
    poison = submit(served, {"do": "call", "function": "kill_itself"})
    others = [submit(served, {"do": "echo", "value": n}) for n in range(20)]
    told = wait_until(served, poison, "failed", limit_s=AT_ONCE_S * 4)
    assert (told["attempts"], told["crashes"], told["reason"]) == (3, 3, "crashes")
    assert told["error"]["type"] == "worker_lost"
    workers = [attempt["worker"] for attempt in told["history"]]
    assert len(set(workers)) == 3
    for other in others:
        assert wait_until(served, other, "succeeded")["failures"] == 0


def test_a_stalled_job_runs_again_on_a_fresh_worker(daemon, tmp_path):
    """[A4.2] [R89] [R92] [R100] The first job of a daemon is watched, too: the verdict is told, its
    worker is gone, and another one does it."""
    served = daemon(
        probe(stall_timeout="300ms", job_backoff="10ms", backoff="1ms", term_grace="100ms")
    )
    order = {"do": "call_once", "file": str(tmp_path / "hung"), "function": "hang_deaf"}
    told = wait_until(served, submit(served, order), "succeeded", limit_s=AT_ONCE_S * 4)
    assert [a["outcome"] for a in told["history"]] == ["stalled", "succeeded"]
    first, second = told["history"]
    assert first["worker"] != second["worker"] and first["error"]["type"] == "stalled"
    assert first["evidence"]["worker"] == first["worker"]
    assert served.log.wait_for("job.stalled")["job"] == told["id"]
    assert served.log.wait_for("job.retried")["type"] == "stalled"


def test_a_job_that_reports_progress_never_stalls(daemon):
    """[A4.1]"""
    served = daemon(probe(stall_timeout="400ms"))
    job = submit(served, {"do": "report", "seconds": 2})
    told = wait_until(served, job, "succeeded")
    assert told["attempts"] == 1


def test_a_full_queue_refuses_and_says_when_to_come_back(daemon):
    """[A4.7]"""
    served = daemon(probe(queue_limit=10))
    served.get("/api/models/probe/pause", method="POST")
    waiting = [submit(served, {"do": "echo"}) for _ in range(10)]
    refused = post(served, "/api/jobs", {"model": "probe", "input": None})
    assert refused.status == 429 and refused.json()["error"]["type"] == "queue_full"
    assert int(refused.headers["retry-after"]) >= 1
    served.get("/api/models/probe/resume", method="POST")
    for job in waiting:
        wait_until(served, job, "succeeded")


def test_the_same_key_is_the_same_job(daemon):
    """[A4.7]"""
    served = daemon(probe())
    first = submit(served, {"do": "echo", "value": 1}, key="k")
    assert submit(served, {"do": "echo", "value": 1}, key="k") == first
    other = post(served, "/api/jobs", {"model": "probe", "input": 2, "key": "k"})
    assert other.status == 409 and first in other.json()["error"]["message"]
    wait_until(served, first, "succeeded")
    assert submit(served, {"do": "echo", "value": 1}, key="k") == first


def test_jobs_are_cancelled_while_they_wait_and_while_they_run(daemon, gate):
    served = daemon(probe())
    running = submit(served, {"do": "heed_cancel", "name": "a"})
    served.said("ran a")
    waiting = submit(served, gate.hold("b"))
    assert post(served, "/api/jobs/%s/cancel" % waiting).json()["state"] == "cancelled"
    assert post(served, "/api/jobs/%s/cancel" % running).status == 200
    assert wait_until(served, running, "cancelled")["attempts"] == 1
    assert show(served, waiting)["attempts"] == 0
    assert result(served, waiting).status == 499
    assert wait_until(served, submit(served, {"do": "echo"}), "succeeded")


def test_a_failed_job_is_tried_again_when_somebody_asks(daemon, tmp_path):
    served = daemon(probe(job_failures=1))
    order = {"do": "call_once", "file": str(tmp_path / "once"), "function": "raise_plain"}
    job = submit(served, order)
    told = wait_until(served, job, "failed")
    assert told["history"][0]["error"]["type"] == "internal"
    assert post(served, "/api/jobs/%s/retry" % job).status == 200
    told = wait_until(served, job, "succeeded")
    assert told["attempts"] == 2
    assert served.get("/api/jobs/" + job, method="DELETE").status == 200
    assert served.get("/api/jobs/" + job).status == 404


def test_held_and_paused_jobs_wait_for_somebody(daemon, gate):
    served = daemon(probe())
    served.get("/api/models/probe/pause", method="POST")
    paused, held = submit(served, {"do": "echo"}), submit(served, {"do": "echo"})
    assert post(served, "/api/jobs/%s/hold" % held).json()["state"] == "held"
    assert queue(served)["models"]["probe"]["paused"] is True
    served.get("/api/models/probe/resume", method="POST")
    wait_until(served, paused, "succeeded")
    assert show(served, held)["state"] == "held"
    assert post(served, "/api/jobs/%s/release" % held).status == 200
    wait_until(served, held, "succeeded")


def test_lists_are_filtered_and_go_on(daemon):
    served = daemon(probe() + probe("other"))
    mine = [submit(served, {"do": "echo"}, tenant="anna") for _ in range(3)]
    theirs = submit(served, {"do": "echo"}, model="other")
    for job in [*mine, theirs]:
        wait_until(served, job, "succeeded")
    first = served.get("/api/jobs?model=probe&limit=2").json()
    assert [job["id"] for job in first["jobs"]] == [mine[2], mine[1]]
    rest = served.get("/api/jobs?model=probe&limit=2&after=" + first["next"]).json()
    assert [job["id"] for job in rest["jobs"]] == [mine[0]] and rest["next"] is None
    assert len(served.get("/api/jobs?tenant=anna").json()["jobs"]) == 3
    assert served.get("/api/jobs?state=failed,cancelled").json()["jobs"] == []
    both = served.get("/api/jobs?state=failed,succeeded").json()["jobs"]
    assert len(both) == 4


def test_the_numbers_of_the_queue_are_true(daemon, gate):
    """[A4.8] [R110]"""
    served = daemon(probe() + probe("other", job_failures=1))
    running = submit(served, gate.hold("a"))
    served.said("ran a")
    submit(served, {"do": "echo"})
    submit(served, {"do": "echo"}, run_at="1h")
    wrong = submit(served, {"do": "raise", "error": "-", "message": "x"}, "other")
    wait_until(served, wrong, "failed")
    told = queue(served)
    assert (told["pending"], told["processing"], told["completed"], told["failed"]) == (2, 1, 0, 1)
    assert (told["total"], told["queue_size"]) == (4, 2)
    assert told["models"]["other"]["failed"] == 1
    gate.open()
    wait_until(served, running, "succeeded")


def test_sigterm_queues_running_jobs_again_uncharged(daemons, gate):
    """[A4.10] [R98] And the next daemon does them, without anybody asking."""
    models = probe(term_grace="100ms", cancel_grace="50ms")
    text = "[daemon]\nshutdown_grace = \"200ms\"\n" + models
    state = daemons.folder / "state"
    served = daemons.start(text, state_dir=state).wait_until_started()
    running = submit(served, gate.hold("a"))
    served.said("ran a")
    waiting = submit(served, {"do": "echo"})
    served.signal(signal.SIGTERM)
    served.end()
    served = daemons.start(text, state_dir=state).wait_until_started()
    gate.open()
    for job in (running, waiting):
        told = wait_until(served, job, "succeeded")
        assert (told["failures"], told["crashes"]) == (0, 0)
    assert [a["outcome"] for a in show(served, running)["history"]] == ["returned", "succeeded"]


def test_no_job_is_lost_when_the_daemon_is_killed(daemons, gate):
    """[A4.5] [R101] Running ones grow by one attempt and are charged nothing."""
    text = "[daemon]\n" + probe(concurrency=3)
    state = daemons.folder / "state"
    served = daemons.start(text, state_dir=state).wait_until_started()
    running = [submit(served, gate.hold("run-%d" % n)) for n in range(3)]
    eventually(lambda: served.model()["running"] == 3, "they run")
    waiting = [submit(served, {"do": "echo", "value": n}) for n in range(20)]
    served.exit_code = -signal.SIGKILL
    served.process.kill()
    served.end()
    began = time.monotonic()
    served = daemons.start(text, state_dir=state).wait_until_started()
    eventually(lambda: served.model()["running"] == 3, "they run again, unasked", 2 * AT_ONCE_S)
    assert time.monotonic() - began < 2 * AT_ONCE_S
    gate.open()
    for job in running:
        told = wait_until(served, job, "succeeded")
        assert (told["attempts"], told["failures"], told["crashes"]) == (2, 0, 0)
        assert [a["outcome"] for a in told["history"]] == ["lost", "succeeded"]
    for n, job in enumerate(waiting):
        wait_until(served, job, "succeeded")
        assert json.loads(result(served, job).body)["value"] == n


def test_a_restart_of_the_model_keeps_its_jobs(daemon, gate):
    """[A4.11] [R112]"""
    served = daemon(probe())
    jobs = [submit(served, {"do": "echo"}) for _ in range(5)]
    assert served.get("/api/models/probe/restart", method="POST").status == 200
    for job in jobs:
        wait_until(served, job, "succeeded")
    assert len(served.model()["workers"]) == 1


def test_calls_go_before_jobs(daemon, gate):
    served = daemon(probe())
    first = submit(served, gate.hold("a"))
    served.said("ran a")
    jobs = [submit(served, {"do": "echo", "name": "job-%d" % n}) for n in range(3)]
    with served.begin("probe", {"do": "echo", "name": "call"}, priority="0") as call:
        waits = lambda: [  # noqa: E731
            request for request in served.model()["waiting_requests"] if request["priority"] == 0
        ]
        eventually(waits, "the call waits")
        gate.open()
        assert call.reply().status == 200
    for job in [first, *jobs]:
        wait_until(served, job, "succeeded")
