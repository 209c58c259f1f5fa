"""Products and convolutions of whole numbers, exact, and those of the numbers they stand for."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.quantize import settle
from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Box, Shape, Shapes, carve, extent, lent, offset, spans
from nnvm.backends.numpy.kernels.windows import Axis, axes, reach

_BLOCK = 64
_DOUBLE = np.dtype(np.float64)


def integer_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes that products of whole numbers want: blocks in float64, where they are exact."""
    return LIMIT


def matmul_integer(
    out: Array,
    a: Array,
    b: Array,
    a_zero: Array | None = None,
    b_zero: Array | None = None,
    *,
    workspace: Array | None = None,
) -> None:
    """Multiply matrices of bytes less their zero points into int32."""
    for goal, total, _ in _products(out, a, b, a_zero, b_zero, lent(workspace, "matmul_integer")):
        np.copyto(goal, total, casting="unsafe")


def qlinear_matmul(
    out: Array,
    a: Array,
    a_scale: Array,
    a_zero: Array,
    b: Array,
    b_scale: Array,
    b_zero: Array,
    y_scale: Array,
    y_zero: Array,
    *,
    workspace: Array | None = None,
) -> None:
    """Multiply matrices of steps into steps of another scale."""
    shape = _stacked(out, a, b)
    rows, columns = np.broadcast_to(_rowwise(a_scale, a.ndim), shape), np.broadcast_to(b_scale, shape)
    target, zeros = np.broadcast_to(y_scale, shape), np.broadcast_to(y_zero, shape)
    for goal, total, box in _products(out, a, b, a_zero, b_zero, lent(workspace, "qlinear_matmul")):
        np.multiply(total, rows[box], out=total)
        np.multiply(total, columns[box], out=total)
        np.divide(total, target[box], out=total)
        settle(goal, total, zeros[box])


def _rowwise(each: Array, rank: int) -> Array:
    """Let a vector stand for rows, not columns."""
    return each.reshape(-1, 1) if each.ndim == 1 and each.size > 1 and rank > 1 else each


def _stacked(out: Array, a: Array, b: Array) -> Shape:
    left, right = (1, *a.shape) if a.ndim == 1 else a.shape, (*b.shape, 1) if b.ndim == 1 else b.shape
    return (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])


def _products(
    out: Array, a: Array, b: Array, a_zero: Array | None, b_zero: Array | None, room: Array
) -> Iterator[tuple[Array, Array, tuple[Any, ...]]]:
    """Yield blocks of the output with their exact sums of products, and where in the stack they are."""
    shape = _stacked(out, a, b)
    left, right = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    zeros = [np.zeros((1, 1), np.uint8) if each is None else each for each in (a_zero, b_zero)]
    target, lead, depth = out.reshape(shape), shape[:-2], left.shape[-1]
    left, right = np.broadcast_to(left, (*lead, *left.shape[-2:])), np.broadcast_to(right, (*lead, *right.shape[-2:]))
    low = np.broadcast_to(_rowwise(zeros[0], a.ndim), left.shape)
    high = np.broadcast_to(zeros[1], right.shape)
    for stack in product(*map(range, lead)):
        for top, side in product(range(0, shape[-2], _BLOCK), range(0, shape[-1], _BLOCK)):
            across, along = slice(top, min(shape[-2], top + _BLOCK)), slice(side, min(shape[-1], side + _BLOCK))
            size = (across.stop - top, along.stop - side)
            square = (_BLOCK * _BLOCK,)
            total, part, first, second = carve(
                room, (size, _DOUBLE), (size, _DOUBLE), (square, _DOUBLE), (square, _DOUBLE)
            )
            total.fill(0)
            for start in range(0, depth, _BLOCK):
                terms = slice(start, min(depth, start + _BLOCK))
                count = terms.stop - start
                x, y = first[: size[0] * count].reshape(-1, count), second[: count * size[1]].reshape(count, -1)
                np.subtract(left[stack][across, terms], low[stack][across, terms], out=x, dtype=_DOUBLE)
                np.subtract(right[stack][terms, along], high[stack][terms, along], out=y, dtype=_DOUBLE)
                np.add(total, np.matmul(x, y, out=part), out=total)
            yield target[stack][across, along], total, (*stack, across, along)


def conv_integer(
    out: Array,
    x: Array,
    weight: Array,
    x_zero: Array | None = None,
    w_zero: Array | None = None,
    *,
    workspace: Array | None = None,
    **window: Any,
) -> None:
    """Convolve bytes less their zero points into int32; what lies outside the image counts as the zero point."""
    for goal, total, _ in _convolved(out, x, weight, x_zero, w_zero, lent(workspace, "conv_integer"), **window):
        np.copyto(goal, total, casting="unsafe")


