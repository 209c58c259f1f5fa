"""Pooling: the largest or the mean of a sliding window, one axis after another where that fits the workspace."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.reduce import reduce_max, reduce_mean, sum_workspace
from nnvm.backends.numpy.kernels.scratch import (
    INDEX,
    LIMIT,
    Array,
    Box,
    Shape,
    Shapes,
    carve,
    extent,
    lent,
    rounded,
    spans,
    wide,
)
from nnvm.backends.numpy.kernels.windows import Axis, axes, reach, taps


def lowest(dtype: np.dtype[Any]) -> Any:
    """Return the value that no element is less than: minus infinity, False, or the smallest integer."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return False if dtype.kind == "b" else dtype.type(-np.inf)


def max_pool(
    out: Array,
    x: Array,
    *,
    kernel: Shape,
    strides: Shape,
    pads: Shape,
    dilations: Shape,
    ceil_mode: int = 0,
    workspace: Array | None = None,
) -> None:
    """Take the largest element of each window; the output's own shape says how `ceil_mode` rounded."""
    plan = axes(x.shape[2:], out.shape[2:], kernel, strides, pads, dilations)
    _pool(out, x, plan, np.maximum, lowest(out.dtype), lent(workspace, "max_pool"), out.dtype)


def max_pool_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `max_pool` wants: the input at most, in strips of at most 256 KiB."""
    shape = in_shapes[0]
    return LIMIT if shape is None else min(LIMIT, 4 * rounded(prod(shape) * max(4, itemsize)) + 4096)


def average_pool(
    out: Array,
    x: Array,
    *,
    kernel: Shape,
    strides: Shape,
    pads: Shape,
    dilations: Shape,
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    workspace: Array | None = None,
) -> None:
    """Take the mean of each window, of all that lies inside the padded image or only inside the image itself."""
    plan = axes(x.shape[2:], out.shape[2:], kernel, strides, pads, dilations)
    room = lent(workspace, "average_pool")
    _pool(out, x, plan, np.add, 0, room, wide(out.dtype), bool(count_include_pad))


average_pool_workspace = max_pool_workspace


Run = tuple[slice, int]


def _counts(axis: Axis, padded: bool, part: slice) -> list[Run]:
    """Give runs of outputs, counted from the start of a part, with the number of elements in their windows."""
    low, high = (-axis.begin, axis.size + axis.end) if padded else (0, axis.size)
    reach = (axis.window - 1) * axis.dilation
    first = min(max(-((-low - axis.begin) // axis.stride), part.start), part.stop)
    last = max(min((high - 1 - reach + axis.begin) // axis.stride + 1, part.stop), first)
    edges = [
        (slice(place - part.start, place - part.start + 1), _count(axis, low, high, place * axis.stride - axis.begin))
        for places in (range(part.start, first), range(last, part.stop))
        for place in places
    ]
    return [*edges, (slice(first - part.start, last - part.start), axis.window)] if first < last else edges


def _count(axis: Axis, low: int, high: int, start: int) -> int:
    first = max(0, -((start - low) // axis.dilation))
    last = min(axis.window - 1, (high - 1 - start) // axis.dilation)
    return max(1, last - first + 1)


def _pool(
    out: Array,
    x: Array,
    plan: list[Axis],
    combine: Callable[..., Any],
    start: Any,
    workspace: Array,
    dtype: np.dtype[Any],
    padded: bool | None = None,
) -> None:
    """Combine windows box by box: along one axis after another where that fits, else tap by tap."""
    planes = x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    target = out.reshape(len(planes), *out.shape[2:])
    limit = _limit(target.shape, plan, dtype, dtype != x.dtype, workspace.size)
    for box in spans(target.shape, limit or workspace.size // dtype.itemsize):
        piece = target[box]
        if limit:
            total = _by_axes(piece, planes[box[0]], plan, box[1:], combine, start, workspace, dtype)
        else:
            total = piece if dtype == out.dtype else carve(workspace, (piece.shape, dtype))[0]
            total[...] = start
            for _, reaches in taps(plan, box[1:]):
                part = total[(slice(None), *(each.taken for each in reaches))]
                combine(part, planes[(box[0], *(each.source for each in reaches))], out=part)
        if padded is not None:
            _share(total, [_counts(axis, padded, part) for axis, part in zip(plan, box[1:], strict=True)])
        if total is not piece:
            np.copyto(piece, total, casting="unsafe")


def _share(total: Array, counts: list[list[Run]]) -> None:
    """Divide sums by the number of elements in their windows, in one pass where all windows are alike."""
    alike = 1
    for axis, runs in enumerate(counts):
        if len(runs) == 1:
            alike *= runs[0][1]
            continue
        lead = (slice(None),) * (axis + 1)
        for part, count in runs:
            piece = total[(*lead, part)]
            np.divide(piece, total.dtype.type(count), out=piece)
    if alike != 1:
        np.divide(total, total.dtype.type(alike), out=total)


def _rows(axis: Axis, part: slice) -> slice:
    first = part.start * axis.stride - axis.begin
    last = (part.stop - 1) * axis.stride - axis.begin + (axis.window - 1) * axis.dilation
    low = min(max(first, 0), axis.size)
    return slice(low, max(low, min(last + 1, axis.size)))


def _stages(plan: list[Axis], box: Box, widened: bool) -> list[Shape]:
    """Return the shapes before, between and after the axes: outputs so far, and what the axes still to come read.

    What is not widened is read from the input and written to the output: the first and the last are empty.
    """
    ahead = [_rows(axis, part) for axis, part in zip(plan, box[1:], strict=True)]
    shape = extent(box)
    between = [(*shape[: axis + 1], *extent(tuple(ahead[axis:]))) for axis in range(len(plan) + 1)]
    return between if widened else [(0,), *between[1:-1], (0,)]


def _limit(shape: Shape, plan: list[Axis], dtype: np.dtype[Any], widened: bool, size: int) -> int:
    """Return the largest tried number of outputs a box whose stages fit, or 0 where none do."""
    limit = size // dtype.itemsize
    while limit and plan:
        box = next(spans(shape, limit), None)
        if box is None:
            return 1
        middle = tuple(
            slice((whole - part.stop) // 2, (whole - part.stop) // 2 + part.stop)
            for whole, part in zip(shape, box, strict=True)
        )
        if sum(rounded(prod(stage) * dtype.itemsize) for stage in _stages(plan, middle, widened)) <= size:
            return limit
        limit = limit * 3 // 4
    return 0


def _by_axes(
    out: Array,
    x: Array,
    plan: list[Axis],
    box: Box,
    combine: Callable[..., Any],
    start: Any,
    workspace: Array,
    dtype: np.dtype[Any],
) -> Array:
    """Combine along the first axis, then the next; return where the result lies: `out`, or the workspace if wider."""
    whole = (slice(0, len(x)), *box)
    ahead = [_rows(axis, part) for axis, part in zip(plan, box, strict=True)]
    stages = carve(workspace, *((shape, dtype) for shape in _stages(plan, whole, dtype != x.dtype)))
    source = x[(slice(None), *ahead)]
    if dtype != x.dtype:
        np.copyto(stages[0], source)
        source = stages[0]
    for index, (axis, part) in enumerate(zip(plan, box, strict=True)):
        last = index + 1 == len(plan)
        total = out if last and dtype == out.dtype else stages[index + 1]
        lead = (slice(None),) * (index + 1)
        _fold(total, source, lead, axis, part, ahead[index].start, combine, start)
        source = total
    return source


def _fold(
    total: Array,
    source: Array,
    lead: Box,
    axis: Axis,
    part: slice,
    first: int,
    combine: Callable[..., Any],
    start: Any,
) -> None:
    """Combine the taps along one axis, beginning with one that reaches every output if there is one."""
    reaches = sorted((reach(axis, tap, part) for tap in range(axis.window)), key=lambda each: each.short)
    pieces = [
        (
            (*lead, each.taken),
            source[(*lead, slice(each.source.start - first, each.source.stop - first, each.source.step))],
        )
        for each in reaches
        if each.taken.stop
    ]
    if reaches[0].short:
        total[...] = start
    elif len(pieces) > 1 and not reaches[1].short:
        combine(pieces[0][1], pieces[1][1], out=total)
        pieces = pieces[2:]
    else:
        total[...] = pieces.pop(0)[1]
    for taken, piece in pieces:
        combine(total[taken], piece, out=total[taken])


def max_pool_with_indices(
    out: Array,
    indices: Array,
    x: Array,
    *,
    kernel: Shape,
    strides: Shape,
    pads: Shape,
    dilations: Shape,
    ceil_mode: int = 0,
    storage_order: int = 0,
    workspace: Array | None = None,
) -> None:
    """Take the largest element of each window and where it lies in x, counted over the whole array."""
    plan = axes(x.shape[2:], out.shape[2:], kernel, strides, pads, dilations)
    planes = x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    target = out.reshape(len(planes), *out.shape[2:])
    places = indices.reshape(target.shape)
    image = x.shape[2:]
    steps = [prod(image[:axis]) if storage_order else prod(image[axis + 1 :]) for axis in range(len(plan))]
    room = lent(workspace, "max_pool_with_indices")
    for box in spans(target.shape, (room.size - 256) // 16):
        grid, better = carve(room, (extent(box[1:]), INDEX), (extent(box), np.bool_))
        piece, place = target[box], places[box]
        piece[...] = lowest(out.dtype)
        _positions(grid, plan, box[1:], steps, None)
        place[...] = grid
        for tap, reaches in taps(plan, box[1:]):
            taken = tuple(each.taken for each in reaches)
            every = (slice(None), *taken)
            read = planes[(box[0], *(each.source for each in reaches))]
            np.greater(read, piece[every], out=better[every])
            np.copyto(piece[every], read, where=better[every])
            _positions(grid, plan, box[1:], steps, tap)
            np.copyto(place[every], grid[taken], where=better[every])
        for number in range(box[0].start, box[0].stop):
            np.add(place[number - box[0].start], number * prod(image), out=place[number - box[0].start])


def max_pool_with_indices_workspace(
    out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]
) -> int:
    """Return the bytes `max_pool_with_indices` wants: sixteen an output, at most 256 KiB."""
    shape = out_shapes[0]
    return LIMIT if shape is None else min(LIMIT, rounded(prod(shape) * 16) + 512)


def _positions(grid: Array, plan: list[Axis], box: Box, steps: list[int], tap: Shape | None) -> None:
    """Fill a grid with where one tap (or the first inside the image) reads, counted over one plane."""
    grid[...] = 0
    for index, (axis, part, step) in enumerate(zip(plan, box, steps, strict=True)):
        for first in range(part.start, part.stop, 256):
            last = min(part.stop, first + 256)
            start = np.arange(first, last) * axis.stride - axis.begin
            if tap is None:
                start += np.maximum(0, -(start // axis.dilation)) * axis.dilation
            else:
                start += tap[index] * axis.dilation
            piece = grid[(*[slice(None)] * index, slice(first - part.start, last - part.start))]
            np.add(piece, (start * step).reshape(-1, *[1] * (len(plan) - 1 - index)), out=piece)


def lp_pool(
    out: Array,
    x: Array,
    *,
    kernel: Shape,
    strides: Shape,
    pads: Shape,
    dilations: Shape,
    ceil_mode: int = 0,
    p: int = 2,
    workspace: Array | None = None,
) -> None:
    """Take the p-norm of each window."""
    plan = axes(x.shape[2:], out.shape[2:], kernel, strides, pads, dilations)
    planes = x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    target, dtype = out.reshape(len(planes), *out.shape[2:]), wide(out.dtype)
    room = lent(workspace, "lp_pool")
    for box in spans(target.shape, (room.size - 256) // (2 * dtype.itemsize)):
        total, part = carve(room, (extent(box), dtype), (extent(box), dtype))
        total[...] = 0
        for _, reaches in taps(plan, box[1:]):
            every = (slice(None), *(each.taken for each in reaches))
            power = part[every]
            np.copyto(power, planes[(box[0], *(each.source for each in reaches))], casting="unsafe")
            np.abs(power, out=power)
            np.power(power, dtype.type(p), out=power)
            np.add(total[every], power, out=total[every])
        np.power(total, dtype.type(1 / p), out=total)
        np.copyto(target[box], total, casting="unsafe")


def lp_pool_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `lp_pool` wants: two copies of the output, at most 256 KiB."""
    shape = out_shapes[0]
    return LIMIT if shape is None else min(LIMIT, rounded(prod(shape) * 2 * max(4, itemsize)) + 512)


def global_average_pool(out: Array, x: Array, *, workspace: Array | None = None) -> None:
    """Take the mean over all spatial axes."""
    reduce_mean(out, x, axes=tuple(range(2, x.ndim)), keepdims=True, workspace=workspace)


def global_max_pool(out: Array, x: Array) -> None:
    """Take the maximum over all spatial axes."""
    reduce_max(out, x, axes=tuple(range(2, x.ndim)), keepdims=True)


KERNELS = {
    "max_pool": max_pool,
    "max_pool_with_indices": max_pool_with_indices,
    "average_pool": average_pool,
    "lp_pool": lp_pool,
    "global_average_pool": global_average_pool,
    "global_max_pool": global_max_pool,
}
WORKSPACES = {
    "max_pool": max_pool_workspace,
    "max_pool_with_indices": max_pool_with_indices_workspace,
    "average_pool": average_pool_workspace,
    "lp_pool": lp_pool_workspace,
    "global_average_pool": sum_workspace,
}
