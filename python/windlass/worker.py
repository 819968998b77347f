"""The two ways into a worker: `python -m windlass.worker module:Class`, and `windlass.serve`.

Both take the channel that the daemon left in WINDLASS_CHANNEL. Without one, they say how to serve.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import socket
import sys
from typing import Any, Callable, NoReturn

from .channel import Channel
from .runtime import Worker

CHANNEL_VARIABLE = "WINDLASS_CHANNEL"  # the number of an inherited descriptor
EXIT_USAGE = 2
STACKS_SIGNAL = signal.SIGRTMAX - 3  # hardly anybody else's; docs/worker-protocol.md
STACKS_FILE = ".windlass-python-stacks"


def serve(model_class: Callable[[], Any]) -> NoReturn:
    """Serves a model until the daemon ends it, then exits the process; for `command =` models.

    Put it under `if __name__ == "__main__":`. Started by hand, it prints how to serve the model and
    exits with status 2.
    """
    command = [sys.executable, os.path.abspath(sys.argv[0])]
    name = getattr(model_class, "__name__", "model")
    _run(lambda: model_class(), name, f"command = {json.dumps(command)}")


def main(arguments: list[str]) -> NoReturn:
    """`python -m windlass.worker module:Class`."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m windlass.worker module:Class", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    entry = arguments[0]
    _run(lambda: _find(entry)(), entry.rpartition(":")[2], f"python = {json.dumps(entry)}")


def _run(make_model: Callable[[], Any], name: str, how_to_start: str) -> NoReturn:
    # Taken out of the environment, so that processes which the model starts do not find it.
    descriptor = os.environ.pop(CHANNEL_VARIABLE, None)
    if descriptor is None:
        print(_how_to_serve(name.lower(), how_to_start), file=sys.stderr)
        sys.exit(EXIT_USAGE)
    try:
        channel = Channel(socket.socket(fileno=int(descriptor)))
    except (ValueError, OSError) as error:
        print(f"{CHANNEL_VARIABLE}={descriptor} is no channel: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    faulthandler.enable(file=2)  # a crash in native code leaves the Python stacks in the log
    _tell_stacks_on_demand()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)  # a print is seen at once, though it is a pipe
    sys.exit(Worker(channel).live(make_model))


def _tell_stacks_on_demand() -> None:
    """At STACKS_SIGNAL the Python stacks of all threads are written to a file, also while native
    code holds the interpreter's lock. The daemon asks for them before it kills a worker."""
    folder = os.environ.get("TMPDIR")
    if folder is None or "WINDLASS_WORKER" not in os.environ:
        return  # no daemon gave us a folder of our own
    try:
        # Open for the life of the process; the folder goes with it.
        file = open(os.path.join(folder, STACKS_FILE), "wb", buffering=0)  # noqa: SIM115
    except OSError as error:
        print(f"Python stacks will not be told: {error}", file=sys.stderr)
        return
    faulthandler.register(STACKS_SIGNAL, file=file, all_threads=True)


def _find(entry: str) -> Callable[[], Any]:
    """The class that "module:Class" names."""
    import importlib

    module_name, _, class_name = entry.partition(":")
    if not module_name or not class_name:
        raise ValueError(f"{entry!r} is not of the form module:Class")
    found: Any = importlib.import_module(module_name)
    for part in class_name.split("."):
        found = getattr(found, part)
    return found


def _how_to_serve(name: str, how_to_start: str) -> str:
    return f"""\
This is a model for Windlass; the daemon starts it. Put this into windlass.toml:

    [models.{name}]
    {how_to_start}

Then start the daemon, and try the model from another terminal:

    windlass serve
    curl -H 'Content-Type: application/json' -d '{{"hello": 1}}' \\
        http://127.0.0.1:7411/api/models/{name}/call"""


if __name__ == "__main__":
    main(sys.argv[1:])
