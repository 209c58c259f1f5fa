import numpy as np
import onnx
import pytest
from tests.frontends.onnx.models import check_row_against_onnx, graph_of, model, node, written

from nnvm.errors import Error
from nnvm.frontends.onnx.families import quantize
from nnvm.frontends.onnx.rows import Row


@pytest.mark.parametrize("row", quantize.ROWS, ids=lambda row: row.type)
def test_row_agrees_with_onnx(row: Row) -> None:
    check_row_against_onnx(row)


def test_blocks_need_opset_21() -> None:
    weights = {"s": np.ones((2, 2), np.float32)}
    made = node("QuantizeLinear", ["x", "s"], ["y"], block_size=2, output_dtype=onnx.TensorProto.INT8)
    graph = graph_of(model([made], [("x", [2, 4])], [("y", [2, 4], onnx.TensorProto.INT8)], opset=21, weights=weights))
    assert graph.outputs[0].dtype.name == "int8"
    with pytest.raises(Error, match=r"QuantizeLinear has no attribute 'block_size' yet; save with opset=21"):
        written(graph, 19)


def test_an_unusual_rounding_is_kept() -> None:
    made = node("CastLike", ["x", "t"], ["y"], round_mode="down")
    proto = model([made], [("x", [2]), ("t", [])], [("y", [2])], opset=24, ir_version=11)
    assert graph_of(proto).outputs[0].node.params["round_mode"] == "down"
    assert written(graph_of(proto)).graph.node[0] == proto.graph.node[0]
    with pytest.raises(Error, match=r"CastLike has no attribute 'round_mode' yet; save with opset=24"):
        written(graph_of(proto), 21)
