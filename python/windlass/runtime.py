"""The life of a worker: hooks in their order, runs as they come, one way out.

The main thread runs every hook and, at concurrency 1, `run`; above that as many threads run it and
the main thread waits. Who reads the channel only files what arrives.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import sys
import threading
import time
import traceback
from typing import Any, Callable

from . import content, standby
from .attempts import Adjuster
from .channel import Channel
from .device_memory import Gauge, TorchAllocator, find_allocator
from .errors import Cancelled, Unsupported, WorkerLost
from .failures import describe
from .frames import VERSION, Frame, ProtocolError, Type, encode, encode_with, meta_bytes
from .interruption import EXIT_TERMINATED, Interruption, Terminated
from .moves import Moves, can_offload, stopping
from .orders import Load, parse_attempt, parse_load, parse_run
from .reporting import Reporter, reporting
from .runs import Run, Runs
from .version import __version__

EXIT_OK = 0  # after `stop`, or when the daemon is gone
EXIT_FAILED = 1  # import, start or load failed, or the channel broke

# Seconds. Together they lie below the default `term_grace` of a model (10 s), so that the worker
# ends by itself, its hooks run, where the daemon would otherwise kill it.
POOL_GRACE_S = 2.0  # for runs that go on in threads after SIGTERM or the loss of the channel
LOST_GRACE_S = 3.0  # for all that is left to do after that loss
EXIT_GRACE_S = 5.0  # for Python's own shutdown, after the hooks

# Of a result: all that there can be, encoded once.
_RESULT_METAS = {
    content_type: meta_bytes({"content_type": content_type})
    for content_type in (content.BYTES, content.JSON, content.NPY)
}


class Worker:
    """Drives one model object by the frames of one channel.

    Hooks: `start`, `load(device)`, any number of `run(request)`, `unload`, `exit`. `exit` runs
    exactly once if the object was constructed, whatever fails; `unload` exactly once if `load`
    returned and no run is stuck in the model. Only `load` and `run` are required. Between runs, and
    never during one, `offload()` and `restore(device)` take turns, if the model has both. Of a run
    that is an attempt at a job `on_retry` and `fit` come first, in its thread.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._runs = Runs()
        self._moves = Moves()
        self._can_offload = False
        self._gauge = Gauge(TorchAllocator())
        self._adjuster = Adjuster()
        self._interruption = Interruption(lambda: self._leave(EXIT_TERMINATED))
        self._model: Any = None
        self._load: Load | None = None  # set by who reads
        self._leaving: int | None = None  # the exit status, once it is clear that the worker ends
        # Wakes the main thread where it waits. A SimpleQueue, because the handler of a signal may
        # put into it wherever it interrupts.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def live(self, make_model: Callable[[], Any]) -> int:
        """The whole life; returns the exit status. Blocks. In the main thread, once.

        `make_model` imports and constructs the model.
        """
        self._interruption.install()
        self._channel.start(self._on_frame, self._on_end, self._is_resting)
        load = self._begin(make_model)
        if load is not None:
            self._serve(load)
        self._interruption.begin_ending()
        if load is not None and not self._runs.has_begun():
            self._end_with("unload", self._interruption.call)
        self._end_with("exit", lambda hook: hook())  # not even SIGTERM cuts this one short
        self._finish()
        return self._leaving or EXIT_OK

    # The steps of a life, in the main thread.

    def _begin(self, make_model: Callable[[], Any]) -> Load | None:
        """From the import to `loaded`; None if that failed or the worker is to end before."""
        if not self._attempt(self._construct, make_model):
            return None
        start = getattr(self._model, "start", None)
        if start is not None and not self._attempt(start):
            return None
        self._channel.send(*encode(Frame(Type.HELLO, meta=_hello(self._can_offload))))
        while self._load is None and self._leaving is None:
            self._bell.get()
        load = self._load
        if load is None:
            return None
        if standby.is_on_standby() and not self._attempt(standby.choose_device, load.uuid):
            return None
        with reporting(self._reporter(0), alone=True):
            if not self._attempt(self._model.load, load.device):
                return None
        self._gauge.settle()
        self._moves.begin(can_offload=self._can_offload)
        self._channel.send(*encode(Frame(Type.LOADED)))
        return load

    def _construct(self, make_model: Callable[[], Any]) -> None:
        self._model = make_model()
        for name in ("load", "run"):
            if not callable(getattr(self._model, name, None)):
                raise TypeError(f"{type(self._model).__qualname__} has no method {name}()")
        self._can_offload = can_offload(self._model)
        self._gauge = Gauge(find_allocator(self._model))
        self._adjuster = Adjuster(self._model)

    def _serve(self, load: Load) -> None:
        """Answers runs until the worker leaves and, unless that is urgent, all begun ones ended."""
        if load.concurrency == 1:
            self._work_alone(load)
        else:
            for index in range(load.concurrency):
                name, args = f"windlass-run-{index}", (load,)
                threading.Thread(
                    target=self._work_in_pool, args=args, name=name, daemon=True
                ).start()
            self._wait_for_pool(load)
        refusal = self._moves.give_up()
        if refusal is not None:
            self._channel.post(_error(0, refusal))
        for id in self._runs.recall_all():
            self._channel.post(_recalled(id, True))

    def _wait_for_pool(self, load: Load) -> None:
        deadline: float | None = None
        while self._leaving is None or self._runs.has_begun():
            if self._interruption.is_urgent and deadline is None:
                deadline = time.monotonic() + POOL_GRACE_S
                self._runs.cancel_all()
            if self._leaving is None and self._move_if_ordered(load):
                continue
            try:
                wait_s = None if deadline is None else max(0.0, deadline - time.monotonic())
                self._bell.get(timeout=wait_s)
            except queue.Empty:
                return _log("a run does not end: the unload hook is left out")

    def _finish(self) -> None:
        # What may still hang is not ours: a pipe that nobody empties, a thread that the model left
        # behind, its atexit code. The timer is C: it needs no interpreter lock, and says who hangs.
        faulthandler.dump_traceback_later(EXIT_GRACE_S, exit=True, file=2)
        self._channel.flush()
        for stream in (sys.stdout, sys.stderr):
            try:
                if stream is not None:
                    stream.flush()
            except (OSError, ValueError):
                continue  # its reader is gone, or the model closed it: there is nobody to tell
        if self._runs.has_begun():
            os._exit(self._leaving or EXIT_OK)  # Python's shutdown can crash on locks of threads

    # Runs, in the main thread or in each thread of the pool.

    def _work_alone(self, load: Load) -> None:
        while self._leaving is None:
            if self._move_if_ordered(load):
                continue
            run = self._runs.take(wait=False)
            if run is None:
                self._channel.read()
            else:
                self._answer_from(run, load)

    def _work_in_pool(self, load: Load) -> None:
        while (run := self._runs.take()) is not None:
            self._answer_from(run, load)

    def _answer_from(self, first: Run, load: Load) -> None:
        """Answers this run, and each next one that waits by then.

        An answer leaves together with the `started` of the next run: each call to the kernel wakes
        the daemon.
        """
        run: Run | None = first
        ended: Run | None = None
        answer: tuple[bytes, ...] = ()  # to `ended`
        while run is not None:
            started = () if run.request.cancelled else encode_with(b"", Type.STARTED, run.id)
            self._channel.send(*answer, *started)
            if ended is not None:
                self._finish_run(ended)
            ended, answer = run, self._answer(run, load)
            self._runs.note_answer(run)
            run = self._runs.take(wait=False)
        self._channel.send(*answer)
        if ended is not None:
            self._finish_run(ended)

    def _finish_run(self, run: Run) -> None:
        """After its answer was sent, so that the process cannot end in between."""
        self._runs.finish(run)
        if self._leaving is not None:
            self._bell.put(None)

    def _answer(self, run: Run, load: Load) -> tuple[bytes, ...]:
        """The one answer to a run, as bytes. Nothing that the model raises leaves this function."""
        try:
            if run.request.cancelled:
                raise Cancelled("the request was cancelled before it began")
            value, memory = self._measure(run, load)
            content_type, body = content.encode(value)
            if len(body) > load.body_max:
                raise Unsupported(
                    f"the answer has {len(body)} bytes, more than the {load.body_max} that a "
                    "message may have: return less, or write a file and return its name"
                )
            meta = _RESULT_METAS[content_type]
            if memory:
                meta = meta_bytes({"content_type": content_type, **memory})
            return encode_with(meta, Type.RESULT, run.id, body)
        except SystemExit as error:
            # The one way for a model to ask for a fresh process: honoured, once this is answered.
            self._leave(_exit_status(error))
            return encode(_error(run.id, error))
        except BaseException as error:
            return encode(_error(run.id, error))

    def _measure(self, run: Run, load: Load) -> tuple[Any, dict[str, int]]:
        """What the model makes of the request, and what that took of the device."""
        memory: dict[str, int] = {}
        with reporting(run.reporter, alone=load.concurrency == 1):
            begun = self._gauge.begin()
            try:
                if run.attempt is not None:
                    self._adjust(run)
                value = self._interruption.call(self._model.run, run.request)
            finally:
                memory = self._gauge.end(begun)
        return value, memory

    def _adjust(self, run: Run) -> None:
        """Lets the model lower the settings of an attempt at a job."""
        settings = self._interruption.call(self._adjuster.adjust, run.request, run.attempt)
        if settings is not None:  # told first: the run may take this process along
            self._channel.send(*encode_with(settings, Type.SETTINGS, run.id))

    # Moving the weights, in the main thread.

    def _move_if_ordered(self, load: Load) -> bool:
        """Carries out an `offload` or `restore` and answers it; False if there was none."""
        order = self._moves.take()
        if order is None:
            return False
        is_done = False
        try:
            answer = self._move(order, load)
            is_done = True
        except BaseException as error:
            if isinstance(error, SystemExit):
                self._leave(_exit_status(error))  # as in a run
            answer = encode(_error(0, error))
        self._moves.finish(is_done=is_done)  # first: the answer may be followed by a run
        self._channel.send(*answer)
        return True

    def _move(self, order: Type, load: Load) -> tuple[bytes, ...]:
        before, begin = self._gauge.reserved(), time.monotonic()
        with reporting(self._reporter(0), alone=True):
            if order is Type.OFFLOAD:
                self._interruption.call(self._model.offload)
            else:
                self._interruption.call(self._model.restore, load.device)
        meta = {"duration_us": int((time.monotonic() - begin) * 1e6)}
        self._gauge.settle()
        for name, count in (("before_bytes", before), ("after_bytes", self._gauge.reserved())):
            if count is not None:
                meta[name] = count
        done = Type.OFFLOADED if order is Type.OFFLOAD else Type.RESTORED
        return encode(Frame(done, 0, meta))

    # Calling the hooks.

    def _attempt(self, function: Callable, *args: Any) -> bool:
        """Calls a step of the beginning; False if it failed, which the daemon then knows."""
        try:
            self._interruption.call(function, *args)
            return True
        except BaseException as error:
            self._leave(EXIT_FAILED)
            self._channel.send(*encode(_error(0, error)))
            return False

    def _end_with(self, name: str, call: Callable[[Callable], Any]) -> None:
        """Calls a hook of the end, if the model has it; a failure is logged and changes nothing."""
        hook = getattr(self._model, name, None)
        if hook is None:
            return
        try:
            call(hook)
        except BaseException as error:
            _log(f"the {name} hook failed:\n{traceback.format_exc()}")
            told = describe(error)
            meta = {"level": "warning", "message": told["message"], "hook": name}
            meta.update({key: told.get(key, "") for key in ("cause", "traceback")})
            self._channel.post(Frame(Type.LOG, 0, meta))

    # What comes from outside: frames, and their end, in the thread that reads.

    def _on_frame(self, frame: Frame) -> None:
        if frame.type is Type.RUN and self._load is not None and frame.id != 0:
            self._on_run(frame)
        elif frame.type in (Type.OFFLOAD, Type.RESTORE) and frame.id == 0:
            self._on_move(frame.type)
        elif frame.type is Type.LOAD and self._load is None:
            load = parse_load(frame)
            is_shared = load.concurrency == 1
            self._channel.configure(load.body_max, load.heartbeat_s, is_shared=is_shared)
            self._load = load
            self._bell.put(None)
        elif frame.type is Type.RECALL:
            self._channel.post(_recalled(frame.id, self._runs.recall(frame.id)))
        elif frame.type is Type.CANCEL:
            self._runs.cancel(frame.id)
        elif frame.type is Type.STOP:
            self._leave(EXIT_OK)
        else:
            raise ProtocolError(f"{frame.type.name} with id {frame.id} is out of place here")

    def _is_resting(self) -> bool:
        """In the thread that beats."""
        has_work = self._moves.are_open() or not self._runs.are_answered()
        return self._leaving is None and not has_work

    def _on_run(self, frame: Frame) -> None:
        reporter = self._reporter(frame.id)
        run = Run(frame.id, parse_run(frame, reporter), reporter, parse_attempt(frame))
        refusal = self._moves.refuse_run()
        if refusal is not None:
            self._channel.post(_error(frame.id, refusal))
        elif not self._runs.add(run):
            self._channel.post(_recalled(frame.id, True))

    def _on_move(self, order: Type) -> None:
        if self._leaving is not None:
            return self._channel.post(_error(0, stopping()))
        refusal = self._moves.refuse(order, is_busy=not self._runs.are_answered())
        if refusal is not None:
            return self._channel.post(_error(0, refusal))
        self._bell.put(None)

    def _on_end(self, error: Exception | None) -> None:
        if error is not None:
            _log(f"the channel to the daemon broke: {type(error).__name__}: {error}")
        faulthandler.dump_traceback_later(LOST_GRACE_S, exit=True, file=2)
        self._leave(EXIT_OK if error is None else EXIT_FAILED)
        self._interruption.interrupt()

    def _reporter(self, id: int) -> Reporter:
        return Reporter(lambda meta: self._channel.post(Frame(Type.PROGRESS, id, meta)))

    def _leave(self, status: int) -> None:
        """The worker ends, with this status unless one is set. Any thread; in a signal handler."""
        self._runs.close()  # first: who sees the status may rely on it
        if self._leaving is None:
            self._leaving = status
        self._bell.put(None)
        self._channel.interrupt()


def _hello(can_offload: bool) -> dict:
    hello = {
        "protocol": VERSION,
        "sdk": f"python/{__version__}",
        "pid": os.getpid(),
        "runtime": ".".join(map(str, sys.version_info[:3])),
        "can_offload": can_offload,
    }
    if standby.is_on_standby():
        hello["used_driver"] = standby.has_used_driver()
    return hello


def _recalled(id: int, is_recalled: bool) -> Frame:
    return Frame(Type.RECALLED, id, {"recalled": is_recalled})


def _error(id: int, error: BaseException) -> Frame:
    if isinstance(error, Terminated):
        error = WorkerLost("the worker was told to end (SIGTERM) in the middle of it")
    return Frame(Type.ERROR, id, describe(error))


def _exit_status(error: SystemExit) -> int:
    """As the interpreter itself reads it."""
    if error.code is None:
        return EXIT_OK
    return error.code & 0xFF if isinstance(error.code, int) else EXIT_FAILED


def _log(text: str) -> None:
    try:
        print(f"windlass: {text}", file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        return  # stderr has no reader, is closed or None: there is nobody left to tell
