"""How long a daemon takes to answer, asked all the while that a test does something else."""

import threading
import time

from support import eventually


class Pulse:
    """`with Pulse(ask) as pulse`: calls `ask()` in a thread until the block is over."""

    def __init__(self, ask):
        self._ask = ask
        self._is_over = threading.Event()
        self._times = []
        self._failure = None
        self._thread = threading.Thread(target=self._beat)

    def __enter__(self):
        self._thread.start()
        eventually(lambda: self._times or self._failure, "the first answer is there")
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _beat(self):
        try:
            while not self._is_over.is_set():
                began = time.monotonic()
                self._ask()
                self._times.append(time.monotonic() - began)
        except Exception as error:  # lint: handled, times() reports it
            self._failure = error

    def _sorted_times(self):
        assert not self._thread.is_alive(), "it still beats"
        if self._failure:
            raise AssertionError("it stopped answering") from self._failure
        return sorted(self._times)

    def slowest_s(self):
        return self._sorted_times()[-1]

    def p99_s(self):
        times = self._sorted_times()
        return times[len(times) * 99 // 100]


def pulse_of_health(served):
    """Of /healthz, over one connection."""
    wire = served.wire()

    def ask():
        wire.request("GET", "/healthz")
        assert wire.reply().status == 200

    return Pulse(ask)


def pulse_of_calls(served, model, order=None):
    def ask():
        reply = served.ask(model, order)
        assert reply.status == 200, reply

    return Pulse(ask)
