import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.frontends.onnx.models import graph_of, model, node, round_trip, run, spelled, written

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    Node,
    TensorData,
    constant,
    f32,
    i64,
    named_input,
    tensor_data,
    trace,
    variable,
)


def types(proto: onnx.ModelProto) -> list[str]:
    return [item.op_type for item in proto.graph.node]


def test_a_graph_from_python() -> None:
    def f(x: f32["n", 4], w: f32[4, 3]):  # type: ignore[no-untyped-def,valid-type] # noqa: F821
        return ops.softmax(ops.relu(x @ w) + 1.0)

    saved = written(trace(f))
    assert types(saved) == ["MatMul", "Relu", "Add", "Softmax"]
    assert [(item.domain, item.version) for item in saved.opset_import] == [("", 21)]
    assert saved.producer_name == "nnvm"
    assert [value.name for value in saved.graph.input] == ["x", "w"]
    assert saved.graph.input[0].type == helper.make_tensor_type_proto(1, ["n", 4])
    feeds = {"x": np.ones((2, 4), np.float32), "w": np.zeros((4, 3), np.float32)}
    np.testing.assert_allclose(run(saved, feeds)[0], np.full((2, 3), 1 / 3), rtol=1e-6)


def test_a_new_operator_raises_the_opset_of_a_new_graph() -> None:
    x = named_input("x", f32[2])
    assert written(Graph([ops.gelu(x)])).opset_import[0].version == 21
    assert written(Graph([ops.gelu(x)]), 20).opset_import[0].version == 20


def test_outputs_keep_their_names() -> None:
    x = named_input("x", f32[2])
    y = ops.relu(x, name="inner")
    k = constant(data=tensor_data((1.0, 2.0), f32[2]))
    graph = Graph([y, y, x, k, y], output_names=["a", "b", "c", "d", "e"])
    saved = written(graph)
    assert [value.name for value in saved.graph.output] == ["a", "b", "c", "d", "e"]
    assert [(item.op_type, list(item.input), list(item.output)) for item in saved.graph.node] == [
        ("Relu", ["x"], ["a"]),
        ("Identity", ["a"], ["b"]),
        ("Identity", ["x"], ["c"]),
        ("Identity", ["constant_0"], ["d"]),
        ("Identity", ["a"], ["e"]),
    ]
    found = run(saved, {"x": np.array([-1, 1], np.float32)})
    assert [array.tolist() for array in found] == [[0, 1], [0, 1], [-1, 1], [1, 2], [0, 1]]


def test_an_input_that_is_an_output_needs_no_copy() -> None:
    made = model([node("Relu", ["x"], ["y"])], [("x", [2])], [("y", [2]), ("x", [2])])
    assert round_trip(made).SerializeToString() == made.SerializeToString()


def test_names_are_unique() -> None:
    x = named_input("x", f32[2])
    a = ops.relu(ops.neg(ops.exp(x, name="y"), name="x"))
    saved = written(Graph([ops.relu(a, name="y")], output_names=["y"]))
    names = [name for item in saved.graph.node for name in item.output]
    assert len(set(names)) == 4
    assert names[-1] == "y"


@pytest.mark.parametrize("names", [["x"], [""]])
def test_impossible_names_are_errors(names: list[str]) -> None:
    x = named_input("x", f32[2])
    with pytest.raises(Error, match=r"output .* needs a name that no input and no other output has"):
        written(Graph([ops.relu(x)] * len(names), output_names=names))


def test_two_inputs_of_one_name_are_an_error() -> None:
    with pytest.raises(Error, match="are both called 'x'"):
        written(Graph([named_input("x", f32[2]) + named_input("x", f32[2])]))


def test_state_is_an_error_with_a_cure() -> None:
    state = variable(init=tensor_data(0.0, f32[2]), type=None)
    with pytest.raises(Error, match="ONNX has nothing for operator variable; bind its state as a constant"):
        written(Graph([ops.relu(state)]))


def test_new_nodes_stand_after_what_they_need() -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Exp", ["x"], ["b"]),
        node("Neg", ["a"], ["c"]),
        node("Add", ["b", "c"], ["y"]),
    ]
    made = model(nodes, [("x", [2])], [("y", [2])])

    def twice(item: Node) -> object:
        return ops.abs(ops.sqrt(item.inputs[0])) if item.op is ops.relu else None

    saved = written(graph_of(made).rewrite(twice))  # type: ignore[arg-type]
    assert types(saved) == ["Sqrt", "Abs", "Exp", "Neg", "Add"]


def test_unused_nodes_and_weights_are_left_out() -> None:
    made = model(
        [node("Relu", ["x"], ["y"]), node("Exp", ["x"], ["dead"])],
        [("x", [2])],
        [("y", [2])],
        weights={"w": np.ones(2)},
    )
    saved = round_trip(made)
    assert types(saved) == ["Relu"]
    assert len(saved.graph.initializer) == 0


