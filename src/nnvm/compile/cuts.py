"""Which results are a run of the elements of an input, so that they need no bytes of their own."""

from nnvm.ir import ABSENT, Node, TensorType, Value, contents, equal
from nnvm.ir.dims import UNKNOWN, Size
from nnvm.ir.types import product
from nnvm.ops import slice, split
from nnvm.ops.shape import axes_of_slice, first_of_slice
from nnvm.ops.typing import axis_of


def cut_at(node: Node) -> tuple[Size, ...] | None:
    """Return at which element of the first input each output starts, where all are runs of its elements in order."""
    if node.op is not split and node.op is not slice:
        return None
    types = [value.type for value in (node.inputs[0], *node.outputs)]
    if not all(isinstance(type, TensorType) and type.shape_or_none is not None for type in types):
        return None
    return _split_at(node) if node.op is split else _slice_at(node)


def _split_at(node: Node) -> tuple[Size, ...] | None:
    shape = node.inputs[0].shape
    axis = axis_of(node.params["axis"], len(shape))
    if any(size != 1 for size in shape[:axis]):
        return None
    starts: list[Size] = []
    place: Size = 0
    for value in node.outputs:
        starts.append(place)
        place = place + product(value.shape)
    return tuple(starts) if equal(place, product(shape)) is True else None


def _slice_at(node: Node) -> tuple[Size, ...] | None:
    """Return the start of a slice that takes one of each outer axis, a run along the next, and all of the others."""
    shape, taken = node.inputs[0].shape, node.outputs[0].shape
    cut = next((axis for axis, size in enumerate(taken) if size != 1), len(taken))
    if any(equal(taken[axis], shape[axis]) is not True for axis in range(cut + 1, len(shape))):
        return None
    starts = _starts(node)
    if starts is None:
        return None
    place: Size = 0
    for axis, (start, step) in starts.items():
        if axis > cut:
            continue
        begin = first_of_slice(shape[axis], start, step)
        if begin is UNKNOWN or (axis == cut and step != 1):
            return None
        place = place + begin * product(shape[axis + 1 :])
    return (place,)


def _starts(node: Node) -> dict[int, tuple[Size, int]] | None:
    """Return the start and the step of each axis that a slice names, where they are known."""
    _, starts, _, axes, steps = (*node.inputs, *(ABSENT,) * (5 - len(node.inputs)))
    begins = contents(starts)
    if begins is None:
        return None
    strides = (1,) * len(begins) if steps is ABSENT else contents(steps)
    if strides is None or not all(isinstance(step, int) for step in strides):
        return None
    places = axes_of_slice(_given(axes), len(begins), len(node.inputs[0].shape))
    known = [step for step in strides if isinstance(step, int)]
    return {axis: (begins[i], known[i]) for i, axis in enumerate(places)}


def _given(value: Value) -> Value | None:
    return None if value is ABSENT else value
