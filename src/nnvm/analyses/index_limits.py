"""How large the whole numbers in an input may be, for they pick from something."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from nnvm import ops
from nnvm.ir import ABSENT, Graph, Node, Op, TensorData, TensorType, Value, analysis, data_of, input
from nnvm.ir.dims import Size
from nnvm.ir.tensor_data import Number

Limit = tuple[Size, int]
"""A dimension, and by how much what lies below it may be missed on the way."""

_KEPT: Final[Mapping[Op[..., Any], slice]] = {
    **dict.fromkeys(
        (
            *(ops.cast, ops.clip, ops.copy, ops.expand, ops.flatten, ops.gather, ops.gather_elements, ops.gather_nd),
            *(ops.identity, ops.pad, ops.reshape, ops.slice, ops.split, ops.squeeze, ops.tile, ops.transpose),
            *(ops.trilu, ops.unsqueeze),
        ),
        slice(0, 1),
    ),
    **dict.fromkeys((ops.concat, ops.maximum, ops.minimum), slice(0, None)),
    ops.where: slice(1, 3),
}
"""Operators whose outputs hold nothing but elements of these inputs."""
_LARGEST: Final = 1 << 16
"""Elements of a constant beyond which nobody looks for the largest."""


@analysis
def index_limits(graph: Graph) -> Mapping[str, tuple[Limit, ...]]:
    """Return, by input, below which dimensions its numbers must stay; an input without such a limit is missing.

    A number n is allowed below a limit (size, more) where n + more < size.
    """
    found: dict[str, dict[Limit, None]] = {}
    sources: dict[Value, dict[tuple[str, int], None]] = {
        value: {(value.name or "", 0): None} for value in graph.inputs if _is_whole(value)
    }
    if not sources:
        return {}
    for node in graph.nodes:
        if node.op is input or not any(value in sources for value in node.inputs):
            continue
        for value, size in _limits(node):
            for name, more in sources.get(value, {}):
                found.setdefault(name, {})[size, more] = None
        kept = _kept(node, sources)
        if kept:
            sources.update(dict.fromkeys(node.outputs, kept))
    return {name: tuple(limits) for name, limits in found.items()}


def _is_whole(value: Value) -> bool:
    return isinstance(value.type, TensorType) and value.type.dtype.is_integer


def _kept(node: Node, sources: Mapping[Value, dict[tuple[str, int], None]]) -> dict[tuple[str, int], None]:
    """Return from which inputs the numbers in a node's outputs come, and what was added to them."""
    if node.op is ops.add:
        return _moved(node, sources)
    places = _KEPT.get(node.op)
    return {} if places is None else {each: None for value in node.inputs[places] for each in sources.get(value, ())}


def _moved(node: Node, sources: Mapping[Value, dict[tuple[str, int], None]]) -> dict[tuple[str, int], None]:
    for value, other in (node.inputs, node.inputs[::-1]):
        data = data_of(other)
        most = None if data is None or value not in sources else _largest(data)
        if most is not None:
            return {(name, more + most): None for name, more in sources[value]}
    return {}


def _largest(data: TensorData) -> int | None:
    """Return the largest number of a constant, 0 where none is above; None where nobody looks."""
    numbers: tuple[Number, ...] = () if data.uniform is None else (data.uniform,)
    if not numbers and 0 < data.size <= _LARGEST and data.has_numbers:
        numbers = data.values()
    return max(0, *(int(each) if isfinite(each) else 0 for each in numbers)) if numbers else None


def _limits(node: Node) -> tuple[tuple[Value, Size], ...]:
    """Return the inputs of a node that must stay below a dimension, with it."""
    inputs, given = node.inputs, node.params
    shape = inputs[0].type.shape_or_none if isinstance(inputs[0].type, TensorType) else None
    if shape is None:
        return ()
    if node.op in (ops.gather, ops.gather_elements, ops.scatter_elements):
        return ((inputs[1], shape[given["axis"]]),)
    if node.op in (ops.gather_nd, ops.scatter_nd):
        first = given.get("batch_dims", 0)
        picked = inputs[1].type.shape_or_none if isinstance(inputs[1].type, TensorType) else None
        width = picked[-1] if picked and isinstance(picked[-1], int) else len(shape) - first
        return tuple((inputs[1], size) for size in shape[first : first + width])
    if node.op is ops.reverse_sequence:
        return ((inputs[1], shape[given["time_axis"]] + 1),)
    if node.op in (ops.lstm, ops.gru, ops.rnn) and len(inputs) > 4 and inputs[4] is not ABSENT:
        return ((inputs[4], shape[1 if given["layout"] else 0] + 1),)
    return ()
