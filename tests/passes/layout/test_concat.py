"""Joins of joins."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import Value, f32
from nnvm.passes import cancel_layout


def join(*xs: Value, axis: int = 1) -> Value:
    return ops.concat(*xs, axis=axis)


JOINED = {
    "one in one": lambda x, y: join(join(x, y), x),
    "counted from the end": lambda x, y: join(join(x, y, axis=-1), x),
    "in the middle": lambda x, y: join(join(x), y, join(x)),
    "three deep": lambda x, y: join(join(join(x), y), x),
}


@pytest.mark.parametrize("name", JOINED)
def test_joins_join(name: str) -> None:
    def before(x: f32["n", 2], y: f32["n", "m"]) -> Value:
        return ops.tanh(JOINED[name](x, y))

    def after(x: f32["n", 2], y: f32["n", "m"]) -> Value:
        return ops.tanh(join(x, y, x))

    assert_rewrites(cancel_layout, before, after)


def test_along_another_axis_they_stay() -> None:
    def program(x: f32[2, 2], y: f32[2, 2]) -> Value:
        return join(join(x, y), join(y, x), axis=0)

    assert_keeps(cancel_layout, program)


def test_what_others_read_is_joined_once() -> None:
    def program(x: f32[2, 2], y: f32[2, 2]) -> tuple[Value, ...]:
        inner = join(x, y)
        return join(inner, x), inner

    assert_keeps(cancel_layout, program)
