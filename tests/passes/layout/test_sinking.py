"""Regions of nodes that turn together, where that leaves fewer transposes."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.laws.agree import assert_agree
from tests.passes.rewrites import BINDING, assert_keeps, assert_rewrites, operators, optimized

from nnvm import ops
from nnvm.ir import Graph, Value, constant, f32, i64, named_input, tensor_data, trace
from nnvm.passes import cancel_layout
from nnvm.passes.layout.sinking import sink_transposes

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def last(x: Value) -> Value:
    return ops.transpose(x, perm=TO_LAST)


def first(x: Value) -> Value:
    return ops.transpose(x, perm=TO_FIRST)


def ints(*elements: int) -> Value:
    return tensor_data(elements, i64[len(elements)])


CANCEL = {
    "softmax": (lambda x, y: first(ops.softmax(last(x))), lambda x, y: ops.softmax(x, axis=1)),
    "a sum that keeps its axes": (
        lambda x, y: first(ops.reduce_sum(last(x), ints(1, 2))),
        lambda x, y: ops.reduce_sum(x, ints(2, 3)),
    ),
    "a mean over what moved": (
        lambda x, y: ops.reduce_mean(last(x), ints(1, 2), keepdims=False),
        lambda x, y: ops.reduce_mean(x, ints(2, 3), keepdims=False),
    ),
    "a join": (
        lambda x, y: first(ops.concat(last(x), last(y), axis=3)),
        lambda x, y: ops.concat(x, y, axis=1),
    ),
    "a join with a constant": (
        lambda x, y: first(ops.concat(last(x), tensor_data(2.0, f32[1, 2, 4, 1]), axis=-1)),
        lambda x, y: ops.concat(x, tensor_data(2.0, f32[1, 1, 2, 4]), axis=1),
    ),
    "a slice": (
        lambda x, y: first(ops.slice(last(x), ints(1), ints(3), ints(3))),
        lambda x, y: ops.slice(x, ints(1), ints(3), ints(1)),
    ),
    "a pad": (
        lambda x, y: first(ops.pad(last(x), ints(0, 1, 1, 0, 0, 2, 2, 0))),
        lambda x, y: ops.pad(x, ints(0, 0, 1, 1, 0, 0, 2, 2)),
    ),
    "the best of the last axis": (
        lambda x, y: ops.cast(ops.argmax(last(x), axis=-1, keepdims=False), to=f32),
        lambda x, y: ops.cast(ops.argmax(x, axis=1, keepdims=False), to=f32),
    ),
    "a new axis and its end": (
        lambda x, y: first(ops.squeeze(ops.relu(ops.unsqueeze(last(x), ints(1))), ints(1))),
        lambda x, y: ops.squeeze(ops.relu(ops.unsqueeze(x, ints(1))), ints(1)),
    ),
}


@pytest.mark.parametrize("name", CANCEL)
def test_transposes_cancel_around(name: str) -> None:
    left, right = CANCEL[name]

    def before(x: f32[1, 3, 2, 4], y: f32[1, 3, 2, 4]) -> Value:
        return ops.tanh(left(ops.exp(x), y))

    def after(x: f32[1, 3, 2, 4], y: f32[1, 3, 2, 4]) -> Value:
        return ops.tanh(right(ops.exp(x), y))

    assert_rewrites(cancel_layout, before, after)


def test_both_factors_transposed_are_the_other_way_round() -> None:
    def before(x: f32["n", 3, 4], y: f32["n", 4, 3]) -> Value:
        return ops.matmul(ops.transpose(x, perm=(0, 2, 1)), ops.transpose(y, perm=(0, 2, 1)))

    def after(x: f32["n", 3, 4], y: f32["n", 4, 3]) -> Value:
        return ops.transpose(ops.matmul(y, x), perm=(0, 2, 1))

    assert_rewrites(cancel_layout, before, after)


def test_parts_of_a_split_are_transposed_before_it() -> None:
    def before(x: f32["n", 2, 3, 4]) -> tuple[Value, ...]:
        a, b = ops.split(last(x), axis=3, parts=2)
        return ops.exp(first(a)), ops.neg(first(b))

    def after(x: f32["n", 2, 3, 4]) -> tuple[Value, ...]:
        a, b = ops.split(x, axis=1, parts=2)
        return ops.exp(a), ops.neg(b)

    assert_rewrites(cancel_layout, before, after)


def test_a_residual_stays_in_one_order() -> None:
    """What two read, a convolution and a sum, turns with them."""
    weight = tensor_data([0.1 * i for i in range(9)], f32[3, 3, 1, 1])

    def before(x: f32["n", 3, 2, 4]) -> Value:
        y = ops.relu(last(ops.conv(x, weight)))
        for _ in range(3):
            y = ops.relu(y + last(ops.conv(first(y), weight)))
        return ops.reduce_mean(y, ints(1, 2), keepdims=False)

    def after(x: f32["n", 3, 2, 4]) -> Value:
        y = ops.relu(ops.conv(x, weight))
        for _ in range(3):
            y = ops.relu(y + ops.conv(y, weight))
        return ops.reduce_mean(y, ints(2, 3), keepdims=False)

    assert_rewrites(cancel_layout, before, after)


def test_where_a_region_ends_a_transpose_stands() -> None:
    def before(x: f32["n", 3, 2, 4], y: f32["n", 2, 4, 3]) -> tuple[Value, ...]:
        inner = ops.relu(last(x))
        return first(inner), ops.softmax_from(inner + y, axis=2)

    found = cancel_layout(trace(before))
    assert operators(found) == ["relu", "transpose", "add", "softmax_from"]


STAYS = {
    "nothing undoes it": lambda x, y: ops.softmax(last(x)),
    "a sum with what is not transposed": lambda x, y: ops.relu(last(x)) + ops.reshape(y, (1, 2, 4, 3)),
    "what is read both ways": lambda x, y: ops.reshape(ops.relu(last(x)), (-1, 3)) @ ops.reshape(y, (3, -1)),
    "axes that an input names": lambda x, y: first(ops.reduce_sum(last(x), named_input("axes", i64[1]))),
}


@pytest.mark.parametrize("name", STAYS)
def test_a_transpose_stays(name: str) -> None:
    def program(x: f32[1, 3, 2, 4], y: f32[1, 3, 2, 4]) -> Value:
        return STAYS[name](x, y)

    assert_keeps(cancel_layout, program)


def test_a_large_constant_that_others_read_is_not_kept_in_two_orders() -> None:
    data = tensor_data([float(i) for i in range(1 << 15)], f32[1 << 5, 1 << 5, 1 << 5])

    def program(x: f32[1 << 5, 1 << 5, 1 << 5]) -> tuple[Value, ...]:
        table, other = constant(data=data), constant(data=data)
        turned = ops.transpose(x, perm=(2, 1, 0)) + table
        return ops.transpose(turned * other, perm=(2, 1, 0)), x * table - other

    assert_keeps(cancel_layout, program)


def test_names_of_what_turns_stay_with_it() -> None:
    def program(x: f32["n", 3, 2, 4]) -> Value:
        return ops.tanh(first(ops.relu(last(x), name="inner")), name="outer")

    found = cancel_layout(trace(program))
    assert [node.name for node in found.nodes if node.inputs] == ["inner", "outer"]


def test_names_of_outputs_stay_with_what_they_were() -> None:
    def program(x: f32["n", 3, 2, 4]) -> dict[str, Value]:
        inner = ops.relu(last(x), name="inner")
        return {"inner": inner, "y": first(inner), "z": first(ops.exp(last(x)))}

    found = cancel_layout(trace(program))
    assert operators(found).count("transpose") == 1
    assert str(found.outputs[0].type) == "f32['n', 2, 4, 3]"


def test_nothing_moves_back_and_forth() -> None:
    """Fewer transposes each time, or the very same graph."""

    def program(x: f32["n", 3, 2, 4], y: f32["n", 3, 2, 4]) -> tuple[Value, ...]:
        a = ops.softmax(last(x)) * last(y)
        b = ops.concat(a, last(ops.relu(y)), axis=3)
        c = ops.reduce_max(b, ints(1))
        return first(b), c, first(a + 1.0), ops.exp(first(ops.pad(c, ints(0, 1, 0, 0, 0, 0, 0, 0))))

    graph = trace(program)
    count = operators(graph).count("transpose")
    for _ in range(5):
        made = sink_transposes(graph)
        fewer = operators(made).count("transpose")
        assert made is graph or fewer < count
        graph, count = made, fewer
    settled = optimized(graph)
    assert optimized(settled) is settled


def test_what_is_not_typed_stays() -> None:
    x, y = (named_input(name) for name in "xy")
    turned = ops.concat(last(x), last(y), axis=1)
    graph = Graph([first(ops.softmax(last(x))), first(ops.reduce_sum(turned, ints(1)))], [x, y])
    assert sink_transposes(graph) is graph


def test_a_join_with_what_has_some_rank_stays() -> None:
    x, y = named_input("x", f32["n", 3, 2, 4]), named_input("y", f32[...])
    graph = Graph([first(ops.concat(last(x), y, axis=1))], [x, y])
    assert sink_transposes(graph) is graph


def test_a_transpose_that_ends_a_region_and_begins_it_is_counted_once() -> None:
    """A product reads its other factor turned back, and a sum that has turned was that factor."""

    def program(x: f32["n", 3, 3]) -> Value:
        turned = ops.transpose(x, perm=(0, 2, 1))
        other = turned + ops.expand(ops.reduce_max(turned, ints(2)), ops.shape(turned))
        return ops.matmul(-turned, ops.transpose(other, perm=(0, 2, 1)))

    graph = trace(program)
    made = sink_transposes(graph)
    assert operators(made).count("transpose") <= operators(graph).count("transpose")
    assert_agree(graph, made, BINDING)


def test_an_empty_constant_turns_with_the_rest() -> None:
    def before(x: f32[0, 2, 4]) -> Value:
        row = tensor_data([], f32[2, 0])
        return ops.transpose(ops.softmax(ops.transpose(x, perm=(2, 1, 0))) * row, perm=(2, 1, 0))

    def after(x: f32[0, 2, 4]) -> Value:
        return ops.softmax(x, axis=0) * tensor_data([], f32[0, 2, 1])

    assert_rewrites(cancel_layout, before, after)


def test_a_join_of_thousands_is_looked_at_once() -> None:
    inputs = [named_input(f"x{i}", f32[2, 3]) for i in range(4000)]
    joined = ops.concat(*(ops.transpose(x) for x in inputs), axis=1)
    assert operators(sink_transposes(Graph([ops.transpose(joined)], inputs))) == ["concat"]


def test_a_long_region() -> None:
    x = named_input("x", f32[2, 3, 4, "n"])
    value = last(x)
    for i in range(20_000):
        value = (ops.relu, ops.neg, lambda v: ops.softmax(v, axis=3))[i % 3](value)
    found = cancel_layout(Graph([first(value)], [x]))
    assert operators(found).count("transpose") == 0
