"""What is told of many jobs, against what the test itself knows of them."""

import concurrent.futures
import time

from jobs import post, queue, show, submit, wait_until
from support import AT_ONCE_S, eventually, probe

JOBS = 1000


def test_the_totals_are_the_truth_over_a_thousand_jobs(daemon, tmp_path):
    """[A4.8] [R110] Of two models; some fail, some are tried again, some are cancelled."""
    served = daemon(
        probe(concurrency=4, job_failures=2, job_backoff="1ms") + probe("other"), events_limit=10000
    )
    truth = {"succeeded": 0, "failed": 0, "cancelled": 0, "retries": 0}
    expected = {}

    def order(number):
        kind = number % 20
        if kind == 0:
            return "failed", {"do": "raise", "error": "InvalidInput", "message": "no"}, "probe"
        if kind == 1:
            once = {"file": str(tmp_path / str(number)), "function": "raise_transient"}
            return "succeeded", {"do": "call_once", **once}, "probe"
        return "succeeded", {"do": "echo", "value": number}, "other" if kind < 10 else "probe"

    def hand_over(number):
        end, body, model = order(number)
        return submit(served, body, model), end, number % 20 == 1

    with concurrent.futures.ThreadPoolExecutor(8) as callers:
        for job, end, is_retried in callers.map(hand_over, range(JOBS)):
            expected[job] = end
            truth[end] += 1
            truth["retries"] += is_retried
    late = [submit(served, {"do": "echo"}, run_at="1h") for _ in range(7)]
    for job in late[:3]:
        assert post(served, "/api/jobs/%s/cancel" % job).json()["state"] == "cancelled"
    truth["cancelled"] = 3
    over = truth["succeeded"] + truth["failed"] + 3

    def is_open():
        told = queue(served)
        return told["pending"] + told["processing"]

    eventually(lambda: is_open() == 4, "all but four are over", 12 * AT_ONCE_S)
    told = queue(served, detailed="true")
    assert (told["completed"], told["failed"], told["cancelled"]) == (
        truth["succeeded"], truth["failed"], truth["cancelled"])  # fmt: skip
    assert told["total"] == over + 4 and told["processing"] == 0
    recent = told["recent_24h"]
    assert (recent["completed"], recent["failed"], recent["cancelled"], recent["retries"]) == (
        truth["succeeded"], truth["failed"], truth["cancelled"], truth["retries"])  # fmt: skip
    average_s = told["avg_processing_time_seconds"]
    assert average_s is not None and average_s == recent["run_s"]["average"]
    assert recent["run_s"]["p50"] <= recent["run_s"]["p95"] < AT_ONCE_S
    by_model = [model["completed"] for model in told["models"].values()]
    assert sum(by_model) == truth["succeeded"] and len(by_model) == 2
    for job in list(expected)[:: JOBS // 50]:
        assert show(served, job)["state"] == expected[job]
    eventually(
        lambda: metric(served, 'windlass_jobs{model="other",state="succeeded"}')
        == told["models"]["other"]["completed"],
        "the metrics have it too",
    )
    assert metric(served, 'windlass_jobs_accepted_total{model="probe"}') > 0


def metric(served, series):
    for line in served.get("/metrics").body.decode().splitlines():
        if line.startswith(series + " "):
            return float(line.rpartition(" ")[2])
    return None


def test_a_run_that_was_ended_counts_no_time(daemon, tmp_path):
    """[A4.8] What crashed did not take the 0 s that nobody measured."""
    served = daemon(probe(job_crashes=2, job_backoff="1ms", backoff="1ms", breaker_deaths=0))

    def recent():
        return queue(served, detailed="true")["models"]["probe"]["recent_24h"]

    slow = {"do": "sleep_once", "file": str(tmp_path / "slow"), "seconds": 0.2}
    wait_until(served, submit(served, slow), "succeeded")
    alone = recent()
    assert alone["run_s"]["average"] >= 0.2
    crashed = submit(served, {"do": "call", "function": "kill_itself"})
    wait_until(served, crashed, "failed", limit_s=AT_ONCE_S * 4)
    told = recent()
    assert told["crashes"] == 2 and told["failed"] == 1
    assert told["run_s"] == alone["run_s"] and told["load_s"] == alone["load_s"]


def test_delays_between_attempts_double(daemon):
    """[A4.6] [R117] 2 and 4 s, give or take a fifth, divided by twenty."""
    served = daemon(probe(job_backoff="100ms", backoff="1ms", breaker_deaths=0))
    job = submit(served, {"do": "call", "function": "kill_itself"})
    wait_until(served, job, "failed", limit_s=AT_ONCE_S * 4)
    retried = [
        event["fields"]["retry_after"]
        for event in served.get("/api/events?limit=1000").json()["events"]
        if event["code"] == "job.retried" and event["job"] == job
    ]
    first_ms, second_ms = (float(text.removesuffix("ms")) for text in retried)
    assert 80 <= first_ms <= 120 and 160 <= second_ms <= 240, retried


def test_the_breaker_opens_for_two_jobs_that_kill_and_lets_one_probe_through(daemon):
    """[A4.6] [R91] Not for one alone, however often; jobs are accepted, wait, and are done after
    it."""
    served = daemon(
        probe(job_backoff="1ms", backoff="1ms", job_crashes=10, breaker_deaths=5,
              breaker_cooldown="1s")  # fmt: skip
    )
    alone = submit(served, {"do": "call", "function": "kill_itself"})
    wait_until(served, alone, "failed", limit_s=AT_ONCE_S * 4)
    assert served.model()["breaker"] == "closed"
    pair = [submit(served, {"do": "call", "function": "kill_itself"}) for _ in range(2)]
    opened = served.log.wait_for("model.breaker_opened")
    assert opened["model"] == "probe"
    began = time.monotonic()
    after = submit(served, {"do": "echo"})
    for job in pair:
        assert post(served, "/api/jobs/%s/cancel" % job).status == 200
    wait_until(served, after, "succeeded", limit_s=AT_ONCE_S * 4)
    assert time.monotonic() - began < 4 * AT_ONCE_S
    served.log.wait_for("model.breaker_closed")
