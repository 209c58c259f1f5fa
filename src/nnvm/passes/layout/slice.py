"""How a slice of a slice is one."""

from nnvm.ir import ABSENT, Node, Value
from nnvm.ir.dims import Size
from nnvm.ops import slice
from nnvm.ops.shape import axes_of_slice
from nnvm.passes.constants import vector, whole

Cut = tuple[int, int, int]
"""Start, end and step along one axis, as Python's slices have them."""


def cuts_of(node: Node) -> dict[int, Cut] | None:
    """Return what a slice takes along each axis that it names, or None where that is not known."""
    x, starts, ends, *rest = node.inputs
    axes, steps = (*rest, ABSENT, ABSENT)[:2]
    begins, limits = whole(starts), whole(ends)
    if begins is None or limits is None or (axes is not ABSENT and whole(axes) is None):
        return None
    places = axes_of_slice(None if axes is ABSENT else axes, len(begins), len(x.shape))
    strides = (1,) * len(places) if steps is ABSENT else whole(steps)
    return None if strides is None else dict(zip(places, zip(begins, limits, strides, strict=True), strict=True))


def join_slices(node: Node) -> Value | None:
    """Make one slice of two in a row, where what both take along an axis is known to be one cut."""
    inner = node.inputs[0].node
    if inner.op is not slice or inner.after:
        return None
    first, second = cuts_of(inner), cuts_of(node)
    if first is None or second is None:
        return None
    x = inner.inputs[0]
    joined: dict[int, Cut] = {}
    for axis in sorted({*first, *second}):
        if axis in first and axis in second:
            cut = _joined(x.shape[axis], first[axis], second[axis])
            if cut is None:
                return None
            joined[axis] = cut
        else:
            joined[axis] = first[axis] if axis in first else second[axis]
    starts, ends, steps = zip(*joined.values(), strict=True)
    return slice(x, vector(starts), vector(ends), vector(joined), vector(steps))


def _joined(length: Size, first: Cut, second: Cut) -> Cut | None:
    """Return the cut that takes what the second takes of what the first takes, along an axis of known length."""
    if not isinstance(length, int):
        return None
    outer = taken(length, first)
    inner = taken(len(outer), second)
    if not inner:
        return 0, 0, 1
    step = outer.step * inner.step
    end = outer[inner[-1]] + (1 if step > 0 else -1)
    return outer[inner[0]], end if end >= 0 else -length - 1, step


def taken(length: int, cut: Cut) -> range:
    """Return which elements ONNX takes: unlike Python, going backward it starts at an element, whatever the start."""
    start, end, step = cut
    if not length:
        return range(0)
    begin, limit = (at + length if at < 0 else at for at in (start, end))
    if step > 0:
        return range(min(max(begin, 0), length), min(max(limit, 0), length), step)
    return range(min(max(begin, 0), length - 1), min(max(limit, -1), length - 1), step)
