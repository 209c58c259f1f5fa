"""What is expanded before an operator that broadcasts anyway."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import Value, f32, i64, tensor_data
from nnvm.passes import simplify


def ints(*elements: int) -> Value:
    return tensor_data(elements, i64[len(elements)])


def like(x: Value, y: Value) -> Value:
    return ops.expand(x, ops.shape(y))


LEFT_OUT = {
    "an expansion to the other": (lambda x, row: x + like(row, x), lambda x, row: x + row),
    "on the left": (lambda x, row: like(row, x) - x, lambda x, row: row - x),
    "in a choice": (
        lambda x, row: ops.where(ops.greater(x, row), like(row, x), x),
        lambda x, row: ops.where(ops.greater(x, row), row, x),
    ),
    "a tile along a dimension of one": (
        lambda x, row: x * ops.tile(ops.reshape(row, (1, 4)), ops.concat(ops.shape(x, end=1), ints(1), axis=0)),
        lambda x, row: x * ops.reshape(row, (1, 4)),
    ),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_expansion_is_left_out(name: str) -> None:
    left, right = LEFT_OUT[name]

    def before(x: f32["n", 4], row: f32[4]) -> Value:
        return left(x, row)

    def after(x: f32["n", 4], row: f32[4]) -> Value:
        return right(x, row)

    assert_rewrites(simplify, before, after)


STAYS = {
    "no other is as large": lambda x, row: ops.expand(row, ints(3, 4)) + row,
    "one of two that are": lambda x, row: ops.expand(row, ints(3, 1)) * 2.0,
    "a dimension that may be one": lambda x, row: like(row, x) + ops.reduce_sum(x, ints(0)),
    "a tile of more than one": lambda x, row: ops.tile(row, ints(2)) + 1.0,
    "a function of one input": lambda x, row: ops.exp(like(row, x)),
}


@pytest.mark.parametrize("name", STAYS)
def test_an_expansion_stays(name: str) -> None:
    def program(x: f32["n", 4], row: f32[4]) -> Value:
        return STAYS[name](x, row)

    assert_keeps(simplify, program)


def test_of_two_expansions_one_stays() -> None:
    def before(a: f32[4], b: f32[4]) -> Value:
        return ops.expand(a, ints(3, 4)) + ops.expand(b, ints(3, 4))

    def after(a: f32[4], b: f32[4]) -> Value:
        return a + ops.expand(b, ints(3, 4))

    assert_rewrites(simplify, before, after)
