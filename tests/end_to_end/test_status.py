"""`windlass status`: is a daemon there, is it ready, and what do its models do?"""

import json
import socket
import subprocess

from support import SOON_S, eventually, probe, windlass_program


def status(url, *arguments):
    return subprocess.run(
        [windlass_program(), "status", "--url", url, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=SOON_S,
    )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_daemon_that_is_ready_is_described_over_port_and_socket(daemon):
    served = daemon(probe() + probe("other"))
    served.ask("probe")
    for url in (served.url, "unix:" + served.socket):
        told = status(url)
        assert (told.returncode, told.stderr) == (0, "")
        for words in (url, served.id, str(served.configuration), "\nready\n", "probe", "other"):
            assert words in told.stdout
        answer = json.loads(status(url, "--json").stdout)
        assert (answer["up"], answer["ready"], answer["url"]) == (True, True, url)
        assert answer["daemon"]["daemon_id"] == served.id
        found = {model["name"]: model["residency"] for model in answer["models"]}
        assert found == {"probe": "ready", "other": "cold"}


def test_one_that_is_not_ready_says_why_and_exits_with_6(daemon, gate):
    served = daemon(probe(max_wait="1ms"))
    with served.begin("probe", gate.hold("running")), served.begin("probe"):
        served.said("ran running")
        eventually(lambda: served.get("/readyz").status == 503, "the wait is noticed")
        told = status(served.url)
        assert told.returncode == 6 and "not ready: " in told.stdout
        answer = json.loads(status(served.url, "--json", "--wait", "1ms").stdout)
        assert (answer["ready"], answer["cause"]["reason"]) == (False, "max_wait")
        gate.open()


def test_nobody_there_is_unavailable(daemon):
    url = "http://127.0.0.1:%d" % free_port()
    for arguments in ((), ("--wait", "150ms")):
        told = status(url, *arguments)
        assert (told.returncode, told.stdout) == (6, "") and url in told.stderr


def test_waiting_ends_when_the_daemon_has_come(daemons, tmp_path):
    path = tmp_path / "later.sock"
    waiting = subprocess.Popen(
        [windlass_program(), "status", "--url", "unix:%s" % path, "--wait", "5m", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        served = daemons.start('[daemon]\nsocket = "%s"\n%s' % (path, probe()))
        served.wait_until_started()
        told, _ = waiting.communicate(timeout=SOON_S)
        assert waiting.returncode == 0
        assert json.loads(told)["daemon"]["daemon_id"] == served.id
    finally:
        waiting.kill()
        waiting.wait()
