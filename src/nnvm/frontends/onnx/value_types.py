"""How ONNX writes the type of a value, and how we do."""

from collections.abc import Callable, Mapping
from typing import Final

import onnx

from nnvm.errors import Error
from nnvm.ir import ContainerType, Dim, DType, TensorType, container_type, dim, dtype, tensor_type
from nnvm.ir.dims import Size, names
from nnvm.ir.types import Type

DTYPES: Final[Mapping[int, DType]] = {
    number: dtype(name)
    for number, name in {
        1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
        10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
        17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4",
        23: "float4_e2m1fn", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2",
    }.items()
}  # fmt: skip
NUMBERS: Final[Mapping[DType, int]] = {element: number for number, element in DTYPES.items()}
LARGEST: Final = 1 << 48
"""How many elements are taken for a mistake."""


def element_type(number: int, what: str) -> DType:
    """Return the element type of ONNX's number for it; raise Error, naming `what` has it, for one we do not know."""
    found = DTYPES.get(number)
    if found is None:
        known = ", ".join(element.name for element in NUMBERS)
        raise Error(f"{what} has element type {number}, which is none of {known}")
    return found


def check_size(sizes: tuple[Size, ...], what: str) -> None:
    """Raise Error where the known dimensions alone make an absurd number of elements."""
    count = 1
    for size in sizes:
        if isinstance(size, int):
            count *= size
    if count > LARGEST:
        raise Error(f"{what} has the shape {list(sizes)}, more than {LARGEST} elements")


class TypeReader:
    """Reads types, and keeps fresh dimensions apart from the names that the file uses."""

    def __init__(self, taken: frozenset[str]) -> None:
        self.taken = taken
        self.containers = False

    def read(self, proto: onnx.TypeProto, name: str) -> Type | None:
        """Return the type of the value `name`, or None where nothing is said; raise Error for absurd dimensions."""
        wrappers: list[str] = []
        kind = proto.WhichOneof("value")
        while kind in ("sequence_type", "optional_type"):
            wrappers.append(kind.removesuffix("_type"))
            proto = getattr(proto, kind).elem_type
            kind = proto.WhichOneof("value")
        found = self._read_plain(proto, kind, name)
        for wrapper in reversed(wrappers):
            found = container_type(wrapper, found)
        self.containers |= isinstance(found, ContainerType)
        return found

    def _read_plain(self, proto: onnx.TypeProto, kind: str | None, name: str) -> Type | None:
        if kind == "map_type" or kind == "opaque_type":
            return container_type(kind.removesuffix("_type"), None)
        if kind not in ("tensor_type", "sparse_tensor_type"):
            return None
        tensor = getattr(proto, kind)
        if tensor.elem_type not in DTYPES:
            return None
        shape = None
        if tensor.HasField("shape"):
            shape = tuple([self._size(size, name, i) for i, size in enumerate(tensor.shape.dim)])
            check_size(shape, f"value {name!r}")
        found = tensor_type(DTYPES[tensor.elem_type], shape)
        return found if kind == "tensor_type" else container_type("sparse", found)

    def _size(self, proto: onnx.TensorShapeProto.Dimension, name: str, axis: int) -> Size:
        kind = proto.WhichOneof("value")
        if kind == "dim_value" and proto.dim_value >= 0:
            return int(proto.dim_value)
        text = proto.dim_param if kind == "dim_param" else ""
        if text in ("", "?") or text.isdecimal() or text == "-1":
            return self.fresh(name, axis)
        return dim(text)

    def fresh(self, name: str, axis: int) -> Size:
        """Return the dimension of an axis that nothing is said of: it is called after the value, as no other is."""
        called = f"{name}.{axis}"
        while called in self.taken:
            called += "_"
        return dim(called)


def named_dims(proto: onnx.GraphProto) -> frozenset[str]:
    """Return every name that the inputs and outputs of a graph give to a dimension."""
    return frozenset(
        d.dim_param
        for value in (*proto.input, *proto.output)
        if value.type.HasField("tensor_type")
        for d in value.type.tensor_type.shape.dim
        if d.dim_param
    )


def write_type(proto: onnx.TypeProto, type: Type | None, may_name: Callable[[str], bool]) -> None:
    """Fill in a type; a dimension is named where `may_name` allows each name it is made of, else left open."""
    while isinstance(type, ContainerType) and type.kind in ("sequence", "optional"):
        proto = getattr(proto, f"{type.kind}_type").elem_type
        type = type.element
    if isinstance(type, ContainerType) and type.kind == "sparse":
        type, target = type.element, proto.sparse_tensor_type
    else:
        target = proto.tensor_type
    if not isinstance(type, TensorType):
        return
    target.elem_type = NUMBERS[type.dtype]
    if type.shape_or_none is None:
        return
    target.shape.SetInParent()
    for size in type.shape_or_none:
        written = target.shape.dim.add()
        if not isinstance(size, Dim):
            written.dim_value = size
        elif size.terms is not None and all(map(may_name, names(size))):
            written.dim_param = str(size)
