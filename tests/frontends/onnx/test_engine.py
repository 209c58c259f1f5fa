import sys
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from nnvm.equivalence import Reference, compare
from nnvm.errors import Error
from nnvm.frontends.onnx import load
from nnvm.frontends.onnx.engine import runner
from nnvm.ir import Graph, f32, trace
from nnvm.ops import relu
from nnvm.pipeline import optimize
from nnvm.verifying import Verifier


def model(nodes: list[Any], inputs: list[Any], outputs: list[Any], tensors: list[Any] | None = None) -> Graph:
    imports = [
        helper.make_opsetid(domain, version) for domain, version in (("", 17), ("com.microsoft", 1), ("ai.onnx.ml", 3))
    ]
    graph = helper.make_graph(nodes, "carried", inputs, outputs, tensors or [])
    return load(helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString())


def floats(name: str, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def gelu() -> Graph:
    """Return a network around an operator that we do not know and ONNX Runtime does."""
    nodes = [
        helper.make_node("Mul", ["x", "one"], ["a"]),
        helper.make_node("QuickGelu", ["a"], ["b"], domain="com.microsoft"),
        helper.make_node("Identity", ["b"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    return model(nodes, [floats("x", "n", 3)], [floats("y", "n", 3)], [one])


def test_a_graph_runs_as_it_is_written():
    run = runner(trace(lambda x: {"y": relu(x)}, x=f32["n", 2]))
    (found,) = run({"x": np.array([[-1, 2]], np.float32)})
    assert found.tolist() == [[0, 2]]


def test_what_numpy_cannot_run_is_judged_by_onnx_runtime():
    graph = gelu()
    smaller = optimize(graph)
    assert [node.op.name for node in smaller.nodes[1:]] == ["com.microsoft::QuickGelu", "relu"]
    found = compare(graph, smaller)
    assert found.equivalent is True
    assert found.judged == "ONNX Runtime ran both, for numpy cannot run com.microsoft::QuickGelu"
    assert len(found.bindings) == 3


def test_a_wrong_result_is_found_there_too():
    graph = gelu()
    wrong = graph.rewrite(lambda node: node.inputs[0] if node.op is relu else None)
    found = compare(graph, wrong)
    assert found.equivalent is False
    assert found.differs == "y"


def test_every_pass_is_verified_there_too():
    graph = gelu()
    told: list[str | None] = []
    optimize(graph, verify_each=Verifier(), report=lambda run: told.append(run.unchecked))
    assert told.count(None) == len(told)


def test_a_known_graph_is_run_by_numpy():
    reference = Reference(trace(lambda x: {"y": relu(x)}, x=f32[2]))
    assert reference.outside is None


def test_maps_and_sequences_are_compared_by_their_elements():
    nodes = [
        helper.make_node("Identity", ["x"], ["same"]),
        helper.make_node("ZipMap", ["same"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[4, 2]),
    ]
    key = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    port = helper.make_value_info("y", helper.make_sequence_type_proto(key))
    graph = model(nodes, [floats("x", 3, 2)], [port])
    (found,) = runner(graph)({"x": np.arange(6, dtype=np.float32).reshape(3, 2)})
    assert found.tolist() == [1, 0, 3, 2, 5, 4]
    assert compare(graph, optimize(graph)).equivalent is True


def test_what_draws_random_numbers_is_not_called_wrong():
    nodes = [helper.make_node("RandomNormalLike", ["x"], ["r"]), helper.make_node("Add", ["x", "r"], ["y"])]
    graph = model(nodes, [floats("x", 3)], [floats("y", 3)])
    with pytest.raises(Error, match="it draws random numbers without a seed"):
        compare(graph, optimize(graph))


def test_texts_are_drawn_too():
    words = {"keys_strings": ["1", "2"], "values_int64s": [5, 6], "default_int64": 7}
    nodes = [helper.make_node("LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml", **words)]
    port = helper.make_tensor_value_info("x", TensorProto.STRING, ["n"])
    graph = model(nodes, [port], [helper.make_tensor_value_info("y", TensorProto.INT64, ["n"])])
    found = compare(graph, optimize(graph))
    assert (found.equivalent, len(found.bindings)) == (True, 3)


def embedding(rows: int) -> Graph:
    """Return a table that an operator which we do not know picks from, twice."""
    nodes = [
        helper.make_node("Identity", ["x"], ["same"]),
        helper.make_node("ArrayFeatureExtractor", ["table", "same"], ["y"], domain="ai.onnx.ml"),
    ]
    table = helper.make_tensor("table", TensorProto.FLOAT, [1, rows], list(range(rows)))
    port = helper.make_tensor_value_info("x", TensorProto.INT64, ["n"])
    return model(nodes, [port], [floats("y", 1, "n")], [table])


def test_where_drawn_numbers_are_too_large_smaller_ones_are_tried():
    for rows in (20, 10, 2):
        graph = embedding(rows)
        reference = Reference(graph)
        assert len(reference.rows) == 3
        assert reference.most == (2 if rows == 2 else 1 << 15)
        assert compare(reference, optimize(graph)).equivalent is True
    with pytest.raises(Error, match="the original runs at none of the sizes tried"):
        compare(embedding(1), embedding(1), bindings=[{"n": 40}])


def test_what_nobody_can_run_says_both_reasons():
    nodes = [helper.make_node("Magic", ["x"], ["y"], domain="com.microsoft")]
    graph = model(nodes, [floats("x", 3)], [floats("y", 3)])
    with pytest.raises(Error, match=r"numpy cannot run com\.microsoft::Magic; ONNX Runtime cannot run it: "):
        compare(graph, graph)


def test_an_input_that_does_not_fit_is_an_error():
    run = runner(trace(lambda x: {"y": relu(x)}, x=f32[2]))
    with pytest.raises(Error, match="ONNX Runtime cannot run it"):
        run({"x": np.zeros(3, np.float32)})


def test_without_onnx_runtime_the_cure_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Error, match="pip install onnxruntime"):
        runner(trace(lambda x: {"y": relu(x)}, x=f32[2]))
