"""Computing in float64 what was computed in shorter floats."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import nnvm
from nnvm import f16, f32, f64, i64, ops
from nnvm.ir import Graph, TensorType, Value, foreign, named_input, tensor_data, verify
from nnvm.widen import widen


def test_every_float_is_computed_in_float64_and_given_back_in_its_own_type():
    graph = nnvm.trace(lambda x, w: {"y": ops.relu(x @ w)}, x=f32["n", 3], w=f32[3, 2])
    made = verify(widen(graph))
    assert [node.outputs[0].dtype for node in made.nodes if node.op in (ops.matmul, ops.relu)] == [f64, f64]
    assert made.outputs[0].type is graph.outputs[0].type
    assert widen(graph, outputs=True).outputs[0].type is f64["n", 2]
    assert made.inputs == graph.inputs


@given(st.integers(0, 2**32 - 1))
def test_rounding_is_that_of_float64(seed):
    x, w = np.random.default_rng(seed).standard_normal((2, 64, 64)).astype(np.float32)
    graph = nnvm.trace(lambda x, w: {"y": (x @ w) @ w}, x=f32[64, 64], w=f32[64, 64])
    (found,) = nnvm.compile(widen(graph, outputs=True))(x=x, w=w)
    exact = x.astype(np.float64) @ w.astype(np.float64) @ w.astype(np.float64)
    assert np.abs(found - exact).max() <= 1e-12 * np.abs(exact).max()


def test_casts_to_short_floats_lose_nothing_any_more():
    graph = nnvm.trace(lambda x: {"y": ops.cast(ops.cast(x, to=f16), to=f32)}, x=f32[1])
    x = np.array([1 + 2**-20], np.float32)
    assert nnvm.compile(graph)(x=x)[0] == 1
    assert nnvm.compile(widen(graph))(x=x)[0] == x


def test_what_is_taken_in_one_type_only_stays():
    @nnvm.op
    def scaled(x: Value, scales: Value) -> TensorType:
        """Take scales in float32 only."""
        if scales.dtype is not f32:
            raise ValueError("scales are f32")
        return x.tensor

    scales = nnvm.constant(data=tensor_data([1.0, 2.0], f32[2]))
    x = named_input("x", f32[2])
    made = verify(widen(Graph([scaled(ops.relu(x), scales), scaled(x, ops.exp(x))])))
    first, second = (value.node.inputs[0].node for value in made.outputs)
    assert (first.inputs[0].dtype, first.inputs[1].dtype) == (f64, f32)
    assert made.outputs[1].node.op is scaled
    assert [value.dtype for value in made.outputs[1].node.inputs] == [f32, f32]
    assert second.op is nnvm.input


def test_integers_and_what_nobody_knows_stay():
    x = named_input("x", f32[2])
    strange = foreign("Strange", "test")(ops.exp(x))
    graph = Graph([ops.cast(strange, to=i64), ops.shape(x)])
    made = verify(widen(graph))
    node = next(node for node in made.nodes if node.op.foreign)
    assert node.inputs[0].type is f32[2]
    assert made.outputs[1].type is i64[1]


def test_control_edges_and_state_are_kept():
    state = nnvm.variable(type=f32[2], name="s")
    x = named_input("x", f32[2])
    early = ops.exp(x, name="early")
    late = ops.assign(state, ops.tanh(x, after=(early.node,)))
    made = verify(widen(Graph([late, early])))
    assign = next(node for node in made.nodes if node.op is ops.assign)
    assert assign.inputs[0] is state
    tanh = next(node for node in made.nodes if node.op is ops.tanh)
    assert [node.name for node in tanh.after] == ["early"]
    assert tanh.after[0].outputs[0].dtype is f64
