"""Reductions over any axes; short floats add up in float32, mapped terms go through the workspace block by block."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np

from nnvm.backends.numpy.kernels.scratch import (
    LIMIT,
    Array,
    Box,
    Shape,
    Shapes,
    carve,
    extent,
    flat,
    is_low,
    lent,
    normal,
    rounded,
    spans,
    wide,
)


def reduce_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes the mapped reductions want: blocks of the input, at most 256 KiB."""
    shape = in_shapes[0]
    return LIMIT if shape is None else min(LIMIT, 4 * rounded(prod(shape) * max(8, itemsize)) + 1024)


def sum_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes a sum, a mean or a product wants: none, but for short types, which are widened."""
    return reduce_workspace(out_shapes, in_shapes, itemsize, params) if itemsize < 4 else 0


def _axes(x: Array, axes: Shape) -> Shape:
    return tuple(sorted({normal(axis, x.ndim) for axis in axes}))


def _plain(ufunc: Any, out: Array, x: Array, axes: Shape, initial: Any = None) -> None:
    """Reduce by one ufunc without widening; `out` may keep the reduced axes or drop them."""
    some = _axes(x, axes)
    target = out.reshape(tuple(1 if axis in some else size for axis, size in enumerate(x.shape)), copy=False)
    if not some:
        np.copyto(target, x)
    elif initial is None:
        ufunc.reduce(x, axis=some, dtype=out.dtype, out=target, keepdims=True)
    else:
        ufunc.reduce(x, axis=some, out=target, keepdims=True, initial=initial)


def reduce_max(out: Array, x: Array, *, axes: Shape, keepdims: bool = True) -> None:
    """Take the maximum; nothing at all gives minus infinity, the least integer or False."""
    _plain(np.maximum, out, x, axes, None if x.size else _bound(x.dtype, -np.inf, "min"))


def reduce_min(out: Array, x: Array, *, axes: Shape, keepdims: bool = True) -> None:
    """Take the minimum; nothing at all gives infinity, the greatest integer or True."""
    _plain(np.minimum, out, x, axes, None if x.size else _bound(x.dtype, np.inf, "max"))


def _bound(dtype: np.dtype[Any], infinite: float, end: str) -> Any:
    if dtype.kind == "b":
        return infinite > 0
    return getattr(np.iinfo(dtype), end) if dtype.kind in "iu" else dtype.type(infinite)


def reduce_sum(out: Array, x: Array, *, axes: Shape, keepdims: bool = True, workspace: Array | None = None) -> None:
    """Add up along the axes."""
    if is_low(x.dtype):
        _mapped(out, x, axes, _same, lent(workspace, "reduce_sum"))
    else:
        _plain(np.add, out, x, axes)


def reduce_mean(out: Array, x: Array, *, axes: Shape, keepdims: bool = True, workspace: Array | None = None) -> None:
    """Take the mean; integers truncate toward zero."""
    count = prod(x.shape[axis] for axis in _axes(x, axes))
    if is_low(x.dtype):
        _mapped(out, x, axes, _same, lent(workspace, "reduce_mean"), lambda total: np.divide(total, count, out=total))
        return
    _plain(np.add, out, x, axes)
    if x.dtype.kind == "f":
        np.divide(out, out.dtype.type(count), out=out)
        return
    line = flat(out)
    for start in range(0, line.size, 512):
        line[start : start + 512] = np.trunc(line[start : start + 512] / count)


def reduce_prod(out: Array, x: Array, *, axes: Shape, keepdims: bool = True, workspace: Array | None = None) -> None:
    """Multiply along the axes."""
    if is_low(x.dtype):
        _mapped(out, x, axes, _same, lent(workspace, "reduce_prod"), combine=np.multiply)
    else:
        _plain(np.multiply, out, x, axes)


def reduce_l1(out: Array, x: Array, *, axes: Shape, keepdims: bool = True, workspace: Array | None = None) -> None:
    """Add up absolute values."""
    _mapped(out, x, axes, lambda block: np.abs(block, out=block), lent(workspace, "reduce_l1"))


def reduce_l2(out: Array, x: Array, *, axes: Shape, keepdims: bool = True, workspace: Array | None = None) -> None:
    """Take the root of the sum of squares."""
    _mapped(out, x, axes, _squared, lent(workspace, "reduce_l2"), lambda total: np.sqrt(total, out=total))


def reduce_sum_square(
    out: Array, x: Array, *, axes: Shape, keepdims: bool = True, workspace: Array | None = None
) -> None:
    """Add up squares."""
    _mapped(out, x, axes, _squared, lent(workspace, "reduce_sum_square"))


def reduce_log_sum(out: Array, x: Array, *, axes: Shape, keepdims: bool = True, workspace: Array | None = None) -> None:
    """Take the logarithm of the sum."""
    _mapped(out, x, axes, _same, lent(workspace, "reduce_log_sum"), lambda total: np.log(total, out=total))


def reduce_log_sum_exp(
    out: Array, x: Array, *, axes: Shape, keepdims: bool = True, workspace: Array | None = None
) -> None:
    """Take the logarithm of the sum of exponentials, less their maximum first so that nothing overflows."""
    room = lent(workspace, "reduce_log_sum_exp")
    dtype = np.dtype(np.float64) if x.dtype.kind in "iu" else _sum_type(x.dtype)
    for some, rest in _blocks(out, x, axes, room, dtype):
        total, part, block, shift, mask = _lay(room, x, some, dtype)
        shift.fill(-np.inf)
        for box in rest() if x.size else ():
            piece = _load(block, x, some, box)
            np.maximum(shift, np.maximum.reduce(piece, axis=some.reduced, keepdims=True, out=part), out=shift)
        np.copyto(part, np.inf)
        np.copyto(shift, 0, where=np.equal(np.abs(shift, out=total), part, out=mask))
        total.fill(0)
        for box in rest():
            piece = _load(block, x, some, box)
            np.exp(np.subtract(piece, shift, out=piece), out=piece)
            np.add(total, np.add.reduce(piece, axis=some.reduced, keepdims=True, out=part), out=total)
        np.add(np.log(total, out=total), shift, out=total)
        np.copyto(some.target, total, casting="unsafe")


def _same(block: Array) -> Array:
    return block


def _squared(block: Array) -> Array:
    return np.multiply(block, block, out=block)


class Some(NamedTuple):
    """A block of the output: where it lies in the input, what is reduced, and how much is read at a time."""

    target: Array
    kept: Box
    reduced: Shape
    limit: int


def _blocks(
    out: Array, x: Array, axes: Shape, workspace: Array, dtype: np.dtype[Any]
) -> Iterator[tuple[Some, Callable[[], Iterator[Box]]]]:
    """Cut the output into blocks, and for each give the boxes of the input that it is made of."""
    some = _axes(x, axes)
    shape = tuple(1 if axis in some else size for axis, size in enumerate(x.shape))
    along = tuple(size if axis in some else 1 for axis, size in enumerate(x.shape))
    target = out.reshape(shape, copy=False)
    room = (workspace.size - 320) // dtype.itemsize
    most = room // 2
    inner = x.ndim > 0 and x.ndim - 1 not in some
    most_kept = min(room // 9, 4096) if inner else max(1, min(room // 9, most // max(1, prod(along))))
    for kept in spans(shape, most_kept):
        limit = max(1, most // max(1, prod(extent(kept))))
        piece = target[kept] if kept else target

        def rest(limit: int = limit) -> Iterator[Box]:
            return spans(along, limit)

        yield Some(piece, kept, some, limit), rest


def _lay(workspace: Array, x: Array, some: Some, dtype: np.dtype[Any]) -> list[Array]:
    """Lay out the sum, one block's sum, the block, and a maximum, and a mask."""
    kept = extent(some.kept)
    block = prod(kept) * min(some.limit, prod(x.shape[axis] for axis in some.reduced))
    return carve(workspace, (kept, dtype), (kept, dtype), ((block,), dtype), (kept, dtype), (kept, np.bool_))


