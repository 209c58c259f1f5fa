import numpy as np
import onnx
import pytest
from tests.frontends.onnx.models import check_row_against_onnx, graph_of, model, node, run_ort, spelled, written

from nnvm.errors import Error
from nnvm.frontends.onnx.families import selection
from nnvm.frontends.onnx.rows import Row

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


@pytest.mark.parametrize("row", selection.ROWS, ids=lambda row: row.type)
def test_row_agrees_with_onnx(row: Row) -> None:
    check_row_against_onnx(row)


def top_k(opset: int) -> onnx.ModelProto:
    ports = [("v", [3, 2]), ("i", [3, 2], onnx.TensorProto.INT64)]
    if opset < 10:
        return model([node("TopK", ["x"], ["v", "i"], k=2)], [("x", [3, 4])], ports, opset=opset)
    made = node("TopK", ["x", "k"], ["v", "i"])
    return model([made], [("x", [3, 4])], ports, opset=opset, weights={"k": np.array([2])})


@pytest.mark.parametrize("opset", [7, 9, 10, 11, 13, 21])
def test_the_first_at_any_opset(opset: int) -> None:
    graph = graph_of(top_k(opset))
    assert [item.op.name for item in graph.nodes if item.inputs] == ["top_k"]
    assert spelled(written(graph)) == spelled(top_k(opset))
    wanted = run_ort(top_k(13), {"x": X})
    for target in (9, 10, 11, 21):
        for found, other in zip(run_ort(written(graph, target), {"x": X}), wanted, strict=True):
            np.testing.assert_array_equal(found, other)


def test_the_smallest_need_opset_11() -> None:
    made = node("TopK", ["x", "k"], ["v", "i"], largest=0)
    ports = [("v", [3, 2]), ("i", [3, 2], onnx.TensorProto.INT64)]
    graph = graph_of(model([made], [("x", [3, 4])], ports, weights={"k": np.array([2])}))
    with pytest.raises(Error, match="it picks the smallest; save with opset=11"):
        written(graph, 10)


@pytest.mark.parametrize(("opset", "type"), [(9, "Scatter"), (10, "Scatter"), (11, "ScatterElements")])
def test_a_scatter_has_two_names(opset: int, type: str) -> None:
    ports = [("x", [3, 4]), ("i", [1, 4], onnx.TensorProto.INT64), ("u", [1, 4])]
    made = model([node(type, ["x", "i", "u"], ["y"], axis=0)], ports, [("y", [3, 4])], opset=opset)
    graph = graph_of(made)
    assert graph.outputs[0].node.op.name == "scatter_elements"
    feeds = {"x": X, "i": np.array([[2, 0, 1, 1]]), "u": X[:1] * 2}
    wanted = run_ort(made, feeds)
    for target, name in ((9, "Scatter"), (10, "Scatter"), (11, "ScatterElements"), (18, "ScatterElements")):
        saved = written(graph, target)
        assert saved.graph.node[0].op_type == name
        np.testing.assert_array_equal(run_ort(saved, feeds)[0], wanted[0])


def test_a_scatter_that_adds_needs_opset_16() -> None:
    ports = [("x", [3, 4]), ("i", [1, 4], onnx.TensorProto.INT64), ("u", [1, 4])]
    made = model([node("ScatterElements", ["x", "i", "u"], ["y"], reduction="add")], ports, [("y", [3, 4])], opset=18)
    with pytest.raises(Error, match="opset=16"):
        written(graph_of(made), 10)
