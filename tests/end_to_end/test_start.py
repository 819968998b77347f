"""Starting: who the daemon says it is, and what keeps it from serving."""

import json
import subprocess

import pytest
from support import SOON_S, probe, windlass_program


def refusal(daemons, text, code, **how):
    """Starts a daemon that refuses with this exit code; its log."""
    refused = daemons.start(text, **how)
    refused.exit_code = code
    refused.wait()
    refused.end()
    return refused.log


def test_first_log_line_started_event_and_healthz_name_the_same_daemon(daemons, daemon):
    served = daemon(probe())
    told = subprocess.check_output(
        [windlass_program(), "--version", "--json"], timeout=SOON_S, text=True
    )
    version = json.loads(told)
    started = served.log.wait_for("daemon.started")
    health = served.get("/healthz").json()
    for record in (served.log.records[0], started, health):
        assert record["version"] == version["version"]
        assert record["commit"] == version["commit"]
        assert record["daemon_id"] == served.id
        assert record["configuration"] == str(served.configuration)
    assert (started["pid"], health["status"]) == (served.pid, "ok")
    second = daemon(probe())
    assert second.id != served.id


def test_a_port_in_use_is_a_conflict_that_says_what_to_do(daemons, daemon):
    served = daemon(probe())
    log = refusal(daemons, probe(), 5, listen="127.0.0.1:%d" % served.port)
    failed = log.wait_for("daemon.failed")
    assert failed["type"] == "conflict"
    assert str(served.port) in failed["message"] and "listen" in failed["message"]
    assert not log.find("daemon.started")
    assert served.ask("probe").status == 200


BAD = """
[daemon]
shutdown_grace = 5
lisen = "127.0.0.1:0"

[models.both]
python = "a:B"
command = ["b"]

[models.odd]
python = "no colon"
concurrency = "one"
unload_after = 0

[models."no such name!"]
python = "a:B"
"""


def test_all_mistakes_of_a_configuration_are_told_at_once(daemons):
    """[R139] Each with its line and the nearest known key; nothing is started."""
    log = refusal(daemons, BAD, 2)
    messages = [record["message"] for record in log.find("configuration.error")]
    for line, words in (
        (3, "shutdown_grace"),
        (4, "listen"),
        (6, "command"),
        (11, "no colon"),
        (12, "concurrency"),
        (13, "never"),
        (15, "no such name!"),
    ):
        where = ":%d" % line
        assert any(where in text and words in text for text in messages), (line, words, messages)
    assert not log.find("daemon.starting")


def test_a_value_of_the_wrong_type_or_beyond_its_limits_is_told(daemons):
    text = '[models.a]\npython = "a:B"\nenv = { A = 1 }\nqueue_limit = 0\nrun_timeout = "5"\n'
    log = refusal(daemons, text, 2)
    messages = " ".join(record["message"] for record in log.find("configuration.error"))
    for key in ("env", "queue_limit", "run_timeout"):
        assert key in messages


def test_text_that_is_no_toml_is_told_with_its_line(daemons):
    log = refusal(daemons, '[models.a]\npython = "a:B\n[models.b]\n', 2)
    (mistake,) = log.find("configuration.error")
    assert ":2" in mistake["message"]


def test_a_file_that_is_not_there_is_told(tmp_path):
    told = subprocess.run(
        [windlass_program(), "serve", "--config", str(tmp_path / "none.toml"), "--log", "json"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=SOON_S,
    )
    assert told.returncode == 2
    mistake = json.loads(told.stderr)
    assert mistake["event"] == "configuration.error" and "none.toml" in mistake["message"]


@pytest.mark.parametrize("name", ["CUDA_VISIBLE_DEVICES", "WINDLASS_WORKER", "TMPDIR"])
def test_an_environment_that_windlass_sets_itself_is_refused(daemons, name):
    """A model cannot be talked onto a GPU, or out of the daemon's sight."""
    log = refusal(daemons, probe(env={name: "1"}), 2)
    assert name in log.find("configuration.error")[0]["message"]


def test_a_key_of_a_later_version_is_accepted_and_noted(daemon):
    served = daemon(probe(max_batch=5))
    (notice,) = served.log.find("configuration.notice")
    assert "max_batch" in notice["message"]
    assert served.ask("probe").status == 200


def test_an_unload_below_a_given_offload_is_refused(daemons):
    """[R12]"""
    text = probe(offload_after="10m", unload_after="5m")
    log = refusal(daemons, text, 2)
    (mistake,) = log.find("configuration.error")
    assert "unload_after" in mistake["message"] and "offload_after" in mistake["message"]


def test_listening_beyond_this_machine_is_refused(daemons):
    log = refusal(daemons, probe(), 2, listen="0.0.0.0:0")
    assert "loopback" in log.find("configuration.error")[0]["message"]
