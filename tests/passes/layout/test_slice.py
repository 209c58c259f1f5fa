"""Slices of slices."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.laws.agree import assert_agree
from tests.passes.rewrites import assert_keeps, assert_rewrites, operators

from nnvm import ops
from nnvm.ir import Value, f32, i64, tensor_data, trace
from nnvm.passes import cancel_layout

FAR = (1 << 63) - 1


def cut(x: Value, start: int, end: int, axis: int = 0, step: int = 1) -> Value:
    return ops.slice(x, (start,), (end,), (axis,), (step,))


JOINED = {
    "two axes": (lambda x: cut(cut(x, 1, 3), 0, 2, 1), ((1, 0), (3, 2), (0, 1), (1, 1))),
    "one axis": (lambda x: cut(cut(x, 1, 5), 1, 3), ((2,), (4,), (0,), (1,))),
    "to the end": (lambda x: cut(cut(x, 1, FAR), 1, FAR), ((2,), (6,), (0,), (1,))),
    "from the end": (lambda x: cut(cut(x, -4, FAR), -3, -1), ((3,), (5,), (0,), (1,))),
    "strides": (lambda x: cut(cut(x, 0, FAR, 0, 2), 1, FAR), ((2,), (5,), (0,), (2,))),
    "back and forth": (lambda x: cut(cut(x, -1, -FAR, 0, -1), -1, -FAR, 0, -2), ((0,), (5,), (0,), (2,))),
    "backward": (lambda x: cut(cut(x, 0, 5), -1, -FAR, 0, -1), ((4,), (-7,), (0,), (-1,))),
}


@pytest.mark.parametrize("name", JOINED)
def test_slices_join(name: str) -> None:
    left, right = JOINED[name]

    def before(x: f32[6, 4]) -> Value:
        return ops.tanh(left(x))

    def after(x: f32[6, 4]) -> Value:
        return ops.tanh(ops.slice(x, *right))

    assert_rewrites(cancel_layout, before, after)


def test_named_dimensions_join_where_the_axes_differ() -> None:
    def before(x: f32["c", "m"]) -> Value:
        return cut(cut(x, 1, FAR), 0, 2, 1)

    def after(x: f32["c", "m"]) -> Value:
        return ops.slice(x, (1, 0), (FAR, 2), (0, 1), (1, 1))

    assert_rewrites(cancel_layout, before, after)


APART = {
    "from an unknown end": lambda x: cut(cut(x, -3, FAR), 1, FAR),
    "an unknown stride": lambda x: cut(cut(x, 0, FAR, 0, 2), 1, FAR),
}


@pytest.mark.parametrize("name", APART)
def test_slices_that_stay(name: str) -> None:
    def program(x: f32["c", 2]) -> Value:
        return APART[name](x)

    assert_keeps(cancel_layout, program)


def test_a_start_that_is_an_input_stays() -> None:
    def program(x: f32[6], start: i64[1]) -> Value:
        return cut(ops.slice(x, start, tensor_data([6], i64[1])), 0, 2)

    assert_keeps(cancel_layout, program)


bounds = st.sampled_from((0, 1, 2, 5, 9, -1, -2, -6, -9, FAR, -FAR))
steps = st.sampled_from((1, 2, 3, -1, -2))


@given(length=st.integers(0, 7), first=st.tuples(bounds, bounds, steps), second=st.tuples(bounds, bounds, steps))
def test_whatever_is_cut_the_same_is_left(
    length: int, first: tuple[int, int, int], second: tuple[int, int, int]
) -> None:
    def program(x) -> Value:
        return cut(cut(x, *first[:2], 0, first[2]), *second[:2], 0, second[2])

    graph = trace(program, x=f32[length])
    assume(operators(graph) == ["slice", "slice"])
    made = cancel_layout(graph)
    assert operators(made) == ["slice"]
    assert_agree(graph, made, {})
