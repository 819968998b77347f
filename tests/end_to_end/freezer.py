"""Processes in state D: how to make one that no signal ends, and to let it go."""

import os
import pathlib

import pytest
from support import eventually


class Freezer:
    """A cgroup (version 1) whose frozen members hang in the kernel and survive SIGKILL."""

    _count = 0

    def __init__(self, what):
        """Skips the test where no such group can be made: `what` is not tested then."""
        Freezer._count += 1
        name = "windlass-test-%d-%d" % (os.getpid(), Freezer._count)
        self.folder = pathlib.Path("/sys/fs/cgroup/freezer") / name
        try:
            self.folder.mkdir()
            (self.folder / "freezer.state").read_text()
        except OSError:
            pytest.skip("no freezer group can be made here: %s is not tested" % what)

    def freeze(self, pid):
        (self.folder / "cgroup.procs").write_text(str(pid))
        (self.folder / "freezer.state").write_text("FROZEN")
        frozen = lambda: (self.folder / "freezer.state").read_text() == "FROZEN\n"  # noqa: E731
        eventually(frozen, "it is frozen")

    def close(self):
        if not self.folder.exists():
            return
        (self.folder / "freezer.state").write_text("THAWED")

        def is_removed():
            try:
                self.folder.rmdir()
                return True
            except OSError:
                return False  # its members are not gone yet

        eventually(is_removed, "the freezer group is empty")
