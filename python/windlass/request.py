"""What a model's `run` gets."""

from __future__ import annotations

import time

from . import content
from .errors import Cancelled
from .reporting import Reporter


class Request:
    """One request to a model. Safe to use from any thread.

    body           the input as it came, bytes
    content_type   what the client calls it, "application/json" for instance
    variant        the named setting of the model that the client wants, or None
    deadline       `time.monotonic()` at which the client stops waiting, or None

    Made by the worker; a test of a model makes its own: `Request(b'{"x": 1}', content.JSON)`.
    """

    def __init__(
        self,
        body: bytes = b"",
        content_type: str = content.BYTES,
        *,
        variant: str | None = None,
        timeout_s: float | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self.body = body
        self.content_type = content_type
        self.variant = variant
        self.deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._reporter = reporter
        self._cancelled = False

    def json(self):
        """The body as JSON, whatever its content type says. Raises InvalidInput."""
        return content.decode_json(self.body)

    def array(self):
        """The body as a numpy array (.npy). Raises InvalidInput; Unsupported without numpy."""
        return content.decode_array(self.body)

    def remaining(self) -> float | None:
        """Seconds until the deadline, never below 0; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def progress(
        self, step: float | None = None, total: float | None = None, phase: str | None = None
    ) -> None:
        """Reports how far this run has come; all of it optional. Cheap enough for every step.

        What matters for `stall_timeout` is that it is called, not what it says.
        """
        if self._reporter is not None:
            self._reporter.report(step, total, phase)

    @property
    def cancelled(self) -> bool:
        """Nobody waits for the answer any more: end soon, with whatever answer or error."""
        return self._cancelled

    def check_cancelled(self) -> None:
        """Raises Cancelled once nobody waits for the answer any more."""
        if self._cancelled:
            raise Cancelled("the request was cancelled while it ran")

    def cancel(self) -> None:
        """Sets `cancelled`. The worker calls it; so may the test of a model."""
        self._cancelled = True
