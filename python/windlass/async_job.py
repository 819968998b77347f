"""A job as its client for asyncio holds it."""

from __future__ import annotations

import asyncio
from typing import Any

from . import exchange, job_exchange
from .async_transport import AsyncTransport
from .errors import Error
from .exchange import Request
from .job_exchange import Progress, Steps, Ticket


async def drive(transport: AsyncTransport, steps: Steps) -> Any:
    """Does what the steps want done, to their end."""
    try:
        step = next(steps)
        while True:
            try:
                if isinstance(step, Request):
                    done = await transport.exchange(step)
                else:
                    done = await _pause(step)
            except Error as error:
                step = steps.throw(error)
            else:
                step = steps.send(done)
    except StopIteration as end:
        return end.value


async def _pause(seconds: float) -> None:
    # There is nothing to wait for while nobody answers.
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)


class AsyncJob:
    """As `Job`, with its methods to be awaited."""

    def __init__(self, transport: AsyncTransport, id: str, ticket: Ticket | None = None) -> None:
        self.id = id
        self.is_new = ticket is not None and ticket.is_new
        self._transport = transport

    def __repr__(self) -> str:
        return f"AsyncJob({self.id!r})"

    async def status(self) -> dict:
        """All that is known of it, as `GET /api/jobs/{id}` tells it."""
        return await self._tell(job_exchange.query(self.id))

    async def progress(self) -> Progress | None:
        """What it last said of itself; None where it said nothing."""
        return job_exchange.progress_of(await self.status())

    async def wait(self, timeout: float | None = None) -> dict:
        """As `Job.wait`."""
        return await drive(self._transport, job_exchange.wait_steps(self.id, timeout))

    async def result(self, timeout: float | None = None) -> Any:
        """As `Job.result`."""
        return await drive(self._transport, job_exchange.result_steps(self.id, timeout))

    async def cancel(self) -> dict:
        """As `Job.cancel`, and so the others."""
        return await self._order("cancel")

    async def retry(self) -> dict:
        return await self._order("retry")

    async def hold(self) -> dict:
        return await self._order("hold")

    async def release(self) -> dict:
        return await self._order("release")

    async def delete(self) -> dict:
        return await self._order("delete")

    async def _order(self, action: str) -> dict:
        return await self._tell(job_exchange.order(self.id, action))

    async def _tell(self, request: Request) -> dict:
        return exchange.read_object(request, await self._transport.exchange(request))
