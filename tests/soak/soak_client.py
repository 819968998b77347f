"""One client process of the soak: threads that call, provoke, lose patience, vanish, and hand over
jobs.

    python3 soak_client.py URL SEED THREADS SECONDS

Prints one line of JSON at its end: how often each outcome occurred, and what must not have.
"""

import collections
import json
import os
import random
import socket
import sys
import threading
import time
import urllib.parse

import windlass as wl

MODELS = ("steady", "pair", "fragile") + 3 * ("native",)  # native never hangs nor dies
DEATHS = ("kill", "abort", "segfault", "exit", "orphan")
PATIENCE_S = 120.0
# What may be answered while others hang and crash and the configuration changes.
HARMLESS = {"not_found", "unavailable", "worker_lost"}
ALLOWED = {
    "echo": HARMLESS,
    "impatient": HARMLESS | {"timeout"},
    "hang": HARMLESS | {"timeout", "stalled"},
    "crash": HARMLESS,
}


class Caller:
    """What one thread does, and what it saw."""

    def __init__(self, client, seed):
        self._client = client
        self._random = random.Random(seed)
        self._name = "%d/%d" % (os.getpid(), seed)
        self._count = 0
        self._jobs = []
        self.outcomes = collections.Counter()
        self.problems = []

    def act(self):
        """One request of a kind drawn by lot: 1 % hang, 1 % crash, 2 % vanish, 2 % impatient; 4 %
        are jobs, of which one in thirty kills its worker each time."""
        if self._random.random() < 0.04:
            return self._hand_over()
        lot = self._random.random()
        model = self._random.choice(MODELS)
        if lot < 0.02 and model == "native":
            model = "steady"  # the C++ worker only echoes
        if lot < 0.01:
            return self._call("hang", model, b"hang")
        if lot < 0.02:
            return self._call("crash", model, self._random.choice(DEATHS).encode())
        if lot < 0.04:
            return self._vanish(model)
        if lot < 0.06:
            return self._call("impatient", model, self._payload(), self._random.uniform(1e-3, 0.05))
        return self._call("echo", model, self._payload())

    def _payload(self):
        self._count += 1
        size = 262_144 if self._random.random() < 0.01 else self._random.randrange(4_096)
        return ("%s/%d " % (self._name, self._count)).encode().ljust(size, b".")

    def _call(self, kind, model, body, timeout=PATIENCE_S):
        try:
            answer = self._client.call(model, body, timeout=timeout)
        except wl.Error as error:
            self.outcomes["%s: %s" % (kind, error.type)] += 1
            if error.type not in ALLOWED[kind]:
                self.problems.append("%s of %s: %s: %s" % (kind, model, error.type, error))
            return
        self.outcomes["%s: answered" % kind] += 1
        if answer != body:
            self.problems.append("%s of %s got somebody else's answer" % (kind, model))

    def _vanish(self, model):
        """A client that is gone before its answer, with or without a farewell."""
        body = self._payload()
        head = "POST /api/models/%s/call HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self._port()), timeout=PATIENCE_S) as sock:
            sock.sendall((head % (model, len(body))).encode() + body)
            time.sleep(self._random.uniform(0, 0.03))  # lint: sleep is the subject (when it leaves)
        self.outcomes["vanished"] += 1

    def _hand_over(self):
        """A job; what becomes of it is looked at in the end."""
        is_deadly = self._random.random() < 0.033
        model = "fragile" if is_deadly else self._random.choice(MODELS)
        body = self._random.choice(DEATHS).encode() if is_deadly else self._payload()
        key = "%s/%d/%d" % (self._name, len(self._jobs), self._count)
        self._jobs.append((self._client.submit(model, body, key=key), body, is_deadly))

    def await_jobs(self):
        """Each has its own answer, or has failed as it had to."""
        for job, body, is_deadly in self._jobs:
            try:
                answer = job.result(timeout=PATIENCE_S)
            except wl.Error as error:
                self.outcomes["job: %s" % error.type] += 1
                if not is_deadly or error.type != "worker_lost":
                    self.problems.append("the job %s: %s: %s" % (job.id, error.type, error))
                continue
            self.outcomes["job: done"] += 1
            if is_deadly or answer != body:
                self.problems.append("the job %s has an answer that is not its own" % job.id)

    def _port(self):
        return urllib.parse.urlsplit(self._client.url).port

    def live(self, until):
        while time.monotonic() < until:
            self.act()
            time.sleep(self._random.uniform(0, 0.05))  # lint: sleep is the subject (the pace)
        self.await_jobs()


def main():
    url, seed, threads, seconds = sys.argv[1], *map(int, sys.argv[2:5])
    client = wl.Client(url)
    callers = [Caller(client, seed * 1_000 + number) for number in range(threads)]
    until = time.monotonic() + seconds
    running = [threading.Thread(target=caller.live, args=(until,)) for caller in callers]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    outcomes = sum((caller.outcomes for caller in callers), collections.Counter())
    problems = [problem for caller in callers for problem in caller.problems]
    print(json.dumps({"outcomes": outcomes, "problems": problems[:20]}))


if __name__ == "__main__":
    main()
