"""How the graphs inside a carried `If`, `Loop` or `Scan` are read, improved, and put back where they were."""

from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import onnx

from nnvm.attrs import bodies
from nnvm.errors import Error
from nnvm.frontends.onnx.carry import CARRIED, Carried, captured_names, foreign_operator
from nnvm.frontends.onnx.reader import carried_params, read
from nnvm.frontends.onnx.tensors import fill
from nnvm.frontends.onnx.value_types import write_type
from nnvm.frontends.onnx.writer import SMALL, build, header_of
from nnvm.ir import ABSENT, UNKNOWN, Graph, Node, TensorType, Value, constant, data_of, equal, input, named_input
from nnvm.ir.dims import names
from nnvm.ir.types import Shape, Type
from nnvm.passes.infer_types import sharper

Improve = Callable[[Graph], Graph]
Ends = Sequence[tuple[Type | None, ...]]
_MOST: Final = 1024
_SETTLED: Final[dict[Hashable, Ends]] = {}
"""What a function leaves as it is, so that graphs in graphs are not tried again and again: the types of their ends."""
_KEPT: Final = 1 << 26
"""Sub-graphs of more bytes than this stay as they are."""


@bodies(*[foreign_operator("", type) for type in ("If", "Loop", "Scan")])
def improve(node: Node, function: Improve) -> Node | None:
    """Return the use with each of its graphs put through a function; None where none of them changed."""
    carried: Carried = node.params[CARRIED]
    own = len(node.inputs) - len(carried.captured)
    around = dict(zip(carried.captured, node.inputs[own:], strict=True))
    if ABSENT in around.values() or len(carried.node) > _KEPT:
        return None
    key = _key(carried, around, node.name, function)
    settled = _SETTLED.get(key)
    if settled is not None:
        types = _joined(node, settled, around)
        return None if types == node.types else node.replace(types=types)
    prototype = onnx.NodeProto.FromString(carried.node)
    changed = False
    ends: list[tuple[Type | None, ...]] = []
    for attribute in prototype.attribute:
        if attribute.HasField("g"):
            alone = onnx.NodeProto(attribute=[attribute])
            taken = {name: around[name] for name in captured_names(alone)}
            made, types = _improved(attribute.g, carried, taken, function, node.name or "inside")
            ends.append(types)
            if made is not None:
                attribute.g.CopyFrom(made)
                changed = True
    if prototype.op_type != "If":
        ends = []
    types = _joined(node, ends, around)
    if not changed:
        if len(_SETTLED) >= _MOST:
            _SETTLED.clear()
        _SETTLED[key] = tuple(ends)
        return None if types == node.types else node.replace(types=types)
    captured = captured_names(prototype)
    data = prototype.SerializeToString(deterministic=True)
    record = Carried(data, captured, carried.skipped, carried.imports, carried.functions)
    inputs = (*node.inputs[:own], *(around[name] for name in captured))
    return node.replace(inputs=inputs, params=carried_params(prototype, record), types=types)


def _key(carried: Carried, around: Mapping[str, Value], name: str | None, function: Improve) -> Hashable:
    """Return what tells one question from another; a node asked again and again is read once."""
    digest = blake2b(carried.node, digest_size=16)
    for taken, value in around.items():
        data = data_of(value)
        known: object = data.source if data is not None and isinstance(data.source, tuple) else None
        if data is not None and known is None and data.nbytes <= SMALL:
            known = bytes(data.read())
        digest.update(repr((taken, value.type, known)).encode())
    return digest.digest(), carried.imports, carried.functions, name, function


def _joined(node: Node, ends: Ends, around: Mapping[str, Value]) -> tuple[Type | None, ...]:
    """Return the types of an If: what is known, and what both branches say, of dimensions that are known around it."""
    if len(ends) != 2 or any(len(types) != len(node.outputs) for types in ends):
        return node.types
    sizes = [size for value in around.values() if value.type is not None for size in _sizes(value.type)]
    known = {name for size in sizes for name in names(size)}
    found = [_join(first, second, known) for first, second in zip(*ends, strict=True)]
    return tuple(sharper(was, now, None) for was, now in zip(node.types, found, strict=True))


