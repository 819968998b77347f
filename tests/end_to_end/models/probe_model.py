"""A model that does what each request tells it: the other end of the end-to-end tests.

Its environment says how it behaves before that: PROBE_INIT, PROBE_LOAD and PROBE_END name a
function of this file. What it prints becomes log lines, which is how tests know where it is.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import windlass as wl


def raise_plain():
    raise ValueError("weights of the wrong shape")


def raise_typed():
    raise wl.OutOfMemory("24 GiB are needed")


def raise_transient():
    raise wl.Transient("not just now")


def exit_at_once():
    os._exit(3)


def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)


def abort():
    os.abort()


def segfault():
    ctypes.string_at(0)


def lose_context():
    raise wl.ContextLost("the context is poisoned")


def hold_interpreter_lock():
    """In native code, as a library may that does not let go of it: not even heartbeats come."""
    print("holding the interpreter lock", flush=True)
    ctypes.PyDLL(None).sleep(3)  # lint: sleep is the subject


def hold_interpreter_lock_for_ever():
    """Locks a mutex twice, as a stuck driver call would; no signal ends that."""
    mutex = ctypes.create_string_buffer(64)  # zeros are PTHREAD_MUTEX_INITIALIZER
    for _ in range(2):
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)


def hang():
    print("hanging", flush=True)
    while True:
        signal.pause()


def hang_deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hang()


def hang_deaf_in_thread():
    """For runs in threads, where signals are not for them to handle."""
    print("hanging", flush=True)
    threading.Event().wait()


def take_much():
    """300 MiB of the machine's memory, until somebody ends it."""
    held = b"\1" * (300 << 20)  # zeros would be no memory yet
    print("holding %d" % len(held), flush=True)
    hang_deaf_in_thread()


def take_much_in_a_child():
    if os.fork() == 0:
        take_much()
    hang_deaf_in_thread()


def start_far_child(env=None):
    """A child in a session of its own that ignores SIGTERM and holds all that we hold."""
    code = "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    code += "os.write(2, b'far child %d\\n' % os.getpid()); [signal.pause() for _ in iter(int, 1)]"
    subprocess.Popen(
        [sys.executable, "-c", code], env=env, start_new_session=True, close_fds=False
    )


def hang_in_native_code():
    """With a far child, and with the interpreter's lock: no Python code runs any more."""
    start_far_child()
    print("hanging", flush=True)
    ctypes.PyDLL(None).sleep(60)  # lint: sleep is the subject


def hang_beside_a_far_child():
    start_far_child()
    hang_deaf()


def hang_beside_two_far_children():
    start_far_child()
    start_far_child()
    hang()


def hang_beside_an_untagged_child():
    start_far_child(env={})
    hang_deaf()


def spawn_until_killed():
    """Starts far children for as long as it lives."""
    while True:
        start_far_child()


