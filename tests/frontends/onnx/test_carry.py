import copy
import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.frontends.onnx.models import graph_of, model, node, run, spelled, written

from nnvm import ops
from nnvm.errors import Error
from nnvm.frontends.onnx import load
from nnvm.frontends.onnx.attributes import OPAQUE
from nnvm.frontends.onnx.carry import (
    CARRIED,
    NODES,
    Carried,
    attributes_of,
    captured_names,
    foreign_operator,
    inner_names,
    rename_captured,
)
from nnvm.ir import EMPTY, Graph, Node, constant, f32, named_input, same, tensor_data


def branch(body: list[onnx.NodeProto], output: str) -> onnx.GraphProto:
    return helper.make_graph(body, "branch", [], [helper.make_tensor_value_info(output, TensorProto.FLOAT, [2])])


def conditional(captured: str = "k") -> onnx.ModelProto:
    """If inside If; the inner branch takes `captured`, which is made outside of both."""
    inner = node("If", ["c"], ["deep"], then_branch=branch([node("Add", ["x", captured], ["t1"])], "t1"),
                 else_branch=branch([node("Neg", [captured], ["e1"])], "e1"))  # fmt: skip
    outer = node("If", ["c"], ["i"], then_branch=branch([inner, node("Exp", ["deep"], ["t2"])], "t2"),
                 else_branch=branch([node("Identity", ["x"], ["e2"])], "e2"))  # fmt: skip
    nodes = [node("Relu", ["x"], [captured], name="make"), outer, node("Neg", ["i"], ["y"])]
    return model(nodes, [("c", [], TensorProto.BOOL), ("x", [2])], [("y", [2])])


FEEDS = [{"c": np.array(c), "x": np.array([-1, 2], np.float32)} for c in (True, False)]


def test_what_sub_graphs_capture_is_an_input() -> None:
    graph = graph_of(conditional())
    [carried] = [item for item in graph.nodes if item.op.foreign]
    assert carried.op is foreign_operator("", "If")
    assert [value.name for value in carried.inputs] == ["c", "c", "x", "k"]
    assert carried.params[CARRIED].captured == ("c", "x", "k")
    assert carried.params[NODES] == {"If": 1, "add": 1, "exp": 1, "identity": 1, "neg": 1}


def test_control_flow_goes_through_unchanged() -> None:
    made = conditional()
    saved = written(graph_of(made))
    assert saved.graph.node[1].SerializeToString() == made.graph.node[1].SerializeToString()
    assert [value.SerializeToString() for value in saved.graph.input] == [
        v.SerializeToString() for v in made.graph.input
    ]


def test_captured_names_follow_what_is_around_them() -> None:
    made = conditional()

    def rebuild(item: Node) -> object:
        return ops.leaky_relu(*item.inputs, alpha=0.0, name="other") if item.op is ops.relu else None

    graph = graph_of(made).rewrite(rebuild)  # type: ignore[arg-type]
    saved = written(graph)
    assert captured_names(saved.graph.node[1]) == ("c", "x", "other")
    for feeds in FEEDS:
        np.testing.assert_array_equal(run(saved, feeds)[0], run(made, feeds)[0])


def test_a_captured_value_may_become_a_constant() -> None:
    made = conditional()

    def fold(item: Node) -> object:
        return constant(data=tensor_data((1.0, 2.0), f32[2])) if item.op is ops.relu else None

    saved = written(graph_of(made).rewrite(fold))  # type: ignore[arg-type]
    assert [item.op_type for item in saved.graph.node] == ["If", "Neg"]
    assert len(saved.graph.initializer) == 1
    assert run(saved, FEEDS[0])[0].tolist() == pytest.approx([-1.0, -np.exp(4.0)])


def test_names_around_avoid_names_inside() -> None:
    made = conditional()

    def rename(item: Node) -> object:
        return item.replace(name="t1").outputs[0] if item.op is ops.relu else None

    saved = written(graph_of(made).rewrite(rename))  # type: ignore[arg-type]
    assert captured_names(saved.graph.node[1]) == ("c", "x", "t1_1")
    for feeds in FEEDS:
        np.testing.assert_array_equal(run(saved, feeds)[0], run(made, feeds)[0])


def test_renaming_onto_an_inner_name_is_refused() -> None:
    outer = conditional().graph.node[1]
    assert inner_names(outer) == {"t1", "e1", "deep", "t2", "e2"}
    with pytest.raises(Error, match=r"If '' captures a value that is now called 't1', which its sub-graph defines too"):
        rename_captured(outer, {"k": "t1", "x": "x"})


def test_shadowed_names_are_not_captured() -> None:
    body = helper.make_graph(
        [node("Add", ["v", "w"], ["w2"]), node("Identity", ["c1"], ["c2"])],
        "body",
        [helper.make_tensor_value_info(n, t, s) for n, t, s in (("i", 7, []), ("c1", 9, []), ("v", 1, [2]))],
        [helper.make_tensor_value_info(n, t, s) for n, t, s in (("c2", 9, []), ("w2", 1, [2]))],
    )
    loop = node("Loop", ["n", "c", "x"], ["y"], body=body)
    ports = [("n", [], TensorProto.INT64), ("c", [], TensorProto.BOOL), ("x", [2])]
    made = model([node("Relu", ["x"], ["w"]), loop], ports, [("y", [2])])
    assert captured_names(loop) == ("w",)
    feeds = {"n": np.array(3, np.int64), "c": np.array(True), "x": np.array([1, -2], np.float32)}
    np.testing.assert_array_equal(run(written(graph_of(made)), feeds)[0], [4, -2])


