"""The runs that a worker was given and has not answered, and who may begin the next."""

from __future__ import annotations

import enum
import queue
import threading

from .attempts import Attempt
from .frames import ProtocolError
from .reporting import Reporter
from .request import Request


class State(enum.Enum):
    WAITING = "waiting"
    BEGUN = "begun"
    ANSWERED = "answered"  # but for the sending of it
    RECALLED = "recalled"


class Run:
    """One `run` frame. Its state changes in `Runs` only."""

    def __init__(
        self, id: int, request: Request, reporter: Reporter, attempt: Attempt | None = None
    ) -> None:
        self.id = id
        self.request = request
        self.reporter = reporter
        self.attempt = attempt  # None: a call
        self.state = State.WAITING


class Runs:
    """Gives each run to exactly one taker, in order, or back to the daemon. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _by_id, but for `finish`, and the states in it
        self._by_id: dict[int, Run] = {}
        self._queue: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._is_closed = False

    def add(self, run: Run) -> bool:
        """Files a run; False once closed. Raises ProtocolError for an id that is in use."""
        with self._lock:
            if run.id in self._by_id:
                raise ProtocolError(f"run {run.id} came twice")
            if self._is_closed:
                return False
            self._by_id[run.id] = run
        self._queue.put(run)
        return True

    def take(self, *, wait: bool = True) -> Run | None:
        """The next run, which has begun with this. None once closed; or, without `wait`, if there
        is none at this moment."""
        while True:
            if not wait and self._queue.empty():
                return None
            try:
                run = self._queue.get(block=wait)
            except queue.Empty:
                return None
            with self._lock:
                if run is None or self._is_closed:
                    break
                if run.state is State.WAITING:
                    run.state = State.BEGUN
                    return run
        self._queue.put(None)  # for the next thread
        return None

    def note_answer(self, run: Run) -> None:
        """The model's code is over. Before the answer is sent: what follows it may rely on that."""
        run.state = State.ANSWERED

    def are_answered(self) -> bool:
        """None waits, and in none the model's code goes on."""
        with self._lock:
            return all(run.state is State.ANSWERED for run in list(self._by_id.values()))

    def finish(self, run: Run) -> None:
        """The answer has been sent."""
        del self._by_id[run.id]  # atomic by itself

    def recall(self, id: int) -> bool:
        """True if the run had not begun and now never will."""
        with self._lock:
            return self._recall_locked(id)

    def recall_all(self) -> list[int]:
        """Recalls all that have not begun; their ids."""
        with self._lock:
            return [id for id in list(self._by_id) if self._recall_locked(id)]

    def _recall_locked(self, id: int) -> bool:
        run = self._by_id.get(id)
        if run is None or run.state is not State.WAITING:
            return False
        run.state = State.RECALLED
        del self._by_id[id]
        return True

    def cancel(self, id: int) -> None:
        """Sets `request.cancelled` of a run; nothing for one that is over."""
        with self._lock:
            run = self._by_id.get(id)
            if run is not None:
                run.request.cancel()

    def cancel_all(self) -> None:
        with self._lock:
            for run in list(self._by_id.values()):
                run.request.cancel()

    def has_begun(self) -> bool:
        """Some run has begun and is not over. Once closed and False, it stays False."""
        with self._lock:
            return any(run.state is not State.WAITING for run in list(self._by_id.values()))

    def close(self) -> None:
        """No run begins after this. Takes no lock: a signal handler may call it anywhere."""
        self._is_closed = True
        self._queue.put(None)
