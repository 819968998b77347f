"""Models for the tests of the worker. They print each hook as it is called."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

import windlass as wl

GATE = int(os.environ["TEST_GATE"])


def pass_gate() -> None:
    """Returns when the test opens the gate. Blocks in native code, without the interpreter lock."""
    os.read(GATE, 1)


def stick() -> None:
    """Never returns, not even for a signal: locks a mutex twice, as a stuck driver call would."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    print("stuck")
    mutex = ctypes.create_string_buffer(64)  # zeros are PTHREAD_MUTEX_INITIALIZER
    lock = ctypes.CDLL(None).pthread_mutex_lock
    lock(mutex)
    lock(mutex)


class Hooks:
    """Prints its hooks. FAIL names those that raise, GATE those that wait, STICK that sticks."""

    def __init__(self) -> None:
        self._hook("construct")

    def start(self):
        self._hook("start")

    def load(self, device):
        self._hook("load", device)

    def run(self, request):
        self._hook("run", str(request.json()))
        return request.json()

    def unload(self):
        self._hook("unload")

    def exit(self):
        self._hook("exit")

    def _hook(self, name: str, *details: str) -> None:
        # One write: SIGTERM or the end of the channel may interrupt between two.
        sys.stdout.write(" ".join(map(str, (name, *details))) + "\n")
        if name in os.environ.get("GATED", "").split():
            pass_gate()
        if name in os.environ.get("STICKY", "").split():
            stick()
        if name in os.environ.get("FAILING", "").split():
            raise ValueError(f"no {name} today")


class Echo:
    """Returns its input as it came; only the two required methods."""

    def load(self, device):
        pass

    def run(self, request):
        return request.json() if request.content_type == "application/json" else request.body


class NoRun:
    def load(self, device):
        pass

    def exit(self):
        print("exit")


class OneWay(Echo):
    """Goes to host memory and never comes back."""

    def offload(self):
        pass


class Gate(Echo):
    """Each run waits for the gate, and returns how many runs were inside at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = self._inside_max = 0

    def run(self, request):
        with self._lock:
            self._inside += 1
            self._inside_max = max(self._inside_max, self._inside)
        pass_gate()
        with self._lock:
            self._inside -= 1
        return self._inside_max


class Cancellable(Echo):
    """Runs until it is cancelled. The gate is passed once for each look."""

    def run(self, request):
        while True:
            request.check_cancelled()
            print("looked")
            pass_gate()

    def unload(self):
        print("unload")


class OutOfMemoryError(RuntimeError):
    pass


OutOfMemoryError.__module__ = "torch.cuda"


class BadText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class OwnError(wl.NotFound):
    """A typed error with a constructor of its own that forgets the base's."""

    def __init__(self, number: int) -> None:
        self.number = number


class Raises(Echo):
    """Raises, or returns, what the input names."""

    def run(self, request):
        kind = request.json()
        if kind in ("set", "nan", "large", "lambda"):
            return {"set": {1}, "nan": float("nan"), "large": b"x" * (2 << 20), "lambda": len}[kind]
        raise {
            "typed": wl.Unavailable("later", reason="warming_up", retry_after_s=2.5),
            "odd": wl.Transient("odd", retry_after_s=float("nan")),
            "own": OwnError(3),
            "memory": MemoryError("host"),
            "device": OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
            "key": KeyError("pixels"),
            "text": BadText(),
            "surrogate": ValueError("\udc80 in a file name"),
            "huge": ValueError("x" * 1_000_000),
            "control": ValueError("\0" * 1_000_000),
            "base": BaseException("not even an Exception"),
            "interrupt": KeyboardInterrupt(),
            "exit": SystemExit(3),
        }[kind]


class Progress(Echo):
    """Reports while loading and while running, by the function and by the request."""

    def load(self, device):
        wl.progress(1, 2, "weights")
        thread = threading.Thread(target=wl.progress, kwargs={"phase": "from a thread"})
        thread.start()
        thread.join()

    def run(self, request):
        wl.progress(1, total=3.5, phase="encode")
        request.progress(step=float("nan"), phase="decode")
        self.late = request.progress
        return None


class LateProgress(Progress):
    """A thread goes on to report the first run, long over, while a second one runs."""

    def run(self, request):
        if not hasattr(self, "late"):
            return super().run(request)
        self.late(phase="too late")
        return "second"


class Environment(Echo):
    """What a run and the processes that it starts can see."""

    def run(self, request):
        code = "import os; print(dict(os.environ)); os.system('ls -l /proc/self/fd')"
        output = subprocess.check_output([sys.executable, "-c", code], close_fds=False, text=True)
        return {
            "in_environment": "WINDLASS_CHANNEL" in os.environ,
            "child_has_variable": "WINDLASS_CHANNEL" in output,
            "child_has_socket": "socket:" in output,
            "main": threading.current_thread() is threading.main_thread(),
        }


class Forks(Echo):
    """Leaves a forked child behind that outlives the worker, as a data loader may."""

    def run(self, request):
        child = os.fork()
        if child == 0:
            os.close(1)
            os.close(2)
            pass_gate()
            os._exit(0)
        return child


class Deadline(Echo):
    def run(self, request):
        return {
            "variant": request.variant,
            "content_type": request.content_type,
            "remaining": request.remaining(),
            "has_deadline": request.deadline is not None,
        }


class LeavesThread(Echo):
    """A thread that is no daemon keeps Python from exiting."""

    def load(self, device):
        threading.Thread(target=pass_gate).start()


class Lowers(Echo):
    """Halves the batch after an error, and again while less than 100 bytes are free."""

    def on_retry(self, attempt, error, settings):
        print("on_retry", attempt, type(error).__name__, error.message, settings)
        settings["batch"] //= 2
        return settings

    def fit(self, settings, free_bytes):
        print("fit", settings, free_bytes)
        if free_bytes < 100:
            return {**settings, "batch": settings["batch"] // 2}
        settings["batch"] = 0  # and not returned: changes nothing


class Lowered(Echo):
    """Its hook returns what LOWERED says."""

    def on_retry(self, attempt, error, settings):
        if os.environ["LOWERED"] == "raise":
            raise KeyError("batch")
        return {
            "list": [1],
            "nan": {"batch": float("nan")},
            "large": {"batch": "x" * 70_000},
            "same": dict(settings),
        }[os.environ["LOWERED"]]


class BadHook(Echo):
    fit = 3
