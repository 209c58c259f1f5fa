"""Convolution whose taps are shifted: what they read is interpolated into columns, then multiplied by the weights."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from nnvm.backends.numpy.kernels.scratch import (
    INDEX,
    LIMIT,
    Array,
    Shape,
    Shapes,
    carve,
    is_low,
    lent,
    rounded,
    wide,
)

_FAIR = 8
"""Channels that are worth finding the places of all taps for."""
_STRIP = 512
"""Positions beyond which nothing gets faster."""


class Room(NamedTuple):
    """Scratch for a strip of positions: where taps read, one number a tap of many kinds, and sums by filter."""

    points: Array
    below: Array
    near: Array
    share: Array
    weight: Array
    flat: Array
    whole: Array
    outside: Array
    flag: Array
    total: Array
    part: Array


class Task(NamedTuple):
    """One image of a convolution: what it reads, its weights by group, and room to widen those where they are short."""

    planes: Array
    image: Shape
    weight: Array
    groups: int
    block: Array | None


def deform_conv(
    out: Array,
    x: Array,
    weight: Array,
    offset: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    *,
    strides: Shape,
    pads: Shape,
    dilations: Shape,
    groups: int = 1,
    offset_groups: int = 1,
    workspace: Array | None = None,
) -> None:
    """Slide `weight` (M, C/groups, *window) over images x (N, C, *image), taps shifted by `offset`."""
    if not out.size:
        return
    rank, places, taps = x.ndim - 2, prod(out.shape[2:]), prod(weight.shape[2:])
    if not weight.size or not x.size:
        out[...] = 0 if bias is None else bias.reshape(-1, *[1] * rank)
        return
    count, dtype, shares = len(x), wide(x.dtype), x.shape[1] // offset_groups
    room = lent(workspace, "deform_conv")
    low = is_low(x.dtype)
    filters, depth = weight.shape[:2]
    length, channels = _cut(room.size, places, taps, rank, filters, shares, dtype.itemsize, x.itemsize, low)
    target = out.reshape(count, filters, places, copy=False)
    shifts = offset.reshape(count, offset_groups, taps, rank, places, copy=False)
    weights = None if mask is None else mask.reshape(count, offset_groups, taps, places, copy=False)
    matrix = weight.reshape(groups, filters // groups, depth, taps)
    fixed = [(strides[i], -pads[i], dilations[i]) for i in range(rank)]
    for n, start in product(range(count), range(0, places, length)):
        some = slice(start, min(start + length, places))
        widened = _block(channels, taps, dtype.itemsize) if low else 0
        scratch, block, rest = _lay(room, _parts(taps, some.stop - start, rank, filters, dtype), widened, dtype)
        task = Task(x[n].reshape(x.shape[1], -1, copy=False), x.shape[2:], matrix, groups, block)
        scratch.total[...] = 0 if bias is None else bias[:, None]
        for turn in range(offset_groups):
            _locate(scratch, shifts[n, turn][..., some], out.shape[2:], weight.shape[2:], fixed, some)
            scale = None if weights is None else weights[n, turn][:, some]
            for first, stop in _runs(turn * shares, (turn + 1) * shares, depth, channels):
                _add_product(scratch, task, first, stop, scale, rest)
        np.copyto(target[n, :, some], scratch.total, casting="unsafe")


def _lay(
    room: Array, parts: list[tuple[Shape, Any]], widened: int, dtype: np.dtype[Any]
) -> tuple[Room, Array | None, Array]:
    """Lay out the parts, then as many bytes for weights that are widened, and return what is left for columns too."""
    scratch = Room(*carve(room, *parts))
    rest = room[sum(rounded(prod(shape) * np.dtype(kind).itemsize) for shape, kind in parts) :]
    if not widened:
        return scratch, None, rest
    used = rounded(widened)
    return scratch, rest[:used].view(dtype), rest[used:]


def _parts(taps: int, length: int, rank: int, filters: int, dtype: np.dtype[Any]) -> list[tuple[Shape, Any]]:
    one = (taps, length)
    lines: list[tuple[Shape, Any]] = [((rank, *one), dtype)] * 2 + [(one, dtype)] * 3
    lines += [(one, INDEX)] * 2 + [(one, np.bool_)] * 2
    return [*lines, ((filters, length), dtype), ((filters, length), dtype)]


def _cut(
    room: int, places: int, taps: int, rank: int, filters: int, shares: int, item: int, own: int, low: bool
) -> tuple[int, int]:
    """Return how many positions, and how many channels of them, are gathered at a time."""
    position, channel = _position(taps, rank, filters, item), taps * (2 * item + own)
    each = _block(1, taps, item) if low else 0
    left = room - _EDGES - min(shares, _FAIR) * each
    length = max(1, min(places, _STRIP, left // (position + min(shares, _FAIR) * channel)))
    return length, max(1, min(shares, (room - _EDGES - length * position) // (length * channel + each)))


def _position(taps: int, rank: int, filters: int, item: int) -> int:
    return taps * ((2 * rank + 3) * item + 18) + 2 * filters * item


def _block(channels: int, taps: int, item: int) -> int:
    """Return the bytes of weights that are widened at a time, where they are short."""
    return 16 * channels * taps * item


_EDGES = 16 * 64


def _locate(
    room: Room, shifts: Array, out: Shape, window: Shape, fixed: list[tuple[int, int, int]], some: slice
) -> None:
    """Find where each tap reads for each position, and the element below that."""
    goals = np.unravel_index(np.arange(some.start, some.stop), out)
    taps = np.unravel_index(np.arange(prod(window)), window)
    for axis, (stride, start, dilation) in enumerate(fixed):
        points = room.points[axis]
        np.copyto(points, shifts[:, axis], casting="unsafe")
        np.add(points, (taps[axis] * dilation).astype(points.dtype)[:, None], out=points)
        np.add(points, (goals[axis] * stride + start).astype(points.dtype), out=points)
        np.floor(points, out=room.below[axis])


def _runs(first: int, stop: int, depth: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut channels into runs: of whole groups as far as they fit, else within one group."""
    while first < stop:
        left, room = depth - first % depth, min(most, stop - first)
        count = room // depth * depth if left == depth <= room else min(left, room)
        yield first, first + count
        first += count


