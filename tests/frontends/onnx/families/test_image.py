from typing import Any

import numpy as np
import onnx
import pytest
from tests.frontends.onnx.models import check_row_against_onnx, graph_of, model, node, run_ort, spelled, written

from nnvm.errors import Error
from nnvm.frontends.onnx.families import image
from nnvm.frontends.onnx.rows import Row

X = np.random.default_rng(0).normal(size=(1, 2, 4, 6)).astype("f")


def resampled(opset: int, scales: tuple[float, ...] = (1.0, 1.0, 2.0, 3.0), **attributes: Any) -> onnx.ModelProto:
    """Return a model that scales x as its opset says it."""
    given = {"s": np.array(scales, "f")}
    shape = [int(size * scale) for size, scale in zip(X.shape, scales, strict=True)]
    ports = [("x", list(X.shape))], [("y", shape)]
    if opset < 9:
        return model([node("Upsample", ["x"], ["y"], scales=scales, **attributes)], *ports, opset=opset)
    if opset < 11:
        made = node("Upsample" if opset == 9 else "Resize", ["x", "s"], ["y"], **attributes)
        return model([made], *ports, opset=opset, weights=given)
    more = {"coordinate_transformation_mode": "asymmetric"} | attributes
    if attributes.get("mode", "nearest") == "nearest":
        more["nearest_mode"] = "floor"
    if opset < 13:
        given["r"] = np.zeros(0, "f")
    made = node("Resize", ["x", "r" if opset < 13 else "", "s"], ["y"], **more)
    return model([made], *ports, opset=opset, weights=given)


@pytest.mark.parametrize("row", image.ROWS, ids=lambda row: row.type)
def test_row_agrees_with_onnx(row: Row) -> None:
    check_row_against_onnx(row, 60)


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 18, 19, 22])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_any_opset_is_read_and_written_back(opset: int, mode: str) -> None:
    made = resampled(opset, mode=mode)
    graph = graph_of(made)
    assert not any(item.op.foreign for item in graph.nodes)
    assert spelled(written(graph)) == spelled(made)


@pytest.mark.parametrize("source", [7, 9, 10, 11, 13, 19])
@pytest.mark.parametrize("target", [7, 8, 9, 10, 11, 12, 13, 18, 19, 22])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_any_opset_is_written_as_any_newer(source: int, target: int, mode: str) -> None:
    graph = graph_of(resampled(source, mode=mode))
    if source >= 11 > target:
        with pytest.raises(Error, match="save with opset=1"):
            written(graph, target)
        return
    wanted = run_ort(resampled(13, mode=mode), {"x": X})[0]
    np.testing.assert_allclose(run_ort(written(graph, target), {"x": X})[0], wanted, rtol=1e-5, atol=1e-6)


def test_an_axis_that_shrinks_takes_what_lies_above() -> None:
    made = resampled(10, (1, 1, 0.75, 0.5))
    wanted = run_ort(made, {"x": X})[0]
    np.testing.assert_array_equal(run_ort(written(graph_of(made), 13), {"x": X})[0], wanted)
    with pytest.raises(Error, match=r"it shrinks one axis and stretches another.*opset=10"):
        written(graph_of(resampled(10, (1, 1, 0.5, 2))), 13)
    computed = model([node("Resize", ["x", "s"], ["y"])], [("x", [4]), ("s", [1])], [("y", ["n"])], opset=10)
    with pytest.raises(Error, match=r"its scales are computed.*opset=10"):
        written(graph_of(computed), 13)
    with pytest.raises(Error, match="its scales 's' are computed; save with opset=9"):
        written(graph_of(computed), 8)


def test_sizes_alone_need_a_newer_opset() -> None:
    made = model(
        [node("Resize", ["x", "", "", "s"], ["y"])], [("x", [4, 4])], [("y", [8, 2])],
        weights={"s": np.array([8, 2])}, opset=13,
    )  # fmt: skip
    with pytest.raises(Error, match=r"it has no scales.*opset=13"):
        written(graph_of(made), 12)


def test_what_is_unknown_is_carried() -> None:
    made = model([node("Upsample", ["x"], ["y"])], [("x", [4])], [("y", [8])], opset=7)
    made.graph.node[0].attribute.append(node("A", [], [], scales=[2.0], width_scale=2.0).attribute[0])
    made.graph.node[0].attribute.append(node("A", [], [], other=2.0).attribute[0])
    from nnvm.frontends.onnx import load

    assert load(made.SerializeToString()).nodes[-1].op.foreign


def test_modes_had_other_names_before_20() -> None:
    ports = [("x", [1, 1, 4, 4]), ("g", [1, 3, 3, 2])], [("y", [1, 1, 3, 3])]
    for old, new in (("bilinear", "linear"), ("bicubic", "cubic"), ("nearest", "nearest")):
        made = model([node("GridSample", ["x", "g"], ["y"], mode=old)], *ports, opset=16)
        newer = model([node("GridSample", ["x", "g"], ["y"], mode=new)], *ports, opset=20)
        assert spelled(written(graph_of(made))) == spelled(made)
        assert spelled(written(graph_of(made), 20)) == spelled(newer)
        assert spelled(written(graph_of(newer), 16)) == spelled(made)
    ports = [("x", [1, 1, 4]), ("g", [1, 3, 1])], [("y", [1, 1, 3])]
    with pytest.raises(Error, match="its images have 1 axes, not 2; save with opset=20"):
        written(graph_of(model([node("GridSample", ["x", "g"], ["y"])], *ports, opset=20)), 16)


def test_regions_were_not_shifted_before_16() -> None:
    ports = [("x", [1, 1, 4, 4]), ("r", [1, 4]), ("i", [1], onnx.TensorProto.INT64)], [("y", [1, 1, 2, 2])]
    given = {"output_height": 2, "output_width": 2}
    older = model([node("RoiAlign", ["x", "r", "i"], ["y"], **given)], *ports, opset=10)
    given["coordinate_transformation_mode"] = "output_half_pixel"
    newer = model([node("RoiAlign", ["x", "r", "i"], ["y"], **given)], *ports, opset=16)
    assert spelled(written(graph_of(older))) == spelled(older)
    assert spelled(written(graph_of(older), 16)) == spelled(newer)
    assert spelled(written(graph_of(newer), 10)) == spelled(older)
    shifted = model([node("RoiAlign", ["x", "r", "i"], ["y"], output_height=2, output_width=2)], *ports, opset=16)
    with pytest.raises(Error, match="it shifts regions by half an element; save with opset=16"):
        written(graph_of(shifted), 10)
