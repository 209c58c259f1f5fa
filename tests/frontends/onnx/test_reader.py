import gc
from pathlib import Path
from random import Random

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.frontends.onnx.models import graph_of, model, node, written
from tests.frontends.onnx.test_carry import conditional, custom

from nnvm import ops
from nnvm.errors import Error
from nnvm.frontends.onnx import load, to_bytes
from nnvm.frontends.onnx.records import ONNX, POSITION, Header, Origin
from nnvm.ir import Dim, constant, container_type, data_of, f32, i64, verify

RELU = model([node("Relu", ["x"], ["y"], name="r")], [("x", [2])], [("y", [2])])


def test_one_node_is_one_node() -> None:
    made = model(
        [
            node("Relu", ["x"], ["a"], name="first"),
            node("Split", ["a"], ["b", "c"], axis=0, num_outputs=2),
            node("Add", ["b", "w"], ["y"]),
        ],
        [("x", ["N", 4])],
        [("y", None), ("c", ["M", 4])],
        opset=18,
        weights={"w": np.ones(4, np.float32)},
    )
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, ["M", 4]))
    graph = graph_of(made)
    assert [item.op for item in graph.nodes if item.inputs] == [ops.relu, ops.split, ops.add]
    relu, split, add = [item for item in graph.nodes if item.inputs]
    assert [item.name for item in (relu, split, add)] == ["a", "b", "y"]
    assert [item.hints[POSITION] for item in (relu, split, add)] == [0, 1, 2]
    assert relu.hints[ONNX].name == "first"
    assert split.hints[ONNX].outputs == ("b", "c")
    assert ONNX not in add.hints
    assert add.inputs[1].node.op is constant
    assert add.inputs[1].node.name == "w"
    assert graph.output_names == ("y", "c")
    assert graph.outputs[1] is split.outputs[1]


def test_dimensions_of_inputs() -> None:
    made = model(
        [node("Identity", ["x"], ["y"])], [("x", ["N", 3, "N", None, "?", "-1", "7", "", "batch*2"])], [("y", None)]
    )
    shape = graph_of(made).inputs[0].shape
    assert [str(size) for size in shape] == ["N", "3", "N", "x.3", "x.4", "x.5", "x.6", "x.7", "batch*2"]
    assert shape[0] is shape[2]


def test_fresh_dimensions_are_not_names_of_the_file() -> None:
    made = model([node("Identity", ["x"], ["y"])], [("x", [None, "x.0"])], [("y", [None, "x.0"])])
    first, second = graph_of(made).inputs[0].shape
    assert isinstance(first, Dim)
    assert str(second) == "x.0"
    assert first is not second


def test_initializers_that_are_inputs_are_constants() -> None:
    made = model(
        [node("Add", ["x", "w"], ["y"])],
        [("w", [2]), ("x", [2])],
        [("y", [2])],
        weights={"w": np.ones(2, np.float32)},
        ir_version=3,
    )
    graph = graph_of(made)
    assert [value.name for value in graph.inputs] == ["x"]
    assert graph.hints[ONNX].fed == ("w",)
    assert [value.name for value in written(graph).graph.input] == ["w", "x"]


@pytest.mark.parametrize(
    ("attributes", "type", "values"),
    [
        ({"value_float": 1.5}, f32[()], (1.5,)),
        ({"value_int": 3}, i64[()], (3,)),
        ({"value_floats": [1.0, 2.0]}, f32[2], (1.0, 2.0)),
        ({"value_ints": [4]}, i64[1], (4,)),
        ({"value": numpy_helper.from_array(np.float32([[2.0]]))}, f32[1, 1], (2.0,)),
    ],
)
def test_constant_nodes_are_constants(attributes: dict[str, object], type: object, values: tuple[float, ...]) -> None:
    made = model(
        [node("Constant", [], ["k"], name="c", **attributes), node("Identity", ["k"], ["y"])], [], [("y", None)]
    )
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", 1 if type.dtype is f32 else 7, list(type.shape)))  # type: ignore[attr-defined]
    graph = graph_of(made)
    known = graph.outputs[0].node.inputs[0]
    assert known.type is type
    assert data_of(known).values() == values  # type: ignore[union-attr]
    assert known.node.name == "k"
    assert [item.op_type for item in written(graph).graph.node] == ["Constant", "Identity"]


def test_strings_and_sparse_constants_are_carried() -> None:
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.float32([3]), "s"), numpy_helper.from_array(np.array([1])), [4]
    )
    made = model(
        [node("Constant", [], ["k"], sparse_value=sparse), node("Constant", [], ["t"], value_strings=["a", "b"]),
         node("Identity", ["k"], ["y"]), node("Identity", ["t"], ["z"])],
        [], [("y", [4]), ("z", [2], TensorProto.STRING)],
    )  # fmt: skip
    graph = graph_of(made)
    assert graph.outputs[0].node.inputs[0].node.op.foreign
    assert data_of(graph.outputs[1].node.inputs[0]).source == (b"a", b"b")  # type: ignore[union-attr]
    assert [item.op_type for item in written(graph).graph.node] == ["Constant", "Constant", "Identity", "Identity"]


