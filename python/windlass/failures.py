"""An exception that a model raised, as the metadata of an `error` frame."""

from __future__ import annotations

import math
import os
import traceback

from .errors import Error, HostOutOfMemory, Internal, OutOfMemory
from .frames import meta_bytes

MESSAGE_MAX = 8 * 1024  # bytes as JSON; with TRACEBACK_MAX well below frames.META_MAX
TRACEBACK_MAX = 32 * 1024
NAME_MAX = 256

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def describe(error: BaseException) -> dict:
    """Type, message and, for what its author did not raise on purpose, cause and traceback."""
    if isinstance(error, Error):
        meta: dict = {"type": str(error.type), "message": _fit(error.message, MESSAGE_MAX)}
        if error.reason is not None:
            meta["reason"] = _fit(str(error.reason), NAME_MAX)
        if isinstance(error.retry_after_s, (int, float)) and math.isfinite(error.retry_after_s):
            meta["retry_after_s"] = error.retry_after_s
        if error.cause is not None:
            meta["cause"] = _fit(str(error.cause), NAME_MAX)
        if isinstance(error, Internal) or type(error) is Error:
            meta["traceback"] = _traceback_text(error)
        return meta
    name = type(error).__name__
    text = _text(error)
    return {
        "type": _type_of(error),
        "message": _fit(f"{name}: {text}" if text else name, MESSAGE_MAX),
        "cause": _fit(name, NAME_MAX),
        "traceback": _traceback_text(error),
    }


def _type_of(error: BaseException) -> str:
    for cls in type(error).__mro__:
        # PyTorch's class moved between modules (torch.cuda, torch); its name stayed. Looked up by
        # name, because importing torch to ask would be absurd.
        if cls.__name__ == "OutOfMemoryError" and cls.__module__.partition(".")[0] == "torch":
            return OutOfMemory.type
    return HostOutOfMemory.type if isinstance(error, MemoryError) else Internal.type


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # lint: handled, the text says it
        return f"(its text cannot be had: {type(failure).__name__} in __str__)"


def _traceback_text(error: BaseException) -> str:
    """The traceback without the frames of this package that lead to the model's code."""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        entry = entry.tb_next
    lines = traceback.format_exception(type(error), error, entry or error.__traceback__)
    return _fit("".join(lines), TRACEBACK_MAX)


def _fit(text: str, size_max: int) -> str:
    """The text, with its middle cut out if it takes more than `size_max` bytes as JSON."""
    keep = len(text)
    cut = text
    while (size := len(meta_bytes(cut))) > size_max:
        keep = min(keep - 1, keep * size_max // size)
        head, tail = text[: keep // 2], text[len(text) - keep // 2 :]
        cut = f"{head}\n... {len(text) - len(head) - len(tail)} characters left out ...\n{tail}"
    return cut
