"""What a model's hooks on_retry and fit make of its jobs, and what is told of it."""

import sys

import emulated
from jobs import result, submit, wait_until
from support import AT_ONCE_S, MODELS, model_table

QUICK = {"job_backoff": "10ms", "backoff": "1ms", "breaker_deaths": 0}


def lowering(**keys):
    settings = {"python": "lowering:Lowering", "path": str(MODELS), "interpreter": sys.executable}
    return model_table("lowering", {}, {**settings, **QUICK, **keys})


def batch(size, most, otherwise="raise", **more):
    return {"do": "batch", "batch": size, "most": most, "else": otherwise, **more}


def settings_of(told):
    return [attempt["settings"] for attempt in told["history"]]


def test_after_out_of_memory_the_second_attempt_has_half_the_batch(daemon):
    """[A4.9] The job shows what was submitted and what each attempt ran with instead."""
    served = daemon(lowering())
    order = batch(8, 4, prompt="a harbour")
    told = wait_until(served, submit(served, order, "lowering"), "succeeded")
    assert settings_of(told) == [None, {**order, "batch": 4}]
    assert [a["outcome"] for a in told["history"]] == ["failed", "succeeded"]
    assert told["history"][0]["error"]["type"] == "out_of_memory"
    assert result(served, told["id"]).json()["batch"] == 4
    served.said("on_retry 2 OutOfMemory 8", "lowering")


def test_each_attempt_begins_with_what_the_one_before_ran_with(daemon):
    """[A4.9] A worker that was killed in the middle is WorkerLost, and what it had is known."""
    served = daemon(lowering())
    order = batch(16, 4, "die")
    job = submit(served, order, "lowering")
    told = wait_until(served, job, "succeeded", limit_s=AT_ONCE_S * 4)
    assert settings_of(told) == [None, {**order, "batch": 8}, {**order, "batch": 4}]
    assert [a["outcome"] for a in told["history"]] == ["crashed", "crashed", "succeeded"]
    served.said("on_retry 2 WorkerLost 16", "lowering")
    served.said("on_retry 3 WorkerLost 8", "lowering")


def test_a_stalled_attempt_is_told_to_the_next_as_stalled(daemon):
    """[A4.9]"""
    served = daemon(lowering(stall_timeout="300ms", term_grace="100ms"))
    job = submit(served, batch(8, 4, "hang"), "lowering")
    wait_until(served, job, "succeeded", limit_s=AT_ONCE_S * 4)
    served.said("on_retry 2 Stalled 8", "lowering")


def test_a_hook_may_leave_the_settings_as_they_are(daemon):
    served = daemon(lowering(job_failures=2))
    order = batch(8, 4, hook="leave")
    told = wait_until(served, submit(served, order, "lowering"), "failed")
    assert settings_of(told) == [None, None]


def test_a_hook_that_raises_fails_its_attempt_with_one_event(daemon):
    served = daemon(lowering(job_failures=2))
    job = submit(served, batch(8, 4, hook="raise"), "lowering")
    told = wait_until(served, job, "failed")
    assert [a["error"]["type"] for a in told["history"]] == ["out_of_memory", "internal"]
    failed = served.log.wait_for("job.failed")
    assert (failed["cause"], failed["model"], failed["job"]) == ("KeyError", "lowering", job)
    assert failed["pid"] == served.model("lowering")["worker_pid"]
    assert "in on_retry" in failed["traceback"] and failed["generation"] == 1
    told = [r for r in served.log.records if r.get("cause") == "KeyError"]
    assert [r["event"] for r in told] == ["job.failed"]


def test_one_that_begins_anew_begins_with_what_was_submitted(daemon):
    served = daemon(lowering(job_failures=2))
    order = batch(8, 2)
    job = submit(served, order, "lowering")
    told = wait_until(served, job, "failed")
    assert settings_of(told) == [None, {**order, "batch": 4}]
    assert served.get("/api/jobs/%s/retry" % job, method="POST").status == 200
    told = wait_until(served, job, "failed")
    assert settings_of(told)[2:] == [None, {**order, "batch": 4}]


def test_calls_have_no_attempts(daemon):
    served = daemon(lowering())
    answer = served.ask("lowering", batch(8, 4))
    assert answer.status == 503 and answer.error["type"] == "out_of_memory"
    assert served.ask("lowering", batch(4, 4)).json()["batch"] == 4


def test_fit_lowers_the_batch_where_little_is_free(daemons):
    """[A4.9] [R120] What it is told is what is free there, and what its process has."""
    each = 600 << 20
    fitting = {"python": "lowering:Fitting", "path": str(MODELS), "interpreter": sys.executable}
    models = model_table("fitting", {"BALLAST_BYTES": "1GiB"}, {**fitting, "need": "1536MiB"})
    models += emulated.ballast("other", "4GiB", "4608MiB")
    node = emulated.Node(daemons, "1x8GiB", models)
    served, order = node.served, {"do": "batch", "batch": 8, "each": each}

    alone = wait_until(served, submit(served, order, "fitting"), "succeeded")
    assert settings_of(alone) == [None]
    # Or the driver may still show the batch, and `fitting` would have to leave for `other`.
    node.wait_for_bytes(emulated.FIRST, "used", emulated.GIB + emulated.CONTEXT)
    assert node.call("other").status == 200
    node.wait_for_bytes(emulated.FIRST, "claimed", 6 << 30)

    beside = wait_until(served, submit(served, order, "fitting"), "succeeded")
    assert settings_of(beside) == [{**order, "batch": 2}]
    assert result(served, beside["id"]).json()["batch"] == 2
    served.said("fit %d" % ((8 << 30) - (4608 << 20)), "fitting")
