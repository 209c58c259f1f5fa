"""How ONNX writes an attribute, and how we do: numbers, text, tuples of them, and constant data."""

import struct
from typing import Any, Final

import onnx

from nnvm.frontends.onnx.tensors import read_tensor, write_tensor
from nnvm.ir import TensorData

KIND: Final = onnx.AttributeProto.AttributeType
NESTED: Final = frozenset((KIND.Value("GRAPH"), KIND.Value("GRAPHS")))
_PLAIN: Final = {KIND.Value("FLOAT"): "f", KIND.Value("INT"): "i"}
_MANY: Final = {KIND.Value("FLOATS"): "floats", KIND.Value("INTS"): "ints"}
_STRING, _STRINGS, _TENSOR = KIND.Value("STRING"), KIND.Value("STRINGS"), KIND.Value("TENSOR")


class Opaque:
    """The value of an attribute that only a carried operator may have: a graph, a type, a sparse tensor."""


OPAQUE: Final = Opaque()


def read_attribute(proto: onnx.AttributeProto, folder: str | None, node: str) -> Any:
    """Return the value of an attribute, OPAQUE where it is none of ours; raise Error for broken constant data."""
    kind = proto.type
    if proto.ref_attr_name:
        return OPAQUE
    if kind in _PLAIN:
        return getattr(proto, _PLAIN[kind])
    if kind in _MANY:
        return tuple(getattr(proto, _MANY[kind]))
    if kind == _TENSOR:
        return read_tensor(proto.t, folder, f"{node}.{proto.name}")
    try:
        if kind == _STRING:
            return proto.s.decode()
        if kind == _STRINGS:
            return tuple(text.decode() for text in proto.strings)
    except UnicodeDecodeError:
        pass
    return OPAQUE


def write_attribute(proto: onnx.AttributeProto, name: str, value: Any) -> None:
    """Fill in an attribute with a number, a text, constant data, or a tuple of numbers or texts."""
    proto.name = name
    match value:
        case bool() | int():
            proto.type, proto.i = KIND.Value("INT"), value
        case float():
            proto.type, proto.f = KIND.Value("FLOAT"), value
        case str():
            proto.type, proto.s = _STRING, value.encode()
        case TensorData():
            proto.type = _TENSOR
            write_tensor(proto.t, value, "")
        case _ if value and isinstance(value[0], float):
            proto.type = KIND.Value("FLOATS")
            proto.floats.extend(value)
        case _ if value and isinstance(value[0], str):
            proto.type = _STRINGS
            proto.strings.extend([text.encode() for text in value])
        case _:
            proto.type = KIND.Value("INTS")
            proto.ints.extend(value)


def single(value: float) -> float:
    """Return a number as ONNX's attributes hold it, in single precision."""
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded
