"""Sampling images of any rank at given points; what lies between elements is made of their neighbours."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from nnvm.backends.numpy.kernels.scratch import FLOAT, INDEX, LIMIT, Array, Shape, Shapes, carve, lent, rounded, wide

_CUBIC = -0.75


class Room(NamedTuple):
    """Scratch for a stretch of points: coordinates, what lies below them, and one number a point of many kinds."""

    points: Array
    below: Array
    near: Array
    share: Array
    weight: Array
    spare: Array
    flat: Array
    whole: Array
    outside: Array


def grid_sample(
    out: Array,
    x: Array,
    grid: Array,
    *,
    mode: str = "linear",
    padding_mode: str = "zeros",
    align_corners: int = 0,
    workspace: Array | None = None,
) -> None:
    """Read x [batch, channels, *image] at the points of grid [batch, *places, rank], which lie in -1 to 1."""
    if not out.size:
        return
    if not x.size:
        raise ValueError(f"nothing can be read from an empty image of shape {x.shape}")
    count, channels, *image = x.shape
    places, rank, dtype = prod(grid.shape[1:-1]), len(image), _real(x.dtype)
    planes, goals = x.reshape(count, channels, -1, copy=False), out.reshape(count, channels, -1, copy=False)
    points = grid.reshape(count, places, rank, copy=False)
    room = lent(workspace, "grid_sample")
    length, some = _block(places, channels, rank, dtype.itemsize, x.itemsize, room.size)
    for n, start in product(range(count), range(0, places, length)):
        stop = min(start + length, places)
        parts = _parts(stop - start, rank, dtype)
        scratch = Room(*carve(room, *parts))
        rest = room[sum(rounded(prod(shape) * np.dtype(kind).itemsize) for shape, kind in parts) :]
        _locate(scratch, points[n, start:stop], tuple(image), mode, padding_mode, bool(align_corners))
        for first in range(0, channels, some):
            taken = slice(first, min(first + some, channels))
            shape = (taken.stop - first, stop - start)
            raw, part, total = carve(rest, (shape, x.dtype), (shape, dtype), (shape, dtype))
            total[...] = 0
            for _ in _taps(scratch, tuple(image), mode, padding_mode, bool(align_corners)):
                np.take(planes[n, taken], scratch.flat, axis=1, out=raw, mode="clip")
                np.multiply(raw, scratch.weight, out=part, casting="unsafe")
                np.copyto(part, 0, where=np.equal(scratch.weight, 0, out=scratch.outside))
                np.add(total, part, out=total)
            np.copyto(goals[n, taken, start:stop], total, casting="unsafe")


def _real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the float type that elements are mixed in."""
    if dtype.kind in "biu":
        return FLOAT if dtype.itemsize < 4 else np.dtype(np.float64)
    return wide(dtype)


def _parts(length: int, rank: int, dtype: np.dtype[Any]) -> list[tuple[Shape, Any]]:
    lines: list[tuple[Shape, Any]] = [((rank, length), dtype)] * 2 + [((length,), dtype)] * 4
    return [*lines, ((length,), INDEX), ((length,), INDEX), ((length,), np.bool_)]


def _block(places: int, channels: int, rank: int, item: int, own: int, room: int) -> tuple[int, int]:
    """Return how many points, and how many channels of them, are read at a time."""
    each, channel = (2 * rank + 4) * item + 17, 2 * item + own
    length = max(1, min(places, 1024, (room - 2048) // (each + min(channels, 32) * channel)))
    return length, max(1, min(channels, (room - 2048 - length * each) // (length * channel)))


def _locate(room: Room, points: Array, image: Shape, mode: str, padding: str, aligned: bool) -> None:
    """Turn points, whose last coordinate is that of the first axis, into places in the image, and round them down."""
    for axis, size in enumerate(image):
        x = room.points[axis]
        np.copyto(x, points[:, len(image) - 1 - axis], casting="unsafe")
        np.add(x, 1, out=x)
        np.multiply(x, (size - 1) / 2 if aligned else size / 2, out=x)
        if not aligned:
            np.subtract(x, 0.5, out=x)
        if mode == "nearest":
            np.rint(x, out=x)
        if padding == "border" and mode != "cubic":  # there neighbours are clipped alone, as in PyTorch
            np.clip(x, 0, size - 1, out=x)
        elif padding == "reflection":
            _reflect(x, size, aligned, room.spare)
        np.floor(x, out=room.below[axis])


def _reflect(x: Array, size: int, aligned: bool, spare: Array) -> None:
    """Fold coordinates back at the borders of the image."""
    low, span = (0.0, size - 1.0) if aligned else (-0.5, float(size))
    if not span:
        x.fill(low)
        return
    np.subtract(x, low, out=x)
    np.abs(x, out=x)
    np.remainder(x, 2 * span, out=x)
    np.subtract(2 * span, x, out=spare)
    np.minimum(x, spare, out=x)
    np.add(x, low, out=x)


def _taps(room: Room, image: Shape, mode: str, padding: str, aligned: bool) -> Iterator[None]:
    """Put, for each neighbour in turn, where it lies and how much it weighs into `flat` and `weight`."""
    offsets = {"nearest": (0,), "linear": (0, 1), "cubic": (-1, 0, 1, 2)}[mode]
    for tap in product(offsets, repeat=len(image)):
        room.flat.fill(0)
        room.weight.fill(1)
        for axis, (offset, size) in enumerate(zip(tap, image, strict=True)):
            near = room.near
            np.add(room.below[axis], offset, out=near)
            if mode != "nearest":
                np.subtract(room.points[axis], near, out=room.share)
                _weigh(room.share, room.spare, mode, offset in (-1, 2))
                np.multiply(room.weight, room.share, out=room.weight)
            if padding == "zeros":
                np.copyto(room.weight, 0, where=np.less(near, 0, out=room.outside))
                np.copyto(room.weight, 0, where=np.greater(near, size - 1, out=room.outside))
            elif padding == "reflection":
                _reflect(near, size, aligned, room.spare)
            np.clip(near, 0, size - 1, out=near)
            np.copyto(room.whole, near, casting="unsafe")
            np.multiply(room.flat, size, out=room.flat)
            np.add(room.flat, room.whole, out=room.flat)
        yield


def _weigh(away: Array, spare: Array, mode: str, far: bool) -> None:
    """Turn distances, those from 1 on being far, into weights."""
    np.abs(away, out=away)
    if mode == "linear":
        np.subtract(1, away, out=away)
        return
    a = _CUBIC
    factors = (a, -5 * a, 8 * a, -4 * a) if far else (a + 2, -(a + 3), 0, 1)
    np.multiply(away, factors[0], out=spare)
    for factor in factors[1:3]:
        np.add(spare, factor, out=spare)
        np.multiply(spare, away, out=spare)
    np.add(spare, factors[3], out=away)


def grid_sample_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes sampling wants: coordinates, and three numbers a channel of each point, at most 256 KiB."""
    out = out_shapes[0]
    if out is None:
        return LIMIT
    item = max(4, itemsize)
    each = (2 * len(out) + 4) * item + 17 + 3 * item * (out[1] if len(out) > 1 else 1)
    return min(LIMIT, prod(out[2:]) * each + 2048)


KERNELS = {"grid_sample": grid_sample}
WORKSPACES = {"grid_sample": grid_sample_workspace}