def test_containers_are_carried() -> None:
    nodes = [
        node("SequenceConstruct", ["x", "x"], ["s"]),
        node("Identity", ["s"], ["t"]),
        node("SequenceAt", ["t", "i"], ["y"]),
    ]
    made = model(nodes, [("x", [2]), ("i", [], TensorProto.INT64)], [("y", [2])])
    made.graph.value_info.append(helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, [2]))
    graph = graph_of(made)
    assert graph.outputs[0].node.inputs[0].node.inputs[0].type is container_type("sequence", f32[2])
    assert [item.op.name for item in graph.nodes if item.inputs] == ["SequenceConstruct", "Identity", "SequenceAt"]
    assert len(written(graph).graph.node) == 3


def test_header_remembers_the_file() -> None:
    made = model(
        [node("Relu", ["x"], ["y"])],
        [("x", [2])],
        [("y", [2])],
        producer_name="p",
        producer_version="1",
        doc_string="d",
    )
    made.metadata_props.add(key="k", value="v")
    made.graph.doc_string = "gd"
    graph = graph_of(made)
    assert isinstance(graph.hints[ONNX], Header)
    assert repr(graph.hints[ONNX]) == "Header(opset=17)"
    assert written(graph).SerializeToString() == made.SerializeToString()


def test_doc_and_metadata_of_nodes_survive() -> None:
    made = model([node("Relu", ["x"], ["y"], name="n", doc_string="why")], [("x", [2])], [("y", [2])])
    made.graph.node[0].metadata_props.add(key="a", value="b")
    graph = graph_of(made)
    assert repr(graph.outputs[0].node.hints[ONNX]) == repr(Origin("n")) == "Origin('n')"
    assert written(graph).SerializeToString() == made.SerializeToString()


def edited(change: object) -> bytes:
    made = onnx.ModelProto()
    made.CopyFrom(RELU)
    change(made)  # type: ignore[operator]
    return made.SerializeToString()


def add_weight(made: onnx.ModelProto, **fields: object) -> None:
    tensor = made.graph.initializer.add(name="w", data_type=1, dims=[2])
    tensor.raw_data = bytes(8)
    for name, value in fields.items():
        if name == "dims":
            del tensor.dims[:]
            tensor.dims.extend(value)  # type: ignore[arg-type]
        else:
            setattr(tensor, name, value)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty, so not an ONNX model"),
    "text": (b"hello, world, this is no model", "not an ONNX model"),
    "zeros": (bytes(64), "not an ONNX model"),
    "cut short": (RELU.SerializeToString()[:-7], "not an ONNX model, cut short"),
    "no graph": (onnx.ModelProto(ir_version=8).SerializeToString(), "holds no graph"),
    "no opset": (edited(lambda m: m.ClearField("opset_import")), "it names no operator set"),
    "future ir": (edited(lambda m: setattr(m, "ir_version", 99)), "ir_version 99 is newer than .*; upgrade onnx"),
    "future opset": (
        edited(lambda m: setattr(m.opset_import[0], "version", 999)),
        "opset 999 is not supported; .* 1 to ",
    ),
    "opset 0": (edited(lambda m: setattr(m.opset_import[0], "version", 0)), "opset 0 is not supported"),
    "two opsets": (edited(lambda m: m.opset_import.add(domain="ai.onnx", version=9)), r"several opsets .*: \[17, 9\]"),
    "undefined": (edited(lambda m: m.graph.node[0].input.__setitem__(0, "q")), "nobody defines 'q', which node 0"),
    "no output": (
        edited(lambda m: setattr(m.graph.output[0], "name", "q")),
        "nobody defines 'q', an output of the graph",
    ),
    "twice": (edited(lambda m: m.graph.node.add(op_type="Neg", input=["x"], output=["y"])), "'y' is defined twice"),
    "cycle": (edited(lambda m: m.graph.node[0].input.__setitem__(0, "y")), "1 nodes wait for one another: Relu 'y'"),
    "two inputs": (edited(lambda m: m.graph.input.add(name="x")), "two inputs are called 'x'"),
    "nameless input": (edited(lambda m: m.graph.input.add()), "an input has no name"),
    "two outputs": (edited(lambda m: m.graph.output.add(name="y")), "two outputs of the graph share a name"),
    "no input": (edited(lambda m: m.graph.node[0].ClearField("input")), "Relu 'y' lacks an input: it needs x"),
    "many inputs": (edited(lambda m: m.graph.node[0].input.append("x")), "Relu 'y' has 2 inputs; it takes x"),
    "absurd input": (
        edited(lambda m: m.graph.input[0].type.tensor_type.shape.dim.add(dim_value=1 << 60)),
        r"value 'x' has the shape \[2, 1152921504606846976\], more than",
    ),
    "short weight": (
        edited(lambda m: add_weight(m, dims=[3])),
        "tensor 'w': a constant of f32.3. needs 12 bytes and was given 8",
    ),
    "absurd weight": (edited(lambda m: add_weight(m, dims=[1 << 50])), "tensor 'w' has the shape .* more than"),
    "negative weight": (edited(lambda m: add_weight(m, dims=[-2])), "tensor 'w' has the shape .* negative dimension"),
    "unknown type": (edited(lambda m: add_weight(m, data_type=99)), "tensor 'w' has element type 99, which is none of"),
    "two weights": (edited(lambda m: [add_weight(m), add_weight(m)]), "two initializers are called 'w'"),
    "nameless weight": (edited(lambda m: add_weight(m, name="")), "an initializer has no name"),
    "types that do not fit": (
        model([node("Add", ["x", "z"], ["y"])], [("x", [2]), ("z", [3])], [("y", [2])]).SerializeToString(),
        r"add\(x: f32\[2\], y: f32\[3\]\) in node 'y'",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_bytes_give_one_error(case: str) -> None:
    data, message = HOSTILE[case]
    with pytest.raises(Error, match=message):
        load(data)
    assert gc.isenabled()


def test_all_problems_are_listed_at_once() -> None:
    nodes = [node("Relu", [], [f"r{i}"]) for i in range(20)]
    data = model(nodes, [("x", [2])], [("r0", [2])]).SerializeToString()
    with pytest.raises(
        Error, match=r"20 problems: Relu 'r0' lacks .*; Relu 'r11' lacks an input: it needs x; and 8 more$"
    ):
        load(data)


def field(number: int, payload: bytes) -> bytes:
    """Return a field of a protobuf message that holds bytes."""
    size, rest = b"", len(payload)
    while rest > 127:
        size, rest = size + bytes([rest & 127 | 128]), rest >> 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + payload


def test_deep_nesting_is_an_error() -> None:
    graph = b""
    for _ in range(10_000):
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(Error, match="nested too deeply"):
        load(onnx.ModelProto(ir_version=8).SerializeToString() + field(7, graph))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.onnx", "cannot read .*missing.onnx: No such file"),
        ("", "is a folder"),
        ("a\0b.onnx", "cannot read .*null byte"),
    ],
)
def test_paths_that_are_no_file(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(Error, match=message):
        load(str(tmp_path / name) if name else tmp_path)


def test_errors_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"nonsense here")
    with pytest.raises(Error, match=r"bad\.onnx: not an ONNX model"):
        load(tmp_path / "bad.onnx")


