"""What sums up along axes."""

from functools import reduce

from nnvm.attrs import follow
from nnvm.ir import Node, TensorType, UnknownRank, Value, born, contents, i64, larger, op, product, smaller
from nnvm.ir.contents import Contents
from nnvm.ir.types import Shape
from nnvm.ops.typing import axes_of, axis_of, require


def axes_known(axes: Value | None) -> tuple[int, ...] | None:
    """Return the axes that a vector names, none where it is absent or has no elements, None where only a run tells."""
    if axes is None or _count(axes) == 0:
        return ()
    known = contents(axes)
    return None if known is None or not all(isinstance(axis, int) for axis in known) else known  # type: ignore[return-value]


def _count(axes: Value) -> int | None:
    """Return how many axes a vector names, None where that is not known."""
    shape = axes.type.shape_or_none if isinstance(axes.type, TensorType) else None
    return shape[0] if shape is not None and len(shape) == 1 and isinstance(shape[0], int) else None


def _reduced(x: Value, axes: Value | None, keepdims: bool, noop_with_empty_axes: bool) -> TensorType:
    shape = x.shape
    chosen = axes_known(axes)
    if chosen is None:
        return x.tensor[_measured(shape, axes, keepdims)]
    if not chosen and noop_with_empty_axes:
        return x.tensor
    over = axes_of(chosen, len(shape)) if chosen else tuple(range(len(shape)))
    if keepdims:
        return x.tensor[tuple(1 if i in over else size for i, size in enumerate(shape))]
    return x.tensor[tuple(size for i, size in enumerate(shape) if i not in over)]


def _measured(shape: Shape, axes: Value | None, keepdims: bool) -> Shape:
    """Return the shape where only a run tells the axes; how many there are may be known."""
    count = None if axes is None else _count(axes)
    require(count is None or count <= len(shape), f"there are {count} axes to reduce over, and {len(shape)} in all")
    if keepdims:
        return tuple(1 if size == 1 or count == len(shape) else born(i) for i, size in enumerate(shape))
    if count is None:
        raise UnknownRank
    return tuple(born(i) for i in range(len(shape) - count))


@op
def reduce_sum(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Sum along `axes`, all of them where they are absent or empty (ONNX ReduceSum)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_mean(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Average along `axes`, all of them where they are absent or empty (ONNX ReduceMean)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_max(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Return the maximum along `axes`, all of them where they are absent or empty (ONNX ReduceMax)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_min(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Return the minimum along `axes`, all of them where they are absent or empty (ONNX ReduceMin)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_prod(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Multiply along `axes`, all of them where they are absent or empty (ONNX ReduceProd)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_l1(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Sum absolute values along `axes`, all of them where they are absent or empty (ONNX ReduceL1)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_l2(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Return the root of the sum of squares along `axes`, all where they are absent or empty (ONNX ReduceL2)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_log_sum(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Return the logarithm of the sum along `axes`, all of them where they are absent or empty (ONNX ReduceLogSum)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_log_sum_exp(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Return the log of the sum of exponentials along `axes`, all where absent or empty (ONNX ReduceLogSumExp)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def reduce_sum_square(
    x: Value, axes: Value | None = None, *, keepdims: bool = True, noop_with_empty_axes: bool = False
) -> TensorType:
    """Sum squares along `axes`, all of them where they are absent or empty (ONNX ReduceSumSquare)."""
    return _reduced(x, axes, keepdims, noop_with_empty_axes)


@op
def argmax(x: Value, *, axis: int = 0, keepdims: bool = True, select_last_index: bool = False) -> TensorType:
    """Return where the maximum lies along `axis` (ONNX ArgMax)."""
    at = axis_of(axis, len(x.shape))
    return i64[tuple(1 if i == at else size for i, size in enumerate(x.shape) if keepdims or i != at)]


@op
def argmin(x: Value, *, axis: int = 0, keepdims: bool = True, select_last_index: bool = False) -> TensorType:
    """Return where the minimum lies along `axis` (ONNX ArgMin)."""
    at = axis_of(axis, len(x.shape))
    return i64[tuple(1 if i == at else size for i, size in enumerate(x.shape) if keepdims or i != at)]


@op
def cumsum(x: Value, axis: Value, *, exclusive: bool = False, reverse: bool = False) -> TensorType:
    """Sum up to each place along `axis` (ONNX CumSum)."""
    return x.tensor


@op
def cumprod(x: Value, axis: Value, *, exclusive: bool = False, reverse: bool = False) -> TensorType:
    """Multiply up to each place along `axis` (ONNX CumProd)."""
    return x.tensor


@follow(reduce_prod)
def _(node: Node, given: tuple[Contents, ...]) -> Contents | None:
    return (product(given[0]),) if node.outputs[0].tensor.elements == 1 else None


@follow(reduce_sum)
def _(node: Node, given: tuple[Contents, ...]) -> Contents | None:
    return (sum(given[0]),) if node.outputs[0].tensor.elements == 1 else None


@follow(reduce_max)
def _(node: Node, given: tuple[Contents, ...]) -> Contents | None:
    return (reduce(larger, given[0]),) if node.outputs[0].tensor.elements == 1 and given[0] else None


@follow(reduce_min)
def _(node: Node, given: tuple[Contents, ...]) -> Contents | None:
    return (reduce(smaller, given[0]),) if node.outputs[0].tensor.elements == 1 and given[0] else None
