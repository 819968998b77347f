"""What a daemon answers about jobs, on top of FakeServer: each is over at once, or is held."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any, Callable

from fake_server import FakeServer, Handler, Seen


class Refusal(Exception):
    """The answer to a request, or what a job ends with."""

    def __init__(self, status: int, type: str, message: str = "no", **fields: Any) -> None:
        self.status = status
        self.body = {"error": {"type": type, "message": message, **fields}}


class FakeJobs:
    def __init__(self, server: FakeServer) -> None:
        self.lock = server.lock
        self.jobs: dict[str, dict] = {}
        self.outcomes: dict[str, Any] = {}
        self.keys: dict[str, str] = {}
        self.queries: list[str] = []
        self.run: Callable[[Any], Any] = lambda value: value
        self.is_held = False  # what is handed over now does not end
        self.refusals: list[Refusal] = []  # of the next submissions
        self.leaving = 0  # so many more answers say that it ends
        server.answer = self.answer

    def answer(self, handler: Handler, seen: Seen) -> None:
        path, _, query = seen.path.partition("?")
        parts = [urllib.parse.unquote(part) for part in path.split("/")[2:]]
        with self.lock:
            self.queries.append(query)
            try:
                self.route(handler, seen, parts)
            except Refusal as refusal:
                handler.reply_json(refusal.body, refusal.status)

    def route(self, handler: Handler, seen: Seen, parts: list[str]) -> None:
        if self.leaving > 0:
            self.leaving -= 1
            raise Refusal(503, "unavailable", reason="shutting_down")
        if parts[0] == "models":
            handler.reply_json(*self.submit(seen))
        elif parts[0] != "jobs":
            handler.reply_json({"events": [{"number": 7}], "pending": 3})
        elif len(parts) == 1:
            many = {"count": len(self.jobs)}
            handler.reply_json(many if seen.method == "DELETE" else {"jobs": self.listed()})
        elif parts[1] == "cancel":
            handler.reply_json({"count": len(self.jobs)})
        elif parts[1] not in self.jobs:
            raise Refusal(404, "not_found", "there is no such job", job=parts[1])
        elif parts[2:] == ["result"]:
            self.tell_result(handler, parts[1])
        else:
            job = self.jobs[parts[1]]
            if parts[2:] == ["cancel"]:
                job["state"] = "cancelled"
                self.outcomes[job["id"]] = Refusal(499, "cancelled", "somebody cancelled it")
            job["orders"] = job["orders"] + ([seen.method, *parts[2:]] if parts[2:] else [])
            handler.reply_json(job)

    def submit(self, seen: Seen) -> tuple[dict, int]:
        if self.refusals:
            raise self.refusals.pop(0)
        key = seen.headers.get("X-Windlass-Key")
        if key in self.keys:
            job = self.jobs[self.keys[key]]
            return {"id": job["id"], "state": job["state"], "new": False}, 200
        id = f"j{len(self.jobs) + 1}"
        job = {"id": id, "state": "running", "progress": None, "orders": []}
        self.jobs[id] = job
        if key:
            self.keys[key] = id
        if not self.is_held:
            self.end(id, json.loads(seen.body))
        return {"id": id, "state": "available", "new": True}, 202

    def end(self, id: str, value: Any) -> None:
        try:
            self.outcomes[id] = self.run(value)
            self.jobs[id]["state"] = "succeeded"
        except Refusal as refusal:
            self.outcomes[id] = refusal
            self.jobs[id]["state"] = "failed"

    def listed(self) -> list[dict]:
        return list(reversed(self.jobs.values()))

    def tell_result(self, handler: Handler, id: str) -> None:
        outcome = self.outcomes.get(id, Refusal(409, "conflict", "it is not over"))
        if isinstance(outcome, Refusal):
            raise outcome
        handler.reply_json(outcome)
