"""Ballasts in bad company: one that loads when the test lets it, and one with a child.

The child takes LUCKLESS_CHILD_BYTES of device memory in its own right, in a session of its own.
LUCKLESS_FLIGHT says how it escapes: "none"; or without a tag, "early", before it takes memory, or
"late", at SIGUSR1.
"""

import os
import signal
import subprocess
import sys

import windlass.ballast

CHILD = """
import os, signal, luckless, windlass.ballast
signal.signal(signal.SIGUSR1, lambda *_: os.setsid())
if os.environ["LUCKLESS_FLIGHT"] != "late":
    os.setsid()
windlass.ballast.Ballast().load("")
print("holding as", os.getpid(), flush=True)
while True:
    signal.pause()
"""


class Gated(windlass.ballast.Ballast):
    def load(self, device):
        import probe_model

        print("loading", flush=True)
        probe_model.pass_gate(os.environ["PROBE_GATE"])
        super().load(device)


class Parent(windlass.ballast.Ballast):
    """Its child is started by exec, because one that is forked after cuInit gets no memory."""

    def load(self, device):
        super().load(device)
        environment = {**os.environ, "BALLAST_BYTES": os.environ["LUCKLESS_CHILD_BYTES"]}
        if environment["LUCKLESS_FLIGHT"] != "none":
            del environment["WINDLASS_WORKER"]
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD], env=environment, stdout=subprocess.PIPE, text=True
        )
        print(child.stdout.readline(), flush=True)
