"""Where each element of a resized axis comes from: original coordinates, neighbours and their weights."""

from math import ceil
from typing import Any, NamedTuple

import numpy as np

from nnvm.backends.numpy.kernels.scratch import Array

_CHUNK = 64


class Axis(NamedTuple):
    """One axis that is resized: both lengths, the scale, and the part of it that is looked at, as shares of it."""

    size: int
    out: int
    scale: float
    start: float = 0.0
    end: float = 1.0


class Filter(NamedTuple):
    """How elements between others are made up."""

    mode: str
    coordinates: str
    nearest: str = "round_prefer_floor"
    coefficient: float = -0.75
    exclude: bool = False
    antialias: bool = False


def coordinates(axis: Axis, mode: str, first: int, last: int, dtype: Any = np.float32) -> Array:
    """Return the original coordinates of the elements from `first` up to `last`."""
    x = np.arange(first, last, dtype=dtype)
    real = np.dtype(dtype).type
    scale, half, longest = real(axis.scale), real(0.5), real(axis.size - 1)
    match mode:
        case "asymmetric":
            return np.asarray(x / scale)
        case "align_corners":
            return np.zeros_like(x) if axis.out == 1 else np.asarray(x * longest / real(axis.out - 1))
        case "tf_crop_and_resize":
            start, end = real(axis.start), real(axis.end)
            if axis.out == 1:
                return np.full_like(x, half * (start + end) * longest)
            return np.asarray(start * longest + x * ((end - start) * longest / real(axis.out - 1)))
        case "pytorch_half_pixel" if axis.out == 1:
            return np.zeros_like(x)
        case "tf_half_pixel_for_nn":
            return np.asarray((x + half) / scale)
        case "half_pixel" | "pytorch_half_pixel":
            return np.asarray((x + half) / scale - half)
        case "half_pixel_symmetric":
            shift = real(axis.size) / 2 * (1 - real(axis.out) / (scale * real(axis.size)))
            return np.asarray(shift + (x + half) / scale - half)
    raise ValueError(f"no coordinates are called {mode!r}")


def nearest(x: Array, rule: str, scale: float) -> Array:
    """Round coordinates to whole numbers; "simple" is what ONNX did before it had rules."""
    below = np.floor(x)
    match rule:
        case "floor":
            return below
        case "ceil":
            return np.asarray(np.ceil(x))
        case "round_prefer_floor":
            return np.asarray(below + (x - below > 0.5))
        case "round_prefer_ceil":
            return np.asarray(below + (x - below >= 0.5))
        case "simple":
            return np.asarray(np.ceil(x)) if scale < 1 else np.asarray(np.trunc(x))
    raise ValueError(f"no nearest_mode is called {rule!r}")


def places(axis: Axis, way: Filter, first: int, last: int, out: Array) -> None:
    """Write which original elements are the nearest ones."""
    for start in range(first, last, _CHUNK):
        stop = min(start + _CHUNK, last)
        found = nearest(coordinates(axis, way.coordinates, start, stop), way.nearest, axis.scale)
        np.clip(found, 0, axis.size - 1, out=found)
        np.copyto(out[start - first : stop - first], found, casting="unsafe")


def taps(axis: Axis, way: Filter) -> int:
    """Return how many neighbours an element is made of."""
    reach = {"linear": 1, "cubic": 2}[way.mode]
    if not way.antialias or axis.scale >= 1:
        return 2 * reach
    return 2 * ceil(reach / axis.scale)


def neighbours(axis: Axis, way: Filter, first: int, last: int, index: Array, weight: Array) -> None:
    """Write, a column an element, the neighbours it is made of and their weights, which add up to 1."""
    count = len(index)
    step = max(1, _CHUNK // count)
    for start in range(first, last, step):
        some = slice(start - first, min(start + step, last) - first)
        x = coordinates(axis, way.coordinates, start, first + some.stop, weight.dtype)
        below = np.floor(x)
        near = below + np.arange(1 - count // 2, 1 + count // 2)[:, None]
        share = _shares(near - x, axis.scale if way.antialias else 1.0, way)
        if way.exclude:
            share[(near < 0) | (near >= axis.size)] = 0
        total = share.sum(axis=0)
        np.divide(share, total, out=weight[:, some], where=total != 0)
        np.copyto(weight[:, some], 0, where=total == 0)
        np.clip(near, 0, axis.size - 1, out=near)
        np.copyto(index[:, some], near, casting="unsafe")


def _shares(away: Array, scale: float, way: Filter) -> Array:
    """Weigh neighbours by how far away they are; where the image shrinks, an antialiasing filter is stretched."""
    away = np.abs(away * min(scale, 1.0))
    if way.mode == "linear":
        return np.asarray(np.maximum(1 - away, 0))
    a = way.coefficient
    inside = ((a + 2) * away - (a + 3)) * away * away + 1
    outside = ((a * away - 5 * a) * away + 8 * a) * away - 4 * a
    return np.asarray(np.where(away <= 1, inside, np.where(away < 2, outside, 0)))


def beyond(axis: Axis, way: Filter, first: int, last: int) -> Array:
    """Say which elements come from outside the original, where only a crop can lie."""
    x = coordinates(axis, way.coordinates, first, last)
    return np.asarray((x < 0) | (x > axis.size - 1))
