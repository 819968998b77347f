"""The client of the daemon for asyncio. Imports no GPU library; numpy only to decode an array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import address, exchange, job_exchange
from .async_job import AsyncJob, drive
from .async_transport import AsyncTransport
from .errors import InvalidInput
from .exchange import Answer
from .job_exchange import OnItem, Wishes


class AsyncClient:
    """Calls models from tasks of one event loop; keeps connections open.

    Its methods are those of `Client`, to be awaited, with the same arguments and errors. When a
    task is cancelled while it waits its connection is closed: the daemon then forgets the request,
    or cancels its run. A client may be made anywhere, also before a fork; the loop that uses it
    first has it until that loop is closed, and another gets a RuntimeError. A child after a fork
    uses it in a loop of its own.
    """

    def __init__(self, url: str | None = None, *, connections_max: int = 100) -> None:
        """`url` as for `Client`. Requests beyond `connections_max` wait in the client, in the
        order of their calls and within their time limits."""
        if connections_max < 1:
            raise InvalidInput(f"connections_max is {connections_max!r}, not 1 or more")
        self._transport = AsyncTransport(address.find(url), connections_max)

    @property
    def url(self) -> str:
        return self._transport.address.url

    async def call(
        self,
        model: str,
        value: Any = None,
        *,
        timeout: float | None = None,
        wait: float | None = None,
        priority: int | None = None,
        variant: str | None = None,
        content_type: str | None = None,
    ) -> Any:
        """Only the value of the answer; the arguments are those of `Client.request`."""
        answer = await self.request(
            model,
            value,
            timeout=timeout,
            wait=wait,
            priority=priority,
            variant=variant,
            content_type=content_type,
        )
        return answer.value

    async def request(
        self,
        model: str,
        value: Any = None,
        *,
        timeout: float | None = None,
        wait: float | None = None,
        priority: int | None = None,
        variant: str | None = None,
        content_type: str | None = None,
    ) -> Answer:
        """Runs a model on a value and waits for its answer, as `Client.request` does."""
        request = exchange.call(
            model,
            value,
            timeout=timeout,
            wait=wait,
            priority=priority,
            variant=variant,
            content_type=content_type,
        )
        return exchange.read_answer(await self._transport.exchange(request))

    async def submit(
        self,
        model: str,
        value: Any = None,
        *,
        priority: int | None = None,
        variant: str | None = None,
        content_type: str | None = None,
        key: str | None = None,
        tenant: str | None = None,
        run_at: str | float | None = None,
        deadline: str | float | None = None,
        run_timeout: float | None = None,
        stall_timeout: float | None = None,
    ) -> AsyncJob:
        """Hands a job over, as `Client.submit` does."""
        wishes = Wishes(
            priority,
            variant,
            content_type,
            key,
            tenant,
            run_at,
            deadline,
            run_timeout,
            stall_timeout,
        )
        request = job_exchange.submit(model, value, wishes)
        ticket = job_exchange.read_ticket(await self._transport.exchange(request))
        return AsyncJob(self._transport, ticket.id, ticket)

    async def map(
        self,
        model: str,
        items: Iterable[Any],
        *,
        on_item: OnItem | None = None,
        key: str | None = None,
        max_parallel: int = job_exchange.PARALLEL_USUAL,
        priority: int | None = None,
        variant: str | None = None,
        tenant: str | None = None,
    ) -> list[Any]:
        """As `Client.map`."""
        wishes = Wishes(priority=priority, variant=variant, key=key, tenant=tenant)
        parallel = job_exchange.check_parallel(max_parallel)
        steps = job_exchange.map_steps(model, items, wishes, parallel, on_item)
        return await drive(self._transport, steps)

    def job(self, id: str) -> AsyncJob:
        """A job by its id. Asks nothing: whether there is one, its methods tell."""
        return AsyncJob(self._transport, id)

    async def jobs(
        self,
        *,
        state: str | list[str] | None = None,
        model: str | None = None,
        tenant: str | None = None,
        key: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[dict]:
        """Jobs, the latest first, as `GET /api/jobs` tells it; `after` is the id of the last one
        that was seen."""
        filters = dict(state=state, model=model, tenant=tenant, key=key, limit=limit, after=after)
        return (await self._query(job_exchange.query_jobs(filters)))["jobs"]

    async def order_jobs(
        self,
        action: str,
        *,
        state: str | list[str] | None = None,
        model: str | None = None,
        tenant: str | None = None,
        key: str | None = None,
        all: bool = False,
    ) -> int:
        """Does "cancel", "retry", "hold", "release" or "delete" to all jobs that match, where their
        state allows it: to how many. Without a filter only with `all`."""
        filters = dict(state=state, model=model, tenant=tenant, key=key, all=all)
        return (await self._query(job_exchange.order_all(action, filters)))["count"]

    async def queue(self, since: str | None = None) -> dict:
        """How many jobs there are in each state, of all models and of each; with `since` ("24h",
        "7d") also what ended since then and how long it took. As `GET /api/queue` tells it."""
        return await self._query(job_exchange.query_queue(since))

    async def events(self, **filters: Any) -> list[dict]:
        """What happened, as `GET /api/events` lists it: the latest, or those since or after one.
        The filters are its parameters: after, limit, model, worker, job, code, level, since."""
        return (await self._query(job_exchange.query_events(filters)))["events"]

    async def models(self) -> list[dict]:
        """All models and what they do now, as `GET /api/models` tells it."""
        return (await self._query(exchange.query("/api/models")))["models"]

    async def model(self, name: str) -> dict:
        """One model and what it does now, its waiting requests with their reasons among it."""
        return await self._query(exchange.query_model(name))

    async def devices(self, *, cpu: bool = False) -> list[dict]:
        """The GPUs, and with `cpu` the machine's memory, as `Client.devices` tells it."""
        return exchange.devices_of(await self._query(exchange.query("/api/devices")), cpu)

    async def load(self, name: str, timeout: float | None = None) -> dict:
        """Loads a model and waits until it is ready; `timeout` in seconds as for `request`."""
        return await self._query(exchange.order(name, "load", timeout))

    async def prefetch(self, name: str) -> None:
        """A hint that a model is wanted soon: its load begins once there is room, and nobody waits
        for it or is moved for it. Whether it succeeds, `model` tells."""
        await self._query(exchange.order(name, "load?wait=0", None))

    async def offload(self, name: str, timeout: float | None = None) -> dict:
        """Waits until nobody uses the model and its weights have left for host memory."""
        return await self._query(exchange.order(name, "offload", timeout))

    async def unload(self, name: str, timeout: float | None = None, *, force: bool = False) -> dict:
        """Ends a model's worker and waits until it is gone; `timeout` as for `request`.

        With `force` its process is killed at once, with whatever runs in it.
        """
        action = "unload?force" if force else "unload"
        return await self._query(exchange.order(name, action, timeout))

    async def restart(self, name: str, timeout: float | None = None) -> dict:
        """Lets what runs finish, then waits until the model is ready in a new process."""
        return await self._query(exchange.order(name, "restart", timeout))

    async def pause(self, name: str) -> dict:
        """From now on no further run begins; what waits keeps waiting until `resume`."""
        return await self._query(exchange.order(name, "pause", None))

    async def resume(self, name: str) -> dict:
        """Lets a paused model begin runs again."""
        return await self._query(exchange.order(name, "resume", None))

    async def workers(self) -> list[dict]:
        """The worker processes and what they do now, as `GET /api/workers` tells it."""
        return (await self._query(exchange.query("/api/workers")))["workers"]

    async def kill_worker(self, id: int) -> dict:
        """Kills a worker by its `id`, with all that it started, and does not wait for its end.

        What runs in it is `WorkerLost`; what waits is served by the next. The worker as it was.
        """
        return await self._query(exchange.kill(id))

    async def incidents(self) -> list[dict]:
        """The latest workers that had to be ended or died, the latest first: causes, steps with
        their times, stacks; as `GET /api/incidents` tells it."""
        return (await self._query(exchange.query("/api/incidents")))["incidents"]

    async def explain(self, subject: str) -> dict:
        """Why a request (`"r17"`) or a model waits, who holds the memory, what would end it; as
        `GET /api/explain/{request or model}` tells it."""
        return await self._query(exchange.query_explanation(subject))

    async def explanations(self) -> list[dict]:
        """The same of all models that wait or are not well, the most urgent first."""
        return (await self._query(exchange.query("/api/explain")))["explanations"]

    async def health(self) -> dict:
        """The daemon's state, version and configuration, as `GET /healthz` tells it."""
        return await self._query(exchange.query("/healthz"))

    async def close(self) -> None:
        """Closes the idle connections. The client stays usable."""
        self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _query(self, request: exchange.Request) -> dict:
        return exchange.read_object(request, await self._transport.exchange(request))