def _sizes(type: Type) -> Shape:
    return (type.shape_or_none or ()) if isinstance(type, TensorType) else ()


def _join(first: Type | None, second: Type | None, known: Container[str]) -> Type | None:
    if not isinstance(first, TensorType) or not isinstance(second, TensorType) or first.dtype is not second.dtype:
        return None
    left, right = first.shape_or_none, second.shape_or_none
    if left is None or right is None or len(left) != len(right):
        return first[None]
    agreed = [
        a if equal(a, b) and all(name in known for name in names(a)) else UNKNOWN
        for a, b in zip(left, right, strict=True)
    ]
    return first[tuple(agreed)]


def model_of(graph: onnx.GraphProto, carried: Carried) -> bytes:
    """Return a sub-graph as a model of its own, of the operator sets and functions of the file that it came from."""
    imports = [onnx.OperatorSetIdProto(domain=domain, version=version) for domain, version in carried.imports]
    functions = [onnx.FunctionProto.FromString(function) for function in carried.functions]
    model = onnx.ModelProto(ir_version=onnx.IR_VERSION, graph=graph, opset_import=imports, functions=functions)
    data: bytes = model.SerializeToString()
    return data


def _improved(
    body: onnx.GraphProto, carried: Carried, taken: Mapping[str, Value], function: Improve, title: str
) -> tuple[onnx.GraphProto | None, tuple[Type | None, ...]]:
    """Return a sub-graph improved, or None, and the types of its outputs; it knows the types that it takes from around.

    It also knows the constants that it takes, where they are small.
    """
    opened = onnx.GraphProto()
    opened.CopyFrom(body)
    for name, value in taken.items():
        write_type(opened.input.add(name=name).type, value.type, lambda _: True)
    types: tuple[Type | None, ...] = ()
    try:
        inside = _settled(read(model_of(opened, carried)), taken)
        types = tuple(value.type for value in inside.outputs)
        made = function(inside)
        types = tuple(value.type for value in made.outputs)
        return None if made is inside else _written(made, taken, title), types
    except Error:
        return None, types


def _settled(graph: Graph, taken: Mapping[str, Value]) -> Graph:
    """Put what is known of each captured value in its place: its constant, if small, or its type."""

    def visit(node: Node) -> Value | None:
        name = node.name or ""
        if node.op is not input or name not in taken:
            return None
        value = taken[name]
        data = data_of(value)
        return value if data is not None and data.nbytes <= SMALL else named_input(name, value.type)

    return graph.rewrite(visit)


def _written(graph: Graph, taken: Mapping[str, Value], title: str) -> onnx.GraphProto:
    """Return a graph as one inside another, which takes what it captures by name and defines names that are its own."""
    ports = {name: named_input(name, value.type) for name, value in taken.items()}
    known = {id(value.node.params["data"]): name for name, value in taken.items() if value.node.op is constant}

    def visit(node: Node) -> tuple[Value, ...] | Value | None:
        if node.op is input:
            return ports.get(node.name or "")
        if node.op is constant and id(node.params["data"]) in known:
            return ports[known[id(node.params["data"])]]
        return node.replace(name=f"{title}/{node.op.name}").outputs if node.name is None else None

    closed = graph.rewrite(visit)
    own = [value for value in closed.inputs if value.node.op is input and value.node.name not in ports]
    ports |= {node.name or "": node.outputs[0] for node in closed.nodes if node.op is input and node.name in ports}
    model = build(closed.replace(inputs=[*own, *ports.values()]), None)
    for tensor, data in model.tensors:
        fill(tensor, data)
    found = model.proto.graph
    header = header_of(graph)
    if header is None or all(item.version != header.opset for item in model.proto.opset_import if item.domain == ""):
        raise Error(f"graph {graph.name} needs another opset than the one around it")
    kept = [port for port in found.input if port.name not in ports]
    found.ClearField("input")
    found.input.extend(kept)
    return found
