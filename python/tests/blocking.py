"""AsyncClient behind the interface of Client, so that one set of tests holds for both."""

from __future__ import annotations

import asyncio
import inspect

import windlass as wl


class BlockingClient:
    """Each call runs the client's one event loop until it is answered."""

    def __init__(self, url: str | None = None) -> None:
        self._client = wl.AsyncClient(url)
        self._loop = asyncio.new_event_loop()
        self.url = self._client.url

    def __getattr__(self, name: str):
        method = getattr(self._client, name)
        assert inspect.iscoroutinefunction(method), name
        return lambda *args, **named: self._loop.run_until_complete(method(*args, **named))

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
