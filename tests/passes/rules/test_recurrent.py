"""A first state of zeros is the one that a layer has without."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

from collections.abc import Callable

import pytest
from tests.passes.rewrites import assert_keeps

from nnvm import ops
from nnvm.equivalence import compare
from nnvm.ir import ABSENT, TensorData, Value, f32, i64, tensor_data, trace
from nnvm.passes import simplify

ZEROS: dict[str, Callable[[Value], Value]] = {
    "filled": lambda x: ops.fill(sizes(x, 1), value=tensor_data([0.0], f32[1])),
    "cut": lambda x: ops.slice(ops.fill(sizes(x, 3), value=tensor_data([0.0], f32[1])), (0,), (1,), (0,)),
    "expanded": lambda x: ops.expand(tensor_data(0.0, f32[()]), sizes(x, 1)),
    "viewed": lambda x: ops.unsqueeze(
        ops.expand(tensor_data(0.0, f32[1, 2]), ops.concat(count(x), (2,), axis=0)), (0,)
    ),
}


def count(x: Value) -> Value:
    return ops.shape(x, start=1, end=2)


def sizes(x: Value, layers: int) -> Value:
    ends = [tensor_data([size], i64[1]) for size in (layers, 2)]
    return ops.concat(ends[0], count(x), ends[1], axis=0)


def weight(*shape: int) -> TensorData:
    total = 1
    for size in shape:
        total *= size
    return tensor_data([0.1 * (i % 7) for i in range(total)], f32[shape])


@pytest.mark.parametrize("name", ZEROS)
@pytest.mark.parametrize("layer", ["lstm", "gru", "rnn"])
def test_zeros_are_left_out(layer: str, name: str) -> None:
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[layer]
    op, count = getattr(ops, layer), 2 if layer == "lstm" else 1

    def before(x: f32["m", "n", 3]) -> Value:
        states = [ZEROS[name](x)] * count
        return op(x, weight(1, 2 * gates, 3), weight(1, 2 * gates, 2), ABSENT, ABSENT, *states, hidden_size=2)[0]

    graph = trace(before)
    made = simplify(graph)
    assert len(made.outputs[0].node.inputs) == 3
    assert made.outputs[0].type is graph.outputs[0].type
    assert compare(graph, made).equivalent


def test_one_state_of_two_and_other_states() -> None:
    w, r = weight(1, 8, 3), weight(1, 8, 2)

    def given(x: f32["m", "n", 3], h: f32[1, "n", 2]) -> Value:
        return ops.lstm(x, w, r, ABSENT, ABSENT, h, ZEROS["filled"](x), hidden_size=2)[0]

    made = simplify(trace(given))
    assert [value is ABSENT for value in made.outputs[0].node.inputs] == [False, False, False, True, True, False]

    def ones(x: f32["m", 1, 3]) -> Value:
        state = tensor_data(1.0, f32[1, 1, 2])
        return ops.lstm(x, w, r, ABSENT, ABSENT, state, state, hidden_size=2)[0]

    assert_keeps(simplify, ones)
