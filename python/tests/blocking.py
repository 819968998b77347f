"""AsyncClient behind the interface of Client, so that one set of tests holds for both."""

from __future__ import annotations

import asyncio
import inspect

import windlass as wl


def blocking(loop: asyncio.AbstractEventLoop, method):
    """Its calls run the loop until they are answered; a job that they return does likewise."""

    def call(*args, **named):
        done = method(*args, **named)
        if inspect.isawaitable(done):
            done = loop.run_until_complete(done)
        return BlockingJob(loop, done) if isinstance(done, wl.AsyncJob) else done

    return call


class BlockingJob:
    def __init__(self, loop: asyncio.AbstractEventLoop, job: wl.AsyncJob) -> None:
        self._loop, self._job = loop, job
        self.id, self.is_new = job.id, job.is_new

    def __getattr__(self, name: str):
        return blocking(self._loop, getattr(self._job, name))


class BlockingClient:
    """Each call runs the client's one event loop until it is answered."""

    def __init__(self, url: str | None = None) -> None:
        self._client = wl.AsyncClient(url)
        self._loop = asyncio.new_event_loop()
        self.url = self._client.url

    def __getattr__(self, name: str):
        return blocking(self._loop, getattr(self._client, name))

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Closes the connections and the loop."""

        async def close() -> None:
            await self._client.close()
            await asyncio.sleep(0)  # asyncio closes a socket in the next turn

        self._loop.run_until_complete(close())
        self._loop.close()
