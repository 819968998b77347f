"""The Unix socket beside the port: who may use it, what it answers, and whose file it is."""

import json
import os
import shutil
import signal
import stat
import subprocess

import pytest
from support import SOON_S, probe


@pytest.fixture
def served(daemon):
    return daemon(probe())


def test_the_socket_is_named_is_the_owners_alone_and_goes_with_the_daemon(served):
    path = served.log.wait_for("daemon.started")["socket"]
    assert path == str(served.state_dir / "windlass.sock")
    mode = os.lstat(path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    served.end()
    assert not os.path.lexists(path)


def test_it_answers_as_the_port_does_whatever_host_a_client_names(served):
    for host in ("localhost", "windlass", "", "%2Frun%2Fw.sock"):
        with served.socket_wire() as wire:
            body = json.dumps({"value": host}).encode()
            fields = {"Host": host, "Content-Type": "application/json"}
            wire.request("POST", "/api/models/probe/call", body, fields)
            assert wire.reply().json()["value"] == host
    with served.socket_wire() as wire:  # a proxy that hands on what a foreign page asked for
        wire.request("GET", "/healthz", headers={"Origin": "http://evil.example"})
        assert wire.reply().status == 403
    assert served.model()["loads"] == 1


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_curl_reaches_it(served):
    told = subprocess.check_output(
        ["curl", "-sS", "--unix-socket", served.socket, "http://windlass/healthz"], timeout=SOON_S
    )
    assert json.loads(told)["daemon_id"] == served.id


def test_a_client_of_the_socket_that_vanishes_ends_its_request(served):
    with served.socket_wire() as wire:
        body = json.dumps({"do": "heed_cancel", "name": "lost"}).encode()
        wire.request(
            "POST", "/api/models/probe/call", body, {"Content-Type": "application/json"}
        )
        served.said("ran lost")
    served.said("cancelled lost")


def start_on(daemons, path):
    return daemons.start('[daemon]\nsocket = "%s"\n%s' % (path, probe()))


def test_the_file_of_a_killed_daemon_is_replaced_and_of_a_living_one_not(daemons, tmp_path):
    path = tmp_path / "one.sock"
    killed = start_on(daemons, path).wait_until_started()
    killed.exit_code, killed.leaves_folder = -signal.SIGKILL, True
    killed.signal(signal.SIGKILL)
    killed.wait()
    assert path.is_socket()
    living = start_on(daemons, path).wait_until_started()

    second = start_on(daemons, path)
    second.exit_code = 5
    assert second.wait() == 5
    failed = second.log.wait_for("daemon.failed")
    assert failed["type"] == "conflict" and str(path) in failed["message"]
    with living.socket_wire() as wire:
        wire.request("GET", "/healthz")
        assert wire.reply().json()["daemon_id"] == living.id


def test_what_somebody_put_in_its_place_stays(daemons, tmp_path):
    path = tmp_path / "one.sock"
    served = start_on(daemons, path).wait_until_started()
    path.unlink()
    path.write_text("mine")
    served.end()
    assert path.read_text() == "mine"


def test_it_can_be_switched_off(daemon):
    served = daemon(probe(), socket="none")
    assert served.log.wait_for("daemon.started")["socket"] == "none"
    assert not (served.state_dir / "windlass.sock").exists()
    assert served.get("/healthz").status == 200


def test_a_path_that_is_too_long_is_refused_where_it_was_given(daemons, tmp_path):
    refused = start_on(daemons, tmp_path / ("x" * 108))
    refused.exit_code = 2
    assert refused.wait() == 2
    assert "socket" in refused.log.wait_for("configuration.error")["message"]
