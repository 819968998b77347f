"""One client process of the chaos: threads that call and vanish, whatever happens around them.

    python3 chaos_client.py URL SEED THREADS SECONDS TYPE,TYPE...

The types are those of errors that models on GPUs may answer with.
Prints one line of JSON at its end: how often each outcome occurred, how late answers were, and
what must not have been.
"""

import collections
import http.client
import json
import os
import random
import socket
import sys
import threading
import time
import urllib.parse

from chaos_daemon import BALLAST, SLOWNESS, allowed_devices
from times import TIME_FACTOR

MODELS = list(BALLAST) + 2 * ["cork"]
NEVER_S = 60 * TIME_FACTOR  # beyond its deadline: that is no answer any more
LATE_S = 1.0 * TIME_FACTOR  # how late an answer may come, the network and this client included
# What may be answered beside 200 where no device is: others kill, pause, unload and reload.
PLAUSIBLE = {"timeout", "unavailable", "worker_lost"}
REASONS = {"backoff", "breaker_open", "memory", "memory_unknown", "device"}


class Caller:
    """What one thread does, and what it saw."""

    def __init__(self, address, seed, until, types):
        self._address = address
        self._types = types
        self._random = random.Random(seed)
        self._until = until
        self._name = "%d/%d" % (os.getpid(), seed)
        self._count = 0
        self._connection = None
        self.outcomes = collections.Counter()
        self.problems = []
        self.ids = []  # of the requests, as the daemon named them
        self.late = []  # seconds from the deadline to the answer, for those that reached it

    def live(self):
        while time.monotonic() < self._until:
            try:
                self.act()
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.problems.append("%s: no proper answer: %r" % (self._name, error))
                self._connection = None
            time.sleep(self._random.uniform(0, 0.2))  # lint: sleep is the subject (the pace)

    def act(self):
        lot = self._random.random()
        model = self._random.choice(MODELS)
        body = self._body(model)
        if lot < 0.04:
            return self._vanish(model, body)
        limit_s = self._random.uniform(4, 8) * SLOWNESS
        if lot < 0.10:
            limit_s = self._random.uniform(0.001, 0.05)
        elif lot < 0.30:
            limit_s = self._random.uniform(0.2, 3) * SLOWNESS
        # Nobody shall wait long for the last ones.
        limit_s = min(limit_s, max(0.05, self._until - time.monotonic()) + 1)
        return self._call(model, body, limit_s)

    def _body(self, model):
        self._count += 1
        if model == "cork":
            size = 100_000 if self._random.random() < 0.02 else self._random.randrange(1_000)
            return ("%s/%d " % (self._name, self._count)).encode().ljust(size, b".")
        return b"%d" % self._random.choice((0, 0, 1, 5, 20, 100))  # busy for so many ms

    def _call(self, model, body, limit_s):
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._address)
        headers = {"X-Windlass-Timeout": "%dms" % max(1, limit_s * 1000)}
        if self._random.random() < 0.1:
            headers["X-Windlass-Priority"] = str(self._random.randrange(10))
        begun = time.monotonic()
        self._connection.timeout = limit_s + NEVER_S
        self._connection.request("POST", "/api/models/%s/call" % model, body, headers)
        reply = self._connection.getresponse()
        answer = reply.read()
        self._judge_time(model, limit_s, time.monotonic() - begun)
        if "X-Windlass-Request-Id" in reply.headers:
            self.ids.append(reply.headers["X-Windlass-Request-Id"])
        if reply.status == 200:
            return self._judge_answer(model, body, reply.headers, answer)
        return self._judge_error(model, reply.status, json.loads(answer)["error"])

    def _judge_time(self, model, limit_s, took_s):
        if took_s < limit_s:
            return
        self.late.append(took_s - limit_s)
        if took_s > limit_s + LATE_S:
            self.problems.append(
                "a call of %s was answered after %.3f s; its limit was %.3f s"
                % (model, took_s, limit_s)
            )

    def _judge_answer(self, model, body, headers, answer):
        self.outcomes["answered: " + model] += 1
        device = headers["X-Windlass-Device"]
        if device not in allowed_devices(model):
            self.problems.append("%s was served on %s" % (model, device))
        if model == "cork":
            if answer != body:
                self.problems.append("cork gave somebody else's answer")
            return
        said = json.loads(answer)
        if str(said["pid"]) != headers["X-Windlass-Worker-Pid"]:
            self.problems.append(
                "%s answered as %s, the head names %s"
                % (model, said["pid"], headers["X-Windlass-Worker-Pid"])
            )
        if said["bytes"] != BALLAST[model][0]:
            self.problems.append("%s was answered by another model: %s" % (model, said))

    def _judge_error(self, model, status, error):
        kind, reason = error["type"], error.get("reason")
        self.outcomes["%s%s" % (kind, "/" + reason if reason else "")] += 1
        plausible = PLAUSIBLE if model == "cork" else self._types
        if model == "guest":
            plausible = plausible | {"not_found"}
        if model == "gold":  # its need is not known: that it does not fit is seen by trying
            plausible = plausible | {"out_of_memory"}
        if kind not in plausible or (kind == "unavailable" and reason not in REASONS):
            self.problems.append("%s got %d %s" % (model, status, error))

    def _vanish(self, model, body):
        """A client that is gone before its answer, with or without a farewell."""
        head = "POST /api/models/%s/call HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        with socket.create_connection(self._address, timeout=NEVER_S) as sock:
            sock.sendall((head % (model, len(body))).encode() + body)
            time.sleep(self._random.uniform(0, 0.3))  # lint: sleep is the subject (when it leaves)
        self.outcomes["vanished"] += 1


def main():
    url, seed, threads, seconds = sys.argv[1], *map(int, sys.argv[2:5])
    types = set(sys.argv[5].split(","))
    parts = urllib.parse.urlsplit(url)
    until = time.monotonic() + seconds
    callers = [
        Caller((parts.hostname, parts.port), seed * 1_000 + number, until, types)
        for number in range(threads)
    ]
    running = [threading.Thread(target=caller.live) for caller in callers]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print(
        json.dumps(
            {
                "outcomes": sum((caller.outcomes for caller in callers), collections.Counter()),
                "problems": [problem for caller in callers for problem in caller.problems][:20],
                "ids": [name for caller in callers for name in caller.ids],
                "late": [late for caller in callers for late in caller.late],
            }
        )
    )


if __name__ == "__main__":
    main()
