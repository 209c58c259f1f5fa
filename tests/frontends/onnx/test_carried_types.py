from collections.abc import Callable
from typing import Any

import onnxruntime
import pytest
from onnx import TensorProto, helper

from nnvm.errors import Error
from nnvm.frontends.onnx import load, to_bytes
from nnvm.frontends.onnx.carried_types import TypeRule, carried_type
from nnvm.frontends.onnx.carry import foreign_operator
from nnvm.ir import UNKNOWN, Graph

F, U8, I8, I32, I64 = (getattr(TensorProto, name) for name in ("FLOAT", "UINT8", "INT8", "INT32", "INT64"))
Given = list[tuple[int, list[Any]] | None]


def read(domain: str, type: str, given: Given, outputs: int = 1, **attributes: Any) -> tuple[Graph, bytes]:
    """Return a file of one node, whose outputs have no type, and of a Relu after each that has one."""
    names = [f"x{i}" if each is not None else "" for i, each in enumerate(given)]
    made = [f"y{i}" for i in range(outputs)]
    nodes = [helper.make_node(type, names, made, domain=domain, **attributes)]
    nodes += [helper.make_node("Identity", [name], [f"z{i}"]) for i, name in enumerate(made)]
    inputs = [helper.make_tensor_value_info(f"x{i}", *each) for i, each in enumerate(given) if each is not None]
    outs = [helper.make_empty_tensor_value_info(f"z{i}") for i in range(outputs)]
    imports = [helper.make_opsetid(name, at) for name, at in (("", 17), ("com.microsoft", 1), ("ai.onnx.ml", 3))]
    graph = helper.make_graph(nodes, "one", inputs, outs)
    data = helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()
    return load(data), data


def types(graph: Graph) -> list[str]:
    return [str(value.type) for value in graph.outputs]


X, Q = (F, ["n", 4, 8]), (U8, [])
IMAGE: tuple[int, list[Any]] = (F, ["n", 3, 9, "w"])
CASES: list[tuple[str, Given, dict[str, Any], list[str]]] = [
    ("com.microsoft.QuickGelu", [X], {}, ["f32['n', 4, 8]"]),
    ("com.microsoft.BiasGelu", [X, (F, [8])], {}, ["f32['n', 4, 8]"]),
    ("com.microsoft.SkipLayerNormalization", [X, X, (F, [8])], {}, ["f32['n', 4, 8]"]),
    (
        "com.microsoft.FusedConv",
        [IMAGE, (F, [5, 3, 3, 3])],
        {"activation": "Relu", "strides": [2, 1], "pads": [1, 1, 1, 1]},
        ["f32['n', 5, 5, 'w']"],
    ),
    ("com.microsoft.FusedMatMul", [X, (F, [6, 8])], {"transB": 1}, ["f32['n', 4, 6]"]),
    ("com.microsoft.FusedMatMul", [(F, ["n", 8, 4]), (F, [8, 6])], {"transA": 1}, ["f32['n', 4, 6]"]),
    (
        "com.microsoft.QLinearAdd",
        [(U8, ["n", 4]), (F, []), Q, (U8, [4]), (F, []), Q, (F, []), Q],
        {},
        ["u8['n', 4]"],
    ),
    (
        "com.microsoft.QLinearGlobalAveragePool",
        [(U8, ["n", 3, 9, 9]), (F, []), Q, (F, []), Q],
        {},
        ["u8['n', 3, 1, 1]"],
    ),
    (
        "com.microsoft.QLinearGlobalAveragePool",
        [(U8, ["n", 9, 9, 3]), (F, []), Q, (F, []), Q],
        {"channels_last": 1},
        ["u8['n', 1, 1, 3]"],
    ),
    (
        "com.microsoft.QLinearConcat",
        [(F, []), Q, (U8, ["n", 3]), (F, []), Q, (U8, ["n", 4]), (F, []), Q],
        {"axis": 1},
        ["u8['n', 7]"],
    ),
    (
        "com.microsoft.MatMulNBits",
        [X, (U8, [6, 1, 16]), (F, [6])],
        {"K": 8, "N": 6, "block_size": 32},
        ["f32['n', 4, 6]"],
    ),
    ("com.microsoft.DynamicQuantizeMatMul", [X, (I8, [8, 6]), (F, [])], {}, ["f32['n', 4, 6]"]),
    ("com.microsoft.Attention", [X, (F, [8, 24]), (F, [24])], {"num_heads": 2}, ["f32['n', 4, 8]"]),
    ("com.microsoft.MultiHeadAttention", [X, X, X], {"num_heads": 2}, ["f32['n', 4, 8]"]),
    ("ai.onnx.ml.Scaler", [(F, ["n", 2])], {"scale": [1.0, 2.0], "offset": [0.0, 0.0]}, ["f32['n', 2]"]),
    ("ai.onnx.ml.LinearRegressor", [(F, ["n", 2])], {"coefficients": [1.0, 2.0], "targets": 1}, ["f32['n', 1]"]),
]


