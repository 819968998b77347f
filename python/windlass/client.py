"""The client of the daemon. Imports no GPU library; numpy only to decode an array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import address, exchange, job_exchange
from .exchange import Answer
from .job import Job, drive
from .job_exchange import OnItem, Wishes
from .transport import Transport

__all__ = ["Answer", "Client", "devices"]


class Client:
    """Calls models. Thread-safe; usable on both sides of a fork; keeps connections open.

    Every method may raise the errors of `windlass.errors`: what the daemon answered, or
    `Unavailable` when it cannot be reached and `Timeout` when it does not answer in time.
    """

    def __init__(self, url: str | None = None) -> None:
        """`url`: of the daemon, http://HOST:PORT or unix:/PATH; by default WINDLASS_URL, else
        http://127.0.0.1:7411."""
        self._transport = Transport(address.find(url))

    @property
    def url(self) -> str:
        return self._transport.address.url

    def call(
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
        """Only the value of the answer; the arguments are those of `request`."""
        return self.request(
            model,
            value,
            timeout=timeout,
            wait=wait,
            priority=priority,
            variant=variant,
            content_type=content_type,
        ).value

    def request(
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
        """Runs a model on a value and waits for its answer.

        timeout        seconds from now to the answer; by default the model's `call_timeout`
        wait           seconds from now until the model begins; by default its `wait_timeout`
        priority       0 (first) to 9
        variant        a named setting of the model; other methods name it as "model:variant"
        content_type   what to call a value of bytes or str, which is then sent as it is
        """
        request = exchange.call(
            model,
            value,
            timeout=timeout,
            wait=wait,
            priority=priority,
            variant=variant,
            content_type=content_type,
        )
        return exchange.read_answer(self._transport.exchange(request))

    def submit(
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
    ) -> Job:
        """Hands a job over: work that is kept on the daemon's disk, and ends though nobody waits.

        key             the same key again is the same job, done once; makes it safe to try again
        tenant          whose share of the model it takes
        run_at, deadline   seconds from now, or a time such as "2026-01-31T13:45:00Z": not before,
                        and given up then
        run_timeout, stall_timeout   seconds of one attempt, and without progress in one

        The others are those of `request`.
        """
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
        ticket = job_exchange.read_ticket(self._transport.exchange(request))
        return Job(self._transport, ticket.id, ticket)

    def map(
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
        """Runs a model on each item, as jobs: a list with a value, or an error of
        `windlass.errors` (not raised), for each item, in their order.

        on_item        called with how many items are over and how many there are
        key            with it the same call goes on where it was cut off, also in another process:
                       what is done is not done again; items must be the same, and in that order
        max_parallel   so many jobs are handed over at a time

        Raises only where no daemon is there, or none that can keep jobs; with `key`, what was
        handed over is then found by the next call.
        """
        wishes = Wishes(priority=priority, variant=variant, key=key, tenant=tenant)
        parallel = job_exchange.check_parallel(max_parallel)
        steps = job_exchange.map_steps(model, items, wishes, parallel, on_item)
        return drive(self._transport, steps)

    def job(self, id: str) -> Job:
        """A job by its id. Asks nothing: whether there is one, its methods tell."""
        return Job(self._transport, id)

    def jobs(
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
        return self._query(job_exchange.query_jobs(filters))["jobs"]

    def order_jobs(
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
        return self._query(job_exchange.order_all(action, filters))["count"]

    def queue(self, since: str | None = None) -> dict:
        """How many jobs there are in each state, of all models and of each; with `since` ("24h",
        "7d") also what ended since then and how long it took. As `GET /api/queue` tells it."""
        return self._query(job_exchange.query_queue(since))

    def events(self, **filters: Any) -> list[dict]:
        """What happened, as `GET /api/events` lists it: the latest, or those since or after one.
        The filters are its parameters: after, limit, model, worker, job, code, level, since."""
        return self._query(job_exchange.query_events(filters))["events"]

    def models(self) -> list[dict]:
        """All models and what they do now, as `GET /api/models` tells it."""
        return self._query(exchange.query("/api/models"))["models"]

    def model(self, name: str) -> dict:
        """One model and what it does now, its waiting requests with their reasons among it."""
        return self._query(exchange.query_model(name))

    def devices(self, *, cpu: bool = False) -> list[dict]:
        """The GPUs, as `GET /api/devices` tells it: [] where there is no driver or none of them.

        With `cpu`, the machine's memory comes first, in the same form. A number that is measured is
        {"bytes", "source", "age_s"}; what is not known is None, never 0. Never waits for a driver.
        """
        return exchange.devices_of(self._query(exchange.query("/api/devices")), cpu)

    def load(self, name: str, timeout: float | None = None) -> dict:
        """Loads a model and waits until it is ready; `timeout` in seconds as for `request`."""
        return self._query(exchange.order(name, "load", timeout))

    def prefetch(self, name: str) -> None:
        """A hint that a model is wanted soon: its load begins once there is room, and nobody waits
        for it or is moved for it. Whether it succeeds, `model` tells."""
        self._query(exchange.order(name, "load?wait=0", None))

    def offload(self, name: str, timeout: float | None = None) -> dict:
        """Waits until nobody uses the model and its weights have left for host memory."""
        return self._query(exchange.order(name, "offload", timeout))

    def unload(self, name: str, timeout: float | None = None, *, force: bool = False) -> dict:
        """Ends a model's worker and waits until it is gone; `timeout` as for `request`.

        With `force` its process is killed at once, with whatever runs in it.
        """
        action = "unload?force" if force else "unload"
        return self._query(exchange.order(name, action, timeout))

    def restart(self, name: str, timeout: float | None = None) -> dict:
        """Lets what runs finish, then waits until the model is ready in a new process."""
        return self._query(exchange.order(name, "restart", timeout))

    def pause(self, name: str) -> dict:
        """From now on no further run begins; what waits keeps waiting until `resume`."""
        return self._query(exchange.order(name, "pause", None))

    def resume(self, name: str) -> dict:
        """Lets a paused model begin runs again."""
        return self._query(exchange.order(name, "resume", None))

    def workers(self) -> list[dict]:
        """The worker processes and what they do now, as `GET /api/workers` tells it."""
        return self._query(exchange.query("/api/workers"))["workers"]

    def kill_worker(self, id: int) -> dict:
        """Kills a worker by its `id`, with all that it started, and does not wait for its end.

        What runs in it is `WorkerLost`; what waits is served by the next. The worker as it was.
        """
        return self._query(exchange.kill(id))

    def incidents(self) -> list[dict]:
        """The latest workers that had to be ended or died, the latest first: causes, steps with
        their times, stacks; as `GET /api/incidents` tells it."""
        return self._query(exchange.query("/api/incidents"))["incidents"]

    def explain(self, subject: str) -> dict:
        """Why a request (`"r17"`) or a model waits, who holds the memory, what would end it; as
        `GET /api/explain/{request or model}` tells it."""
        return self._query(exchange.query_explanation(subject))

    def explanations(self) -> list[dict]:
        """The same of all models that wait or are not well, the most urgent first."""
        return self._query(exchange.query("/api/explain"))["explanations"]

    def health(self) -> dict:
        """The daemon's state, version and configuration, as `GET /healthz` tells it."""
        return self._query(exchange.query("/healthz"))

    def close(self) -> None:
        """Closes the idle connections. The client stays usable."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _query(self, request: exchange.Request) -> dict:
        return exchange.read_object(request, self._transport.exchange(request))


def devices(url: str | None = None, *, cpu: bool = False) -> list[dict]:
    """`Client(url).devices(cpu=cpu)`, for once."""
    with Client(url) as client:
        return client.devices(cpu=cpu)
