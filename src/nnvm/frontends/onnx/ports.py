"""How the inputs and outputs of a graph are written: as its file had them, as far as they are what they were."""

from collections.abc import Callable, Iterable
from typing import Final

import onnx

from nnvm.frontends.onnx.records import Header
from nnvm.frontends.onnx.value_types import NUMBERS, write_type
from nnvm.ir import Dim, Graph, TensorType
from nnvm.ir.types import Type

_LISTED: Final = 4
"""The ir_version from which on initializers need not be inputs."""


def write_ports(proto: onnx.ModelProto, graph: Graph, header: Header | None) -> None:
    """Add inputs and outputs to a model, whose initializers are inputs too where the file said so, or below IR 4."""
    weights = {tensor.name: _declared_type(tensor) for tensor in proto.graph.initializer}
    inputs = {value.node.name or "": value.type for value in graph.inputs}
    fed = () if header is None else header.fed
    listed = weights if proto.ir_version < _LISTED else {name: weights[name] for name in fed if name in weights}
    for name in _input_order(header, list(inputs), list(listed)):
        _write_port(proto.graph.input.add(), header, "input", name, inputs[name] if name in inputs else listed[name])
    for name, value in zip(graph.output_names, graph.outputs, strict=True):
        _write_port(proto.graph.output.add(), header, "output", name, value.type)


def known_dims(header: Header | None) -> Callable[[str], bool]:
    """Return what says whether a dimension may have a name: any in a new file, otherwise those that the file knows."""
    return (lambda name: True) if header is None else header.dims.__contains__


def _input_order(header: Header | None, inputs: list[str], weights: list[str]) -> Iterable[str]:
    """Return all names in the file's order where the graph still has that order, else inputs first."""
    known = [] if header is None else [name for kind, name in header.ports if kind == "input"]
    every = {*inputs, *weights}
    merged = [name for name in known if name in every]
    given = set(inputs)
    if [name for name in merged if name in given] != inputs:
        merged = inputs
    return dict.fromkeys([*merged, *weights])


def _write_port(info: onnx.ValueInfoProto, header: Header | None, kind: str, name: str, type: Type | None) -> None:
    known = None if header is None else header.ports.get((kind, name))
    if known is None:
        info.name = name
        write_type(info.type, type, known_dims(header))
        return
    was, data = known
    info.ParseFromString(data)
    if type is None or (not isinstance(type, TensorType) and type is was):
        return
    if isinstance(type, TensorType) and _refines(info.type, type):
        for written, size in zip(info.type.tensor_type.shape.dim, type.shape, strict=True):
            if not isinstance(size, Dim) and (type is not was or written.HasField("dim_value")):
                written.dim_value = size
        return
    if type is was and isinstance(type, TensorType) and type.shape_or_none is None:
        return
    info.ClearField("type")
    write_type(info.type, type, known_dims(header))


def _declared_type(tensor: onnx.TensorProto) -> Type:
    element = next(element for element, number in NUMBERS.items() if number == tensor.data_type)
    return element[tuple(tensor.dims)]


def _refines(declared: onnx.TypeProto, type: TensorType) -> bool:
    """Say whether a type has the declared element type and rank, so that the file's names for dimensions may stay."""
    tensor = declared.tensor_type
    if not declared.HasField("tensor_type") or tensor.elem_type != NUMBERS[type.dtype] or type.shape_or_none is None:
        return False
    return bool(tensor.HasField("shape")) and len(tensor.shape.dim) == len(type.shape)
