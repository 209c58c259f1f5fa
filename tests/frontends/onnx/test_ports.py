import numpy as np
from onnx import TensorProto, helper
from tests.frontends.onnx.models import graph_of, model, node, round_trip, written

from nnvm import ops
from nnvm.frontends.onnx.ports import known_dims
from nnvm.frontends.onnx.writer import header_of
from nnvm.ir import Graph, Node, constant, dim, f32, named_input, set_dims, tensor_data


def test_dimensions_are_written_back_as_they_were() -> None:
    made = model([node("Relu", ["x"], ["y"])], [("x", ["N", None, "?", 3])], [("y", ["K", None, "?", 3])])
    assert round_trip(made).SerializeToString() == made.SerializeToString()


def test_dimensions_that_were_set_are_written() -> None:
    made = model([node("Relu", ["x"], ["y"])], [("x", ["N", None, "?", 3])], [("y", ["N", None, "?", 3])])

    def bind(item: Node) -> object:
        types = [set_dims(type, {"N": 5}) for type in item.types]
        params = {"type": types[0]} if not item.inputs else dict(item.params)
        return item.replace(types=types, params=type(item.params)(params)).outputs

    saved = written(graph_of(made).rewrite(bind))  # type: ignore[arg-type]
    for value in (*saved.graph.input, *saved.graph.output):
        assert value.type == helper.make_tensor_type_proto(1, [5, None, "?", 3]), value


def test_inferred_shapes_fill_in_for_outputs_without_any() -> None:
    made = model([node("Relu", ["x"], ["y"])], [("x", ["N", 3])], [("y", None)])
    assert round_trip(made).graph.output[0].type == helper.make_tensor_type_proto(1, ["N", 3])


def test_expressions_over_known_names_are_written() -> None:
    x = named_input("x", f32["n", 2])
    y = ops.reshape(x, (-1,))
    assert y.shape == (dim("n") * 2,)
    assert written(Graph([y])).graph.output[0].type == helper.make_tensor_type_proto(1, ["2*n"])


def test_old_files_list_every_weight_as_an_input() -> None:
    made = model([node("Add", ["x", "w"], ["y"])], [("x", [2]), ("w", [2])], [("y", [2])], ir_version=3, opset=9,
                 weights={"w": np.ones(2, np.float32)})  # fmt: skip

    def more(item: Node) -> object:
        return (
            ops.mul(item.inputs[0], constant(data=tensor_data((2.0, 3.0), f32[2]), name="k"))
            if item.op is ops.add
            else None
        )  # type: ignore[call-arg]

    saved = written(graph_of(made).rewrite(more))  # type: ignore[arg-type]
    assert saved.ir_version == 3
    assert [value.name for value in saved.graph.input] == ["x", "k"]
    assert round_trip(made).SerializeToString() == made.SerializeToString()


def test_weights_that_were_inputs_stay_inputs() -> None:
    nodes = [node("Add", ["x", "w"], ["a"]), node("Add", ["a", "v"], ["y"])]
    weights = {name: np.ones(2, np.float32) for name in "wv"}
    made = model(nodes, [("w", [2]), ("x", [2])], [("y", [2])], weights=weights)
    assert round_trip(made).SerializeToString() == made.SerializeToString()


def test_a_wrong_type_of_an_output_is_set_right() -> None:
    made = model([node("Relu", ["x"], ["y"])], [("x", ["N", 3])], [("y", [7], TensorProto.INT64)])
    assert round_trip(made).graph.output[0].type == helper.make_tensor_type_proto(1, ["N", 3])
    made = model([node("Relu", ["x"], ["y"])], [("x", ["N", 3])], [("y", [None, 4])])
    assert round_trip(made).graph.output[0].type == helper.make_tensor_type_proto(1, [None, 3])


def test_a_file_keeps_to_the_names_of_dimensions_that_it_has() -> None:
    made = model([node("Relu", ["x"], ["y"])], [("x", ["N", 3])], [("y", ["N", 3])])
    known = known_dims(header_of(graph_of(made)))
    assert (known("N"), known("M")) == (True, False)
    assert known_dims(None)("M")
