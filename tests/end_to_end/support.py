"""What the end-to-end tests share: a daemon as a process, its log, and HTTP byte by byte."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from daemon_log import Log
from processes import environment_of, is_alive, remains_of, tagged_processes  # noqa: F401
from times import AT_ONCE_S, REPLY_S, SOON_S  # noqa: F401
from wire import Wire

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODELS = HERE / "models"

sys.path.insert(0, str(ROOT / "python"))


def windlass_program():
    """The program under test: $WINDLASS_BINARY, else that of the development build."""
    program = os.environ.get("WINDLASS_BINARY") or str(ROOT / "build/dev/bin/windlass")
    assert shutil.which(program), "%s is not there: build it, or set WINDLASS_BINARY" % program
    return program


def eventually(check, what, limit_s=SOON_S):
    """Asks until `check()` is truthy and returns that; for state that no event announces."""
    deadline = time.monotonic() + limit_s
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, "not within %g s: %s" % (limit_s, what)
        time.sleep(0.01)  # lint: sleep is the subject (there is no event to wait for)


def probe(name="probe", env=None, **keys):
    """A [models.NAME] table of models/probe_model.py with the settings that the test is about."""
    settings = {"python": "probe_model:Probe", "path": str(MODELS), "interpreter": sys.executable}
    settings.update(keys)
    return model_table(name, env, settings)


def model_table(name, env, settings):
    """TOML of a model. JSON writes text, numbers, booleans and lists as TOML does."""
    lines = ["[models.%s]" % name]
    lines += ["%s = %s" % (key, json.dumps(value)) for key, value in settings.items()]
    pairs = ["%s = %s" % (key, json.dumps(str(value))) for key, value in (env or {}).items()]
    return "\n".join(lines + ["env = { %s }" % ", ".join(pairs)]) + "\n"


class Gate:
    """A file that runs of the probe model wait for."""

    def __init__(self, path):
        self.path = str(path)

    def hold(self, name, do="hold"):
        """The order of a request that runs until the gate opens."""
        return {"do": do, "name": name, "gate": self.path}

    def open(self):
        pathlib.Path(self.path).touch()

    def close(self):
        os.unlink(self.path)


class Daemon:
    """One `windlass serve`."""

    def __init__(self, configuration, state_dir, environment=None, **how):
        """`how`: listen; arguments, more of them; within, a command that executes the daemon's."""
        self.state_dir = state_dir
        self.configuration = configuration
        listen = how.pop("listen", "127.0.0.1:0")
        argv = [*how.pop("within", ()), windlass_program(), "serve", "--config"]
        argv += [str(configuration), "--listen", listen, "--log", "json"]
        arguments = how.pop("arguments", ())
        argv += ["--state-dir", str(state_dir), *arguments]
        assert not how, how
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if arguments else None,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        self.log = Log(self.process.stderr)
        self.exit_code = 0  # expected of its end
        self.leaves_folder = False  # whether its folder may stay: it died with its keeper
        self.is_ended = False

    def wait_until_started(self):
        started = self.log.wait_for("daemon.started")
        self.id = started["daemon_id"]
        self.port = int(started["listen"].rpartition(":")[2])
        self.socket = started["socket"]
        return self

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def client(self):
        import windlass

        return windlass.Client(self.url)

    def wire(self):
        return Wire(self.port)

    def socket_wire(self):
        """A connection over the Unix socket."""
        return Wire(self.socket)

    def begin(self, model, order=None, **limits):
        """Sends a call of JSON and does not wait; take its answer with .reply()."""
        wire = self.wire()
        headers = {"X-Windlass-" + name.title(): text for name, text in limits.items()}
        headers["Content-Type"] = "application/json"
        wire.request("POST", "/api/models/%s/call" % model, json.dumps(order).encode(), headers)
        return wire

    def ask(self, model, order=None, **limits):
        """A call of JSON and its reply."""
        with self.begin(model, order, **limits) as wire:
            return wire.reply()

    def get(self, path, method="GET", **headers):
        with self.wire() as wire:
            wire.request(method, path, headers=headers)
            return wire.reply()

    def model(self, name="probe"):
        return self.get("/api/models/" + name).json()

    def said(self, line, model="probe", limit_s=SOON_S):
        """Waits until the model's worker printed this line."""
        return self.log.wait_for("worker.output", model=model, line=line, limit_s=limit_s)

    def wait_for_waiting(self, count, model="probe"):
        check = lambda: self.model(model)["waiting"] == count  # noqa: E731
        eventually(check, "%d requests wait for %s" % (count, model))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, limit_s=SOON_S):
        """Waits for the end of the process; its exit code."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise AssertionError("the daemon still runs after %g s:\n%s" % (limit_s, self.log))

    def end(self):
        """Ends it if it still runs, and looks whether it left nothing behind."""
        self.is_ended = True
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.wait()
        # So much room is not to be taken once for each test.
        (pathlib.Path(self.state_dir) / "windlass.db-ballast").unlink(missing_ok=True)
        self.log.finish()
        assert code == self.exit_code, "exit code %s:\n%s" % (code, self.log)
        assert not self.log.strays, "lines that are no JSON: %s" % self.log.strays
        if hasattr(self, "id"):
            no_worker = lambda: not tagged_processes(self.id)  # noqa: E731
            if code == 0:
                assert no_worker(), "workers outlived the daemon"
            eventually(no_worker, "all workers are gone")
            if not self.leaves_folder:
                nothing = lambda: not remains_of(self.id, self.state_dir)  # noqa: E731
                keeper_goes_on = code != 0 or self.log.find("keeper.late")
                assert keeper_goes_on or nothing(), remains_of(self.id, self.state_dir)
                eventually(nothing, "the keeper has removed everything")


class Daemons:
    """All daemons of one test."""

    def __init__(self, folder):
        self.folder = folder
        self._all = []

    def serve(self, models, environment=None, **keys):
        """Writes the configuration, starts a daemon, and waits until it serves."""
        lines = ["%s = %s" % (key, json.dumps(value)) for key, value in keys.items()]
        text = "\n".join(["[daemon]"] + lines) + "\n" + models
        return self.start(text, environment).wait_until_started()

    def start(self, configuration_text, environment=None, state_dir=None, **how):
        """Starts a daemon on this text, and does not wait; it may well refuse."""
        number = len(self._all)
        configuration = self.folder / ("windlass-%d.toml" % number)
        configuration.write_text(configuration_text)
        self._all.append(
            Daemon(
                configuration, state_dir or self.folder / ("state-%d" % number), environment, **how
            )
        )
        return self._all[-1]

    def end_all(self):
        for daemon in self._all:
            if not daemon.is_ended:
                daemon.end()

    def kill_all(self):
        for daemon in self._all:
            if daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
            daemon.log.finish()
            daemon.process.stderr.close()
