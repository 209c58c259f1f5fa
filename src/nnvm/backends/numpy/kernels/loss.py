"""Losses of scores against classes, some positions at a time."""

from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shapes, wide
from nnvm.backends.numpy.kernels.softmax import log_softmax

_STRIP = 512


def loss_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes that a loss wants for the softmax of its scores."""
    return LIMIT


def nll_loss(
    out: Array,
    log_probs: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> None:
    """Take minus the logarithm at each target class, by weight; the mean of nothing is nan."""
    batch, classes = log_probs.shape[:2]
    scores, labels = log_probs.reshape(batch, classes, -1), target.reshape(batch, -1)
    each = out.reshape(batch, -1) if reduction == "none" else None
    dtype = wide(log_probs.dtype)
    total, count = dtype.type(0), dtype.type(0)
    for one in range(batch):
        for start in range(0, labels.shape[1], _STRIP):
            some = slice(start, start + _STRIP)
            chosen = labels[one, some].astype(np.int64)
            heeded = np.ones(chosen.shape, bool) if ignore_index is None else chosen != ignore_index
            chosen = np.where(heeded, chosen, 0)
            if chosen.size and heeded.any() and not -classes <= chosen.min() <= chosen.max() < classes:
                raise ValueError(f"a class lies outside 0..{classes - 1}")
            found = -np.take_along_axis(scores[one, :, some], chosen[None], axis=0)[0].astype(dtype)
            scale = heeded.astype(dtype) if weight is None else weight[chosen].astype(dtype) * heeded
            found = np.where(heeded, found * scale, 0)
            if each is not None:
                each[one, some] = found
            total, count = total + found.sum(), count + scale.sum()
    if each is None:
        out[...] = total / count if reduction == "mean" else total


def softmax_cross_entropy_loss(
    out: Array,
    log_probs: Array,
    scores: Array,
    labels: Array,
    weight: Array | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
    workspace: Array | None = None,
) -> None:
    """Take the logarithm of softmax over classes, and its loss."""
    log_softmax(log_probs, scores, axis=1, workspace=workspace)
    nll_loss(out, log_probs, labels, weight, ignore_index=ignore_index, reduction=reduction)


KERNELS = {"nll_loss": nll_loss, "softmax_cross_entropy_loss": softmax_cross_entropy_loss}
WORKSPACES = {"softmax_cross_entropy_loss": loss_workspace}
