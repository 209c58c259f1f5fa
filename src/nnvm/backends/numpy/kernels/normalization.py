"""Normalisation by running or by measured statistics; statistics of short floats are taken in float32."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shape, Shapes, boxes, carve, lent, normal, rounded, wide


def batch_norm(
    out: Array,
    x: Array,
    scale: Array,
    bias: Array,
    mean: Array,
    var: Array,
    *,
    epsilon: float = 1e-5,
    workspace: Array | None = None,
) -> None:
    """Scale and shift each channel by given statistics; `out` may be x's memory."""
    room, dtype = lent(workspace, "batch_norm"), wide(x.dtype)
    channels = scale.size
    view = (x.shape[0], channels, prod(x.shape[2:])) if x.ndim > 1 else (1, channels, x.size // max(1, channels))
    source, target = x.reshape(view, copy=False), out.reshape(view, copy=False)
    step = max(1, min(channels, LIMIT // 16 // 8))
    for first in range(0, channels, step):
        some = slice(first, min(channels, first + step))
        shape = (some.stop - first, 1)
        factor, shift, spare = carve(room, *[(shape, dtype)] * 3)
        _affine(factor, shift, [each[some].reshape(shape) for each in (scale, bias, mean, var)], spare, epsilon)
        _apply(target[:, some], source[:, some], factor, shift, room[3 * rounded(factor.nbytes) :])


def _affine(factor: Array, shift: Array, statistics: list[Array], spare: Array, epsilon: float) -> None:
    """Turn scale, bias, mean and variance into a factor and a shift."""
    scale, bias, mean, var = statistics
    np.copyto(factor, var, casting="unsafe")
    np.add(factor, epsilon, out=factor)
    np.sqrt(factor, out=factor)
    np.copyto(spare, scale, casting="unsafe")
    np.divide(spare, factor, out=factor)
    np.copyto(shift, mean, casting="unsafe")
    np.multiply(shift, factor, out=shift)
    np.copyto(spare, bias, casting="unsafe")
    np.subtract(spare, shift, out=shift)


def _apply(out: Array, x: Array, factor: Array, shift: Array, room: Array) -> None:
    """Give x * factor + shift, box by box so that a box stays in the cache; short floats go through the room."""
    factors, shifts = np.broadcast_to(factor, x.shape), np.broadcast_to(shift, x.shape)
    for box in boxes(x.shape, min(32768, room.size // factor.itemsize)):
        piece = out[box]
        target = piece if piece.dtype == factor.dtype else carve(room, (piece.shape, factor.dtype))[0]
        if target is piece:
            np.multiply(x[box], factors[box], out=target)
        else:
            np.copyto(target, x[box])
            np.multiply(target, factors[box], out=target)
        np.add(target, shifts[box], out=target)
        if target is not piece:
            np.copyto(piece, target, casting="unsafe")


def batch_norm_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `batch_norm` wants: factors and shifts, and room to widen short floats."""
    shape, size = in_shapes[1], max(8, itemsize)
    channels = LIMIT // 16 // 8 if shape is None else min(LIMIT // 16 // 8, prod(shape))
    return min(LIMIT, 3 * rounded(channels * size) + (LIMIT // 4))


def layer_norm(
    out: Array,
    x: Array,
    scale: Array | None = None,
    bias: Array | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    workspace: Array | None = None,
) -> None:
    """Normalise what lies from `axis` on to mean 0 and variance 1, then scale and shift it."""
    axis = normal(axis, x.ndim)
    rows, length = prod(x.shape[:axis]), prod(x.shape[axis:])
    tail = x.shape[axis:]
    weights = [None if each is None else np.broadcast_to(each, tail).reshape(1, 1, length) for each in (scale, bias)]
    view = (rows, 1, length)
    _standardize(out.reshape(view), x.reshape(view), weights, epsilon, lent(workspace, "layer_norm"))


def instance_norm(
    out: Array, x: Array, scale: Array, bias: Array, *, epsilon: float = 1e-5, workspace: Array | None = None
) -> None:
    """Normalise each channel of each image, then scale and shift it."""
    view = (x.shape[0] * x.shape[1], 1, prod(x.shape[2:]))
    weights = [each.reshape(1, -1, 1) for each in (scale, bias)]
    _standardize(out.reshape(view), x.reshape(view), weights, epsilon, lent(workspace, "instance_norm"))


def group_norm(
    out: Array,
    x: Array,
    scale: Array,
    bias: Array,
    *,
    groups: int,
    epsilon: float = 1e-5,
    workspace: Array | None = None,
) -> None:
    """Normalise each group of channels of each image; `scale` and `bias` hold one element a channel, or a group."""
    count, channels = x.shape[:2]
    each = channels // groups
    weights = [
        np.repeat(weight, each).reshape(1, channels, 1)
        if weight.size == groups != channels
        else weight.reshape(1, -1, 1)
        for weight in (scale, bias)
    ]
    view = (count * groups, each, prod(x.shape[2:]))
    _standardize(out.reshape(view), x.reshape(view), weights, epsilon, lent(workspace, "group_norm"))


def _standardize(out: Array, x: Array, weights: Sequence[Array | None], epsilon: float, room: Array) -> None:
    """Normalise the rows of x (rows, channels, elements); weights repeat along rows where they have more channels."""
    if not x.size:
        return
    rows, channels, length = x.shape
    size = channels * length
    dtype = wide(x.dtype)
    step = (room.size - 256) // (2 * dtype.itemsize)
    together = max(1, min(rows, step // 4 // max(1, size), 256))
    for first in range(0, rows, together):
        piece = x[first : first + together].reshape(-1, size)
        goal = out[first : first + together].reshape(-1, size)
        mean, spread = np.empty((2, len(piece), 1), dtype)
        _statistics(mean, spread, piece, epsilon, carve(room, ((step,), dtype))[0])
        width = max(1, step // max(1, len(piece)))
        for start in range(0, size, width):
            some = slice(start, min(size, start + width))
            shape = (len(piece), some.stop - start)
            block, factor = carve(room, (shape, dtype), (shape, dtype))
            np.copyto(block, piece[:, some])
            np.subtract(block, mean, out=block)
            np.divide(block, spread, out=block)
            for ufunc, weight in zip((np.multiply, np.add), weights, strict=True):
                if weight is not None:
                    _spread(factor, weight, first, start, channels, length)
                    ufunc(block, factor, out=block)
            np.copyto(goal[:, some], block, casting="unsafe")


def _spread(factor: Array, weight: Array, first: int, start: int, channels: int, length: int) -> None:
    """Fill a block of weights for rows from `first` and elements from `start`."""
    if weight.shape[2] == length and weight.shape[1] == 1 and channels == 1 and weight.shape[2] != 1:
        factor[...] = weight[0, 0, start : start + factor.shape[1]]
        return
    cycle = weight.shape[1] // channels
    for line in range(len(factor)):
        base = (first + line) % cycle * channels
        place = start
        while place < start + factor.shape[1]:
            channel = place // length
            stop = min((channel + 1) * length, start + factor.shape[1])
            factor[line, place - start : stop - start] = weight[0, base + channel, 0]
            place = stop


def _statistics(mean: Array, spread: Array, x: Array, epsilon: float, room: Array) -> None:
    """Take each row's mean, and the root of its variance plus `epsilon`, in two passes."""
    count, size = x.shape
    width = max(1, room.size // max(1, count))
    part = np.empty_like(mean)
    for total, shifted in ((mean, False), (spread, True)):
        total.fill(0)
        for start in range(0, size, width):
            piece = x[:, start : start + width]
            block = room[: piece.size].reshape(piece.shape)
            np.copyto(block, piece)
            if shifted:
                np.subtract(block, mean, out=block)
                np.multiply(block, block, out=block)
            np.add(total, np.add.reduce(block, axis=1, keepdims=True, out=part), out=total)
        np.divide(total, size, out=total)
    np.add(spread, epsilon, out=spread)
    np.sqrt(spread, out=spread)


def norm_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes a normalisation wants: two blocks of a few rows, at most 256 KiB."""
    shape = in_shapes[0]
    if shape is None:
        return LIMIT
    return min(LIMIT, 8 * rounded(prod(shape) * max(4, itemsize)) + 4096)


def lrn(
    out: Array,
    x: Array,
    *,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    bias: float = 1.0,
    workspace: Array | None = None,
) -> None:
    """Divide by a power of the sum of squares over `size` neighbouring channels."""
    room, dtype = lent(workspace, "lrn"), wide(x.dtype)
    view = (*x.shape[:2], prod(x.shape[2:]))
    source, target = x.reshape(view), out.reshape(view)
    channels, before = view[1], (size - 1) // 2
    for box in boxes(view, (room.size - 256) // (2 * dtype.itemsize)):
        number, some, places = _triple(box, view)
        goal = target[number, some, places]
        total, part = carve(room, (goal.shape, dtype), (goal.shape, dtype))
        total.fill(0)
        for shift in range(-before, size - before):
            low, high = max(some.start + shift, 0), min(some.stop + shift, channels)
            if low < high:
                square = part[:, : high - low]
                np.copyto(square, source[number, low:high, places])
                np.multiply(square, square, out=square)
                lines = total[:, low - shift - some.start : high - shift - some.start]
                np.add(lines, square, out=lines)
        np.multiply(total, alpha / size, out=total)
        np.add(total, bias, out=total)
        np.power(total, beta, out=total)
        np.copyto(part, source[number, some, places])
        np.divide(part, total, out=total)
        np.copyto(goal, total, casting="unsafe")


def _triple(box: tuple[Any, ...], shape: Shape) -> tuple[slice, slice, slice]:
    first, second, third = (slice(*part.indices(size)) for part, size in zip(box, shape, strict=False))
    return first, second, third


def lrn_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `lrn` wants: two copies of the input, at most 256 KiB."""
    shape = in_shapes[0]
    return LIMIT if shape is None else min(LIMIT, 2 * rounded(prod(shape) * max(4, itemsize)) + 512)


KERNELS = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "lrn": lrn,
}
WORKSPACES = {
    "batch_norm": batch_norm_workspace,
    "layer_norm": norm_workspace,
    "instance_norm": norm_workspace,
    "group_norm": norm_workspace,
    "lrn": lrn_workspace,
}
