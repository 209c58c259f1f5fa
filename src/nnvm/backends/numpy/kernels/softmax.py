"""Softmax along one axis, shifted by the maximum so that nothing overflows."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import (
    LIMIT,
    Array,
    Box,
    Shapes,
    around,
    carve,
    is_low,
    lent,
    normal,
    rounded,
    spans,
    wide,
)

STATS = 4096


def softmax(out: Array, x: Array, *, axis: int = -1, workspace: Array | None = None) -> None:
    """Scale exponentials to add up to one along an axis; `out` may be x's memory."""
    if not x.size:
        return
    room, dtype = lent(workspace, "softmax"), wide(x.dtype)
    source, target = _stacks(x, axis), _stacks(out, axis)
    for lines, length in _lines(source, room, dtype):
        piece, goal = source[lines], target[lines]
        most, total, part = _stats(piece, room, dtype)
        if is_low(x.dtype):
            _sum_of_exponentials(piece, most, total, part, length, room)
            for block, some in _pieces(piece, most, length, room):
                np.divide(np.exp(block, out=block), total, out=block)
                np.copyto(goal[:, some], block, casting="unsafe")
            continue
        np.maximum.reduce(piece, axis=1, keepdims=True, out=most)
        np.subtract(piece, most, out=goal)
        np.exp(goal, out=goal)
        _total(goal, total, part)
        np.divide(goal, total, out=goal)


def log_softmax(out: Array, x: Array, *, axis: int = -1, workspace: Array | None = None) -> None:
    """Take the logarithm of softmax, to full precision; `out` may be x's memory."""
    if not x.size:
        return
    room, dtype = lent(workspace, "log_softmax"), wide(x.dtype)
    source, target = _stacks(x, axis), _stacks(out, axis)
    for lines, length in _lines(source, room, dtype):
        piece, goal = source[lines], target[lines]
        most, total, part = _stats(piece, room, dtype)
        _sum_of_exponentials(piece, most, total, part, length, room)
        np.log(total, out=total)
        for block, some in _pieces(piece, most, length, room):
            np.subtract(block, total, out=block)
            np.copyto(goal[:, some], block, casting="unsafe")


def softmax_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes softmax wants: statistics, and for what is computed elsewhere than in the output, blocks."""
    shape = in_shapes[0]
    return LIMIT if shape is None else min(LIMIT, 4 * rounded(prod(shape) * max(4, itemsize)) + 512)


def _stacks(x: Array, axis: int) -> Array:
    return x.reshape(around(x.shape, axis), copy=False)


def _lines(x: Array, room: Array, dtype: np.dtype[Any]) -> Iterator[tuple[Box, int]]:
    """Cut what is not the axis into boxes whose statistics fit, with the stretch of the axis whose block fits too."""
    outer, length, inner = x.shape
    most = min(STATS, max(1, (room.size - 512) // (8 * dtype.itemsize)))
    limit = most if inner > 1 else max(1, min(most, 32768 // max(1, length)))
    for before, after in spans((outer, inner), limit):
        lines = (before.stop - before.start) * (after.stop - after.start)
        block = max(1, (room.size - 512 - 3 * lines * dtype.itemsize) // (dtype.itemsize * max(1, lines)))
        yield (before, slice(0, length), after), min(length, block)


def _total(x: Array, total: Array, part: Array) -> None:
    """Add up along the axis, 512 at a time where NumPy would add one by one and lose digits."""
    if x.shape[2] == 1 or x.shape[1] <= 512:
        np.add.reduce(x, axis=1, keepdims=True, out=total)
        return
    total.fill(0)
    for start in range(0, x.shape[1], 512):
        np.add.reduce(x[:, start : start + 512], axis=1, keepdims=True, out=part)
        np.add(total, part, out=total)


def _stats(piece: Array, room: Array, dtype: np.dtype[Any]) -> list[Array]:
    shape = (piece.shape[0], 1, piece.shape[2])
    return carve(room, *[(shape, dtype)] * 3)


def _pieces(piece: Array, most: Array, length: int, room: Array) -> Iterator[tuple[Array, slice]]:
    """Widen stretches of the axis behind the statistics, less the maximum."""
    used = 3 * rounded(most.nbytes)
    for start in range(0, piece.shape[1], max(1, length)):
        some = slice(start, min(piece.shape[1], start + length))
        shape = (piece.shape[0], some.stop - start, piece.shape[2])
        (block,) = carve(room[used:], (shape, most.dtype))
        np.copyto(block, piece[:, some])
        yield np.subtract(block, most, out=block), some


def _sum_of_exponentials(piece: Array, most: Array, total: Array, part: Array, length: int, room: Array) -> None:
    most.fill(0)
    if piece.shape[1]:
        total.fill(-np.inf)
        for block, _ in _pieces(piece, most, length, room):
            np.maximum(total, np.maximum.reduce(block, axis=1, keepdims=True, out=part), out=total)
        np.copyto(most, total)
    total.fill(0)
    for block, _ in _pieces(piece, most, length, room):
        np.exp(block, out=block)
        np.add(total, np.add.reduce(block, axis=1, keepdims=True, out=part), out=total)


def softmax_from(out: Array, x: Array, *, axis: int = 1, workspace: Array | None = None) -> None:
    """Scale exponentials to add up to one over all axes from `axis` on; `out` may be x's memory."""
    softmax(_matrix(out, axis), _matrix(x, axis), axis=1, workspace=workspace)


def log_softmax_from(out: Array, x: Array, *, axis: int = 1, workspace: Array | None = None) -> None:
    """Take the logarithm of `softmax_from`; `out` may be x's memory."""
    log_softmax(_matrix(out, axis), _matrix(x, axis), axis=1, workspace=workspace)


def _matrix(x: Array, axis: int) -> Array:
    """View what lies before an axis as rows; nothing at all has no rows."""
    if not x.size:
        return x.reshape(0, 1, copy=False)
    at = x.ndim if axis == x.ndim else normal(axis, x.ndim)
    return x.reshape(prod(x.shape[:at]), prod(x.shape[at:]), copy=False)


KERNELS = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "softmax_from": softmax_from,
    "log_softmax_from": log_softmax_from,
}
WORKSPACES = dict.fromkeys(KERNELS, softmax_workspace)
