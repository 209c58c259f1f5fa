"""What operators mean from opset 7 on: read at any opset, written at any other, and ONNX Runtime sees no difference."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from tests.frontends.onnx.models import graph_of, model, node, run_ort, spelled, written

from nnvm.errors import Error

pytest.importorskip("onnxruntime")
OPSETS = (7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22)
I64 = np.int64
Made = onnx.ModelProto
X = np.random.default_rng(0).normal(size=(2, 3, 4, 6)).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, I64)


def one(
    type: str, opset: int, shape: Any = (2, 3, 4, 6), *, given: dict[str, np.ndarray] | None = None, **attributes: Any
) -> Made:
    """Return a model of one node on x and constants; `shape` is the output's, or a list of those of several."""
    shapes = shape if isinstance(shape, list) else [shape]
    outputs = [f"y{i}" for i in range(len(shapes))]
    nodes = [node(type, ["x", *(given or {})], outputs, name="it", **attributes)]
    ports = [(name, wanted) for name, wanted in zip(outputs, shapes, strict=True)]
    return model(nodes, [("x", [2, 3, 4, 6])], ports, opset=opset, weights=given)


def clip(opset: int) -> Made:
    if opset < 11:
        return one("Clip", opset, min=-0.5, max=0.25)
    return one("Clip", opset, given={"low": np.float32(-0.5), "high": np.float32(0.25)})


def axes_as(turn: int, type: str, axes: tuple[int, ...], shape: Any, **attributes: Any) -> Callable[[int], Made]:
    def make(opset: int) -> Made:
        if opset < turn:
            return one(type, opset, shape, axes=axes, **attributes)
        return one(type, opset, shape, given={"axes": ints(*axes)}, **attributes)

    return make


def squeeze(opset: int) -> Made:
    cut = "Slice"
    if opset < 10:
        first = node(cut, ["x"], ["c"], starts=[0], ends=[1], axes=[1])
        weights = {}
    else:
        first = node(cut, ["x", "b", "e", "a"], ["c"])
        weights = {"b": ints(0), "e": ints(1), "a": ints(1)}
    if opset < 13:
        second = node("Squeeze", ["c"], ["y"], axes=[1])
    else:
        second = node("Squeeze", ["c", "a2"], ["y"])
        weights["a2"] = ints(1)
    return model([first, second], [("x", [2, 3, 4, 6])], [("y", [2, 4, 6])], opset=opset, weights=weights)


def split(opset: int) -> Made:
    shapes = [(2, 3, 4, 2), (2, 3, 4, 4)]
    if opset < 13:
        return one("Split", opset, shapes, axis=3, split=[2, 4])
    return one("Split", opset, shapes, axis=3, given={"sizes": ints(2, 4)})


def split_evenly(opset: int) -> Made:
    more = {"num_outputs": 3} if opset >= 18 else {}
    return one("Split", opset, [(2, 3, 4, 2)] * 3, axis=3, **more)


def cut(opset: int) -> Made:
    if opset < 10:
        return one("Slice", opset, (2, 3, 2, 5), starts=[1, 0], ends=[3, -1], axes=[2, 3])
    return one("Slice", opset, (2, 3, 2, 5), given={"b": ints(1, 0), "e": ints(3, -1), "a": ints(2, 3)})


def pad(opset: int) -> Made:
    pads = (0, 0, 1, 2, 0, 0, 0, 1)
    if opset < 11:
        return one("Pad", opset, (2, 3, 5, 9), pads=pads, value=1.5)
    return one("Pad", opset, (2, 3, 5, 9), given={"pads": ints(*pads), "value": np.float32(1.5)})


def dropout(opset: int) -> Made:
    if opset < 12:
        return one("Dropout", opset, ratio=0.25)
    return one("Dropout", opset, given={"ratio": np.float32(0.25)})


def last(type: str) -> Callable[[int], Made]:
    return lambda opset: one(type, opset, axis=3 if opset < 13 else -1)