def test_a_long_chain() -> None:
    count = 20_000
    nodes = [node("Relu" if i % 2 else "Neg", [f"v{i}"], [f"v{i + 1}"], name=f"n{i}") for i in range(count)]
    made = model(nodes, [("v0", [2, 3])], [(f"v{count}", [2, 3])])
    graph = load(made.SerializeToString())
    verify(graph)
    assert len(graph.nodes) == count + 1
    assert written(graph).SerializeToString() == made.SerializeToString()


def test_old_opsets_are_carried() -> None:
    made = model([node("Relu", ["x"], ["y"])], [("x", [2])], [("y", [2])], opset=5, ir_version=3)
    graph = load(made.SerializeToString())
    assert graph.outputs[0].node.op.name == "Relu"
    assert graph.outputs[0].node.op.foreign
    assert written(graph).SerializeToString() == made.SerializeToString()


def test_constants_of_attributes_do_not_take_names_of_the_file() -> None:
    made = model(
        [node("Neg", ["x"], ["y.axes"]), node("Unsqueeze", ["y.axes"], ["y"], axes=[0])],
        [("x", [2])],
        [("y", [1, 2])],
        opset=11,
    )
    assert len(written(graph_of(made)).graph.node) == 2


def test_training_that_only_outputs_show_is_carried() -> None:
    """Before opset 14 a batch norm trained where it gave statistics."""
    weights = {name: np.ones(3, np.float32) for name in "sbmv"}
    made = model([node("BatchNormalization", ["x", *"sbmv"], ["y", "m2", "v2", "m3", "v3"])],
                 [("x", [2, 3])], [("y", [2, 3]), *((name, [3]) for name in ("m2", "v2", "m3", "v3"))],
                 weights=weights, opset=13)  # fmt: skip
    graph = graph_of(made)
    assert graph.outputs[0].node.op.foreign
    assert written(graph).graph.node[0] == made.graph.node[0]


def test_broken_bytes_never_escape_as_anything_else() -> None:
    """Flip, drop and insert bytes of small models: each loads and saves, or gives an Error."""
    random = Random(0)
    sources = [data for data, _ in HOSTILE.values() if len(data) > 40] + [
        conditional().SerializeToString(),
        custom().SerializeToString(),
    ]
    outcomes = set()
    for _ in range(3000):
        data = bytearray(random.choice(sources))
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(data))
            data[at : at + random.choice((0, 1, 1, 1, 3))] = random.randbytes(random.choice((0, 1, 1, 1, 2)))
        try:
            to_bytes(load(bytes(data)))
            outcomes.add("saved")
        except Error:
            outcomes.add("refused")
    assert outcomes == {"saved", "refused"}