def test_optional_outputs() -> None:
    made = model([node("Dropout", ["x"], ["y", "mask"])], [("x", [2])], [("y", [2])], opset=13)
    assert spelled(round_trip(made)) == spelled(made)
    pooled = model([node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2])], [("x", [1, 1, 4])], [("y", [1, 1, 3])])
    assert list(round_trip(pooled).graph.node[0].output) == ["y"]
    x = named_input("x", f32[2])
    assert list(written(Graph([ops.dropout(x)[0]], output_names=["y"])).graph.node[0].output) == ["y"]
    mask = written(Graph([ops.dropout(x)[1]], output_names=["m"])).graph.node[0]
    assert list(mask.output) == ["dropout.0", "m"]


def test_repeated_constants_stay_small() -> None:
    big = constant(data=tensor_data(2.0, f32[64, 64]))
    small = constant(data=tensor_data(3.0, f32[4, 1]))
    x = named_input("x", f32[64])
    saved = written(Graph([ops.add(ops.add(x, big), ops.reshape(small, (4, 1, 1)))], output_names=["y"]))
    assert types(saved) == ["ConstantOfShape", "Add", "Reshape", "Add"]
    assert len(saved.SerializeToString()) < 1000
    assert run(saved, {"x": np.zeros(64, np.float32)})[0].tolist() == np.full((4, 64, 64), 5.0).tolist()


def test_every_element_type_of_a_large_repeated_constant() -> None:
    for name in ("float16", "int8", "bool", "bfloat16", "complex64"):
        from nnvm.ir import dtype

        element = dtype(name)
        data = TensorData(element[2048], bytes(element.bits // 8), repeats=True)
        saved = written(Graph([ops.identity(constant(data=data))], output_names=["y"]))
        assert saved.graph.output[0].type.tensor_type.shape.dim[0].dim_value == 2048
        assert (types(saved)[0] == "ConstantOfShape") == (name in ("float16", "int8", "bool"))


def test_a_newer_opset_raises_the_ir_version() -> None:
    made = model([node("Relu", ["x"], ["y"])], [("x", [2])], [("y", [2])], opset=9, ir_version=3)
    saved = written(graph_of(made), 21)
    assert saved.ir_version >= helper.find_min_ir_version_for([helper.make_opsetid("", 21)])


def test_quantization_annotations_follow_their_tensors() -> None:
    made = model([node("Relu", ["x"], ["a"]), node("Neg", ["a"], ["y"])], [("x", [2])], [("y", [2])])
    made.graph.quantization_annotation.add(tensor_name="a").quant_parameter_tensor_names.add(
        key="SCALE_TENSOR", value="y"
    )
    made.graph.quantization_annotation.add(tensor_name="gone")
    assert [item.tensor_name for item in round_trip(made).graph.quantization_annotation] == ["a"]


def test_sparse_initializers_become_constants() -> None:
    made = model([node("Relu", ["s"], ["y"])], [], [("y", [4])])
    values = numpy_helper.from_array(np.float32([3]), "s")
    indices = numpy_helper.from_array(np.array([1]), "i")
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))
    saved = round_trip(made)
    assert types(saved) == ["Constant", "Relu"]


def test_the_domain_of_onnx_has_two_names() -> None:
    made = model([node("Relu", ["x"], ["y"], domain="ai.onnx")], [("x", [2])], [("y", [2])])
    made.opset_import[0].domain = "ai.onnx"
    saved = round_trip(made)
    assert saved.opset_import[0].domain == ""
    assert graph_of(made).outputs[0].node.op is ops.relu


def test_node_names_are_unique() -> None:
    graph = graph_of(model([node("Relu", ["x"], ["y"], name="n")], [("x", [2])], [("y", [2])]))
    relu = graph.outputs[0].node
    twin = relu.replace(name="z")
    saved = written(graph.replace(outputs=[relu.outputs[0], twin.outputs[0]], output_names=["y", "z"]))
    assert [item.name for item in saved.graph.node] == ["n", ""]


def test_same_bytes_every_time() -> None:
    made = model(
        [node("Add", ["x", "w"], ["y"])],
        [("x", ["N", 300])],
        [("y", ["N", 300])],
        weights={"w": np.ones(300, np.float32)},
    )
    assert written(graph_of(made)).SerializeToString() == written(graph_of(made)).SerializeToString()


def test_indices_stay_whole_numbers() -> None:
    x = named_input("x", f32[4, 4])
    saved = written(Graph([ops.gather(x, constant(data=tensor_data((1,), i64[1])))], output_names=["y"]))
    assert saved.graph.initializer[0].data_type == TensorProto.INT64


def test_an_input_that_is_not_listed_is_an_error() -> None:
    x, z = named_input("x", f32[2]), named_input("z", f32[2])
    with pytest.raises(Error, match=r"z = input\(\) is an input that the graph does not list; its inputs are \['x'\]"):
        written(Graph([x + z], [x]))
