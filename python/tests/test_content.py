"""Values to bytes and back, and what is refused with which advice."""

from __future__ import annotations

import array
import enum
import io
import math
import pickle
import subprocess
import sys

import pytest
from conftest import child_env

from windlass import InvalidInput, Unsupported, content


class Color(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ({"a": [1, 2.5, None, True]}, b'{"a":[1,2.5,null,true]}'),
        ([], b"[]"),
        ((1, 2), b"[1,2]"),
        ("für", b'"f\xc3\xbcr"'),
        (False, b"false"),
        (None, b"null"),
        (2**70, b"1180591620717411303424"),
        (Color.RED, b"1"),
    ],
)
def test_plain_values_are_json(value, wire):
    assert content.encode(value) == ("application/json", wire)
    decoded = content.decode("application/json", wire)
    assert decoded == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_bytes_stay_bytes(make):
    assert content.encode(make(b"\x00\xff")) == ("application/octet-stream", b"\x00\xff")
    assert content.decode("application/octet-stream", b"\x00\xff") == b"\x00\xff"


def test_a_view_of_other_items_is_its_bytes():
    view = memoryview(array.array("H", [1, 2, 3]))[::2]
    assert content.encode(view)[1] == array.array("H", [1, 3]).tobytes()


@pytest.mark.parametrize("kind", ["image/png", "text/plain", "", "application/x-pickle"])
def test_an_unknown_content_type_decodes_to_the_bytes(kind):
    assert content.decode(kind, b"{}") == b"{}"


def test_parameters_and_case_of_a_content_type_do_not_matter():
    assert content.decode("Application/JSON; charset=utf-8", b"1") == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"NaN", b"[Infinity]", b"-Infinity", b"[" * 100_000, b"1 2"]
)
def test_bytes_that_are_no_json_are_invalid_input(body):
    with pytest.raises(InvalidInput, match="not valid JSON"):
        content.decode("application/json", body)


LOOP: list = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ({1, 2}, r"type set cannot be sent: use sorted\(\)"),
        ({"deep": {"set": {1}}}, "type set inside it cannot be sent"),
        (object(), "turn it into dict"),
        ((i for i in ()), r"use list\(\)"),
        (float("nan"), "for NaN and infinity use None"),
        ([math.inf], "for NaN and infinity use None"),
        ("\udc80", "surrogates"),
        (LOOP, "Circular"),
        ({(1, 2): 3}, "keys must be"),
    ],
)
def test_a_value_without_a_form_is_unsupported_and_says_what_to_do(value, advice):
    with pytest.raises(Unsupported, match=advice):
        content.encode(value)


def test_names_of_foreign_classes_get_their_own_advice():
    tensor = type("Tensor", (), {"__module__": "torch"})()
    with pytest.raises(Unsupported, match=r"type torch\.Tensor cannot be sent: use \.detach\(\)"):
        content.encode(tensor)


def test_an_array_without_numpy_says_what_is_missing():
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from windlass import content, Unsupported\n"
        "assert content.encode([1])[0] == 'application/json'\n"
        "try: content.decode('application/x-npy', b'')\n"
        "except Unsupported as error: print(error)"
    )
    output = subprocess.check_output([sys.executable, "-c", code], env=child_env(), text=True)
    assert "needs numpy" in output


class TestArrays:
    @pytest.fixture
    def numpy(self):
        return pytest.importorskip("numpy")

    def test_arrays_keep_shape_order_and_type(self, numpy):
        for value in (
            numpy.arange(6, dtype="<f4").reshape(2, 3),
            numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
            numpy.array(7.5),
            numpy.zeros((0, 3)),
            numpy.array(["a", "bc"]),
            numpy.array([numpy.nan, numpy.inf]),
            numpy.zeros(2, dtype=[("x", "i2"), ("y", "f8")]),
        ):
            kind, body = content.encode(value)
            back = content.decode(kind, body)
            assert kind == "application/x-npy"
            assert (back.dtype, back.shape) == (value.dtype, value.shape)
            numpy.testing.assert_array_equal(back, value)
            assert back.flags.writeable

    def test_objects_are_refused_both_ways(self, numpy):
        objects = numpy.array([{"a": 1}, None], dtype=object)
        with pytest.raises(Unsupported, match="without pickle"):
            content.encode(objects)
        stream = io.BytesIO()
        numpy.save(stream, objects, allow_pickle=True)
        with pytest.raises(InvalidInput):
            content.decode("application/x-npy", stream.getvalue())

    def test_broken_arrays_are_invalid_input(self, numpy):
        whole = content.encode(numpy.arange(100))[1]
        archive = io.BytesIO()
        numpy.savez(archive, a=numpy.arange(3))
        claims = whole.replace(b"(100,)", b"(999,)")
        for body in (b"", whole[:-1], whole + b"x", whole[:20], archive.getvalue(), claims):
            with pytest.raises(InvalidInput, match="not a valid .npy array"):
                content.decode("application/x-npy", body)
        with pytest.raises(InvalidInput):
            content.decode("application/x-npy", pickle.dumps([1]))

    def test_a_header_that_claims_terabytes_is_refused_before_they_are_allocated(self, numpy):
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
        body = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"x" * 8
        with pytest.raises(InvalidInput, match="claims 8000000000000 bytes"):
            content.decode("application/x-npy", body)

    def test_numbers_and_arrays_inside_json_get_advice(self, numpy):
        with pytest.raises(Unsupported, match=r"use \.item\(\)"):
            content.encode({"digit": numpy.int64(3)})
        with pytest.raises(Unsupported, match=r"use \.tolist\(\)"):
            content.encode([numpy.arange(3)])
