"""Batch normalisation where statistics are the batch's own, or each element of an image has its own."""

from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shapes, boxes, carve, lent, rounded, wide


def batch_norm_training(
    out: Array,
    running_mean: Array,
    running_var: Array,
    x: Array,
    scale: Array,
    bias: Array,
    mean: Array,
    var: Array,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    workspace: Array | None = None,
) -> None:
    """Normalise each channel by its mean and variance over the batch, and let the running ones follow."""
    channels = scale.size
    view = (x.shape[0], channels, prod(x.shape[2:])) if x.ndim > 1 else (1, channels, x.size // max(1, channels))
    source, target = x.reshape(view, copy=False), out.reshape(view, copy=False)
    room, dtype = lent(workspace, "batch_norm_training"), wide(x.dtype)
    for channel in range(channels):
        plane, goal = source[:, channel], target[:, channel]
        own_mean = _mean(plane, 0.0, 1, room, dtype)
        own_var = _mean(plane, own_mean, 2, room, dtype)
        factor = np.divide(float(scale[channel]), np.sqrt(own_var + epsilon))
        for box in boxes(plane.shape, room.size // dtype.itemsize):
            (part,) = carve(room, (plane[box].shape, dtype))
            np.subtract(plane[box], own_mean, out=part, casting="unsafe")
            np.multiply(part, factor, out=part)
            np.add(part, float(bias[channel]), out=part)
            np.copyto(goal[box], part, casting="unsafe")
        running_mean[channel] = float(mean[channel]) * momentum + own_mean * (1 - momentum)
        running_var[channel] = float(var[channel]) * momentum + own_var * (1 - momentum)


def _mean(plane: Array, center: float, power: int, room: Array, dtype: np.dtype[Any]) -> float:
    """Return the mean of a power of the distances from a centre; that of nothing is NaN."""
    total = 0.0
    for box in boxes(plane.shape, room.size // dtype.itemsize):
        (part,) = carve(room, (plane[box].shape, dtype))
        np.subtract(plane[box], center, out=part, casting="unsafe")
        if power == 2:
            np.multiply(part, part, out=part)
        total += float(np.add.reduce(part, axis=None, dtype=np.float64))
    return total / plane.size if plane.size else float("nan")


def batch_norm_each(
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
    """Scale and shift each element of an image by statistics given for it."""
    dtype, room = wide(x.dtype), lent(workspace, "batch_norm_each")
    for box in boxes(x.shape[1:], room.size // 2 // dtype.itemsize // 16 * 16):
        shape = scale[box].shape
        part, spread = carve(room, (shape, dtype), (shape, dtype))
        for image in range(x.shape[0]):
            np.copyto(spread, var[box], casting="unsafe")
            np.add(spread, epsilon, out=spread)
            np.sqrt(spread, out=spread)
            np.subtract(x[(image, *box)], mean[box], out=part, casting="unsafe")
            np.divide(part, spread, out=part)
            np.multiply(part, scale[box], out=part, casting="unsafe")
            np.add(part, bias[box], out=part, casting="unsafe")
            np.copyto(out[(image, *box)], part, casting="unsafe")


def statistics_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes that both want: a piece of an image, or two."""
    shape = in_shapes[0]
    return LIMIT // 2 if shape is None else min(LIMIT // 2, 2 * rounded(prod(shape) * max(8, itemsize)) + 256)


KERNELS = {"batch_norm_training": batch_norm_training, "batch_norm_each": batch_norm_each}
WORKSPACES = {name: statistics_workspace for name in KERNELS}