def _load(block: Array, x: Array, some: Some, box: Box) -> Array:
    """Copy what a box of the reduced axes holds for the block of kept ones, widened."""
    where = tuple(part if axis in some.reduced else some.kept[axis] for axis, part in enumerate(box))
    shape = extent(where)
    piece = block[: prod(shape)].reshape(shape)
    some_of_x: Any = (*where, ...)
    np.copyto(piece, x[some_of_x], casting="unsafe")
    return piece


def _sum_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that terms are mapped and added in: at least 32 bits for floats, 64 for integers."""
    return wide(dtype) if dtype.kind not in "biu" else np.dtype(np.uint64 if dtype.kind == "u" else np.int64)


def _mapped(
    out: Array,
    x: Array,
    axes: Shape,
    term: Callable[[Array], Array],
    workspace: Array,
    finish: Callable[[Array], Any] | None = None,
    combine: np.ufunc = np.add,
) -> None:
    """Reduce `term` of x block by block, and let `finish` have the last word on each sum."""
    dtype = np.dtype(np.float64) if finish and x.dtype.kind in "iu" else _sum_type(x.dtype)
    for some, rest in _blocks(out, x, axes, workspace, dtype):
        total, part, block, *_ = _lay(workspace, x, some, dtype)
        total.fill(1 if combine is np.multiply else 0)
        for box in rest():
            piece = term(_load(block, x, some, box))
            combine.reduce(piece, axis=some.reduced, dtype=dtype, keepdims=True, out=part)
            combine(total, part, out=total)
        if finish is not None:
            finish(total)
        np.copyto(some.target, total, casting="unsafe")


KERNELS = {
    "reduce_max": reduce_max,
    "reduce_min": reduce_min,
    "reduce_sum": reduce_sum,
    "reduce_mean": reduce_mean,
    "reduce_prod": reduce_prod,
    "reduce_l1": reduce_l1,
    "reduce_l2": reduce_l2,
    "reduce_sum_square": reduce_sum_square,
    "reduce_log_sum": reduce_log_sum,
    "reduce_log_sum_exp": reduce_log_sum_exp,
}
WORKSPACES = {
    "reduce_sum": sum_workspace,
    "reduce_mean": sum_workspace,
    "reduce_prod": sum_workspace,
    "reduce_l1": reduce_workspace,
    "reduce_l2": reduce_workspace,
    "reduce_sum_square": reduce_workspace,
    "reduce_log_sum": reduce_workspace,
    "reduce_log_sum_exp": reduce_workspace,
}
