import pytest
from onnx import TensorProto, TypeProto, helper

from nnvm.errors import Error
from nnvm.frontends.onnx.value_types import (
    DTYPES,
    LARGEST,
    NUMBERS,
    TypeReader,
    check_size,
    element_type,
    named_dims,
    write_type,
)  # fmt: skip
from nnvm.ir import DTYPES as OURS
from nnvm.ir import UNKNOWN, container_type, dim, f32, tensor_type
from nnvm.ir.types import Type

SHAPES = [[], [1, 0, 3], ["N", 2, "M"], None]


def read(proto: TypeProto, name: str = "v") -> Type | None:
    return TypeReader(frozenset()).read(proto, name)


def test_every_element_type_has_a_number() -> None:
    assert {element.name for element in DTYPES.values()} == set(OURS)
    assert all(DTYPES[number] is element for element, number in NUMBERS.items())
    missing = set(TensorProto.DataType.values()) - set(DTYPES)
    assert {TensorProto.DataType.Name(number) for number in missing} == {"UNDEFINED", "FLOAT6E2M3", "FLOAT6E3M2"}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tensor_types_round_trip(shape: list[int | str] | None) -> None:
    proto = helper.make_tensor_type_proto(TensorProto.FLOAT, shape)
    back = TypeProto()
    write_type(back, read(proto), lambda name: True)
    assert back == proto


def test_containers_round_trip() -> None:
    inner = helper.make_tensor_type_proto(TensorProto.FLOAT, ["N"])
    proto = helper.make_optional_type_proto(helper.make_sequence_type_proto(inner))
    found = read(proto)
    assert found is container_type("optional", container_type("sequence", f32["N"]))
    back = TypeProto()
    write_type(back, found, lambda name: True)
    assert back == proto
    sparse = helper.make_sparse_tensor_type_proto(TensorProto.FLOAT, [2])
    back = TypeProto()
    write_type(back, read(sparse), lambda name: True)
    assert back == sparse
    assert read(helper.make_map_type_proto(TensorProto.STRING, inner)) is container_type("map", None)


def test_unknown_types_are_none() -> None:
    assert read(TypeProto()) is None
    assert read(helper.make_tensor_type_proto(TensorProto.UNDEFINED, [1])) is None


def test_names_are_written_where_allowed() -> None:
    proto = TypeProto()
    type = tensor_type(f32, (dim("N"), dim("x.0"), dim("N") * 2, UNKNOWN, 4))
    write_type(proto, type, lambda name: name == "N")
    assert [(size.dim_param, size.dim_value) for size in proto.tensor_type.shape.dim] == [
        ("N", 0),
        ("", 0),
        ("2*N", 0),
        ("", 0),
        ("", 4),
    ]


def test_names_in_a_file() -> None:
    graph = helper.make_graph(
        [], "g", [helper.make_tensor_value_info("x", 1, ["N", 2, None])], [helper.make_tensor_value_info("y", 1, ["M"])]
    )
    assert named_dims(graph) == {"N", "M"}


def test_errors() -> None:
    with pytest.raises(Error, match="it has element type 27, which is none of float32"):
        element_type(27, "it")
    with pytest.raises(Error, match=r"it has the shape \[\d+, 'N', 4\], more than"):
        check_size((LARGEST // 2, dim("N"), 4), "it")
    check_size((LARGEST, dim("N")), "it")
