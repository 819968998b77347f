"""SIGTERM as an exception, raised only where it can do no harm."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any, Callable

EXIT_TERMINATED = 128 + signal.SIGTERM


class Terminated(BaseException):
    """SIGTERM reached the main thread inside the model's code. Raised at most once."""


class Interruption:
    """Calls the model's code so that the first SIGTERM interrupts it; the second ends the process.

    Outside that code the signal only calls `on_signal`: a frame is never cut in two, and a hook
    that must run does run. `on_signal` runs in the main thread, wherever it is, so it may take no
    lock.
    """

    def __init__(self, on_signal: Callable[[], None]) -> None:
        self._main = threading.main_thread().ident
        self.is_urgent = False  # do not wait for what still runs
        self._on_signal = on_signal
        self._count = 0
        self._is_in_model = False
        self._is_ending = False
        self._is_lost = False

    def install(self) -> None:
        """Takes over SIGTERM, and ignores SIGINT: Ctrl-C in a terminal is for the daemon."""
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Else a forked child of the model would unwind into the worker's life and run its hooks.
        os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Calls it. In the main thread only from here Terminated is raised; in others never."""
        if threading.get_ident() != self._main:
            return function(*args)
        try:
            self._is_in_model = True
            if self.is_urgent and not self._is_ending:
                raise Terminated  # the signal came a moment before
            return function(*args)
        finally:
            self._is_in_model = False

    def begin_ending(self) -> None:
        """From here on `call` is for the hooks of the end, which only a real SIGTERM interrupts."""
        self._is_ending = True

    def interrupt(self) -> None:
        """The daemon is gone: interrupts a load or run as SIGTERM does. For other threads."""
        self._is_lost = True
        self.is_urgent = True
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def _handle(self, *_: object) -> None:
        self._count += 1
        if self._count > 1:
            os._exit(EXIT_TERMINATED)
        self.is_urgent = True
        self._on_signal()
        if self._is_in_model and not (self._is_lost and self._is_ending):
            raise Terminated
