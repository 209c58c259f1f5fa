"""Convolution of every channel by itself: one small matrix product a channel, then one addition a row of the window."""

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Box, Shape, carve, extent, rounded, spans, wide
from nnvm.backends.numpy.kernels.windows import Axis, Reach, reach, taps


def depthwise_workspace() -> int:
    """Return the bytes `depthwise` wants: strips stay in the second-level cache whatever the shapes."""
    return LIMIT


def depthwise(out: Array, x: Array, weight: Array, bias: Array | None, plan: list[Axis], workspace: Array) -> None:
    """Convolve x (N, C, *image) by weight (C*k, 1, *window), k filters a channel."""
    count, channels = x.shape[:2]
    multiplier = weight.shape[0] // channels
    target = out.reshape(count, channels, multiplier, *out.shape[2:])
    filters = weight.reshape(channels, multiplier, *weight.shape[2:])
    shifts = None if bias is None else bias.reshape(channels, multiplier, *[1] * len(plan))
    shape = (channels, *out.shape[2:])
    limit = _limit(shape, tuple(plan), wide(x.dtype), workspace.size)
    step, room = (limit, workspace) if limit else (workspace.size // 32, workspace)
    together = max(1, min(channels, step // prod(shape[1:])))
    for image in spans(shape[1:], max(1, step // together)):
        fold = _fold(plan, together, image, x.dtype, room) if limit else None
        for number, index, first in product(range(count), range(multiplier), range(0, channels, together)):
            some = slice(first, min(channels, first + together))
            where: Any = (number, some, index, *image)
            piece = target[where]
            shift = None if shifts is None else shifts[some, index]
            if fold:
                _folded(piece, x[number, some], filters[some, index], shift, fold)
            else:
                _direct(piece, x[number, some], filters[some, index], shift, plan, image, workspace)


class Fold(NamedTuple):
    """A box of outputs made ready: views of the workspace, and what each tap takes from the image or gives to them."""

    shifts: list[tuple[Array, Any]]
    terms: list[tuple[Array, Box]]
    cells: Array
    products: Array
    total: Array
    matrix: Array
    shift: Array
    rows: Box
    covered: bool


def _fold(plan: list[Axis], channels: int, image: Box, dtype: np.dtype[Any], workspace: Array) -> Fold:
    """Lay out the workspace for a box; what lies in the padding is zeroed here once, for all channels."""
    every = (slice(None),)
    parts, rows = _parts(plan, (channels, *extent(image)), image, wide(dtype))
    columns, products, total, matrix, shift = carve(workspace, *parts)
    columns.fill(0)
    shifts = []
    for tap in range(plan[-1].window):
        each = reach(plan[-1], tap, image[-1])
        if each.taken.stop:
            shifts.append((columns[:, tap, ..., each.taken], (..., each.source)))
    terms = []
    for tap, (_, reaches) in enumerate(taps(plan[:-1], image[:-1])):
        source = tuple(_moved(each, row) for each, row in zip(reaches, rows, strict=True))
        taken = every + tuple(each.taken for each in reaches)
        given: Any = (slice(None), tap, *source)
        terms.append((any(each.short for each in reaches), products[given], taken))
    terms.sort(key=lambda term: term[0])
    flat_terms = [(view, taken) for _, view, taken in terms if view.size]
    cells = columns.reshape(*columns.shape[:2], -1)
    folded = products.reshape(*products.shape[:2], -1)
    return Fold(shifts, flat_terms, cells, folded, total, matrix, shift, rows, not terms[0][0])


def _parts(plan: list[Axis], shape: Shape, image: Box, dtype: np.dtype[Any]) -> tuple[list[tuple[Shape, Any]], Box]:
    """Size what a box of outputs lays into the workspace, and say which rows of the image it reads."""
    rows = tuple(_rows(axis, part) for axis, part in zip(plan[:-1], image, strict=False))
    lead = prod(axis.window for axis in plan[:-1])
    grid = (*extent(rows), shape[-1])
    columns = (shape[0], plan[-1].window, *grid)
    matrix = (shape[0], lead, plan[-1].window)
    bias = (shape[0], *[1] * len(plan))
    return [(each, dtype) for each in (columns, (shape[0], lead, *grid), shape, matrix, bias)], rows


def _rows(axis: Axis, part: slice) -> slice:
    """Return the indices of the image that a run of outputs reads along an axis, without padding."""
    first = part.start * axis.stride - axis.begin
    last = (part.stop - 1) * axis.stride - axis.begin + (axis.window - 1) * axis.dilation
    low = min(max(first, 0), axis.size)
    return slice(low, max(low, min(last + 1, axis.size)))


@lru_cache(maxsize=1024)
def _limit(shape: Shape, plan: tuple[Axis, ...], dtype: np.dtype[Any], size: int) -> int:
    """Return the largest tried number of outputs a box whose parts fit, or 0 where not even one output's do."""
    limit = size // dtype.itemsize
    while limit:
        channels = max(1, min(shape[0], limit // prod(shape[1:])))
        image = _widest(shape[1:], max(1, limit // channels))
        parts, _ = _parts(list(plan), (channels, *extent(image)), image, dtype)
        if sum(rounded(prod(part) * dtype.itemsize) for part, _ in parts) <= size:
            return limit
        limit = limit * 7 // 8
    return 0


def _widest(shape: Shape, limit: int) -> Box:
    """Return a box as large as any that `spans` cuts, moved to the middle, where it reads the most."""
    box = next(spans(shape, limit))
    sizes = zip(shape, extent(box), strict=True)
    return tuple(slice((size - part) // 2, (size - part) // 2 + part) for size, part in sizes)


def _folded(out: Array, x: Array, weight: Array, shift: Array | None, fold: Fold) -> None:
    """Convolve a box: copies shifted along the last axis, times the window's rows, then summed along the other axes."""
    count = len(x)
    image = x[(slice(None), *fold.rows)]
    for view, source in fold.shifts:
        view[:count] = image[source]
    total, matrix = out, fold.matrix[:count]
    if x.dtype == matrix.dtype:
        matrix = weight.reshape(matrix.shape)
    else:
        matrix[...] = weight.reshape(matrix.shape)
        total = fold.total[:count]
        if shift is not None:
            fold.shift[:count] = shift
            shift = fold.shift[:count]
    np.matmul(matrix, fold.cells[:count], out=fold.products[:count])
    if not fold.covered:
        total[...] = 0
    for number, (view, taken) in enumerate(fold.terms):
        part = total[taken]
        if number or not fold.covered:
            np.add(part, view[:count], out=part)
        elif shift is not None:
            np.add(view[:count], shift, out=part)
        else:
            part[...] = view[:count]
    if shift is not None and not fold.covered:
        np.add(total, shift, out=total)
    if total is not out:
        np.copyto(out, total, casting="unsafe")


def _moved(each: Reach, row: slice) -> slice:
    return slice(each.source.start - row.start, each.source.stop - row.start, each.source.step)


def _direct(
    out: Array, x: Array, weight: Array, shift: Array | None, plan: list[Axis], box: Box, workspace: Array
) -> None:
    """Convolve a box tap by tap where its parts would not fit, as under a huge dilation."""
    dtype = wide(x.dtype)
    total, part = carve(workspace, (out.shape, dtype), (out.shape, dtype))
    total[...] = 0 if shift is None else shift
    for tap, reaches in taps(plan, box):
        taken = tuple(each.taken for each in reaches)
        piece = part[(slice(None), *taken)]
        piece[...] = x[(slice(None), *(each.source for each in reaches))]
        np.multiply(piece, weight[(slice(None), *tap, *[None] * len(plan))].astype(dtype), out=piece)
        np.add(total[(slice(None), *taken)], piece, out=total[(slice(None), *taken)])
    np.copyto(out, total, casting="unsafe")
