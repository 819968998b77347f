"""Who carries out the plan, and who watches the daemon meanwhile."""

import collections
import http.client
import json
import os
import signal
import subprocess
import threading
import time

import windlass as wl
from chaos_daemon import BALLAST, CONTEXT, SLOWNESS
from processes import resident_bytes
from times import TIME_FACTOR

HEALTH_S = 1.0 * TIME_FACTOR  # within which /healthz is answered, whatever happens
WATCH_EVERY_S = 0.1
# What has no `need` is admitted to whatever is free and takes what it takes, its context included.
UNKNOWN_NEED = BALLAST["gold"][0] + CONTEXT
ORDER_TIMEOUT_S = 5 * SLOWNESS
# What an administrator may be told while everything breaks.
PLAUSIBLE = {"timeout", "unavailable", "worker_lost", "out_of_memory", "context_lost"}
PLAUSIBLE |= {"device_lost"}
# And of an offload: one on the CPU, or whose need nobody knows, stays; the host may be full.
UNMOVED = {"unsupported", "host_out_of_memory"}


def signal_child(pid, number, is_still_ours):
    """Signals exactly this process, or nobody if it has gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if pid not in is_still_ours():
            return False  # the number had another owner meanwhile
        signal.pidfd_send_signal(descriptor, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)


class Agent(threading.Thread):
    """Carries out one lane of the plan."""

    def __init__(self, daemon, plan, begin):
        super().__init__()
        self._daemon = daemon
        self._plan = plan
        self._begin = begin
        self._client = wl.Client(daemon.url)
        self.acts = collections.Counter()
        self.problems = []
        self.story = []  # what was done when, for whoever looks into a failure

    def run(self):
        for act in self._plan:
            pause = self._begin + act.at - time.monotonic()
            if pause > 0:
                time.sleep(pause)  # lint: sleep is the subject (the plan's moments)
            self.story.append((time.time(), act.verb, act.words))
            name = " ".join([act.verb] + [w for w in act.words[1:2] if isinstance(w, str)])
            try:
                if self._do(act):
                    self.acts[name] += 1
            except wl.Error as error:
                self.acts["%s: %s" % (name, error.type)] += 1
                plausible = PLAUSIBLE | (UNMOVED if act.verb == "offload" else set())
                if error.type not in plausible:
                    self.problems.append("%s got %s: %s" % (act, error.type, error))
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                self.problems.append("%s: %r" % (act, error))

    def _do(self, act):
        """Whether there was something to do it to."""
        words = act.words
        if act.verb == "fault":
            self._daemon.emulator("fault", *words)
            return words[2] != 0
        if act.verb == "stranger":
            return self._stranger(*words)
        if act.verb == "reload":
            self._daemon.reload()
        elif act.verb.startswith(("kill ", "freeze ")):
            return self._blow(*act.verb.split(), words[0])
        elif act.verb == "kill":
            return self._kill(words[0])
        elif act.verb == "pause":
            self._pause(*words)
        else:
            getattr(self._client, act.verb)(words[0], timeout=ORDER_TIMEOUT_S)
        return True

    def _stranger(self, device, size, pid):
        self._daemon.emulator("stranger", device, "%dB" % size, pid)
        return size != 0

    def _blow(self, verb, whom, share):
        find = {
            "worker": self._daemon.workers,
            "host": lambda: self._daemon.children(b"driver-host"),
            "keeper": lambda: self._daemon.children(b"keeper"),
        }[whom]
        number = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}[verb]
        pids = find()
        return bool(pids) and signal_child(pids[int(share * len(pids))], number, find)

    def _kill(self, share):
        workers = self._daemon.ask("/api/workers")["workers"]
        if not workers:
            return False
        number = workers[int(share * len(workers))]["id"]
        connection = http.client.HTTPConnection(*self._daemon.address, timeout=60 * TIME_FACTOR)
        connection.request("POST", "/api/workers/%d/kill" % number)
        status = connection.getresponse().status
        connection.close()
        if status not in (200, 404):  # it may have gone meanwhile
            self.problems.append("the kill of worker %d was answered with %d" % (number, status))
        return status == 200

    def _pause(self, model, seconds):
        self._client.pause(model)
        time.sleep(seconds)  # lint: sleep is the subject (how long it is paused)
        self._client.resume(model)


class Watch(threading.Thread):
    """Asks the daemon how it is, all the time, and looks whether what it says can be."""

    PATHS = ("/api/devices", "/api/models", "/api/workers", "/api/incidents", "/metrics")

    def __init__(self, daemon, begin):
        super().__init__()
        self._daemon = daemon
        self._begin = begin
        self._over = threading.Event()
        self.health_s = []
        self.states = collections.Counter()
        self.samples = []  # (seconds since the begin, resident bytes)
        self.problems = []

    def finish(self):
        self._over.set()
        self.join()

    def run(self):
        turn = 0
        while not self._over.wait(WATCH_EVERY_S):
            try:
                self._look(turn)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.problems.append("the daemon did not answer as it must: %r" % error)
                return
            turn += 1

    def _look(self, turn):
        begun = time.monotonic()
        health = self._daemon.ask("/healthz")
        self.health_s.append(time.monotonic() - begun)
        troubles = {trouble["reason"] for trouble in health.get("troubles", [])}
        self.states.update(troubles or [health["status"]])
        if self.health_s[-1] > HEALTH_S:
            self.problems.append("/healthz took %.3f s" % self.health_s[-1])
        if turn % 5 == 0:
            self.samples.append((begun - self._begin, resident_bytes(self._daemon.pid)))
            path = self.PATHS[turn // 5 % len(self.PATHS)]
            said = self._daemon.read(path)
            if path == "/api/devices":
                self._check(json.loads(said)["devices"])

    def _check(self, devices):
        for device in devices:
            capacity, claimed = device["capacity"], device["claimed"]
            if claimed and capacity and claimed["bytes"] > capacity["bytes"] + UNKNOWN_NEED:
                self.problems.append(
                    "at %s more is claimed than there is: %s"
                    % (time.strftime("%H:%M:%S", time.gmtime()), json.dumps(device))
                )
