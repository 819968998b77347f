"""The access log: one line for each request, and nothing that its file does stops the daemon."""

import json
import os
import signal

from support import eventually, probe


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for_lines(path, count):
    """The records, once there are as many."""
    check = lambda: len(lines_of(path)) >= count and lines_of(path)  # noqa: E731
    return eventually(check, "%d lines in %s" % (count, path.name))


def test_each_request_has_its_line(daemon, tmp_path):
    path = tmp_path / "access.log"
    served = daemon(probe(), access_log="access.log", body_limit="64KiB")
    reply = served.ask("probe", {"value": 1})
    with served.socket_wire() as wire:
        wire.request("GET", "/api/models/nobody?x=1")
        assert wire.reply().status == 404
    with served.wire() as wire:
        wire.send(b"garbage\r\n\r\n")
        assert wire.reply().status == 400
    with served.wire() as wire:
        wire.request("POST", "/api/models/probe/call", headers={"Content-Length": "100000"})
        assert wire.reply().status == 413
    with served.begin("probe", {"do": "heed_cancel", "name": "lost"}):
        served.said("ran lost")
    called, unknown, garbage, large, lost = wait_for_lines(path, 5)[:5]

    assert called["request"] == reply.headers["X-Windlass-Request-Id"]
    assert called["client"].startswith("127.0.0.1:")
    assert (called["method"], called["path"]) == ("POST", "/api/models/probe/call")
    assert (called["model"], called["status"], called["type"]) == ("probe", 200, None)
    assert called["run_ms"] == float(reply.headers["X-Windlass-Run-Ms"])
    assert called["load_ms"] == float(reply.headers["X-Windlass-Load-Ms"])
    assert called["total_ms"] >= called["load_ms"] + called["run_ms"]
    assert (called["bytes_in"], called["bytes_out"]) == (len('{"value": 1}'), len(reply.body))

    assert (unknown["client"], unknown["path"]) == ("unix", "/api/models/nobody?x=1")
    assert (unknown["model"], unknown["status"], unknown["type"]) == ("nobody", 404, "not_found")
    assert (unknown["request"], unknown["run_ms"]) == (None, None)
    assert (garbage["method"], garbage["status"]) == (None, 400)
    assert (large["status"], large["type"]) == (413, "invalid_input")
    assert (lost["status"], lost["type"]) == (499, "cancelled")
    assert lost["request"].startswith("r") and lost["request"] != called["request"]


def test_a_renamed_file_is_followed_by_a_new_one_after_sighup(daemon, tmp_path):
    path, old = tmp_path / "access.log", tmp_path / "access.log.1"
    served = daemon(probe(), access_log=str(path))
    served.get("/healthz")
    wait_for_lines(path, 1)
    path.rename(old)
    served.signal(signal.SIGHUP)
    served.log.wait_for("access_log.reopened")
    served.get("/readyz")
    assert wait_for_lines(path, 1)[0]["path"] == "/readyz"
    assert [line["path"] for line in lines_of(old)] == ["/healthz"]


def test_a_pipe_that_nobody_reads_and_a_full_disk_stop_nothing(daemon, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    served = daemon(probe(), access_log=str(pipe))
    path = "/api/models/" + "x" * 500
    with served.wire() as wire:  # far more than a pipe holds
        for _ in range(500):
            wire.request("GET", path)
            assert wire.reply().status == 404
    os.close(reader)  # and then a pipe without an end
    assert served.ask("probe").status == 200

    full = daemon(probe(), access_log="/dev/full")
    assert full.ask("probe").status == 200
    none_lost = b"windlass_access_log_lost_total 0\n"
    eventually(lambda: none_lost not in full.get("/metrics").body, "the lost lines are counted")


def test_standard_output_can_be_the_file(daemons):
    """Also when whoever reads it stops: that is not the daemon's end."""
    served = daemons.start("[daemon]\n" + probe(), arguments=["--access-log", "-"])
    served.wait_until_started()
    assert served.get("/healthz").status == 200
    line = served.process.stdout.readline()
    assert json.loads(line)["path"] == "/healthz"
    served.process.stdout.close()
    for _ in range(3):
        assert served.get("/healthz").status == 200


def test_a_file_that_cannot_be_opened_is_said_at_the_start(daemons, tmp_path):
    path = tmp_path / "no" / "such" / "folder.log"
    refused = daemons.start('[daemon]\naccess_log = "%s"\n%s' % (path, probe()))
    refused.exit_code = 4
    refused.wait()
    assert str(path) in refused.log.wait_for("daemon.failed")["message"]
