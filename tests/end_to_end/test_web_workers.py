"""Jobs behind a web server that ends its workers when they take long: gunicorn, 1x1 and 8x8."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import signal
import subprocess

import pytest
from jobs import show
from support import MODELS, SOON_S, eventually, probe
from times import TIME_FACTOR

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB_TIMEOUT_S = 2


class WebServer:
    """gunicorn with models/web_app.py before the daemon."""

    def __init__(self, folder, served, workers, threads):
        self._socket = folder / "web.sock"
        argv = ["/usr/bin/gunicorn", "--bind", "unix:%s" % self._socket, "--timeout",
                str(WEB_TIMEOUT_S), "--graceful-timeout", "1", "--workers", str(workers),
                "--threads", str(threads), "--worker-class", "sync" if threads == 1 else "gthread",
                "--log-file", str(folder / "web.log"), "web_app:application"]  # fmt: skip
        path = os.pathsep.join([str(ROOT / "python"), str(MODELS)])
        environment = {**os.environ, "PYTHONPATH": path, "WINDLASS_URL": served.url}
        self._log = folder / "web.log"
        self._process = subprocess.Popen(argv, env=environment)
        eventually(self._socket.exists, "the web server listens")

    def ask(self, method, path, body=None):
        """What it answers; None when it was ended meanwhile."""
        wire = UnixConnection(str(self._socket))
        try:
            wire.request(method, path, None if body is None else json.dumps(body))
            reply = wire.getresponse()
            return json.loads(reply.read()) if reply.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            wire.close()

    def kills(self):
        """How often it ended a worker of its own that took too long."""
        return self._log.read_text().count("WORKER TIMEOUT")

    def end(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(SOON_S)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("web", timeout=60 * TIME_FACTOR)
        self._path = path

    def connect(self):
        import socket

        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def until_answered(web, *asked):
    """As a browser does: it asks again when the web server broke off."""
    return eventually(lambda: web.ask(*asked), "the web server answers", SOON_S)


@pytest.mark.parametrize("workers, threads", [(1, 1), (8, 8)])
def test_no_job_is_lost_or_ended_by_the_web_server(daemon, tmp_path, workers, threads):
    """[R109] [R111] Jobs last longer than a web worker may; who comes back finds progress and
    result, and each ran once."""
    served = daemon(probe(concurrency=4))
    web = WebServer(tmp_path, served, workers, threads)
    try:
        order = {"do": "report", "seconds": WEB_TIMEOUT_S + 1}
        with concurrent.futures.ThreadPoolExecutor(8) as browsers:
            # Handed over twice under one key, as by a client that lost the first answer.
            tickets = browsers.map(
                lambda number: until_answered(web, "POST", "/key-%d" % (number % 8), order),
                range(16),
            )
            jobs = sorted({ticket["id"] for ticket in tickets})
            assert len(jobs) == 8
            progress = lambda: web.ask("GET", "/" + jobs[0])["progress"]  # noqa: E731
            told = eventually(progress, "the first has progress")
            assert told["step"] >= 1 and told["phase"] == "turning"
            if threads == 1:  # a worker that waits for the job itself is ended for it
                assert web.ask("GET", "/%s/wait" % jobs[-1]) is None
                assert web.kills() >= 1
            ended = lambda job: until_done(web, job)  # noqa: E731
            for told in browsers.map(ended, jobs):
                assert told["value"] >= 1 and told["attempts"] == 1
        for job in jobs:
            assert [attempt["outcome"] for attempt in show(served, job)["history"]] == ["succeeded"]
    finally:
        web.end()


def until_done(web, job):
    def look():
        told = web.ask("GET", "/" + job)
        return told if told and told["state"] == "succeeded" else None

    return eventually(look, "%s is done" % job, 6 * SOON_S)
