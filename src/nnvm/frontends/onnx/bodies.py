"""How the graphs inside a carried `If`, `Loop` or `Scan` are read, improved, and put back where they were."""

from collections.abc import Callable, Mapping
from typing import Final

import onnx

from nnvm.attrs import bodies
from nnvm.errors import Error
from nnvm.frontends.onnx.carry import CARRIED, Carried, captured_names, foreign_operator
from nnvm.frontends.onnx.reader import carried_params, read
from nnvm.frontends.onnx.tensors import fill
from nnvm.frontends.onnx.value_types import write_type
from nnvm.frontends.onnx.writer import SMALL, build, header_of
from nnvm.ir import ABSENT, Graph, Node, Value, constant, data_of, input, named_input

Improve = Callable[[Graph], Graph]
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
    prototype = onnx.NodeProto.FromString(carried.node)
    changed = False
    for attribute in prototype.attribute:
        if attribute.HasField("g"):
            alone = onnx.NodeProto(attribute=[attribute])
            taken = {name: around[name] for name in captured_names(alone)}
            made = _improved(attribute.g, carried, taken, function, node.name or "inside")
            if made is not None:
                attribute.g.CopyFrom(made)
                changed = True
    if not changed:
        return None
    names = captured_names(prototype)
    data = prototype.SerializeToString(deterministic=True)
    record = Carried(data, names, carried.skipped, carried.imports, carried.functions)
    inputs = (*node.inputs[:own], *(around[name] for name in names))
    return node.replace(inputs=inputs, params=carried_params(prototype, record))


def model_of(graph: onnx.GraphProto, carried: Carried) -> bytes:
    """Return a sub-graph as a model of its own, of the operator sets and functions of the file that it came from."""
    imports = [onnx.OperatorSetIdProto(domain=domain, version=version) for domain, version in carried.imports]
    functions = [onnx.FunctionProto.FromString(function) for function in carried.functions]
    model = onnx.ModelProto(ir_version=onnx.IR_VERSION, graph=graph, opset_import=imports, functions=functions)
    data: bytes = model.SerializeToString()
    return data


def _improved(
    body: onnx.GraphProto, carried: Carried, taken: Mapping[str, Value], function: Improve, title: str
) -> onnx.GraphProto | None:
    """Return a sub-graph improved, knowing the types and small constants that it takes from around it, or None."""
    opened = onnx.GraphProto()
    opened.CopyFrom(body)
    for name, value in taken.items():
        write_type(opened.input.add(name=name).type, value.type, lambda _: True)
    try:
        inside = _settled(read(model_of(opened, carried)), taken)
        made = function(inside)
        if made is inside:
            return None
        return _written(made, taken, title)
    except Error:
        return None


def _settled(graph: Graph, taken: Mapping[str, Value]) -> Graph:
    """Put what is known of each captured value in its place: its constant, if small, or its type."""

    def visit(node: Node) -> Value | None:
        if node.op is not input or node.name not in taken:
            return None
        value = taken[node.name]
        data = data_of(value)
        return value if data is not None and data.nbytes <= SMALL else named_input(node.name, value.type)

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