def _add_product(room: Room, task: Task, first: int, stop: int, scale: Array | None, rest: Array) -> None:
    """Gather the columns of some channels, and add what the weights make of them to the sums."""
    taps, length = room.near.shape
    shape = (stop - first, taps, length)
    columns, part, raw = carve(rest, (shape, room.near.dtype), (shape, room.near.dtype), (shape, task.planes.dtype))
    for turn in _neighbours(room, task.image, scale):
        np.take(task.planes[first:stop], room.flat, axis=1, out=raw, mode="clip")
        result = columns if turn == 0 else part
        np.multiply(raw, room.weight, out=result, casting="unsafe")
        if room.outside.any():  # there what is not a number is no part of the sum
            np.copyto(result, 0, where=room.outside)
        if turn:
            np.add(columns, part, out=columns)
    _, each, depth, _ = task.weight.shape
    group, last = first // depth, (stop - 1) // depth + 1
    inside = slice(first - group * depth, stop - group * depth) if last == group + 1 else slice(0, depth)
    weights = task.weight[group:last, :, inside]
    filters = slice(group * each, last * each)
    rows = columns.reshape(last - group, -1, length)
    _multiply(room.part[filters].reshape(last - group, each, length), weights, rows, task.block)
    np.add(room.total[filters], room.part[filters], out=room.total[filters])


def _neighbours(room: Room, image: Shape, scale: Array | None) -> Iterator[int]:
    """Put, for each neighbour in turn, where it lies, how much it weighs and whether it is there into the room."""
    for turn, tap in enumerate(product((0, 1), repeat=len(image))):
        room.flat.fill(0)
        room.outside.fill(False)
        room.weight[...] = 1 if scale is None else scale
        for axis, (step, size) in enumerate(zip(tap, image, strict=True)):
            near = room.near
            np.add(room.below[axis], step, out=near)
            np.subtract(room.points[axis], near, out=room.share)
            np.abs(room.share, out=room.share)
            np.subtract(1, room.share, out=room.share)
            np.multiply(room.weight, room.share, out=room.weight)
            np.logical_or(room.outside, np.less(near, 0, out=room.flag), out=room.outside)
            np.logical_or(room.outside, np.greater(near, size - 1, out=room.flag), out=room.outside)
            np.clip(near, 0, size - 1, out=near)
            np.copyto(room.whole, near, casting="unsafe")
            np.multiply(room.flat, size, out=room.flat)
            np.add(room.flat, room.whole, out=room.flat)
        yield turn


def _multiply(out: Array, weights: Array, columns: Array, block: Array | None) -> None:
    """Multiply (G, F, C, taps) by (G, C * taps, P); short weights are widened a few filters at a time."""
    count, filters = weights.shape[:2]
    if block is None:
        np.matmul(weights.reshape(count, filters, -1), columns, out=out)
        return
    depth = columns.shape[1]
    step = max(1, block.size // depth)
    for group, first in product(range(count), range(0, filters, step)):
        some = weights[group, first : first + step]
        wider = block[: some.size].reshape(len(some), depth)
        np.copyto(wider.reshape(some.shape), some)
        np.matmul(wider, columns[group], out=out[group, first : first + step])


def deform_conv_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes wanted: columns and places of a strip, at most 256 KiB unless one position needs more."""
    x, weight = in_shapes[:2]
    if weight is None:
        return LIMIT
    out, item = out_shapes[0], max(4, itemsize)
    rank, taps = len(weight) - 2, prod(weight[2:])
    position = _position(taps, rank, weight[0], item)
    channel = taps * (2 * item + itemsize)
    each = _block(1, taps, item) if itemsize < 4 else 0
    least = _EDGES + position + channel + each
    if out is None or x is None:
        return max(LIMIT, least)
    shares = max(1, x[1] // params.get("offset_groups", 1))
    length = min(_STRIP, prod(out[2:]))
    return max(least, min(LIMIT, rounded(_EDGES + length * (position + shares * channel) + shares * each)))


KERNELS = {"deform_conv": deform_conv}
WORKSPACES = {"deform_conv": deform_conv_workspace}
