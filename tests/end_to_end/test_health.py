"""GET /healthz: what does not work although the daemon does, and since when."""

import sqlite3

from support import AT_ONCE_S, SOON_S, eventually, probe

TOLD_WITHIN_S = 5


def reasons(served):
    health = served.get("/healthz").json()
    told = [trouble["reason"] for trouble in health.get("troubles", [])]
    assert health["status"] == ("degraded" if told else "ok")
    return told


def test_an_open_breaker_is_told(daemon):
    """[A4.13]"""
    served = daemon(probe(backoff="10ms", breaker_deaths=2, breaker_cooldown="1h"))
    assert reasons(served) == []
    for _ in range(2):
        served.ask("probe", {"do": "call", "function": "kill_itself"})
    served.log.wait_for("model.breaker_opened")
    assert reasons(served) == ["breaker_open"]
    (trouble,) = served.get("/healthz").json()["troubles"]
    assert "windlass explain probe" in trouble["message"]
    with served.client() as client:
        client.load("probe")
    assert served.ask("probe").status == 200
    assert reasons(served) == []


def test_a_store_that_does_not_answer_is_told(daemon):
    """[A4.13] Its thread waits for a file that somebody else holds; calls are answered all the
    same, and so is the submission, in the end."""
    served = daemon(probe())
    assert served.ask("probe").status == 200
    stranger = sqlite3.connect(served.state_dir / "windlass.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with served.wire() as wire:
        wire.request("POST", "/api/jobs", b'{"model": "probe", "input": {"do": "echo"}}')
        late = lambda: reasons(served) == ["store_late"]  # noqa: E731
        eventually(late, "it is told", TOLD_WITHIN_S + AT_ONCE_S)
        assert served.ask("probe").status == 200
        stranger.execute("COMMIT")
        assert wire.reply().status in (202, 503)
    stranger.close()
    eventually(lambda: reasons(served) == [], "it has recovered", SOON_S + 30)
