import numpy as np
import onnx
import pytest
from tests.frontends.onnx.models import check_row_against_onnx, graph_of, model, node, spelled, written

from nnvm.errors import Error
from nnvm.frontends.onnx.families import normalization
from nnvm.frontends.onnx.rows import Row


# The checker of onnx refuses its own case of MeanVarianceNormalization, where the axes are left out.
@pytest.mark.parametrize(
    "row", [row for row in normalization.ROWS if row.type != "MeanVarianceNormalization"], ids=lambda row: row.type
)
def test_row_agrees_with_onnx(row: Row) -> None:
    check_row_against_onnx(row)


def grouped(opset: int, length: int) -> onnx.ModelProto:
    made = node("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=2)
    weights = {"s": np.ones(length, "f"), "b": np.zeros(length, "f")}
    return model([made], [("x", [1, 6, 4])], [("y", [1, 6, 4])], opset=opset, weights=weights)


def test_a_group_norm_scales_groups_before_21_and_channels_from_then_on() -> None:
    newer = graph_of(grouped(21, 6))
    assert spelled(written(newer)) == spelled(grouped(21, 6))
    with pytest.raises(Error, match="it scales channels, not groups; save with opset=21"):
        written(newer, 18)
    from nnvm.frontends.onnx import load

    older = load(grouped(18, 2).SerializeToString())
    assert not any(item.op.foreign for item in older.nodes)
    with pytest.raises(Error, match="it scales groups, not channels; save with opset=20"):
        written(older, 21)


@pytest.mark.parametrize("opset", [7, 11, 13, 18, 22])
def test_any_opset_is_read_and_written_back(opset: int) -> None:
    x = [("x", [1, 3, 4, 4])]
    nodes = [
        (node("LpPool", ["x"], ["y"], kernel_shape=[2, 2], p=3), [1, 3, 3, 3]),
        (node("GlobalLpPool", ["x"], ["y"], p=1), [1, 3, 1, 1]),
        (node("LpNormalization", ["x"], ["y"], axis=1, p=1), [1, 3, 4, 4]),
    ]
    if opset >= 9:
        nodes.append((node("MeanVarianceNormalization", ["x"], ["y"], axes=[0, 2]), [1, 3, 4, 4]))
    for item, shape in nodes:
        made = model([item], x, [("y", shape)], opset=opset)
        graph = graph_of(made)
        assert not any(each.op.foreign for each in graph.nodes)
        assert spelled(written(graph)) == spelled(made)
