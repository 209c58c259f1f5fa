"""The branch of an If whose condition is known becomes part of the graph around it."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from nnvm.frontends.onnx import load, to_bytes
from nnvm.ir import verify
from nnvm.pipeline import compile, optimize


def value(name: str, shape: Any) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def branch(name: str, *nodes: onnx.NodeProto, weights: Any = ()) -> onnx.GraphProto:
    return helper.make_graph(nodes, name, [], [value(nodes[-1].output[0], None)], weights)


def model(condition: list[onnx.NodeProto], weights: Any = ()) -> bytes:
    """Return relu(if(condition, x * w + h, nested if)) on a captured, computed h."""
    w = numpy_helper.from_array(np.array([2.0, 3.0], np.float32), "w")
    then = branch(
        "t", helper.make_node("Mul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "h"], ["q"]), weights=[w]
    )
    inner = branch("i", helper.make_node("Tanh", ["h"], ["r"]))
    other = branch("j", helper.make_node("Neg", ["h"], ["s"]))
    nested = helper.make_node("If", ["c"], ["u"], then_branch=inner, else_branch=other)
    nodes = [
        *condition,
        helper.make_node("Abs", ["x"], ["h"]),
        helper.make_node("If", ["c"], ["y"], name="choose", then_branch=then, else_branch=branch("e", nested)),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    graph = helper.make_graph(nodes, "g", [value("x", ["n", 2])], [value("z", None)], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()  # type: ignore[no-any-return]


def constant(held: bool) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    return [], [numpy_helper.from_array(np.array(held), "c")]


def by_shape(axis: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Ask whether the rank, which is known though the sizes are not, is two."""
    nodes = [
        helper.make_node("Shape", ["x"], ["a"]),
        helper.make_node("Shape", ["a"], ["b"]),
        helper.make_node("Equal", ["b", "two"], ["d"]),
        helper.make_node("Squeeze", ["d"], ["c"]),
    ]
    return nodes, [numpy_helper.from_array(np.array([axis]), "two")]


@pytest.mark.parametrize(
    ("made", "left"),
    [
        (constant(True), ["abs", "add", "mul", "relu"]),
        (constant(False), ["abs", "neg", "relu"]),
        (by_shape(2), ["abs", "add", "mul", "relu"]),
        (by_shape(3), ["abs", "neg", "relu"]),
    ],
)
def test_the_taken_branch_stays(made: Any, left: list[str]) -> None:
    data = model(*made)
    graph = verify(optimize(load(data)))
    found = sorted(node.op.name for node in graph.nodes if node.inputs)
    assert set(found) <= set(left)
    x = np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(data).run(None, {"x": x})
    (again,) = onnxruntime.InferenceSession(to_bytes(graph)).run(None, {"x": x})
    np.testing.assert_allclose(compile(graph)(x=x)[0], expected, rtol=1e-6)
    np.testing.assert_allclose(again, expected, rtol=1e-6)


def test_a_condition_that_data_decides_keeps_both_branches() -> None:
    condition = [helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0), helper.make_node("Cast", ["m"], ["c"], to=9)]
    data = model(condition)
    graph = optimize(load(data))
    assert "If" in [node.op.name for node in graph.nodes]
    x = np.ones((3, 2), np.float32)
    outputs = [onnxruntime.InferenceSession(each).run(None, {"x": x})[0] for each in (data, to_bytes(graph))]
    np.testing.assert_array_equal(*outputs)
