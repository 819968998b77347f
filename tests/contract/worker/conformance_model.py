"""The model of the worker contract, in Python; tests/workers/conformance.cpp is its twin.

A request's body is a word, and what it is about: `do_` and that word is what runs. The environment
names hooks that wait for the gate (GATED), return a typed error (FAILING) or raise (RAISING); with
FIXED it has no `offload` and `restore`, with ALLOCATOR it tells of 1,000 bytes of the device and of
what runs take. Hooks and some runs print where they are.
"""

import os
import sys
import threading

import windlass as wl

GATE = int(os.environ["TEST_GATE"])


def say(line):
    sys.stdout.write(line + "\n")  # one write, though threads print at the same time


def pass_gate():
    os.read(GATE, 1)


def is_listed(name, variable):
    return name in os.environ.get(variable, "").split()


def enter_hook(name, detail=""):
    say((name + " " + detail).strip())
    if is_listed(name, "GATED"):
        pass_gate()
    if is_listed(name, "FAILING"):
        raise wl.Unavailable("no %s today" % name, reason="asked")
    if is_listed(name, "RAISING"):
        raise ValueError("no %s today" % name)


class FixedConformance:
    def __init__(self):
        self._lock = threading.Lock()
        self._inside = self._inside_max = 0

    def start(self):
        enter_hook("start")

    def load(self, device):
        wl.progress(step=1, total=2, phase="weights")
        enter_hook("load", device)

    def unload(self):
        enter_hook("unload")

    def exit(self):
        enter_hook("exit")

    def run(self, request):
        word, _, rest = request.body.decode("latin-1").partition(" ")
        return getattr(self, "do_" + word.replace("-", "_"))(rest, request)

    def do_echo(self, rest, request):
        return rest.encode("latin-1")

    def do_large(self, rest, request):
        return b"x" * int(rest)

    def do_describe(self, rest, request):
        left_s = request.remaining()
        return ("%s %s %s" % (request.variant, request.content_type, 0 < left_s <= 60)).encode()

    def do_where(self, rest, request):
        is_main = threading.current_thread() is threading.main_thread()
        return b"main" if is_main else b"pool"

    def do_gate(self, rest, request):
        """Waits for the gate; how many such runs were inside at most."""
        with self._lock:
            self._inside += 1
            self._inside_max = max(self._inside_max, self._inside)
        say("inside")
        pass_gate()
        with self._lock:
            self._inside -= 1
            return str(self._inside_max).encode()

    def do_heed_cancel(self, rest, request):
        """Looks each time when the gate is passed."""
        say("looking")
        while not request.cancelled:
            pass_gate()
        raise wl.Cancelled("heeded")

    def do_fail(self, rest, request):
        raise wl.ERRORS[rest]("as asked", reason="why", retry_after_s=2.5)

    def do_raise(self, rest, request):
        raise ValueError(rest)

    def do_exhaust(self, rest, request):
        raise MemoryError

    def do_long_error(self, rest, request):
        raise wl.NotFound("\0" * 1_000_000)

    def do_bad_text(self, rest, request):
        raise wl.NotFound("a file called \udcff")

    def do_progress(self, rest, request):
        request.progress(1, 3, "encode")
        wl.progress(phase="decode")
        return b""

    def do_print(self, rest, request):
        for descriptor in (1, 2):
            os.write(descriptor, b"\0\x01\xff no frame" * 1000)
        return b"printed"

    def do_leave_child(self, rest, request):
        """A forked child that outlives the worker, as a data loader may."""
        child = os.fork()
        if child == 0:
            os.close(1)
            os.close(2)
            pass_gate()
            os._exit(0)
        return str(child).encode()

    def do_environment(self, rest, request):
        """What a program that the model starts can see of the channel."""
        code = "env; ls -l /proc/self/fd"
        with os.popen(code) as output:
            text = output.read()
        return b"seen" if "WINDLASS_CHANNEL" in text or "socket:" in text else b"hidden"


class Conformance(FixedConformance):
    def offload(self):
        wl.progress(phase="out")
        enter_hook("offload", self.do_where("", None).decode())

    def restore(self, device):
        enter_hook("restore", device)


class MeasuredConformance(Conformance):
    """Has an allocator that keeps what it was given back, unless ALLOCATOR is "broken"."""

    WEIGHTS = 1000

    def load(self, device):
        self._used = self._used_peak = self._reserved = self._reserved_peak = 0
        self._use(self.WEIGHTS)
        super().load(device)

    def reset_device_peak(self):
        if os.environ["ALLOCATOR"] == "broken":
            raise ValueError("no peak today")
        self._used_peak, self._reserved_peak = self._used, self._reserved

    def read_device_memory(self):
        return wl.DeviceMemory(self._used_peak, self._reserved, self._reserved_peak)

    def offload(self):
        super().offload()
        self._use(-self.WEIGHTS)
        self.do_drop(None, None)

    def restore(self, device):
        super().restore(device)
        self._use(self.WEIGHTS)

    def do_take(self, rest, request):
        self._use(int(rest))
        self._use(-int(rest))
        return b""

    def do_drop(self, rest, request):
        self._reserved = self._used
        return b""

    def _use(self, count):
        self._used += count
        self._used_peak = max(self._used_peak, self._used)
        self._reserved = max(self._reserved, self._used)
        self._reserved_peak = max(self._reserved_peak, self._reserved)


def choose():
    if "FIXED" in os.environ:
        return FixedConformance
    return MeasuredConformance if "ALLOCATOR" in os.environ else Conformance


if __name__ == "__main__":
    wl.serve(choose())
