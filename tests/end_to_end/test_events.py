"""Events: every code is documented; they are listed, followed, and kept over restarts."""

import json
import os
import signal
import subprocess
import sys
import threading

import event_codes
import pytest
from emulated import Node
from support import MODELS, SOON_S, eventually, model_table, probe, windlass_program

HOOKS = ("import", "__init__", "start", "load", "run", "offload", "restore", "unload", "exit")


def ask(daemon, query):
    return daemon.get("/api/events" + query).json()


def codes(daemon, query=""):
    return [event["code"] for event in ask(daemon, query)["events"]]


def windlass(daemon, *words, url=None):
    argv = [windlass_program(), "events", "--url", url or daemon.url, *words]
    return subprocess.check_output(argv, text=True, timeout=SOON_S)


def explosive(hook, **keys):
    settings = {"python": "explosive:Explosive", "path": str(MODELS), "need": "64MiB"}
    settings.update({"interpreter": sys.executable, "backoff": "5m"}, **keys)
    return model_table("explosive", {"EXPLOSIVE": hook}, settings)


def with_traceback(daemon, **fields):
    """The events that tell of an exception in full: its class, model, process and stack."""
    page = ask(daemon, "?after=0&limit=1000&model=explosive")
    found = [e for e in page["events"] if "traceback" in e["fields"] and e["pid"] is not None]
    return [e for e in found if e["fields"].get("cause") == "Explosion"]


class Followed:
    """`windlass events --follow --json`, read as it comes."""

    def __init__(self, url):
        argv = [windlass_program(), "events", "--follow", "--json", "--limit", "1000"]
        self.process = subprocess.Popen(
            [*argv, "--url", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.events, self.asides = [], []
        streams = ((self.process.stdout, self.events), (self.process.stderr, self.asides))
        self.threads = [
            threading.Thread(target=self.read, args=how, daemon=True) for how in streams
        ]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def read(stream, into):
        for line in stream:
            into.append(line)

    def wait_for(self, code, count=1):
        has = lambda: sum('"%s"' % code in line for line in self.events) >= count  # noqa: E731
        eventually(has, "%s was followed %d times" % (code, count))

    def end(self):
        self.process.terminate()
        self.process.wait(SOON_S)
        for thread in self.threads:
            thread.join(SOON_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return [json.loads(line) for line in self.events]


def test_the_page_tells_of_every_code_and_of_no_other():
    """[R17] With the fields that the sources give each."""
    sources, page = event_codes.codes_of_sources(), event_codes.codes_of_page()
    assert len(sources) > 80
    assert set(sources) == set(page)
    for code, fields in sources.items():
        if fields is not None and page[code] is not None:
            assert fields == page[code], code


def test_an_offload_shows(daemons):
    """[R17] As an event, beside each step before and after."""
    node = Node(daemons, "1x8GiB,teardown=0s", explosive("", offload_after="50ms"))
    assert node.call("explosive").status == 200
    node.log.wait_for("model.offloaded", model="explosive")
    eventually(
        lambda: "model.offloaded" in codes(node.served, "?model=explosive"), "it is an event"
    )
    seen = codes(node.served, "?model=explosive&code=model.")
    assert "model.loading" in seen and seen[-2:] == ["model.offloading", "model.offloaded"]


@pytest.mark.parametrize("hook", HOOKS)
def test_an_exception_in_a_hook_is_one_event(daemons, hook):
    """[R16] With class, model, pid and traceback, whichever hook it is."""
    keys = {"offload_after": "50ms"} if hook in ("offload", "restore") else {}
    node = Node(daemons, "1x8GiB,teardown=0s", explosive(hook, **keys))
    node.call("explosive")
    if hook == "restore":
        node.log.wait_for("model.offloaded", model="explosive")
        node.call("explosive")
    if hook in ("unload", "exit"):
        node.served.get("/api/models/explosive/unload", "POST")
    eventually(lambda: with_traceback(node.served), "the exception is an event")
    (event,) = with_traceback(node.served)
    assert event["model"] == "explosive"
    assert "Explosion" in event["fields"]["traceback"]
    assert hook in event["fields"]["message"]


def test_events_are_listed_with_filters(daemon):
    served = daemon(probe())
    served.ask("probe", {"do": "echo"})
    eventually(lambda: "model.ready" in codes(served, "?model=probe"), "it is kept")
    assert set(codes(served, "?code=daemon.")) == {"daemon.starting", "daemon.started"}
    assert ask(served, "?worker=1&code=model.ready")["events"][0]["pid"] is not None
    assert codes(served, "?since=1h&limit=1") == ["daemon.starting"]
    assert codes(served, "?level=error") == []
    lines = windlass(served, "--model", "probe", "--code", "model.ready").splitlines()
    assert len(lines) == 1 and "info    model.ready model=probe worker=1 pid=" in lines[0]
    everything = windlass(served, "--since", "1h", "--json", url="unix:" + served.socket)
    assert [json.loads(line)["number"] for line in everything.splitlines()] == list(
        range(1, ask(served, "")["last"] + 1)
    )


def test_who_follows_loses_and_repeats_nothing_over_a_restart(daemons):
    """Numbers go on where the daemon that was killed has left off."""
    text = "[daemon]\nsocket = %s\n" % json.dumps(str(daemons.folder / "s")) + probe()
    state = daemons.folder / "kept"
    first = daemons.start(text, state_dir=state).wait_until_started()
    followed = Followed("unix:%s" % first.socket)
    followed.wait_for("daemon.started")
    first.ask("probe", {"do": "echo"})
    followed.wait_for("model.ready")
    first.exit_code, first.leaves_folder = -signal.SIGKILL, True
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    second = daemons.start(text, state_dir=state).wait_until_started()
    followed.wait_for("daemon.started", count=2)
    second.ask("probe", {"do": "echo"})
    followed.wait_for("model.ready", count=2)
    seen = followed.end()
    numbers = [event["number"] for event in seen]
    assert numbers == list(range(1, len(numbers) + 1)), numbers
    kept = ask(second, "?after=0&limit=1000")["events"]
    assert seen == kept[: len(seen)]