def plain(type: str, shape: Any = (2, 3, 4, 6), **attributes: Any) -> Callable[[int], Made]:
    return lambda opset: one(type, opset, shape, **attributes)


def gemm(opset: int) -> Made:
    b, c = X[0, 0], X[0, 0, 0]
    nodes = [node("Flatten", ["x"], ["f"], axis=3), node("Gemm", ["f", "b", "c"], ["y"], transB=1, alpha=0.5, beta=2.0)]
    return model(nodes, [("x", [2, 3, 4, 6])], [("y", [24, 4])], opset=opset, weights={"b": b, "c": c[:4]})


CASES: dict[str, Callable[[int], Made]] = {
    "Clip": clip,
    "Unsqueeze": axes_as(13, "Unsqueeze", (1, 3), (2, 1, 3, 1, 4, 6)),
    "Squeeze": squeeze,
    "Split": split,
    "Split evenly": split_evenly,
    "Slice": cut,
    "Pad": pad,
    "Dropout": dropout,
    "ReduceSum": axes_as(13, "ReduceSum", (1, 3), (2, 4), keepdims=0),
    "Softmax": last("Softmax"),
    "LogSoftmax": last("LogSoftmax"),
    "Hardmax": last("Hardmax"),
    "BatchNormalization": lambda opset: one(
        "BatchNormalization", opset, given={k: np.abs(X[0, :, 0, i]) for i, k in enumerate("sbmv")}, epsilon=1e-3
    ),
    "MaxPool": plain("MaxPool", (2, 3, 3, 3), kernel_shape=[2, 2], strides=[1, 2]),
    "AveragePool": plain("AveragePool", (2, 3, 5, 7), kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
    "Flatten": plain("Flatten", (6, 24), axis=2),
    "Gemm": gemm,
    "Transpose": plain("Transpose", (6, 4, 3, 2)),
    "LeakyRelu": plain("LeakyRelu", alpha=0.125),
    "ArgMax": lambda opset: model(
        [node("ArgMax", ["x"], ["y"], axis=1)],
        [("x", [2, 3, 4, 6])],
        [("y", [2, 1, 4, 6], onnx.TensorProto.INT64)],
        opset=opset,
    ),
    **{
        f"Reduce{kind}": axes_as(18, f"Reduce{kind}", (1, 3), (2, 1, 4, 1))
        for kind in ("Mean", "Max", "Min", "Prod", "L1", "L2", "LogSumExp", "SumSquare")
    },
}


@pytest.mark.parametrize("case", CASES)
def test_any_opset_is_read_and_written_back(case: str) -> None:
    for opset in OPSETS:
        made = CASES[case](opset)
        onnx.checker.check_model(made, full_check=True)
        graph = graph_of(made)
        assert not any(item.op.foreign for item in graph.nodes), opset
        assert spelled(written(graph)) == spelled(made), opset


@pytest.mark.parametrize("case", CASES)
def test_any_opset_is_written_as_any_other(case: str) -> None:
    expected = run_ort(CASES[case](13), {"x": X})
    for source in (7, 9, 11, 13, 18, 22):
        graph = graph_of(CASES[case](source))
        for target in OPSETS:
            saved = written(graph, target)
            assert {item.domain: item.version for item in saved.opset_import} == {"": target}
            found = run_ort(saved, {"x": X})
            for a, b in zip(expected, found, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6, err_msg=f"{source} as {target}")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_softmax_before_13_spans_dimensions(axis: int) -> None:
    made = one("Softmax", 11, axis=axis)
    graph = graph_of(made)
    assert [item.op.name for item in graph.nodes][-1] == "softmax_from"
    np.testing.assert_array_equal(run_ort(written(graph), {"x": X})[0], run_ort(made, {"x": X})[0])
    with pytest.raises(Error, match=r"cannot be written at opset 13: axis .* is not the last one.*opset=12"):
        written(graph, 13)


REFUSED: dict[str, tuple[Made, int, str]] = {
    "no such operator": (one("Mish", 18), 17, "there is no Mish yet; save with opset=18"),
    "an attribute": (
        model(
            [node("ArgMax", ["x"], ["y"], select_last_index=1)],
            [("x", [2, 3])],
            [("y", [1, 3], onnx.TensorProto.INT64)],
        ),
        11,
        "ArgMax has no attribute 'select_last_index' yet; save with opset=12",
    ),
    "ceil_mode": (
        one("MaxPool", 10, (2, 3, 2, 3), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        9,
        "MaxPool has no attribute 'ceil_mode' yet; save with opset=10",
    ),
    "steps": (
        one("Slice", 13, (1, 3, 4, 6), given={"b": ints(0), "e": ints(2), "a": ints(0), "s": ints(2)}),
        9,
        r"it has steps \[2\]; save with opset=10",
    ),
    "pad axes": (
        one("Pad", 18, (2, 3, 4, 9), given={"p": ints(1, 2), "v": np.float32(0), "a": ints(3)}),
        13,
        "Pad has no 4 inputs yet; save with opset=18",
    ),
    "training": (
        one("BatchNormalization", 15, given={k: np.abs(X[0, :, 0, i]) for i, k in enumerate("sbmv")}, training_mode=1),
        13,
        "it trains, and running statistics follow; save with opset=14 or newer",
    ),
    "statistics for each element": (
        one("BatchNormalization", 8, given={k: np.abs(X[0]) for k in "sbmv"}, spatial=0),
        9,
        "opset 9 gave up statistics for each element; save with opset=8",
    ),
    "tf_half_pixel_for_nn": (
        one(
            "Resize",
            11,
            (2, 3, 8, 12),
            given={"r": np.zeros(0, np.float32), "s": np.float32([1, 1, 2, 2])},
            coordinate_transformation_mode="tf_half_pixel_for_nn",
        ),
        13,
        "opset 13 gave up the coordinates tf_half_pixel_for_nn; save with opset=12",
    ),
    "blocks after channels": (
        one("SpaceToDepth", 28, (2, 12, 2, 3), blocksize=2, mode="CRD"),
        21,
        "SpaceToDepth has no attribute 'mode' yet; save with opset=28",
    ),
    "uneven split": (
        one("Split", 18, [(2, 2, 4, 6), (2, 1, 4, 6)], axis=1, num_outputs=2),
        13,
        "3 does not divide into 2 equal parts; save with opset=18",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_opset_cannot_say_is_an_error(case: str) -> None:
    made, opset, message = REFUSED[case]
    with pytest.raises(Error, match=rf"cannot be written at opset {opset}: {message}"):
        written(graph_of(made), opset)


def test_a_computed_limit_needs_a_newer_opset() -> None:
    made = model([node("Clip", ["x", "low"], ["y"])], [("x", [4]), ("low", [])], [("y", [4])], opset=13)
    with pytest.raises(Error, match=r"'low'.*computed.*save with opset=11"):
        written(graph_of(made), 9)
    made = model(
        [node("ReduceMean", ["x", "axes"], ["y"])],
        [("x", [4, 4]), ("axes", [1], onnx.TensorProto.INT64)],
        [("y", ["a", "b"])],
        opset=18,
    )
    with pytest.raises(Error, match=r"'axes'.*computed.*save with opset=18"):
        written(graph_of(made), 13)


def test_negative_axes_are_counted_from_the_front_where_they_must() -> None:
    made = one("Unsqueeze", 13, (2, 3, 4, 6, 1), given={"axes": ints(-1)})
    saved = written(graph_of(made), 9)
    assert helper.get_attribute_value(saved.graph.node[0].attribute[0]) == [4]
    saved = written(graph_of(one("Flatten", 13, (24, 6), axis=-1)), 9)
    assert helper.get_attribute_value(saved.graph.node[0].attribute[0]) == 3


def test_an_opset_out_of_reach_is_an_error() -> None:
    with pytest.raises(Error, match="opset 6 cannot be written; choose one from 7 to"):
        written(graph_of(one("Relu", 13)), 6)
