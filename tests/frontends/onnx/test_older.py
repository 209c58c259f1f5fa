"""Opset 6 read as if it were opset 7, and ONNX Runtime sees no difference."""

import numpy as np
import onnx
import pytest
from tests.frontends.onnx.models import graph_of, model, node, run_ort, written

from nnvm import Error, compile, ops
from nnvm.frontends.onnx.older import readable, unchanged

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)


def both(type: str, shape: tuple[int, ...], *, weight: bool = False, **attributes: int) -> onnx.ModelProto:
    """Return a model of one node of opset 6 on x and a second input, which may be a weight."""
    second = np.random.default_rng(1).uniform(0.5, 2, size=shape).astype(np.float32)
    inputs = [("x", list(X.shape)), ("b", list(shape))]
    weights = {"b": second} if weight else None
    return model([node(type, ["x", "b"], ["y"], **attributes)], inputs, [("y", [2, 3, 4])], opset=6, weights=weights)


@pytest.mark.parametrize("weight", [False, True])
@pytest.mark.parametrize(
    ("shape", "attributes", "lined_up"),
    [
        ((2, 3, 4), {}, (2, 3, 4)),
        ((3, 4), {"broadcast": 1}, (3, 4)),
        ((1,), {"broadcast": 1}, (1,)),
        ((2, 3), {"broadcast": 1, "axis": 0}, (2, 3, 1)),
        ((3,), {"broadcast": 1, "axis": 1}, (3, 1)),
        ((2,), {"broadcast": 1, "axis": -3}, (2, 1, 1)),
        ((3, 4), {"broadcast": 1, "axis": 1}, (3, 4)),
    ],
)
def test_an_axis_says_where_the_second_input_begins(shape, attributes, lined_up, weight) -> None:
    made = both("Sub", shape, weight=weight, **attributes)
    graph = graph_of(made)
    second = np.random.default_rng(1).uniform(0.5, 2, size=shape).astype(np.float32)
    feeds = {"x": X} if weight else {"x": X, "b": second}
    (found,) = compile(graph)(feeds)
    np.testing.assert_array_equal(found, X - second.reshape(lined_up))
    saved = written(graph)
    assert saved.opset_import[0].version == 7
    np.testing.assert_array_equal(run_ort(saved, feeds)[0], found)


def test_an_axis_of_what_has_no_shape_is_carried() -> None:
    made = both("Add", (3,), broadcast=1, axis=1)
    made.graph.input[1].type.tensor_type.ClearField("shape")
    assert graph_of(made).outputs[0].node.op.foreign
    wrong = both("Add", (3, 4), broadcast=1, axis=2)
    assert graph_of(wrong).outputs[0].node.op.foreign


@pytest.mark.parametrize(("shape", "lined_up"), [((3,), (3, 1)), ((1,), (1,)), ((3, 1), (3, 1))])
def test_there_is_a_slope_for_each_channel(shape: tuple[int, ...], lined_up: tuple[int, ...]) -> None:
    graph = graph_of(both("PRelu", shape, weight=True))
    slope = np.random.default_rng(1).uniform(0.5, 2, size=shape).astype(np.float32)
    (found,) = compile(graph)(x=X)
    np.testing.assert_array_equal(found, np.where(X < 0, X * slope.reshape(lined_up), X))


def test_training_of_old_is_carried() -> None:
    for flag, op in ((1, ops.dropout), (0, None)):
        made = model(
            [node("Dropout", ["x"], ["y"], is_test=flag, ratio=0.25)], [("x", [2])], [("y", [2])], opset=6, ir_version=3
        )
        found = graph_of(made).outputs[0].node.op
        assert found is op if op is not None else found.foreign


def test_what_did_not_change_is_saved_as_it_was() -> None:
    made = model([node("Softplus", ["x"], ["y"])], [("x", [2])], [("y", [2])], opset=1, ir_version=3)
    graph = graph_of(made)
    assert graph.outputs[0].node.op is ops.softplus
    assert written(graph).SerializeToString() == made.SerializeToString()
    with pytest.raises(Error, match="opset 1 cannot be written"):
        written(graph, 1)


def test_operators_by_opset() -> None:
    assert unchanged("Relu", 6)
    assert not unchanged("Relu", 5)
    assert not readable("Add", 5)
    assert readable("Add", 6)
    assert not unchanged("Add", 6)
    assert not readable("Upsample", 6)
    assert not readable("Trilu", 6)


def test_gates_that_do_not_say_what_they_yield() -> None:
    weights = {"w": np.ones((1, 4, 3), "f"), "r": np.ones((1, 4, 1), "f")}
    nodes = [node("LSTM", ["x", "w", "r"], ["y"], hidden_size=1, output_sequence=1)]
    made = model(nodes, [("x", [5, 2, 3])], [("y", [5, 1, 2, 1])], opset=6, ir_version=4, weights=weights)
    assert graph_of(made).outputs[0].node.op is ops.lstm
