"""What lies inside an If, a Loop or a Scan that stays is optimised where it lies."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from nnvm.frontends.onnx import load, to_bytes
from nnvm.ir import f32, verify
from nnvm.passes import optimize_bodies
from nnvm.pipeline import count_nodes, optimize


def value(name: str, shape: Any, element: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, shape)


def node(type: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(type, inputs.split(), output.split(), **attributes)


def body(*nodes: onnx.NodeProto, inputs: Any = (), outputs: Any = None, weights: Any = ()) -> onnx.GraphProto:
    ends = outputs or [value(nodes[-1].output[0], None)]
    return helper.make_graph(nodes, "body", list(inputs), ends, list(weights))


def model(*nodes: onnx.NodeProto, outputs: Any, weights: Any = (), inputs: Any = ()) -> bytes:
    given = [value("x", ["n", 2]), *inputs]
    graph = helper.make_graph(nodes, "g", given, outputs, list(weights))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()  # type: ignore[no-any-return]


W = numpy_helper.from_array(np.array([2.0, 3.0], np.float32), "w")
ONE = numpy_helper.from_array(np.array(1.0, np.float32), "one")
CONDITION = value("c", [], TensorProto.BOOL)


def choice() -> bytes:
    """Return an If on data: relu(relu(x * 1 * w * w)) in one branch, x times a captured product of constants else."""
    then = body(
        node("Mul", "x one", "a"), node("Mul", "a w", "b"), node("Mul", "b w", "d"), node("Relu", "d", "e"),
        node("Relu", "e", "f"),
    )  # fmt: skip
    inner = body(node("Identity", "x", "k"), node("Mul", "k u", "l"))
    nested = body(node("If", "c", "m", then_branch=inner, else_branch=body(node("Neg", "x", "o"))))
    return model(
        node("Mul", "w w", "u"),
        node("If", "c", "y", then_branch=then, else_branch=nested),
        node("Tanh", "y", "z"),
        outputs=[value("z", None)],
        weights=[W, ONE],
        inputs=[CONDITION],
    )


def same(before: bytes, after: bytes, feeds: dict[str, Any]) -> None:
    expected, found = (onnxruntime.InferenceSession(data).run(None, feeds) for data in (before, after))
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6)


@pytest.mark.parametrize("held", [True, False])
def test_branches_are_optimised_and_nested_ones(held: bool) -> None:
    data = choice()
    graph = verify(optimize(load(data)))
    assert (count_nodes(load(data)), count_nodes(graph)) == (12, 7)
    x = np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32)
    same(data, to_bytes(graph), {"x": x, "c": np.array(held)})
    assert optimize(graph) is graph
    again = load(to_bytes(graph))
    assert count_nodes(optimize(again)) == 7


def test_an_if_has_the_type_that_both_branches_have() -> None:
    graph = optimize(load(choice()))
    found = next(each for each in graph.nodes if each.op.name == "If")
    assert found.outputs[0].type is f32["n", 2]


def loop() -> bytes:
    inside = body(
        node("Identity", "going", "stays"),
        node("Mul", "s one", "t"),
        node("Add", "t x", "next"),
        node("Identity", "next", "seen"),
        inputs=[value("i", [], TensorProto.INT64), value("going", [], TensorProto.BOOL), value("s", ["n", 2])],
        outputs=[value("stays", [], TensorProto.BOOL), value("next", ["n", 2]), value("seen", ["n", 2])],
    )
    return model(
        node("Loop", "trips c x", "y all", body=inside),
        outputs=[value("y", None), value("all", None)],
        weights=[ONE, numpy_helper.from_array(np.array(3), "trips")],
        inputs=[CONDITION],
    )


def scan() -> bytes:
    inside = body(
        node("Add", "s row", "t"), node("Sub", "t zero", "next"), node("Mul", "next one", "seen"),
        inputs=[value("s", [2]), value("row", [2])], outputs=[value("next", [2]), value("seen", [2])],
    )  # fmt: skip
    zero = numpy_helper.from_array(np.array([0.0, 0.0], np.float32), "zero")
    return model(
        node("Scan", "w x", "y all", body=inside, num_scan_inputs=1),
        outputs=[value("y", None), value("all", None)],
        weights=[W, ONE, zero],
    )


@pytest.mark.parametrize(("data", "most"), [(loop(), 4), (scan(), 3)])
def test_bodies_that_repeat_keep_their_ports(data: bytes, most: int) -> None:
    graph = optimize(load(data))
    assert count_nodes(graph) <= most < count_nodes(load(data))
    x = np.random.default_rng(1).standard_normal((3, 2)).astype(np.float32)
    feeds = {"x": x, "c": np.array(True)}
    names = {port.name for port in onnx.load_from_string(data).graph.input}
    same(data, to_bytes(graph), {name: feeds[name] for name in names})


def test_a_body_that_is_broken_stays() -> None:
    wrong = body(node("Add", "x unknown_weight", "a"), weights=[numpy_helper.from_array(np.zeros(3), "unknown_weight")])
    data = model(
        node("If", "c", "y", then_branch=wrong, else_branch=body(node("Neg", "x", "o"))),
        outputs=[value("y", None)],
        inputs=[CONDITION],
    )
    graph = load(data)
    assert optimize_bodies(graph, optimize) is graph
