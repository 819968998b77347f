"""Signs of life from the code that does the work.

Kept apart from the worker so that a model that calls `windlass.progress` imports nothing heavy, and
reaches the same state whether the worker runs as `__main__` or not.
"""

from __future__ import annotations

import threading
import time
from typing import Callable

INTERVAL_S = 0.1  # between two reports of one phase; far below the second that a watcher expects
PHASE_MAX = 200  # characters
COUNT_MAX = 2.0**64  # the daemon keeps step and total as 64-bit numbers


class Reporter:
    """Sends progress of one load or run, at most every INTERVAL_S, but each new phase at once."""

    _lock = threading.Lock()  # one for all: each run has a reporter, and few reports are sent

    def __init__(self, send: Callable[[dict], None]) -> None:
        self._send: Callable[[dict], None] | None = send
        self._next_at = 0.0  # time.monotonic()
        self._phase: str | None = None

    def report(
        self, step: float | None = None, total: float | None = None, phase: str | None = None
    ) -> None:
        """See `progress`. After `close` it does nothing."""
        now = time.monotonic()
        with self._lock:
            is_new_phase = phase is not None and phase != self._phase
            if self._send is None or (now < self._next_at and not is_new_phase):
                return
            self._next_at = now + INTERVAL_S
            meta: dict[str, object] = {}
            for name, value in (("step", step), ("total", total)):
                number = None if value is None else _count(value)
                if number is not None:
                    meta[name] = number
            if phase is not None:
                self._phase = phase
                meta["phase"] = str(phase)[:PHASE_MAX]
            self._send(meta)

    def close(self) -> None:
        """No report leaves after this returns: a thread that the run left behind stays silent."""
        with self._lock:
            self._send = None


_here = threading.local()  # .reporter: of the run in this thread, where several run at once
_everywhere: Reporter | None = None  # of the load, or of the only run


def progress(
    step: float | None = None, total: float | None = None, phase: str | None = None
) -> None:
    """Reports progress of the load or the run that this code belongs to; all of it optional.

    Cheap enough for every step of a loop. Outside a worker it does nothing, so that a model runs
    unchanged in a script. With a `concurrency` above 1, threads that the model starts itself belong
    to no run: give them `request.progress`.
    """
    reporter = getattr(_here, "reporter", None) or _everywhere
    if reporter is not None:
        reporter.report(step, total, phase)


class reporting:
    """`with reporting(reporter, alone=...)`: makes `progress` use this reporter, and closes it.

    In all threads if it is the process's only work. A class, because a generator costs four times
    as much, at each run.
    """

    def __init__(self, reporter: Reporter, *, alone: bool) -> None:
        self._reporter = reporter
        self._is_alone = alone

    def __enter__(self) -> None:
        self._set(self._reporter)

    def __exit__(self, *_: object) -> None:
        self._reporter.close()
        self._set(None)

    def _set(self, reporter: Reporter | None) -> None:
        global _everywhere
        if self._is_alone:
            _everywhere = reporter
        else:
            _here.reporter = reporter


def _count(value: float) -> float | None:
    """From any kind of number one that the protocol takes; None where there is none.

    A negative step or NaN must not end the worker, as a broken frame would.
    """
    number = int(value) if isinstance(value, int) else float(value)  # True is 1
    return number if 0 <= number < COUNT_MAX else None