def die_and_leave_a_chatterbox():
    """The child holds our channel and pipes, writes to them for ever, and does not go with them."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.write(write_end, b"x")
        with contextlib.suppress(BrokenPipeError):
            while True:
                os.write(1, b"still here\n" * 100)
        signal.pause()
    os.read(read_end, 1)
    os._exit(3)


def start_orphans():
    """Grandchildren whose parent, a child of ours, is gone."""
    middle = os.fork()
    if middle == 0:
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                signal.pause()
        os._exit(0)
    os.waitpid(middle, 0)


def die_and_leave_a_child():
    child = os.fork()
    if child == 0:
        hang()
    print(child, file=sys.stderr, flush=True)
    os._exit(3)


def leave_files():
    folder = os.environ["TMPDIR"]
    os.makedirs(os.path.join(folder, "a", "b"))
    with open(os.path.join(folder, "a", "b", "file"), "w", encoding="utf-8") as file:
        file.write("left behind")


def need_file():
    if not os.path.exists(os.environ["PROBE_FILE"]):
        raise FileNotFoundError("there are no weights at " + os.environ["PROBE_FILE"])


def load_at_gate():
    print("loading", flush=True)
    pass_gate(os.environ["PROBE_GATE"])


def pass_gate(path):
    """Blocks until the test opens the gate: until the file is there."""
    while not os.path.exists(path):
        time.sleep(0.005)  # lint: sleep is the subject


def obey(variable):
    name = os.environ.get(variable)
    if name:
        globals()[name]()


class Probe:
    def __init__(self):
        obey("PROBE_INIT")
        self._lock = threading.Lock()
        self._running = 0
        self._runs = 0
        self._most_at_once = 0
        self._leaked = []

    def start(self):
        print("hook start", flush=True)

    def load(self, device):
        print("hook load " + device, flush=True)
        obey("PROBE_LOAD")

    def run(self, request):
        if request.content_type != "application/json":
            return request.body
        order = request.json() or {}
        if "name" in order:
            print("ran " + order["name"], flush=True)
        return getattr(self, "do_" + order.get("do", "echo"))(order, request)

    def unload(self):
        print("hook unload", flush=True)

    def exit(self):
        print("hook exit", flush=True)
        obey("PROBE_END")

    # What a request may ask for.

    def do_echo(self, order, request):
        return {"value": order.get("value"), "pid": os.getpid()}

    def do_inflate(self, order, request):
        return request.body * 2

    def do_describe(self, order, request):
        return {
            "pid": os.getpid(),
            "cwd": os.getcwd(),
            "path": sys.path,
            "variant": request.variant,
            "remaining_s": request.remaining(),
        }

    def do_leak(self, order, request):
        """Keeps so many bytes more for as long as it lives."""
        self._leaked.append(b"\1" * order["bytes"])  # zeros would be no memory yet
        return {"pid": os.getpid()}

    def do_hold(self, order, request):
        """Runs until the test opens the gate."""
        pass_gate(order["gate"])
        return order.get("name")

    def do_hold_lively(self, order, request):
        """As do_hold, and reports progress all the while."""
        while not os.path.exists(order["gate"]):
            request.progress()
            time.sleep(0.01)  # lint: sleep is the subject

    def do_outlast_cancel(self, order, request):
        """Sees `cancelled`, says so, and goes on until the gate opens."""
        while not request.cancelled:
            time.sleep(0.005)  # lint: sleep is the subject
        print("cancelled " + order["name"], flush=True)
        pass_gate(order["gate"])
        return "late " + order["name"]

    def do_heed_cancel(self, order, request):
        while not request.cancelled:
            time.sleep(0.005)  # lint: sleep is the subject
        print("cancelled " + order["name"], flush=True)
        request.check_cancelled()

    def do_call(self, order, request):
        globals()[order["function"]]()

    def do_call_later(self, order, request):
        """As do_call, in a thread, once the gate is open; answers before that."""
        late = lambda: (pass_gate(order["gate"]), globals()[order["function"]]())  # noqa: E731
        threading.Thread(target=late, daemon=True).start()
        return {"pid": os.getpid()}

    def do_call_once(self, order, request):
        """As do_call for the first request that names this file; an answer after that."""
        try:
            os.close(os.open(order["file"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return {"pid": os.getpid()}
        globals()[order["function"]]()

    def do_sleep_once(self, order, request):
        """As call_once: the first request sleeps for so long, and answers."""
        try:
            os.close(os.open(order["file"], os.O_CREAT | os.O_EXCL))
            time.sleep(order["seconds"])  # lint: sleep is the subject
        except FileExistsError:
            pass
        return {"pid": os.getpid()}

    def do_raise(self, order, request):
        raise getattr(wl, order["error"], ValueError)(order["message"])

    def do_report(self, order, request):
        """Lives for so many seconds by reporting progress."""
        end = time.monotonic() + order["seconds"]
        steps = 0
        while time.monotonic() < end:
            steps += 1
            request.progress(steps, phase="turning")
            time.sleep(0.02)  # lint: sleep is the subject
        return steps

    def do_print(self, order, request):
        os.write(order["descriptor"], order["text"].encode("latin-1"))
        return "printed"

    def do_flood(self, order, request):
        """Prints for as long as the gate is closed; how many bytes that were."""
        lines = (b"x" * 1000 + b"\n") * 64
        count = 0
        while not os.path.exists(order["gate"]):
            count += os.write(order["descriptor"], lines)
        return count

    def do_talk(self, order, request):
        os.write(1, b"talking\n")  # whole, unlike print() beside another thread's
        pass_gate(order["gate"])
        for number in range(order["lines"]):
            os.write(1, b"line %d\n" % number)
        return order["lines"]

    def do_answer_much(self, order, request):
        os.write(1, b"answering\n")
        pass_gate(order["gate"])
        return "x" * order["size"]

    def do_count(self, order, request):
        """How many runs there were, and how many at once at most."""
        with self._lock:
            self._runs += 1
            number = self._runs
            self._running += 1
            self._most_at_once = max(self._most_at_once, self._running)
        time.sleep(order.get("seconds", 0))  # lint: sleep is the subject
        with self._lock:
            self._running -= 1
            return {
                "value": order.get("value"),
                "runs": number,
                "most": self._most_at_once,
                "pid": os.getpid(),
            }
