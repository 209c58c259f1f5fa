"""Products that are added to another array, piece by piece, and may write over it."""

from itertools import product
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.columns import gather
from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shape, Shapes, extent, lent, offset, rounded, spans
from nnvm.backends.numpy.kernels.windows import Axis, axes

STRIP = 512
"""Columns of a product that are computed at once, where there are as many."""


def conv_add(
    out: Array,
    residual: Array,
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    strides: Shape,
    pads: Shape,
    dilations: Shape,
    groups: int = 1,
    workspace: Array | None = None,
) -> None:
    """Convolve as `conv` does and add the result to `residual`, whose memory `out` may be."""
    plan = axes(x.shape[2:], out.shape[2:], weight.shape[2:], strides, pads, dilations)
    if x.shape[1] != weight.shape[1] * groups or out.shape[1] != weight.shape[0] or weight.shape[0] % groups:
        raise ValueError(f"conv of {x.shape} by {weight.shape} in {groups} groups does not give {out.shape}")
    _start(out, residual)
    if not out.size:
        return
    if weight.size and _is_pointwise(weight.shape[2:], strides, pads):
        room, size = _room(workspace, out), prod(x.shape[2:])
        target, columns = out.reshape(len(x), groups, -1, size), x.reshape(len(x), groups, -1, size)
        matrix = weight.reshape(groups, -1, weight.shape[1])
        for number, group in product(range(len(x)), range(groups)):
            _add_product(target[number, group], matrix[group], columns[number, group], room)
    elif weight.size:
        _windows(out, x, weight, plan, groups, _room(workspace, out))
    if bias is not None:
        np.add(out, bias.reshape(-1, *[1] * len(plan)), out=out)


def conv_add_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `conv_add` wants: for columns of windows above 1x1, and for the product."""
    out, weight = out_shapes[0], in_shapes[2]
    if out is None or weight is None or not _is_pointwise(weight[2:], params["strides"], params["pads"]):
        return LIMIT
    return min(LIMIT, rounded(prod(out[1:]) // params.get("groups", 1) * itemsize))


def _is_pointwise(window: Shape, strides: Shape, pads: Shape) -> bool:
    return all(size == 1 for size in window) and all(step == 1 for step in strides) and not any(pads)


def _start(out: Array, residual: Array) -> None:
    if out.__array_interface__["data"][0] != residual.__array_interface__["data"][0]:
        np.copyto(out, residual)


def _room(workspace: Array | None, out: Array) -> Array:
    room = lent(workspace, "accumulation")
    return room[: room.size // out.itemsize * out.itemsize].view(out.dtype)


def _add_product(target: Array, left: Array, right: Array, room: Array, factor: float = 1.0) -> None:
    """Add factor * left @ right to target, as many rows and columns at a time as the room holds."""
    rows, columns = target.shape
    width = min(columns, max(STRIP, room.size // max(rows, 1)), room.size)
    height = max(1, room.size // max(width, 1))
    for top, first in product(range(0, rows, height), range(0, columns, max(width, 1))):
        across, along = slice(top, min(rows, top + height)), slice(first, min(columns, first + width))
        shape = (across.stop - top, along.stop - first)
        part = room[: prod(shape)].reshape(shape)
        np.matmul(left[across], right[:, along], out=part)
        if factor != 1:
            np.multiply(part, part.dtype.type(factor), out=part)
        np.add(target[across, along], part, out=target[across, along])


def _windows(out: Array, x: Array, weight: Array, plan: list[Axis], groups: int, room: Array) -> None:
    """Gather columns into three quarters of the room, and add their products with the help of the rest."""
    depth, window, filters = weight.shape[1], weight.shape[2:], weight.shape[0] // groups
    image, taps = out.shape[2:], prod(weight.shape[2:])
    gathered = room.size * 3 // 4
    strip = max(1, min(prod(image), 96, gathered // taps))
    channels = max(1, min(depth, gathered // (taps * strip)))
    if channels * taps > gathered:
        raise ValueError(f"a window of {taps} taps is too large for a workspace of {room.size} elements")
    strip = max(strip, min(prod(image), gathered // (taps * channels)))
    target = out.reshape(len(x), groups, filters, -1)
    matrix = weight.reshape(groups, filters, depth * taps)
    for number, group in product(range(len(x)), range(groups)):
        for box in spans(image, strip):
            start, length = offset(box, image), prod(extent(box))
            piece = target[number, group, :, start : start + length]
            for channel in range(0, depth, channels):
                width = min(depth, channel + channels) - channel
                columns = room[: width * taps * length].reshape(width, *window, *extent(box))
                spare = room[width * taps * length : gathered]
                gather(columns, x[number, group * depth + channel :][:width], plan, box, spare)
                factors = matrix[group, :, channel * taps : (channel + width) * taps]
                _add_product(piece, factors, columns.reshape(width * taps, length), room[gathered:])


def matmul_add(out: Array, residual: Array, a: Array, b: Array, *, workspace: Array | None = None) -> None:
    """Multiply stacks of matrices and add the products to `residual`, whose memory `out` may be."""
    _start(out, residual)
    if not out.size or not a.size:
        return
    room = _room(workspace, out)
    if b.ndim == 2:
        rows = a.reshape(prod(a.shape[:-1]), a.shape[-1])
        _add_product(out.reshape(len(rows), out.shape[-1]), rows, b, room)
        return
    left, right = (
        np.broadcast_to(a, (*out.shape[:-2], *a.shape[-2:])),
        np.broadcast_to(b, (*out.shape[:-2], *b.shape[-2:])),
    )
    for index in np.ndindex(*out.shape[:-2]):
        _add_product(out[index], left[index], right[index], room)


def gemm_add(
    out: Array,
    residual: Array,
    a: Array,
    b: Array,
    c: Array | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transpose_a: int = 0,
    transpose_b: int = 0,
    workspace: Array | None = None,
) -> None:
    """Add alpha * a @ b + c to `residual`, whose memory `out` may be; ValueError for another beta than 1."""
    if beta != 1:
        raise ValueError(f"gemm_add adds c as it is, not {beta} times")
    _start(out, residual)
    if out.size and a.size:
        left, right = a.T if transpose_a else a, b.T if transpose_b else b
        _add_product(out, left, right, _room(workspace, out), alpha)
    if c is not None:
        np.add(out, c, out=out)


def product_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes an accumulating product wants: room for one matrix of the product, at most 256 KiB."""
    shape = out_shapes[0]
    return LIMIT if shape is None else min(LIMIT, rounded(prod(shape) * itemsize))


KERNELS = {"conv_add": conv_add, "matmul_add": matmul_add, "gemm_add": gemm_add}
WORKSPACES = {"conv_add": conv_add_workspace, "matmul_add": product_workspace, "gemm_add": product_workspace}