@pytest.mark.parametrize(("type", "given", "attributes", "expected"), CASES)
def test_what_is_met_most_has_a_type(type: str, given: Given, attributes: dict[str, Any], expected: list[str]) -> None:
    domain, _, name = type.rpartition(".")
    graph, data = read(domain, name, given, len(expected), **attributes)
    assert types(graph) == expected
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    for port, text in zip(session.get_outputs(), expected, strict=True):
        assert not port.shape or len(port.shape) == text.count(",") + 1


def test_recurrent_layers_and_embeddings_have_several() -> None:
    given: Given = [(F, ["t", "b", 3]), (I8, [2, 3, 20]), (I8, [2, 5, 20]), None, None, None, None, None]
    given += [(F, [2]), (I8, [2]), (F, [2]), (I8, [2])]
    graph, _ = read("com.microsoft", "DynamicQuantizeLSTM", given, 3, hidden_size=5, direction="bidirectional")
    assert types(graph) == ["f32['t', 2, 'b', 5]", "f32[2, 'b', 5]", "f32[2, 'b', 5]"]
    ids = (I32, ["b", "t"])
    given = [ids, ids, (F, [9, 8]), (F, [6, 8]), (F, [2, 8]), (F, [8]), (F, [8]), ids]
    graph, _ = read("com.microsoft", "EmbedLayerNormalization", given, 2)
    assert types(graph) == ["f32['b', 't', 8]", "i32['b']"]


def test_a_classifier_has_as_many_scores_as_it_likes() -> None:
    graph, _ = read(
        "ai.onnx.ml", "LinearClassifier", [(F, ["n", 2])], 2, coefficients=[1.0, 2.0], classlabels_ints=[1, 2]
    )
    assert types(graph) == ["i64['n']", "f32['n', 'y1.1']"]


def test_standard_operators_are_asked_of_onnx() -> None:
    assert types(read("", "RandomNormalLike", [X])[0]) == ["f32['n', 4, 8]"]
    assert types(read("", "RandomUniform", [], shape=[2, 3])[0]) == ["f32[2, 3]"]
    assert types(read("", "Multinomial", [(F, ["n", 3])], sample_size=4)[0]) == ["i32['n', 4]"]
    assert types(read("", "SequenceConstruct", [X])[0]) == ["sequence[f32['n', 4, 8]]"]


@pytest.mark.parametrize(
    ("type", "given", "attributes"),
    [
        ("com.acme.QuickGelu", [X], {}),
        ("com.microsoft.Magic", [X], {}),
        ("com.microsoft.FusedMatMul", [X, (F, [6, 9])], {}),
        ("com.microsoft.FusedConv", [X, X], {"kernel_shape": [3, 3, 3, 3]}),
        ("com.microsoft.QLinearConcat", [X], {}),
        ("com.microsoft.MatMulNBits", [X], {}),
        ("com.microsoft.Attention", [], {}),
    ],
)
def test_what_does_not_fit_has_no_type_and_is_kept(type: str, given: Given, attributes: dict[str, Any]) -> None:
    domain, _, name = type.rpartition(".")
    graph, data = read(domain, name, given, **attributes)
    assert types(graph) == ["None"]
    assert load(to_bytes(graph)).nodes[-2].op.name == type.replace(f".{name}", f"::{name}")
    assert data


def test_what_the_file_says_is_believed() -> None:
    node = helper.make_node("QuickGelu", ["x"], ["y"], domain="com.microsoft")
    y = helper.make_tensor_value_info("y", F, ["m"])
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", F, ["n"])], [y])
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    made = load(helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString())
    assert types(made) == ["f32['m']"]


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, TypeRule], None]:
    monkeypatch.setattr(carried_type, "_table", dict(carried_type._table))
    return lambda name, given: carried_type.override(foreign_operator("com.acme", name), given)


def test_a_rule_that_somebody_gave_is_asked(rule: Callable[[str, TypeRule], None]) -> None:
    rule("Halve", lambda inputs, given: [inputs[0].tensor[(inputs[0].shape[0] // given["by"], UNKNOWN)]])
    graph, _ = read("com.acme", "Halve", [(F, ["n", 4])], by=2)
    assert types(graph) == ["f32['((n)//2)', 'y0.1']"]
    rule("Both", lambda inputs, given: [None, inputs[0].type])
    assert types(read("com.acme", "Both", [(F, ["n", 4])], 2)[0]) == ["None", "f32['n', 4]"]
    rule("Ranked", lambda inputs, given: [inputs[0].tensor[inputs[0].shape]])
    assert types(read("com.acme", "Ranked", [(F, None)])[0]) == ["None"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda inputs, given: given["size"], "the type rule of com.acme::Odd fails: 'size'"),
        (lambda inputs, given: [inputs[0].type] * 2, "a type or None for each of its outputs, at most 1"),
        (lambda inputs, given: ["float"], "a type or None for each of its outputs, at most 1"),
    ],
)
def test_a_rule_that_fails_is_named(rule: Callable[[str, TypeRule], None], given: TypeRule, says: str) -> None:
    rule("Odd", given)
    with pytest.raises(Error, match=says):
        read("com.acme", "Odd", [X])
