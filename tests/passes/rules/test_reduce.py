"""Reductions in a row that are one, and those that are not."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import Value, f32, i64, tensor_data
from nnvm.passes import simplify


def ints(*elements: int) -> Value:
    return tensor_data(elements, i64[len(elements)])


MEET = {
    "sums": (
        lambda x: ops.reduce_sum(ops.reduce_sum(x, ints(1)), ints(-1)),
        lambda x: ops.reduce_sum(x, ints(1, 2)),
    ),
    "means whose axes are gone": (
        lambda x: ops.reduce_mean(ops.reduce_mean(x, ints(1), keepdims=False), ints(1), keepdims=False),
        lambda x: ops.reduce_mean(x, ints(1, 2), keepdims=False),
    ),
    "maxima of all that is left": (
        lambda x: ops.reduce_max(ops.reduce_max(x, ints(0), keepdims=False), keepdims=False),
        lambda x: ops.reduce_max(x, ints(0, 1, 2), keepdims=False),
    ),
    "minima over the same": (
        lambda x: ops.reduce_min(ops.reduce_min(x, ints(1)), ints(1, 2)),
        lambda x: ops.reduce_min(x, ints(1, 2)),
    ),
    "three products": (
        lambda x: ops.reduce_prod(ops.reduce_prod(ops.reduce_prod(x, ints(0)), ints(1)), ints(2)),
        lambda x: ops.reduce_prod(x, ints(0, 1, 2)),
    ),
}


@pytest.mark.parametrize("name", MEET)
def test_reductions_meet(name: str) -> None:
    left, right = MEET[name]

    def before(x: f32["n", 3, 4]) -> Value:
        return left(x)

    def after(x: f32["n", 3, 4]) -> Value:
        return right(x)

    assert_rewrites(simplify, before, after)


APART = {
    "a sum of a mean": lambda x: ops.reduce_sum(ops.reduce_mean(x, ints(1)), ints(2)),
    "one that keeps its axes and one that does not": lambda x: ops.reduce_sum(
        ops.reduce_sum(x, ints(1)), ints(2), keepdims=False
    ),
    "a norm of a norm": lambda x: ops.reduce_l2(ops.reduce_l2(x, ints(1)), ints(2)),
    "something between": lambda x: ops.reduce_sum(ops.relu(ops.reduce_sum(x, ints(1))), ints(2)),
}


@pytest.mark.parametrize("name", APART)
def test_reductions_that_stay(name: str) -> None:
    def program(x: f32["n", 3, 4]) -> Value:
        return APART[name](x)

    assert_keeps(simplify, program)


def test_what_others_read_is_not_computed_twice() -> None:
    def program(x: f32["n", 3, 4]) -> tuple[Value, ...]:
        rows = ops.reduce_max(x, ints(2))
        return ops.reduce_max(rows, ints(1)), x - rows

    assert_keeps(simplify, program)


def test_axes_that_are_an_input_stay() -> None:
    def program(x: f32["n", 3, 4], axes: i64[1]) -> Value:
        return ops.reduce_sum(ops.reduce_sum(x, axes), ints(2))

    assert_keeps(simplify, program)


def test_means_of_whole_numbers_are_rounded_each() -> None:
    def program(x: i64["n", 3, 4]) -> Value:
        return ops.reduce_mean(ops.reduce_mean(x, ints(1)), ints(2))

    assert_keeps(simplify, program)
