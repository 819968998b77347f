"""Models whose workers misbehave, and what must be left of such a worker in the daemon: nothing."""

import os
import pathlib

from processes import children_of, descriptor_count
from support import eventually, model_table, windlass_program

# So quick that a test need not wait, and without the breaker: the tests count deaths themselves.
QUICK = {
    "cancel_grace": "40ms",
    "term_grace": "200ms",
    "backoff": "1ms",
    "backoff_max": "1ms",
    "breaker_deaths": 0,
}


def program(name):
    """A worker that was built beside the program under test."""
    return str(pathlib.Path(windlass_program()).parent / ("windlass-%s-worker" % name))


def misbehaving(name="bad", at_start=(), **keys):
    """A model of tests/workers/misbehaving.cpp; `at_start`: what it does before any run."""
    command = [program("misbehaving"), *at_start]
    return model_table(name, {}, {**QUICK, "command": command, **keys})


def echo(name="bystander", **keys):
    """A sound model: examples/cpp_worker."""
    return model_table(name, {}, {"command": [program("echo")], **keys})


def begin(served, model, text, **limits):
    wire = served.wire()
    headers = {"X-Windlass-" + name.title(): limit for name, limit in limits.items()}
    headers["Content-Type"] = "text/plain"
    wire.request("POST", "/api/models/%s/call" % model, text.encode(), headers)
    return wire


def tell(served, model, text, **limits):
    with begin(served, model, text, **limits) as wire:
        return wire.reply()


def pid_of(reply):
    return int(reply.headers["X-Windlass-Worker-Pid"])


class Traces:
    """What workers leave in the daemon: compared with how it was at first."""

    def __init__(self, served):
        self.served = served
        self.before = self.look()

    def look(self):
        """Descriptors, children (a zombie is one, too), and what lies in the folder of workers."""
        eventually(lambda: not self.connections(), "the daemon closed what clients had closed")
        descriptors = descriptor_count(self.served.pid)
        children = children_of(self.served.pid)
        files = sum(len(names) for _, names, _ in os.walk(self.served.state_dir / "run"))
        return {"descriptors": descriptors, "children": len(children), "folders": files}

    def connections(self):
        """Lines of the kernel about connections to the daemon that it has not closed."""
        local = ":%04X" % self.served.port
        rows = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        fields = [row.split() for row in rows]
        return [row for row in fields if row[1].endswith(local) and row[3] in ("01", "08")]

    def assert_none(self):
        """The same models are loaded again, and nothing of the processes before is left."""
        eventually(lambda: self.look() == self.before, "as before, %s" % self.before)
