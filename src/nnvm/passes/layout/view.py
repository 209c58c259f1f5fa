"""What looks at the same elements through one shape after another."""

from nnvm.attrs import view
from nnvm.ir import Node, TensorType, Value, is_constant, same_type
from nnvm.ir.types import Shape
from nnvm.ops import reshape
from nnvm.passes.constants import vector

_ROW = 64
"""How many views are looked through at most; longer rows shrink from their other end."""


def join_views(node: Node) -> Value | None:
    """Make one reshape, to a constant shape that says it, of a row of views; none where both ends have one type."""
    wanted = node.outputs[0].type
    if node.op not in view or not isinstance(wanted, TensorType):
        return None
    source, steps = node.inputs[0], 1
    while source.node.op in view and not source.node.after and steps < _ROW:
        source, steps = source.node.inputs[0], steps + 1
    if same_type(source.type, wanted):
        return source
    if steps == 1 and all(map(is_constant, node.inputs[1:])):
        return None
    sizes = written_shape(source.shape, wanted.shape)
    return None if sizes is None else reshape(source, vector(sizes))


def written_shape(source: Shape, wanted: Shape) -> tuple[int, ...] | None:
    """Return numbers that make a reshape give the wanted dimensions, or None where none do.

    0 keeps a dimension, and -1 stands for one more that is not a number.
    """
    sizes = [_number_for(source, wanted, i) for i in range(len(wanted))]
    if None in sizes and sizes.count(None) == 1 and 0 not in wanted:
        sizes[sizes.index(None)] = -1
    found = tuple(size for size in sizes if size is not None)
    return found if len(found) == len(sizes) else None


def _number_for(source: Shape, wanted: Shape, i: int) -> int | None:
    size = wanted[i]
    kept = i < len(source) and source[i] is size
    if isinstance(size, int) and (size or kept):
        return size
    return 0 if kept else None
