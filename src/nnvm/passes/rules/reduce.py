"""How one reduction after another is one over the axes of both."""

from typing import Final

from nnvm.ir import ABSENT, Node, Value
from nnvm.ops import reduce_max, reduce_mean, reduce_min, reduce_prod, reduce_sum
from nnvm.ops.reduce import axes_known
from nnvm.ops.typing import axis_of
from nnvm.passes.constants import vector
from nnvm.passes.visits import Readers

REDUCTIONS: Final = (reduce_sum, reduce_mean, reduce_max, reduce_min, reduce_prod)


def reduced_twice(node: Node, readers: Readers) -> Value | None:
    """sum(sum(x, a), b) = sum(x, a and b), and so for maximum, minimum and product; for a mean of floats, too.

    Only where nothing else reads the first: it would be computed twice. Rounding may differ: the elements are added, or
    multiplied, in another order.
    """
    inner = node.inputs[0].node
    if inner.op is not node.op or inner.after or inner.params["keepdims"] != node.params["keepdims"]:
        return None
    if not readers.one(node.inputs[0]):
        return None
    x = inner.inputs[0]
    if node.op is reduce_mean and not x.dtype.is_float:
        return None
    first, second = _axes_of(inner), _axes_of(node)
    if first is None or second is None or not first or not second:
        return None
    if not node.params["keepdims"]:
        left = [axis for axis in range(len(x.shape)) if axis not in first]
        second = {left[axis] for axis in second}
    return node.op(x, vector(sorted(first | second)), keepdims=node.params["keepdims"])  # type: ignore[no-any-return]


def _axes_of(node: Node) -> set[int] | None:
    """Return the axes that a reduction is over; None where only a run tells."""
    axes = axes_known(node.inputs[1] if len(node.inputs) > 1 and node.inputs[1] is not ABSENT else None)
    rank = len(node.inputs[0].shape)
    if axes is None:
        return None
    if not axes:
        return set() if node.params["noop_with_empty_axes"] else set(range(rank))
    return {axis_of(axis, rank) for axis in axes}
