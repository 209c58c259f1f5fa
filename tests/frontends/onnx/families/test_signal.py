import numpy as np
import pytest
from tests.frontends.onnx.models import check_row_against_onnx, graph_of, model, node, run_ort, written

from nnvm.frontends.onnx.families import signal
from nnvm.frontends.onnx.rows import Row


@pytest.mark.parametrize("row", signal.ROWS, ids=lambda row: row.type)
def test_row_agrees_with_onnx(row: Row) -> None:
    check_row_against_onnx(row)


@pytest.mark.parametrize("source", [17, 20])
def test_the_axis_of_a_transform_is_an_attribute_before_opset_20(source: int) -> None:
    ports = [("x", [2, 3, 4, 1])], [("y", [2, 3, 4, 2])]
    if source < 20:
        made = model([node("DFT", ["x"], ["y"], axis=2)], *ports, opset=source)
    else:
        made = model([node("DFT", ["x", "", "a"], ["y"])], *ports, opset=source, weights={"a": np.array(2)})
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 1)).astype(np.float32)
    (wanted,) = run_ort(made, {"x": x})
    for target in (17, 20):
        np.testing.assert_allclose(run_ort(written(graph_of(made), target), {"x": x})[0], wanted, atol=1e-5)


def test_a_transform_of_the_last_signal_axis_names_it() -> None:
    made = model([node("DFT", ["x"], ["y"])], [("x", [2, 3, 4, 1])], [("y", [2, 3, 4, 2])], opset=20)
    saved = written(graph_of(made), 17)
    assert [(item.name, item.i) for item in saved.graph.node[0].attribute] == [("axis", 2)]
