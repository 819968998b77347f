"""One client process of an outside run: threads that draw acts until their share is done.

    python3 outside_client.py URL DAEMON_PID SEED FIRST_THREAD THREADS ACTS

ACTS are those of each thread. Prints one line of JSON at its end: every act with what came of it,
and what must not have been.
"""

import http.client
import json
import random
import signal
import socket
import sys
import threading
import time
import urllib.parse

from chaos_agents import signal_child
from outside_daemon import ALL, CALM, ROUGH, digest_of
from outside_plan import draw
from processes import children_of
from times import TIME_FACTOR

NEVER_S = 60 * TIME_FACTOR  # beyond its limit: that is no answer any more
LATE_S = 1.0 * TIME_FACTOR  # how late an answer may come, the network and this client included
DIGESTS = {name: digest_of(name) for name in ALL}


class Caller:
    """What one thread does: a journal of (verb, model, limit_s, begin, end, outcome)."""

    def __init__(self, address, daemon_pid, seed, number):
        self._connection = http.client.HTTPConnection(*address)
        self._daemon_pid = daemon_pid
        self._random = random.Random("%d/%d" % (seed, number))
        self._name = "%d-%d" % (seed, number)
        self.journal = []
        self.problems = []
        self.ids = []

    def live(self, count):
        try:
            for number in range(count):
                self._act(number)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            self.problems.append("%s: no proper answer: %r" % (self._name, error))
        if self._connection.sock is not None and self._has_more():
            self.problems.append("%s: something came that nobody had asked for" % self._name)
        self._connection.close()

    def _has_more(self):
        """Whether an answer is there beyond the last one."""
        self._connection.sock.settimeout(0.05)
        try:
            return self._connection.sock.recv(1) != b""
        except (socket.timeout, TimeoutError):
            return False

    def _act(self, number):
        act = draw(self._random, list(CALM), list(ROUGH))
        begin = time.monotonic()
        if act.verb == "call":
            outcome = self._call(act, "%s-%d" % (self._name, number))
        elif act.verb == "kill":
            outcome = self._kill(act.model)
        elif act.verb == "SIGKILL":
            outcome = self._shoot(act.model)
        elif act.verb == "pause":
            outcome = self._pause(act)
        else:
            outcome = self._order(act)
        end = time.monotonic()
        self.journal.append((act.verb, act.model, act.limit_s, begin, end, outcome))
        if act.limit_s is not None and end - begin > act.limit_s + LATE_S:
            self.problems.append("%s took %.3f s" % (act, end - begin))

    def _ask(self, method, path, body=b"", limit_s=None):
        self._connection.timeout = (limit_s or 0) + NEVER_S
        headers = {"X-Windlass-Timeout": "%dms" % max(1, 1000 * limit_s)} if limit_s else {}
        self._connection.request(method, path, body, headers)
        reply = self._connection.getresponse()
        text = reply.read()
        if "X-Windlass-Request-Id" in reply.headers:
            self.ids.append(reply.headers["X-Windlass-Request-Id"])
        return reply, text

    def _call(self, act, name):
        body = ("%s %d" % (name, act.run_ms)).encode()
        reply, text = self._ask("POST", "/api/models/%s/call" % act.model, body, act.limit_s)
        if reply.status != 200:
            return self._error(act, reply, text)
        pid = reply.headers["X-Windlass-Worker-Pid"]
        wanted = "%s %s %s" % (name, pid, DIGESTS[act.model])
        if text.decode() != wanted:
            self.problems.append("%s was answered %r instead of %r" % (act, text, wanted))
        return "ok"

    def _error(self, act, reply, text):
        error = json.loads(text)["error"]
        if act.limit_s is None:
            self.problems.append("%s got %d %s" % (act, reply.status, error))
        reason = error.get("reason")
        return error["type"] + ("/" + reason if reason else "")

    def _order(self, act):
        path = "/api/models/%s/%s" % (act.model, act.verb)
        reply, text = self._ask("POST", path, limit_s=act.limit_s)
        if reply.status != 200:
            return self._error(act, reply, text)
        if json.loads(text)["name"] != act.model:
            self.problems.append("%s was answered %r" % (act, text))
        return "ok"  # its state may have changed before the answer was written

    def _find_worker(self, model):
        """Whichever of its processes there is."""
        workers = json.loads(self._ask("GET", "/api/models/" + model)[1])["workers"]
        return self._random.choice(workers) if workers else None

    def _kill(self, model):
        """By the API."""
        worker = self._find_worker(model)
        if worker is None:
            return "nobody there"
        reply, _ = self._ask("POST", "/api/workers/%d/kill" % worker["id"])
        if reply.status not in (200, 404):  # it may have gone meanwhile
            self.problems.append("the kill of worker %s: %d" % (worker, reply.status))
        return "ok" if reply.status == 200 else "gone"

    def _shoot(self, model):
        """From outside."""
        worker = self._find_worker(model)
        if worker is None:
            return "nobody there"
        number = signal.SIGKILL
        is_hit = signal_child(worker["pid"], number, lambda: children_of(self._daemon_pid))
        return "ok" if is_hit else "gone"

    def _pause(self, act):
        for verb in ("pause", "resume"):
            reply, text = self._ask("POST", "/api/models/%s/%s" % (act.model, verb))
            if reply.status != 200:
                self.problems.append("%s: %s got %s" % (act, verb, text))
            if verb == "pause":
                time.sleep(act.run_ms / 1000)  # lint: sleep is the subject (how long it is paused)
        return "ok"


def main():
    url = urllib.parse.urlsplit(sys.argv[1])
    daemon_pid, seed, first, threads, acts = map(int, sys.argv[2:])
    address = (url.hostname, url.port)
    callers = [Caller(address, daemon_pid, seed, first + number) for number in range(threads)]
    running = [threading.Thread(target=caller.live, args=(acts,)) for caller in callers]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    lists = {
        name: [entry for caller in callers for entry in getattr(caller, name)]
        for name in ("journal", "problems", "ids")
    }
    print(json.dumps(lists))


if __name__ == "__main__":
    main()
