"""A worker for the tests of this folder: the protocol a second time, and every way to break it.

Run as `fake_worker.py MODE [argument]`; each mode is a function below.
"""

import ctypes
import faulthandler
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

HEADER = struct.Struct("<BBHIIQ")
HELLO, LOADED, STARTED, RESULT, CHUNK, PROGRESS, HEARTBEAT, ERROR, RECALLED = range(1, 10)
OFFLOADED, RESTORED, LOG = 10, 11, 13
LOAD, RUN, RECALL, CANCEL, OFFLOAD, RESTORE, STOP = range(65, 72)

channel = socket.socket(fileno=int(os.environ["WINDLASS_CHANNEL"]))


def frame(kind, request=0, meta=None, body=b""):
    text = json.dumps(meta).encode() if meta is not None else b""
    return HEADER.pack(kind, 1, 0, len(text), len(body), request) + text + body


def send(*arguments, **named):
    channel.sendall(frame(*arguments, **named))


def read_exactly(size):
    data = bytearray(size)
    view = memoryview(data)
    while view:
        got = channel.recv_into(view)
        if got == 0:
            os._exit(9)  # the daemon is gone
        view = view[got:]
    return bytes(data)


def receive():
    header = HEADER.unpack(read_exactly(HEADER.size))
    kind, version, reserved, meta_size, body_size, request = header
    assert (version, reserved) == (1, 0)
    return kind, request, json.loads(read_exactly(meta_size)), read_exactly(body_size)


def hello(**changes):
    meta = {"protocol": 1, "sdk": "fake/1", "pid": os.getpid(), "runtime": "3"}
    send(HELLO, meta={**meta, **changes})


def live_on():
    while True:
        signal.pause()


def serve():
    """A sound worker. The content type says what is to be done with a run."""
    hello(can_offload=True)
    held = set()
    begun = set()
    while True:
        kind, request, meta, body = receive()
        if kind == LOAD:
            send(PROGRESS, meta={"phase": "reading"})
            send(HEARTBEAT)
            send(LOADED, meta=meta)  # its keys are unknown to the daemon, which must not mind
        elif kind == RUN and meta["content_type"] == "test/echo":
            send(STARTED, request)
            send(PROGRESS, request, {"step": 1, "total": 2, "phase": meta.get("variant")})
            send(RESULT, request, {"content_type": "test/back"}, body)
        elif kind == RUN and meta["content_type"] == "test/fail":
            send(STARTED, request)
            send(ERROR, request, {"type": "out_of_memory", "message": body.decode(), "cause": "X"})
        elif kind == RUN and meta["content_type"] == "test/hold":
            held.add(request)
        elif kind == RUN and meta["content_type"] == "test/begin":
            begun.add(request)
            send(STARTED, request)
        elif kind == RECALL:
            send(RECALLED, request, {"recalled": request in held})
            held.discard(request)
        elif kind == CANCEL and request in begun:
            begun.discard(request)
            send(ERROR, request, {"type": "cancelled", "message": "stopped by request"})
            send(PROGRESS, request)  # late, which is no fault
        elif kind == OFFLOAD:
            send(OFFLOADED, meta={"duration_us": 2500, "before_bytes": 4096, "after_bytes": 0})
        elif kind == RESTORE:
            send(ERROR, meta={"type": "out_of_memory", "message": "no room on the device"})
        elif kind == STOP:
            sys.exit(0)


def chatter():
    """Prints what looks like protocol, and much more, on the wrong descriptors."""
    os.write(1, frame(LOADED) + b"\n" + b"\xff\xfe binary\n" + b"x" * 40000 + b"\nlast out")
    os.write(2, b"first error\r\n\r 50%\r100%\n")
    hello()
    send(LOG, meta={"level": "warning", "message": "by frame"})
    serve()


def hang_with_stacks():
    """Tells its Python stacks as the SDK does, and hangs with the interpreter's lock in hand."""
    path = os.path.join(os.environ["TMPDIR"], ".windlass-python-stacks")
    faulthandler.register(signal.SIGRTMAX - 3, file=open(path, "wb", buffering=0))
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    hello()
    mutex = ctypes.create_string_buffer(64)  # zeros are PTHREAD_MUTEX_INITIALIZER
    for _ in range(2):
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)


def broken_frame():
    hello()
    channel.sendall(b"Traceback (most recent call last):\n")
    print("still alive", flush=True)
    live_on()


def bad_meta():
    channel.sendall(HEADER.pack(HELLO, 1, 0, 5, 0, 0) + b"[1,2]")
    live_on()


def other_protocol():
    hello(protocol=2)
    live_on()


def wrong_answer():
    hello()
    while True:
        kind, request, _, _ = receive()
        if kind == LOAD:
            send(LOADED)
        if kind == RUN:
            send(RESULT, request + 1, {"content_type": "a/b"}, b"of another request")


def exit_at_launch():
    os.write(2, b"Traceback ...\nModuleNotFoundError: no module named 'torch'")
    sys.exit(3)


def fail_start():
    send(ERROR, 0, {"type": "gpu_trouble", "message": "no driver", "traceback": "Traceback ..."})
    sys.exit(1)


def last_words():
    hello()
    kind, _, _, _ = receive()
    assert kind == LOAD
    send(LOADED)
    _, first, _, _ = receive()
    _, second, _, _ = receive()
    os.write(1, b"out at the end")
    # Everything at once and then death by its own hand, with the order that follows unread.
    channel.sendall(
        frame(STARTED, first)
        + b"".join(frame(LOG, meta={"message": f"line {n}"}) for n in range(1000))
        + frame(RESULT, first, {"content_type": "a/b"}, b"finished in time")
        + frame(RESULT, second, {"content_type": "a/b"}, b"cut off")[:-3]
    )
    os.kill(os.getpid(), signal.SIGSEGV)


def close_channel():
    hello()
    channel.close()
    live_on()


def ignore_term():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hello()
    live_on()


def have_far_child(fifo):
    """As have_child, in a session of its own, with the channel and the worker's pipes in hand."""
    have_child(fifo, start_new_session=True, pass_fds=[channel.fileno()])


def have_child(fifo, **how):
    """Leaves a child behind that ignores SIGTERM; a reader of the fifo sees when it is gone."""
    code = (
        "import os, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "os.open(sys.argv[1], os.O_WRONLY); print('child is up', flush=True);"
        "[signal.pause() for _ in iter(int, 1)]"
    )
    subprocess.Popen([sys.executable, "-c", code, fifo], **how)
    hello()
    receive()


def deaf():
    hello()
    live_on()


def litter():
    """Fills its TMPDIR."""
    for number in range(300):
        folder = os.path.join(os.environ["TMPDIR"], str(number % 7), "deep")
        os.makedirs(folder, exist_ok=True)
        open(os.path.join(folder, str(number)), "w").close()
    os.symlink("/", os.path.join(os.environ["TMPDIR"], "root"))
    hello()
    receive()


globals()[sys.argv[1]](*sys.argv[2:])
