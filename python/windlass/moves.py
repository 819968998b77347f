"""Where the model's weights are, and the one order to move them that may be open."""

from __future__ import annotations

import threading
from typing import Any

from .errors import Cancelled, Conflict, Error, Unsupported
from .frames import ProtocolError, Type

HOOKS = ("offload", "restore")


def can_offload(model: Any) -> bool:
    """It has both hooks. Raises TypeError for one without the other."""
    has = [callable(getattr(model, name, None)) for name in HOOKS]
    if any(has) and not all(has):
        there, missing = HOOKS if has[0] else HOOKS[::-1]
        raise TypeError(
            f"{type(model).__qualname__} has {there}() and no {missing}(): what goes to host memory"
            " must come back; write both, or neither"
        )
    return all(has)


class Moves:
    """Lets an `offload` or `restore` through to the main thread, or refuses it. Thread-safe.

    Who reads the channel asks `refuse` for each order and `refuse_run` for each run: so neither
    can slip in beside the other, whatever the daemon does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self._can_offload = False
        self._is_loaded = False
        self._is_offloaded = False
        self._order: Type | None = None  # let through and not over
        self._is_taken = False  # its hook has begun
        self._is_closed = False  # nobody takes another one

    def begin(self, *, can_offload: bool) -> None:
        """The model has been loaded."""
        with self._lock:
            self._can_offload = can_offload
            self._is_loaded = True

    def refuse(self, order: Type, *, is_busy: bool) -> Error | None:
        """Why this order cannot be carried out; None: it is for `take` now.

        Raises ProtocolError before `begin`, and while another one is open.
        """
        with self._lock:
            if not self._is_loaded or self._order is not None:
                raise ProtocolError(f"{order.name} is out of place here")
            if self._is_closed:
                return stopping()
            if not self._can_offload:
                return Unsupported(
                    "the model has no hooks offload() and restore(): write both, or derive it from"
                    " windlass.TorchModel"
                )
            if self._is_offloaded is (order is Type.OFFLOAD):
                reason = "offloaded" if self._is_offloaded else "not_offloaded"
                where = "in host memory" if self._is_offloaded else "on the device"
                return Conflict(f"the weights are {where} already", reason=reason)
            if is_busy:
                return Conflict(
                    "a run waits or has begun: the weights can be moved once it is answered",
                    reason="busy",
                )
            self._order = order
            return None

    def refuse_run(self) -> Error | None:
        """Why a run that comes now cannot begin; None: it can."""
        if self._order is None and not self._is_offloaded:
            return None  # the usual case, without the lock: only who asks changes it from this
        with self._lock:
            if self._order is not None:
                return Conflict("the weights are being moved", reason="moving")
            if self._is_offloaded:
                return Conflict("the weights are in host memory", reason="offloaded")
            return None

    def are_open(self) -> bool:
        """A move has been let through and is not over; or the load has not ended yet."""
        return self._order is not None or not self._is_loaded

    def take(self) -> Type | None:
        """The order that is to be carried out, once. For the main thread."""
        if self._order is None:
            return None
        with self._lock:
            if self._is_taken:
                return None
            self._is_taken = True
            return self._order

    def finish(self, *, is_done: bool) -> None:
        """The hook of the taken order has returned; or raised. Before it is answered."""
        with self._lock:
            if is_done:
                self._is_offloaded = self._order is Type.OFFLOAD
            self._order, self._is_taken = None, False

    def give_up(self) -> Error | None:
        """What to answer to an order that nobody will take any more; None if there is none.

        Later ones are refused.
        """
        with self._lock:
            self._is_closed = True
        return None if self.take() is None else stopping()


def stopping() -> Error:
    return Cancelled("the worker was told to end before it could move the weights")
