"""How a join of every other pixel, from each corner of a block, becomes one operator and a convolution's weights."""

from collections.abc import Sequence

from nnvm.ir import ABSENT, Node, Value, f32, f64, is_constant
from nnvm.ops import conv, gather, slice, space_to_depth
from nnvm.ops.typing import axis_of
from nnvm.passes.constants import vector, whole
from nnvm.passes.layout.slice import cuts_of
from nnvm.passes.visits import Readers


def join_phases(node: Node, readers: Readers) -> Value | None:
    """concat of x[:, :, i::b, j::b] for every i and j below b = space_to_depth(x), its blocks in another order."""
    count = len(node.inputs)
    block = round(count**0.5)
    if block < 2 or block * block != count or axis_of(node.params["axis"], len(node.outputs[0].shape)) != 1:
        return None
    x = node.inputs[0].node.inputs[0] if node.inputs[0].node.op is slice else ABSENT
    if x is ABSENT or x.dtype not in (f32, f64) or len(x.shape) != 4:
        return None
    phases = [_phase(value, x, block) if readers.one(value) else None for value in node.inputs]
    order = [i * block + j for i, j in filter(None, phases)]
    if sorted(order) != list(range(count)):
        return None
    made, channels = space_to_depth(x, block=block), x.shape[1]
    if order == list(range(count)):
        return made
    if not isinstance(channels, int):
        return None
    return gather(made, vector(at * channels + i for at in order for i in range(channels)), axis=1)


def _phase(value: Value, x: Value, block: int) -> tuple[int, int] | None:
    """Return where in its block a slice takes a pixel, or None where it takes anything else."""
    if value.node.op is not slice or value.node.after or value.node.inputs[0] is not x:
        return None
    cuts = cuts_of(value.node)
    height, width = x.shape[2:]
    if cuts is None or cuts.keys() != {2, 3} or not isinstance(height, int) or not isinstance(width, int):
        return None
    if height % block or width % block:
        return None
    starts = []
    for axis, length in ((2, height), (3, width)):
        start, end, step = cuts[axis]
        if step != block or not 0 <= start < block or not length <= end:
            return None
        starts.append(start)
    return starts[0], starts[1]


def reorder_weights(node: Node) -> Value | None:
    """conv(gather(x, order), w) = conv(x, w with its channels in the order undone)."""
    inner, weight = node.inputs[0].node, node.inputs[1]
    if inner.op is not gather or inner.after or node.params["groups"] != 1 or not is_constant(weight):
        return None
    order, x = whole(inner.inputs[1]), inner.inputs[0]
    if axis_of(inner.params["axis"], len(x.shape)) != 1:
        return None
    if order is None or len(inner.inputs[1].shape) != 1 or sorted(order) != list(range(len(order))):
        return None
    if x.shape[1] != len(order):
        return None
    return conv(x, gather(weight, vector(_undone(order)), axis=1), *node.inputs[2:], **node.params)


def _undone(order: Sequence[int]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)
