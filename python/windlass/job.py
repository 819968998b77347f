"""A job as its client holds it."""

from __future__ import annotations

import select
from typing import Any

from . import exchange, job_exchange
from .errors import Error
from .exchange import Request
from .job_exchange import Progress, Steps, Ticket
from .transport import Transport


def drive(transport: Transport, steps: Steps) -> Any:
    """Does what the steps want done, to their end."""
    try:
        step = next(steps)
        while True:
            try:
                done = transport.exchange(step) if isinstance(step, Request) else _pause(step)
            except Error as error:
                step = steps.throw(error)
            else:
                step = steps.send(done)
    except StopIteration as end:
        return end.value


def _pause(seconds: float) -> None:
    select.poll().poll(seconds * 1000)  # there is nothing to wait on while nobody answers


class Job:
    """Work that a daemon keeps on its disk: it ends whether or not anybody holds this.

    Every method may raise the errors of `windlass.errors`, as those of `Client` do.
    """

    def __init__(self, transport: Transport, id: str, ticket: Ticket | None = None) -> None:
        self.id = id
        # Of one that was handed over just now; False where its key had come before.
        self.is_new = ticket is not None and ticket.is_new
        self._transport = transport

    def __repr__(self) -> str:
        return f"Job({self.id!r})"

    def status(self) -> dict:
        """All that is known of it, as `GET /api/jobs/{id}` tells it."""
        return self._tell(job_exchange.query(self.id))

    def progress(self) -> Progress | None:
        """What it last said of itself; None where it said nothing."""
        return job_exchange.progress_of(self.status())

    def wait(self, timeout: float | None = None) -> dict:
        """Waits until it is over: `status()` then. Raises `Timeout` after so many seconds, and the
        job goes on. A daemon that is restarted meanwhile is waited for."""
        return drive(self._transport, job_exchange.wait_steps(self.id, timeout))

    def result(self, timeout: float | None = None) -> Any:
        """Waits as `wait` does: the value that the model made, or the job's own error."""
        return drive(self._transport, job_exchange.result_steps(self.id, timeout))

    def cancel(self) -> dict:
        """Waiting, it is over; running, its worker is told, and ended if it must be. Does not wait
        for the end."""
        return self._order("cancel")

    def retry(self) -> dict:
        """Begins a failed or cancelled one anew, with nothing charged."""
        return self._order("retry")

    def hold(self) -> dict:
        """Waiting, it does not begin until `release`."""
        return self._order("hold")

    def release(self) -> dict:
        """A held one may begin."""
        return self._order("release")

    def delete(self) -> dict:
        """Forgets it with its result, if it is over."""
        return self._order("delete")

    def _order(self, action: str) -> dict:
        return self._tell(job_exchange.order(self.id, action))

    def _tell(self, request: Request) -> dict:
        return exchange.read_object(request, self._transport.exchange(request))
