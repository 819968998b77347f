"""The clients of kills.py, and the log of what they were told."""

import http.client
import json
import random
import threading
import time

SUBMITTERS = 6
FOLLOWERS = 2
DOES = ["answer"] * 12 + ["report"] * 2 + ["die_once", "fail_once"]
UNSEEN_MAX = 100  # that wait, so that the last of them is not far behind
PAUSE_S = 0.02  # before a daemon that is not there is asked again


class Clients:
    def __init__(self, port, seed):
        self._port = port
        self._seed = seed
        self._lock = threading.Lock()
        self._jobs = {}  # key -> id, as it was acknowledged
        self._unseen = []  # ids whose ends nobody has seen
        self._tokens = {}  # id -> the token that was seen first
        self._problems = []
        self._unanswered = 0  # submissions that were sent again
        self._released = 0  # jobs that were held because daemons died under them
        self._is_submitting = True
        self._is_over = False
        self._threads = []

    def start(self):
        for number in range(SUBMITTERS):
            self._begin(self._submit, number)
        for number in range(FOLLOWERS):
            self._begin(self._follow, number)

    def _begin(self, what, number):
        thread = threading.Thread(target=what, args=(number,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _ask(self, method, path, body=None):
        """Status and body; None when nobody answered."""
        wire = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            content = None if body is None else json.dumps(body)
            wire.request(method, path, content, {"Content-Type": "application/json"})
            reply = wire.getresponse()
            return reply.status, json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None  # the daemon died, or is not there
        finally:
            wire.close()

    def _complain(self, text):
        with self._lock:
            self._problems.append(text)

    def _submit(self, number):
        chance = random.Random("%s/%s" % (self._seed, number))
        count = 0
        while self._is_submitting:
            if len(self._unseen) > UNSEEN_MAX:
                time.sleep(PAUSE_S)  # lint: sleep is the subject (the pace)
                continue
            count += 1
            key = "%d-%d" % (number, count)
            order = {"key": key, "do": chance.choice(DOES)}
            job = {"model": "tokens", "key": key, "input": order}
            if chance.random() < 0.1:
                job["run_at"] = "%dms" % chance.randint(1, 300)
            self._hand_over(key, job)

    def _hand_over(self, key, job):
        """Until it is acknowledged, however often the daemon dies meanwhile."""
        while not self._is_over:
            told = self._ask("POST", "/api/jobs", job)
            if told is None or told[0] == 503:
                self._unanswered += 1
                time.sleep(PAUSE_S)  # lint: sleep is the subject (the pace)
                continue
            status, answer = told
            if status not in (200, 202):
                return self._complain("%s was refused with %d: %s" % (key, status, answer))
            with self._lock:
                self._jobs[key] = answer["id"]
                self._unseen.append(answer["id"])
            return

    def _follow(self, number):
        chance = random.Random("follower %s/%s" % (self._seed, number))
        while not self._is_over:
            with self._lock:
                unseen = list(self._unseen)
            if not unseen:
                time.sleep(PAUSE_S)  # lint: sleep is the subject (the pace)
                continue
            job = chance.choice(unseen)
            told = self._ask("GET", "/api/jobs/%s?wait=1s" % job)
            if told is None:
                time.sleep(PAUSE_S)  # lint: sleep is the subject (the pace)
            elif told[0] != 200:
                self._complain("%s was acknowledged and is lost: %s" % (job, told[1]))
                self._forget(job)
            elif told[1]["state"] in ("failed", "cancelled"):
                self._complain("%s is over without a result: %s" % (job, told[1]))
                self._forget(job)
            elif told[1]["state"] == "held":
                self._release(job, told[1])
            elif told[1]["state"] == "succeeded":
                self._see(job)

    # A few deaths of the daemon under the same job are no reason to give it up, but one to ask.
    def _release(self, job, told):
        if told["reason"] != "suspect":
            return self._complain("%s is held: %s" % (job, told))
        if self._ask("POST", "/api/jobs/%s/release" % job):
            self._released += 1

    def _see(self, job):
        told = self._ask("GET", "/api/jobs/%s/result" % job)
        if told is None:
            return
        if told[0] != 200:
            self._complain("%s succeeded without a result: %s" % (job, told[1]))
        else:
            with self._lock:
                self._tokens.setdefault(job, told[1]["token"])
        self._forget(job)

    def _forget(self, job):
        with self._lock:
            if job in self._unseen:
                self._unseen.remove(job)

    def stop_submitting(self):
        self._is_submitting = False
        for thread in self._threads[:SUBMITTERS]:
            thread.join(60)

    def wait_for_all(self, limit_s):
        """Until somebody has seen the end of each job."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            with self._lock:
                if not self._unseen:
                    break
            time.sleep(PAUSE_S)  # lint: sleep is the subject (a poll)
        self._is_over = True
        for thread in self._threads:
            thread.join(60)
        return ["%s is not over" % job for job in self._unseen]

    def check(self, runs):
        """Asks once more for every job, now that nobody dies any more; what is wrong."""
        there = {tuple(line.split()) for line in runs.splitlines()}
        problems = list(self._problems)
        if len(set(self._jobs.values())) != len(self._jobs):
            problems.append("two keys were given the same job")
        for key, job in self._jobs.items():
            wrongs = self._wrong(key, job, there)
            problems += ["%s (%s): %s" % (job, key, wrong) for wrong in wrongs]
        told = self._ask("GET", "/api/queue")
        total = told[1]["total"] if told else None
        if total != len(self._jobs):
            problems.append("%s jobs are there, %d were taken on" % (total, len(self._jobs)))
        return problems

    def _wrong(self, key, job, there):
        told, result = self._ask("GET", "/api/jobs/" + job), self._ask(
            "GET", "/api/jobs/%s/result" % job
        )
        if told is None or result is None or told[0] != 200 or result[0] != 200:
            return ["lost: %s, %s" % (told, result)]
        ends = [attempt["outcome"] for attempt in told[1]["history"]]
        wrong = [] if ends.count("succeeded") == 1 else ["completed twice: %s" % ends]
        if result[1]["token"] != self._tokens.get(job):
            wrong.append("its result has changed")
        if (key, result[1]["token"]) not in there:
            wrong.append("its result comes from no run")
        charged = sum(end in ("failed", "crashed") for end in ends)
        if told[1]["failures"] + told[1]["crashes"] != charged:
            wrong.append("charged %s for %s" % (told[1]["failures"] + told[1]["crashes"], ends))
        return wrong

    def summary(self):
        return "%d jobs acknowledged, %d submissions sent again, %d suspects released" % (
            len(self._jobs), self._unanswered, self._released)  # fmt: skip
