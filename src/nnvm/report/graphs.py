"""What the command says of a graph: its operators, its inputs and outputs, its parameters, where a node comes from."""

from difflib import get_close_matches
from typing import Any

from nnvm.attrs import macs
from nnvm.errors import Error
from nnvm.ir import Graph, Node, TensorData, TensorType, data_of, is_constant, operators
from nnvm.ir.dims import Size
from nnvm.ir.provenance import account_of
from nnvm.ir.types import Type, UnknownRank
from nnvm.ops import fill
from nnvm.pipeline import count_nodes, operator_counts


def show(graph: Graph) -> dict[str, Any]:
    """Return what `nnvm show` says of a graph."""
    constants = [data for node in graph.nodes if (data := _constant(node)) is not None]
    work: Size = 0
    for node in operators(graph):
        cost = macs.get(node.op)
        try:
            work = work + (cost(node) if cost is not None else 0)
        except UnknownRank:
            continue
    return {
        "nodes": count_nodes(graph),
        "operators": operator_counts(graph),
        "inputs": [_row(value.name, value.type) for value in graph.inputs],
        "outputs": [_row(name, value.type) for name, value in zip(graph.output_names, graph.outputs, strict=True)],
        "parameters": sum(data.size for data in constants),
        "parameter_bytes": sum(data.nbytes for data in constants if not isinstance(data.source, tuple)),
        "macs": work if isinstance(work, int) else str(work),
    }


def _constant(node: Node) -> TensorData | None:
    """Return what a node holds, also where that is one number repeated to a constant shape."""
    if node.op is not fill:
        return data_of(node.outputs[0])
    type, value = node.types[0], node.params["value"]
    if not (is_constant(node.inputs[0]) and isinstance(type, TensorType) and type.shape_or_none is not None):
        return None
    known = all(isinstance(size, int) for size in type.shape)
    return TensorData(type, value.source, repeats=True) if known else None


def provenance(graph: Graph, name: str) -> dict[str, Any]:
    """Return where a node comes from, by its name: its sources, who made it, or what became of it."""
    found = account_of(graph, name)
    if found is None:
        known = [node.name for node in graph.nodes if node.name is not None]
        near = get_close_matches(name, known, 3)
        raise Error(f"there is no node {name!r}{', did you mean ' + ' or '.join(map(repr, near)) if near else ''}")
    return found


def _row(name: str, type: Type | None) -> dict[str, Any]:
    if not isinstance(type, TensorType):
        return {"name": name, "dtype": None if type is None else str(type), "shape": None}
    shape = (
        None
        if type.shape_or_none is None
        else [size if isinstance(size, int) else str(size) for size in type.shape_or_none]
    )
    return {"name": name, "dtype": type.dtype.name, "shape": shape}