def qlinear_conv(
    out: Array,
    x: Array,
    x_scale: Array,
    x_zero: Array,
    weight: Array,
    w_scale: Array,
    w_zero: Array,
    y_scale: Array,
    y_zero: Array,
    bias: Array | None = None,
    *,
    workspace: Array | None = None,
    **window: Any,
) -> None:
    """Convolve steps into steps of another scale; the bias counts in steps of the product."""
    filters = weight.shape[0]
    scales = np.broadcast_to(w_scale.reshape(-1), (filters,)).astype(_DOUBLE)
    factors = scales * float(x_scale.reshape(())) / float(y_scale.reshape(()))
    for goal, total, some in _convolved(out, x, weight, x_zero, w_zero, lent(workspace, "qlinear_conv"), **window):
        if bias is not None:
            np.add(total, bias[some, None], out=total)
        np.multiply(total, factors[some, None], out=total)
        settle(goal, total, y_zero.reshape(()))


def _convolved(
    out: Array,
    x: Array,
    weight: Array,
    x_zero: Array | None,
    w_zero: Array | None,
    room: Array,
    *,
    strides: Shape,
    pads: Shape,
    dilations: Shape,
    groups: int = 1,
) -> Iterator[tuple[Array, Array, slice]]:
    """Yield stretches of the output (filters, positions) with their exact sums, and which filters they are of."""
    if not out.size:
        return
    plan = axes(x.shape[2:], out.shape[2:], weight.shape[2:], strides, pads, dilations)
    depth, window, filters = weight.shape[1], weight.shape[2:], weight.shape[0] // groups
    image, taps = out.shape[2:], prod(weight.shape[2:])
    if x.shape[1] != depth * groups or out.shape[1] != weight.shape[0] or weight.shape[0] % groups:
        raise ValueError(f"conv of {x.shape} by {weight.shape} in {groups} groups does not give {out.shape}")
    less = 0.0 if x_zero is None else float(x_zero.reshape(-1)[0])
    zeros = np.broadcast_to(0 if w_zero is None else w_zero.reshape(-1), (weight.shape[0],))
    target, matrix = out.reshape(len(x), weight.shape[0], -1), weight.reshape(weight.shape[0], depth * taps)
    quarter = room.size // 4 // _DOUBLE.itemsize // 16 * 16
    strip = max(1, min(prod(image), 64, 2 * quarter // max(1, taps)))
    channels = max(1, min(depth, 2 * quarter // max(1, taps * strip)))
    rows = max(1, min(filters, quarter // max(1, channels * taps), quarter // (2 * strip)))
    for number, group, box, first in product(
        range(len(x)), range(groups), spans(image, strip), range(0, filters, rows)
    ):
        start, length = offset(box, image), prod(extent(box))
        some = slice(group * filters + first, group * filters + min(filters, first + rows))
        size = (some.stop - some.start, length)
        factor, pieces = ((size[0] * channels * taps,), _DOUBLE), ((channels * taps * length,), _DOUBLE)
        total, part, left, right = carve(room, (size, _DOUBLE), (size, _DOUBLE), factor, pieces)
        total.fill(0)
        for channel in range(0, depth, channels):
            width = min(depth, channel + channels) - channel
            columns = right[: width * taps * length].reshape(width, *window, *extent(box))
            _gather(columns, x[number, group * depth + channel :][:width], plan, box, less)
            own = left[: size[0] * width * taps].reshape(size[0], -1)
            shift = zeros[some, None]
            np.subtract(matrix[some, channel * taps : (channel + width) * taps], shift, out=own, dtype=_DOUBLE)
            np.add(total, np.matmul(own, columns.reshape(-1, length), out=part), out=total)
        yield target[number, some, start : start + length], total, some


def _gather(columns: Array, x: Array, plan: list[Axis], box: Box, less: float) -> None:
    """Fill columns (C, *window, *box) with what each tap reads, less the zero point, and with zeros outside."""
    along = [[reach(axis, tap, part) for tap in range(axis.window)] for axis, part in zip(plan, box, strict=True)]
    columns.fill(0)
    for tap in product(*(range(axis.window) for axis in plan)):
        reaches = [along[axis][index] for axis, index in enumerate(tap)]
        cell: Any = (slice(None), *tap)
        target = columns[cell][(slice(None), *(each.taken for each in reaches))]
        np.subtract(x[(slice(None), *(each.source for each in reaches))], less, out=target, dtype=_DOUBLE)


KERNELS = {
    "matmul_integer": matmul_integer,
    "qlinear_matmul": qlinear_matmul,
    "conv_integer": conv_integer,
    "qlinear_conv": qlinear_conv,
}
WORKSPACES = {name: integer_workspace for name in KERNELS}
