"""Nodes of emulated devices, and processes that use them."""

import ast
import json
import os
import pathlib
import select
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["WINDLASS_BINARY"]).parent.parent
ANSWER_S = 60  # nothing takes so long unless it hangs


class Puppet:
    """A process that does what it is told, line by line."""

    def __init__(self, node, **variables):
        environment = {**os.environ, "WINDLASS_EMULATOR": str(node)}
        environment["LD_LIBRARY_PATH"] = str(BUILD / "lib" / "emulator")
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "puppet.py")],
            env={**environment, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self):
        return self.process.pid

    def begin(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def has_answered(self, timeout_s):
        return bool(select.select([self.process.stdout], [], [], timeout_s)[0])

    def finish(self):
        assert self.has_answered(ANSWER_S), "the puppet hangs"
        return ast.literal_eval(self.process.stdout.readline())

    def do(self, line):
        self.begin(line)
        return self.finish()

    def kill(self):
        self.process.kill()
        self.process.wait(ANSWER_S)
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()


class Node:
    """A node and its puppets."""

    def __init__(self, folder, specification):
        self.folder = folder
        self.puppets = []
        self.tool("create", folder, specification)

    def tool(self, *words):
        program = BUILD / "bin" / "windlass-emulator"
        argv = [str(program), *map(str, words)]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def fault(self, name, value=1, device=0):
        self.tool("fault", self.folder, device, name, value)

    def truth(self, device=0):
        return json.loads(self.tool("status", self.folder))["devices"][device]

    def puppet(self, **variables):
        self.puppets.append(Puppet(self.folder, **variables))
        return self.puppets[-1]


@pytest.fixture
def node(tmp_path):
    """node(specification) -> a Node."""
    nodes = []

    def make(specification="1x24GiB,context=450MiB,teardown=0s,link=10GB"):
        nodes.append(Node(tmp_path / f"node{len(nodes)}", specification))
        return nodes[-1]

    yield make
    for it in nodes:
        for puppet in it.puppets:
            puppet.kill()
