"""The model of the soak: echoes, and now and then hangs or dies, as the request says."""

import os
import signal
import subprocess
import sys
import threading


def die_by_signal(number):
    def die():
        os.kill(os.getpid(), number)
        hang()  # another thread may be the one that the signal ends

    return die


def hang():
    threading.Event().wait()


def die_beside_a_child():
    """The child is in a session of its own, ignores SIGTERM and holds our descriptors."""
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True, close_fds=False)
    os._exit(3)


ENDS = {
    b"hang": hang,
    b"kill": die_by_signal(signal.SIGKILL),
    b"abort": die_by_signal(signal.SIGABRT),
    b"segfault": die_by_signal(signal.SIGSEGV),
    b"exit": lambda: os._exit(1),
    b"orphan": die_beside_a_child,
}


class Soak:
    def load(self, device):
        pass

    def run(self, request):
        end = ENDS.get(request.body)
        if end is not None:
            end()
        return request.body
