"""Values as bytes with a content type, and back. Never pickle: bytes from outside run no code.

    dict, list, tuple, str, int, float, bool, None   application/json
    bytes, bytearray, memoryview                     application/octet-stream
    numpy.ndarray                                    application/x-npy

JSON is strict both ways: NaN and infinity are refused, because RFC 8259 has none and many readers
reject them. An array carries them. Bytes of any other content type stay bytes.
"""

from __future__ import annotations

import io
import json
import math
import sys

from .errors import InvalidInput, Unsupported

JSON = "application/json"
BYTES = "application/octet-stream"
NPY = "application/x-npy"

_JSON_TYPES = (dict, list, tuple, str, int, float, type(None))  # bool is an int
_NPY_VERSIONS = ((1, 0), (2, 0))  # 3.0 is only for field names outside latin-1

# What to do about the values that people try most often, by the name of their class.
_ADVICE = {
    "Tensor": "use .detach().cpu().numpy()",
    "coroutine": "make run() an ordinary function, or use asyncio.run() inside it",
    "generator": "use list() on it",
    "set": "use sorted() or list() on it",
    "DataFrame": "use .to_dict(orient='records') or .to_numpy()",
    "Image": "save it to an io.BytesIO and use its bytes, or use numpy.asarray()",
    "ndarray": "use .tolist(), or send the array alone",
}


def encode(value: object) -> tuple[str, bytes]:
    """The content type and the bytes of a value.

    Raises Unsupported, with advice, for a value that has no form in the table above.
    """
    if isinstance(value, bytes):
        return BYTES, value
    if isinstance(value, (bytearray, memoryview)):
        return BYTES, bytes(value)
    if isinstance(value, _JSON_TYPES):
        return JSON, _encode_json(value)
    numpy = sys.modules.get("numpy")  # who holds an array has imported it
    if numpy is not None and isinstance(value, getattr(numpy, "ndarray", ())):
        return NPY, _encode_array(numpy, value)
    raise _unsupported(value)


def decode(content_type: str, body: bytes) -> object:
    """The value that `encode` made the bytes from. Parameters of the content type are ignored.

    Raises InvalidInput for bytes that do not decode, Unsupported for an array without numpy.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        return decode_json(body)
    if kind == NPY:
        return decode_array(body)
    return body


def decode_json(body: bytes) -> object:
    """The value of a JSON text in UTF-8. Raises InvalidInput."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not valid JSON: {error}") from error


def decode_array(body: bytes):
    """The numpy array of an .npy body. Raises InvalidInput; Unsupported without numpy."""
    try:
        from numpy.lib import format as npy
    except ImportError as error:
        raise Unsupported(
            f"a body of {NPY} needs numpy, which {sys.executable} does not have: "
            "install it there, or read the bytes"
        ) from error
    stream = io.BytesIO(body)
    try:
        version = npy.read_magic(stream)
        if version not in _NPY_VERSIONS:
            raise ValueError(f"format version {version[0]}.{version[1]} is not supported")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        # Checked before numpy allocates what the header merely claims.
        claimed, present = dtype.itemsize * math.prod(shape), len(body) - stream.tell()
        if claimed != present and not dtype.hasobject:
            raise ValueError(f"the header claims {claimed} bytes of data, {present} are there")
        stream.seek(0)
        return npy.read_array(stream, allow_pickle=False)
    except MemoryError:
        raise
    except Exception as error:  # numpy's parser raises many kinds, SyntaxError among them
        raise InvalidInput(f"the body is not a valid .npy array: {error}") from error


def _encode_json(value: object) -> bytes:
    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse
        )
        return text.encode("utf-8")
    except ValueError as error:  # NaN, a circle, a lone surrogate, a number of 5,000 digits
        raise Unsupported(
            f"the {type(value).__name__} cannot be written as JSON: {error}; for NaN and "
            "infinity use None or send a numpy array"
        ) from error
    except (TypeError, RecursionError) as error:  # a key that is no string, too deep
        raise Unsupported(
            f"the {type(value).__name__} cannot be written as JSON: {error}"
        ) from error


def _encode_array(numpy, value) -> bytes:
    stream = io.BytesIO()
    try:
        numpy.save(stream, value, allow_pickle=False)
    except ValueError as error:
        raise Unsupported(
            f"an array of dtype {value.dtype} cannot be sent without pickle: "
            "give it a plain dtype, or use .tolist()"
        ) from error
    return stream.getvalue()


def _refuse_constant(word: str):
    raise ValueError(f"{word} is not a JSON number")


def _refuse(value: object):
    raise _unsupported(value, " inside it")


def _unsupported(value: object, where: str = "") -> Unsupported:
    cls = type(value)
    name = cls.__qualname__
    if cls.__module__ != "builtins":
        name = f"{cls.__module__}.{name}"
    advice = _ADVICE.get(cls.__name__)
    if advice is None:
        is_scalar = cls.__module__ == "numpy" and hasattr(value, "item")
        advice = "use .item()" if is_scalar else "turn it into dict, list, str, number or bytes"
    return Unsupported(f"a value of type {name}{where} cannot be sent: {advice}")
