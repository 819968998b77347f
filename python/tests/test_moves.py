"""What a model must have to be moved, and which orders to move it are let through."""

from __future__ import annotations

import types

import pytest

from windlass.frames import Type
from windlass.moves import Moves, can_offload


@pytest.mark.parametrize("hook", ["offload", "restore"])
def test_one_hook_without_the_other_is_a_mistake(hook):
    with pytest.raises(TypeError, match=rf"has {hook}\(\) and no"):
        can_offload(types.SimpleNamespace(**{hook: print}))


def test_a_hook_that_is_no_method_is_none():
    assert not can_offload(types.SimpleNamespace(offload=None, restore=5))


def test_an_order_is_taken_once_and_given_up_once():
    moves = Moves()
    moves.begin(can_offload=True)
    assert moves.refuse(Type.OFFLOAD, is_busy=False) is None
    assert moves.take() is Type.OFFLOAD
    assert moves.take() is None
    moves.finish(is_done=False)
    assert moves.refuse_run() is None
    assert moves.refuse(Type.OFFLOAD, is_busy=False) is None
    assert moves.give_up().type == "cancelled"


def test_an_order_whose_hook_has_begun_is_not_given_up_and_no_later_one_is_let_through():
    moves = Moves()
    moves.begin(can_offload=True)
    assert moves.refuse(Type.OFFLOAD, is_busy=False) is None
    moves.take()
    assert moves.give_up() is None  # the hook answers
    moves.finish(is_done=True)
    assert moves.refuse(Type.RESTORE, is_busy=False).type == "cancelled"
