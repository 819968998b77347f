"""Forked children let go of their parent's connections.

A child has a copy of every socket that was open at the fork. It never reads or writes one, but the
daemon would not see that the parent has gone as long as the child lives. `subprocess` is no matter:
an exec closes them.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from typing import Protocol


class Shared(Protocol):
    """A connection that a child may have a copy of."""

    def forget(self) -> None:
        """Ends it here, and for nobody else."""


_open: weakref.WeakSet[Shared] = weakref.WeakSet()


def forget_in_children(connection: Shared) -> None:
    """From now on until it is collected."""
    _open.add(connection)


def replace_by_nothing(fd: int) -> None:
    """Closes our copy and keeps its number taken, because whoever owns it still means to close that
    number. Does nothing for a negative one."""
    if fd < 0:
        return
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nothing, fd, inheritable=False)
    os.close(nothing)


def _forget_all() -> None:
    for connection in list(_open):
        with contextlib.suppress(OSError):  # no descriptor is left: then that one stays shared
            connection.forget()
    _open.clear()


os.register_at_fork(after_in_child=_forget_all)
