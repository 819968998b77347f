"""The typed errors, held against the daemon's own table."""

from __future__ import annotations

import pathlib
import pickle
import re

import pytest

import windlass as wl
from windlass.errors import ERRORS, from_type

TABLE = pathlib.Path(__file__).parents[2] / "src" / "base" / "error.cpp"


def test_the_classes_are_those_of_the_daemons_table():
    row = re.compile(r'\{\w+,\s*"(\w+)",\s*(\d+),\s*\d+,\s*\w+,\s*"(\w+)"\}')
    daemon = {name: (cls, int(status)) for name, status, cls in row.findall(TABLE.read_text())}
    ours = {name: (cls.__name__, cls.http_status) for name, cls in ERRORS.items()}
    assert ours == daemon


def test_every_class_is_public_says_what_it_means_and_its_status():
    for cls in ERRORS.values():
        assert getattr(wl, cls.__name__) is cls
        assert f"HTTP {cls.http_status}." in cls.__doc__
        assert issubclass(cls, wl.Error)


def test_from_type_makes_the_class_with_its_fields():
    error = from_type("unavailable", "no", reason="backoff", retry_after_s=2.0, request_id="r1")
    assert type(error) is wl.Unavailable
    assert (error.type, error.message, error.reason) == ("unavailable", "no", "backoff")
    assert (error.retry_after_s, error.request_id) == (2.0, "r1")
    assert (error.cause, error.traceback) == (None, None)


def test_an_unknown_type_is_internal_with_the_word_as_its_cause():
    error = from_type("overheated", "hot", cause="Fire", reason="sun")
    assert type(error) is wl.Internal
    assert (error.cause, error.reason) == ("overheated", "sun")


def test_the_text_is_the_message_then_details_then_the_remote_traceback():
    error = wl.Internal(
        "KeyError: 'x'", retry_after_s=1.5, request_id="r7", traceback="Traceback ...\nKeyError\n"
    )
    assert str(error) == (
        "KeyError: 'x' (retry after 1.5 s, request r7)\n\nIn the worker:\nTraceback ...\nKeyError"
    )
    assert str(wl.Timeout()) == "timeout"
    assert str(wl.Conflict(ValueError("any object"))) == "any object"


def test_errors_survive_pickling_between_processes_of_a_user():
    error = pickle.loads(pickle.dumps(wl.QueueFull("full", retry_after_s=3)))
    assert (type(error), error.message, error.retry_after_s) == (wl.QueueFull, "full", 3)


def test_a_subclass_that_forgets_the_base_constructor_still_has_every_attribute():
    class Own(wl.NotFound):
        def __init__(self, number):
            self.number = number

    error = Own(3)
    assert (error.message, error.reason, error.type) == ("", None, "not_found")
    with pytest.raises(wl.NotFound):
        raise error
