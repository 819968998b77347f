"""What an attempt at a job runs with: its model's hooks may lower its settings before it begins."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

from . import content
from .errors import Error, InvalidInput, Unsupported
from .frames import META_MAX
from .request import Request

HOOKS = ("on_retry", "fit")


class Attempt(NamedTuple):
    """What the daemon says of a run that is an attempt at a job."""

    number: int  # 1 is the first
    error: Error | None  # of the attempt before, if that is why there is another one
    free_bytes: int | None  # what this process may hold of its device; None: not known


class Adjuster:
    """Calls `on_retry(attempt, error, settings)` and `fit(settings, free_bytes)` of a model.

    Settings are the input of a job where that is a JSON object. A dict that a hook returns takes
    their place; None leaves them as they are.
    """

    def __init__(self, model: Any = None) -> None:
        """Raises TypeError for a hook that cannot be called."""
        self._on_retry, self._fit = (getattr(model, name, None) for name in HOOKS)
        for name, hook in zip(HOOKS, (self._on_retry, self._fit)):
            if hook is not None and not callable(hook):
                raise TypeError(f"{type(model).__qualname__}.{name} is no method")

    def adjust(self, request: Request, attempt: Attempt | None) -> bytes | None:
        """Puts other settings into the request; what they are, as JSON. None: they stay.

        Raises what a hook raises, TypeError for what is no dict, Unsupported for a dict that
        cannot be sent or kept.
        """
        if attempt is None or (self._on_retry is None and self._fit is None):
            return None
        before = request.body
        settings = _settings_of(request)
        if settings is None:
            return None
        if self._on_retry is not None and attempt.number > 1 and attempt.error is not None:
            _put(request, "on_retry", self._on_retry, attempt.number, attempt.error, settings)
            settings = _settings_of(request)  # read anew: the hook may have changed its own
        if self._fit is not None and attempt.free_bytes is not None:
            _put(request, "fit", self._fit, settings, attempt.free_bytes)
        if content.decode_json(before) == _settings_of(request):
            return None
        return request.body


def _settings_of(request: Request) -> dict | None:
    if request.content_type.partition(";")[0].strip().lower() != content.JSON:
        return None
    try:
        value = request.json()
    except InvalidInput:
        return None  # whether that is a mistake, the model says
    return value if isinstance(value, dict) else None


def _put(request: Request, name: str, hook: Callable, *args: Any) -> None:
    settings = hook(*args)
    if settings is None:
        return
    if not isinstance(settings, dict):
        raise TypeError(
            f"{name}() returned a {type(settings).__qualname__}: return a dict, which takes the "
            "place of the settings, or None to leave them as they are"
        )
    _, body = content.encode(settings)
    if len(body) > META_MAX:
        raise Unsupported(
            f"{name}() returned settings of {len(body)} bytes as JSON, and at most {META_MAX} can "
            "be kept with an attempt: hand large parts of an input over as files"
        )
    request.body, request.content_type = body, content.JSON
