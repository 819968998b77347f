"""Jobs at the command line: what happened to one, what ended lately, and limits of its own."""

import json
import subprocess

from jobs import post, show, submit, wait_until
from support import AT_ONCE_S, SOON_S, eventually, probe, windlass_program

QUICK = {"job_backoff": "10ms", "backoff": "1ms", "term_grace": "50ms", "breaker_deaths": 0}


def windlass(served, *words):
    done = subprocess.run(
        [windlass_program(), *words, "--url", served.url],
        capture_output=True,
        text=True,
        timeout=2 * SOON_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_transition_of_a_job_is_an_event_with_its_cause(daemon, tmp_path):
    """[R113] [R114] Accepted, started, stalled, tried again, started, done; one stall, one kill."""
    served = daemon(probe(stall_timeout="300ms", **QUICK))
    once = {"do": "call_once", "file": str(tmp_path / "once"), "function": "hang_deaf"}
    job = submit(served, once)
    wait_until(served, job, "succeeded", limit_s=4 * AT_ONCE_S)

    def told():
        text = windlass(served, "events", "--job", job, "--json")
        events = [json.loads(line) for line in text.splitlines()]
        return events if events and events[-1]["code"] == "job.succeeded" else None

    events = eventually(told, "the job's end is kept")
    assert [event["code"] for event in events] == [
        "job.accepted",
        "job.started",
        "job.stalled",
        "job.retried",
        "job.started",
        "job.succeeded",
    ]
    (retried,) = (event for event in events if event["code"] == "job.retried")
    assert retried["fields"]["type"] == "stalled" and retried["worker"]
    incidents = served.get("/api/incidents").json()["incidents"]
    assert [incident["worker"] for incident in incidents] == [retried["worker"]]
    lines = windlass(served, "events", "--job", job)
    assert "job.stalled" in lines and "job.retried" in lines


def test_a_job_has_limits_of_its_own(daemon, tmp_path):
    """[R115] A stall_timeout for one that rightly takes long; a deadline is another matter."""
    served = daemon(probe(concurrency=3, stall_timeout="200ms", job_crashes=1, **QUICK))
    slow = {"do": "sleep_once", "file": str(tmp_path / "slow"), "seconds": 0.8}
    patient = submit(served, slow, stall_timeout="1h")
    assert wait_until(served, patient, "succeeded", limit_s=4 * AT_ONCE_S)["attempts"] == 1
    hanging = {"do": "call", "function": "hang_deaf_in_thread"}
    strict = submit(served, hanging)
    told = wait_until(served, strict, "failed", limit_s=4 * AT_ONCE_S)
    assert told["history"][0]["outcome"] == "stalled"
    late = submit(served, hanging, stall_timeout="1h", deadline="500ms")
    told = wait_until(served, late, "failed", limit_s=4 * AT_ONCE_S)
    assert told["reason"] == "deadline"


def test_a_report_says_what_ended_and_what_broke(daemon):
    """[R119] `windlass report --since 24h`"""
    served = daemon(probe(job_failures=1))
    good = [submit(served, {"do": "echo"}) for _ in range(3)]
    bad = submit(served, {"do": "raise", "error": "-", "message": "no luck"})
    for job in good:
        wait_until(served, job, "succeeded")
    wait_until(served, bad, "failed")
    told = json.loads(windlass(served, "report", "--since", "24h", "--json"))
    recent = told["queue"]["recent"] if "recent" in told.get("queue", {}) else told
    text = windlass(served, "report", "--since", "24h")
    assert "probe" in text and "3" in text and "1" in text, (text, recent)


def test_progress_survives_the_client_that_asked(daemon, gate):
    """[R111] Step, total, phase and time left, for whoever comes back."""
    served = daemon(probe())
    job = submit(served, {"do": "report", "seconds": 1.5})
    first = subprocess.Popen(
        [windlass_program(), "jobs", "follow", job, "--url", served.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(served, job, "running")
    first.kill()
    first.communicate()
    told = windlass(served, "jobs", "follow", job)
    assert job in told or "turning" in told, told
    assert show(served, job)["state"] == "succeeded"
    assert post(served, "/api/jobs/%s/retry" % job).status == 409


def test_a_job_that_waits_for_a_time_or_a_person_is_explained(daemon):
    """What the engine does not hold is explained from what is kept of it."""
    served = daemon(probe())
    later = submit(served, "probe", run_at="3h")
    told = windlass(served, "explain", later)
    assert "%s waits for its time (run_at): it may begin in " % later in told
    held = submit(served, "probe", run_at="3h")
    windlass(served, "jobs", "hold", held)
    told = windlass(served, "explain", held)
    assert "%s is held (user) until somebody releases it." % held in told
    assert "windlass jobs release %s" % held in told
    windlass(served, "jobs", "cancel", later)
    told = windlass(served, "explain", later)
    assert "%s is over: cancelled.\n\nWhat can be done:\n" % later in told
