import pytest
from tests.frontends.onnx.models import check_row_against_onnx, graph_of, model, node, spelled, written

from nnvm.errors import Error
from nnvm.frontends.onnx.families import attention
from nnvm.frontends.onnx.rows import Row


@pytest.mark.parametrize("row", attention.ROWS, ids=lambda row: row.type)
def test_row_agrees_with_onnx(row: Row) -> None:
    check_row_against_onnx(row)


def test_past_keys_make_new_ones_whether_used_or_not() -> None:
    q, past = ("q", [1, 2, 3, 4]), ("p", [1, 2, 5, 4])
    attend = node("Attention", ["q", "q", "q", "", "p", "p"], ["y"])
    made = model([attend], [q, past], [("y", [1, 2, 3, 4])], opset=24, ir_version=11)
    graph = graph_of(made)
    assert graph.outputs[0].node.params["results"] == 3
    assert spelled(written(graph)) == spelled(made)
    with pytest.raises(Error, match="there is no Attention yet; save with opset=23"):
        written(graph, 21)
