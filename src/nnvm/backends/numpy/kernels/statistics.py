"""Normalisation that also gives the statistics it measured."""

from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.normalization import layer_norm, norm_workspace
from nnvm.backends.numpy.kernels.scratch import Array, flat, normal, wide

_SOME = 16384
"""Elements that are widened at a time."""


def layer_norm_with_statistics(
    out: Array,
    mean: Array,
    inverse: Array,
    x: Array,
    scale: Array,
    bias: Array | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    workspace: Array | None = None,
) -> None:
    """Normalise what lies from `axis` on, and give its mean and the inverse of its standard deviation."""
    layer_norm(out, x, scale, bias, axis=axis, epsilon=epsilon, workspace=workspace)
    axis = normal(axis, x.ndim)
    rows, length = prod(x.shape[:axis]), prod(x.shape[axis:])
    source = x.reshape(rows, length, copy=False)
    means, inverses = flat(mean), flat(inverse)
    step = max(1, _SOME // max(1, length))
    for start in range(0, rows, step):
        piece = source[start : start + step].astype(wide(x.dtype))
        middle = piece.mean(axis=1, keepdims=True)
        means[start : start + step] = middle[:, 0]
        np.subtract(piece, middle, out=piece)
        np.multiply(piece, piece, out=piece)
        inverses[start : start + step] = 1 / np.sqrt(piece.mean(axis=1) + epsilon)


KERNELS: dict[str, Any] = {"layer_norm_with_statistics": layer_norm_with_statistics}
WORKSPACES: dict[str, Any] = {"layer_norm_with_statistics": norm_workspace}