def custom() -> onnx.ModelProto:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Fancy", ["a", "", "x"], ["b", "", "c"], domain="com.acme", name="f", level=3, words=["p", "q"]),
        node("Neg", ["b"], ["y"]),
        node("Exp", ["c"], ["z"]),
    ]
    made = model(nodes, [("x", ["N", 4])], [("y", ["N", 4]), ("z", ["M"])], domains={"com.acme": 2})
    made.graph.value_info.add().CopyFrom(helper.make_tensor_value_info("b", TensorProto.FLOAT, ["N", 4]))
    return made


def test_custom_domains_are_carried_whole() -> None:
    made = custom()
    graph = graph_of(made)
    [fancy] = [item for item in graph.nodes if item.op.foreign]
    assert fancy.op.name == "com.acme::Fancy"
    assert [value.type for value in fancy.outputs] == [f32["N", 4], None, None]
    assert [value.type for value in graph.outputs] == [f32["N", 4], f32["M"]]
    saved = written(graph)
    assert spelled(saved) == spelled(made)
    assert {item.domain: item.version for item in saved.opset_import} == {"": 17, "com.acme": 2}
    assert [value.SerializeToString() for value in saved.graph.value_info] == [
        made.graph.value_info[0].SerializeToString()
    ]


def test_hints_may_be_dropped() -> None:
    graph = graph_of(custom())
    bare = graph.rewrite(lambda item: item.replace(hints={}).outputs if item.hints else None).replace(hints={})
    saved = written(bare)
    assert {item.domain: item.version for item in saved.opset_import}["com.acme"] == 2
    assert [item.op_type for item in saved.graph.node] == ["Relu", "Fancy", "Neg", "Exp"]
    assert list(saved.graph.node[1].output)[1] == ""


def test_unknown_operators_of_onnx_itself_are_carried() -> None:
    made = model([node("Crop", ["x"], ["y"], border=[1])], [("x", [2])], [("y", [2])], opset=11)
    graph = load(made.SerializeToString())
    assert graph.outputs[0].node.op.name == "Crop"
    assert graph.outputs[0].type == f32[2]


def test_another_opset_is_refused_where_a_carried_operator_changed() -> None:
    graph = graph_of(conditional())
    with pytest.raises(
        Error, match=r"If.*is carried from opset 17 and may mean something else at opset 21; save with opset=17"
    ):
        written(graph, 21)
    topk = model([node("Det", ["x"], ["y"])], [("x", [2, 2])], [("y", [])], opset=17)
    assert written(graph_of(topk), 21).graph.node[0].op_type == "Det"


def function_model() -> onnx.ModelProto:
    body = [node("Mul", ["a", "a"], ["m"]), node("Twice", ["m"], ["r"], domain="local")]
    square = helper.make_function(
        "local", "Square", ["a"], ["r"], body, [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    )
    twice = helper.make_function(
        "local", "Twice", ["a"], ["r"], [node("Add", ["a", "a"], ["r"])], [helper.make_opsetid("", 17)]
    )
    nodes = [node("Relu", ["x"], ["p"]), node("Square", ["p"], ["q"], domain="local"), node("Neg", ["q"], ["y"])]
    return model(nodes, [("x", [2])], [("y", [2])], domains={"local": 1}, functions=[twice, square])


@pytest.mark.parametrize("keep_header", [True, False])
def test_local_functions_are_carried_with_their_calls(keep_header: bool) -> None:
    made = function_model()
    graph = graph_of(made)
    assert [item.op.name for item in graph.nodes if item.op.foreign] == ["local::Square"]
    saved = written(graph if keep_header else graph.replace(hints={}))
    assert [item.SerializeToString() for item in saved.functions] == [
        item.SerializeToString() for item in made.functions
    ]
    feeds = {"x": np.array([-1, 3], np.float32)}
    np.testing.assert_array_equal(run(saved, feeds)[0], [-0.0, -18])


def test_carried_is_a_value() -> None:
    a, b = (Carried(b"n", ("k",), (1,), (("", 17),)) for _ in range(2))
    assert a == b
    assert hash(a) == hash(b)
    assert repr(a) == repr(b) != repr(Carried(b"m", ("k",), (1,), (("", 17),)))
    assert pickle.loads(pickle.dumps(a)) == a == copy.deepcopy(a)
    assert a != "n"


def test_the_same_file_gives_the_same_graph() -> None:
    assert same(graph_of(custom()), graph_of(custom()), names=True)
    other = custom()
    other.graph.node[1].attribute[0].i = 4
    assert not same(graph_of(custom()), graph_of(other))


def test_a_foreign_operator_of_another_house_is_an_error() -> None:
    from nnvm.ir import foreign

    x = named_input("x", f32[2])
    other = Node(foreign("strange", "mxnet"), (x,), name="s")
    with pytest.raises(Error, match="ONNX has nothing for operator strange"):
        written(Graph(other.outputs))


def test_attributes_are_those_of_the_file():
    given = {"k": 3, "f": 0.5, "s": "text", "many": [1, 2], "t": helper.make_tensor("t", TensorProto.FLOAT, [1], [2.0])}
    made = node("Magic", ["x"], ["y"], domain="com.acme", **given)
    graph = load(model([made], [("x", [2])], [("y", [2])], domains={"com.acme": 1}).SerializeToString())
    found = attributes_of(graph.outputs[0].node)
    assert [found[name] for name in ("k", "f", "s", "many")] == [3, 0.5, "text", (1, 2)]
    assert list(found["t"].values()) == [2.0]
    held = load(conditional().SerializeToString())
    assert set(attributes_of(next(each for each in held.nodes if each.op.foreign)).values()) == {OPAQUE}
    with pytest.raises(Error, match="was carried by no ONNX file"):
        attributes_of(Node(foreign_operator("com.acme", "Magic"), (), EMPTY, (f32[2],)))
