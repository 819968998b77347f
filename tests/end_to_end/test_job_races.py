"""An attempt that ends at the very moment when it is given up."""

import os

from jobs import result, submit, wait_until
from support import AT_ONCE_S, probe

RACES = int(os.environ.get("WINDLASS_RACES", "60"))
STALL_MS = 60


def test_a_result_that_comes_as_its_attempt_is_given_up_counts_once_or_not_at_all(daemon, tmp_path):
    """[A4.3] Each run lasts as long as it may stand still, give or take; whoever wins, the job
    ends once, with the result of the attempt that is told to have succeeded."""
    served = daemon(
        probe(concurrency=2, copies=2, stall_timeout="%dms" % STALL_MS, term_grace="50ms",
              job_backoff="1ms", backoff="1ms", job_crashes=50, breaker_deaths=0)  # fmt: skip
    )
    jobs = []
    for number in range(RACES):
        seconds = (STALL_MS + number % 9 - 4) / 1e3
        jobs.append(submit(served, {"do": "sleep_once", "file": str(tmp_path / str(number)),
                                    "seconds": seconds}))  # fmt: skip
    given_up = 0
    for job in jobs:
        told = wait_until(served, job, "succeeded", limit_s=20 * AT_ONCE_S)
        ends = [attempt["outcome"] for attempt in told["history"]]
        assert ends.count("succeeded") == 1 and ends[-1] == "succeeded", ends
        given_up += len(ends) - 1
        winner = told["history"][-1]
        assert result(served, job).json()["pid"] == winner["pid"], (told, result(served, job).body)
    assert sum(1 for _ in jobs) == RACES and given_up > 0
