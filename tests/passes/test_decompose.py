"""What one operator computes, its pieces compute."""

import numpy as np
import pytest
from tests.laws.agree import assert_agree
from tests.passes.rewrites import BINDING, operators

from nnvm import ops
from nnvm.equivalence import compare
from nnvm.ir import DType, Graph, TensorData, TensorType, Value, constant, f16, f32, f64, named_input, tensor_data
from nnvm.passes import decompose
from nnvm.passes.decompose import decompose_where


def drawn(seed: int, dtype: DType, *shape: int) -> TensorData:
    numbers = np.random.default_rng(seed).uniform(0.5, 1.5, shape).reshape(-1)
    return tensor_data([float(each) for each in numbers], dtype[shape])


WHOLE = {
    "gelu": lambda x: ops.gelu(x),
    "gelu by tanh": lambda x: ops.gelu(x, approximate="tanh"),
    "layer norm": lambda x: ops.layer_norm(x, drawn(0, x.dtype, 4), drawn(1, x.dtype, 4)),
    "layer norm of two axes": lambda x: ops.layer_norm(x, drawn(0, x.dtype, 3, 4), axis=1, epsilon=0.5),
    "rms norm": lambda x: ops.rms_norm(x, drawn(2, x.dtype, 4), epsilon=1e-3),
}


@pytest.mark.parametrize("dtype", [f16, f32, f64])
@pytest.mark.parametrize("name", WHOLE)
def test_pieces_compute_the_same(name: str, dtype: DType) -> None:
    x = named_input("x", dtype["n", 3, 4])
    graph = Graph([WHOLE[name](x)], [x])
    made = decompose(graph)
    assert not {"gelu", "layer_norm", "rms_norm"} & {*operators(made)}
    assert made.outputs[0].type is graph.outputs[0].type
    if dtype is f16:
        assert compare(graph, made).equivalent
    else:
        assert_agree(graph, made, BINDING)


def test_what_is_not_wanted_or_has_no_rank_stays() -> None:
    x = named_input("x", f32["n", 4])
    graph = Graph([ops.gelu(ops.layer_norm(x, drawn(0, f32, 4)))], [x])
    assert operators(decompose_where(graph, lambda node: node.op is ops.layer_norm))[-1] == "gelu"
    unranked: Value = named_input("x", TensorType(f32, None))
    loose = Graph([ops.layer_norm(unranked, constant(data=drawn(0, f32, 4)))], [unranked])
    assert decompose(loose) is loose
