"""Transposes that meet, that are made to meet, and that are left alone."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import Graph, Value, f32, foreign, named_input, tensor_data
from nnvm.passes import cancel_layout

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def last(x: Value) -> Value:
    return ops.transpose(x, perm=TO_LAST)


def first(x: Value) -> Value:
    return ops.transpose(x, perm=TO_FIRST)


def channels(dtype: object = f32) -> Value:
    return tensor_data([1.0, 2.0, 3.0], f32[3])


def image(*numbers: float):
    return tensor_data(numbers, f32[len(numbers), 1, 1])


MEET = {
    "undone": (lambda x: first(last(x)), lambda x: x),
    "merged": (lambda x: last(last(x)), lambda x: ops.transpose(x, perm=(0, 3, 1, 2))),
    "reversed twice": (lambda x: ops.transpose(ops.transpose(x)), lambda x: x),
    "reversed once": (lambda x: ops.transpose(last(x)), lambda x: ops.transpose(x, perm=(1, 3, 2, 0))),
    "around relu": (lambda x: first(ops.relu(last(x))), ops.relu),
    "around a row of them": (
        lambda x: first(ops.tanh(ops.exp(ops.relu(last(x))))),
        lambda x: ops.tanh(ops.exp(ops.relu(x))),
    ),
    "around a number": (lambda x: first(last(x) * 2 + 1), lambda x: x * 2 + 1),
    "around a row of channels": (
        lambda x: first(last(x) + channels()),
        lambda x: x + tensor_data([1.0, 2.0, 3.0], f32[1, 3, 1, 1]),
    ),
    "around two of them": (lambda x: first(last(x) * last(ops.exp(x))), lambda x: x * ops.exp(x)),
    "around one used twice": (
        lambda x: first(ops.relu(last(x)) * last(ops.exp(x))),
        lambda x: ops.relu(x) * ops.exp(x),
    ),
    "one of two": (
        lambda x: first(last(x) * ops.softmax_from(last(x))),
        lambda x: x * first(ops.softmax_from(last(x))),
    ),
    "beside each other": (lambda x: last(ops.exp(x)) + last(x), lambda x: last(ops.exp(x) + x)),
}


@pytest.mark.parametrize("name", MEET)
def test_transposes_meet(name: str) -> None:
    left, right = MEET[name]

    def before(x: f32["n", 3, 2, "m"]) -> Value:
        return ops.tanh(left(x))

    def after(x: f32["n", 3, 2, "m"]) -> Value:
        return ops.tanh(right(x))

    assert_rewrites(cancel_layout, before, after)


APART = {
    "alone": last,
    "after relu": lambda x: last(ops.relu(x)),
    "nothing to gain": lambda x: ops.relu(last(x)) + ops.reshape(x, (2, 2, 4, 3)),
    "what knows of the order between": lambda x: first(ops.softmax_from(last(x))),
    "of another rank": lambda x: first(last(x) + ops.reduce_sum(x, (0, 2, 3), keepdims=False)),
}


@pytest.mark.parametrize("name", APART)
def test_transposes_that_stay(name: str) -> None:
    def program(x: f32[2, 3, 2, 4]) -> Value:
        return APART[name](x)

    assert_keeps(cancel_layout, program)


def test_what_others_read_is_not_moved() -> None:
    def program(x: f32[2, 3, 2, 4]) -> tuple[Value, ...]:
        turned = last(x)
        inner = ops.relu(turned)
        return first(inner), inner, turned * 2

    assert_keeps(cancel_layout, program)


def test_a_shared_transpose_is_not_counted_as_gone() -> None:
    def program(x: f32[2, 3, 2, 4]) -> tuple[Value, ...]:
        turned = last(x)
        return turned + turned, turned

    assert_keeps(cancel_layout, program)


@pytest.mark.parametrize(("perms", "left"), [((TO_LAST, TO_FIRST), 1), ((TO_LAST, ()), 2), (((), ()), 3)])
def test_behind_an_operator_that_is_carried_the_rank_is_what_a_perm_says(perms, left) -> None:
    value = foreign("mystery", "tests")(named_input("x", f32[2, 3, 4, 5])).node.outputs[0]
    for perm in perms:
        value = ops.transpose(value, perm=perm)
    graph = cancel_layout(Graph([value], output_names=["y"]))
    assert sum(bool(node.inputs) for node in graph.nodes) == left
