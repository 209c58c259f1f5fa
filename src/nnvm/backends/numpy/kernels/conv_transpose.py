"""Transposed convolution: products of weights and strips of the input, added where each tap writes."""

from itertools import product
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import (
    LIMIT,
    Array,
    Box,
    Shape,
    Shapes,
    carve,
    extent,
    lent,
    offset,
    spans,
    wide,
)


def conv_transpose(
    out: Array,
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    strides: Shape,
    pads: Shape,
    dilations: Shape,
    groups: int = 1,
    output_padding: Shape = (),
    workspace: Array | None = None,
) -> None:
    """Spread x (N, C, *image) by `weight` (C, M/groups, *window); the output's shape says its own padding."""
    if x.shape[1] != weight.shape[0] or out.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ValueError(f"conv_transpose of {x.shape} by {weight.shape} in {groups} groups does not give {out.shape}")
    out[...] = 0 if bias is None else bias.reshape(-1, *[1] * (x.ndim - 2))
    if not x.size or not weight.size:
        return
    room, dtype, image = lent(workspace, "conv_transpose"), wide(x.dtype), x.shape[2:]
    filters, depth, taps = weight.shape[1], x.shape[1] // groups, prod(weight.shape[2:])
    source = x.reshape(len(x), groups, depth, -1)
    matrix = weight.reshape(groups, depth, filters * taps)
    if dtype != x.dtype:
        target = out.reshape(len(x), groups, filters, *out.shape[2:])
        split = weight.reshape(groups, depth, filters, *weight.shape[2:])
        _short(target, source, split, image, strides, pads, dilations, room)
        return
    cells = room.size // dtype.itemsize
    strip = max(1, min(prod(image), cells // taps, 128 if taps * filters * 128 > cells else cells // (taps * filters)))
    many = max(1, min(filters, cells // (taps * strip)))
    together = max(1, min(groups, cells // (taps * filters * strip))) if many == filters else 1
    for number, group, first in product(range(len(x)), range(0, groups, together), range(0, filters, many)):
        last, end = min(groups, group + together), min(filters, first + many)
        factor = matrix[group:last, :, first * taps : end * taps].transpose(0, 2, 1)
        goal = out[number, group * filters + first : (last - 1) * filters + end]
        for box in spans(image, strip):
            start, length = offset(box, image), prod(extent(box))
            (terms,) = carve(room, ((last - group, (end - first) * taps, length), dtype))
            np.matmul(factor, source[number, group:last, :, start : start + length], out=terms)
            parts = terms.reshape(len(goal), *weight.shape[2:], *extent(box))
            _spread(goal, parts, box, strides, pads, dilations)


def conv_transpose_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `conv_transpose` wants: always 256 KiB, for the products of a strip."""
    return LIMIT


def _spread(out: Array, parts: Array, box: Box, strides: Shape, pads: Shape, dilations: Shape) -> None:
    """Add each tap's part (filters, *window, *box) to the outputs that it reaches."""
    rank = len(box)
    for tap in product(*map(range, parts.shape[1 : rank + 1])):
        taken, given = [], []
        for axis, index in enumerate(tap):
            shift, stride = index * dilations[axis] - pads[axis], strides[axis]
            low = max(box[axis].start, -(shift // stride))
            high = min(box[axis].stop, (out.shape[axis + 1] - 1 - shift) // stride + 1)
            if low >= high:
                break
            begin = low * stride + shift
            taken.append(slice(begin, begin + (high - low - 1) * stride + 1, stride))
            given.append(slice(low - box[axis].start, high - box[axis].start))
        else:
            goal: Any = (slice(None), *taken)
            source: Any = (slice(None), *tap, *given)
            np.add(out[goal], parts[source], out=out[goal])


def _short(
    out: Array, x: Array, weight: Array, image: Shape, strides: Shape, pads: Shape, dilations: Shape, room: Array
) -> None:
    """Spread short floats, one filter and tap at a time, from products and sums in float32."""
    window, dtype = weight.shape[3:], wide(x.dtype)
    depth = x.shape[2]
    strip = max(1, min(prod(image), 2048))
    many = max(1, min(depth, (room.size // 2) // (strip * dtype.itemsize)))
    for number, group in product(range(x.shape[0]), range(x.shape[1])):
        for box in spans(image, strip):
            start, length = offset(box, image), prod(extent(box))
            line, row = ((1, length), dtype), ((1, many), dtype)
            total, part, factor, block, narrow = carve(
                room, line, line, row, ((many, length), dtype), ((length,), x.dtype)
            )
            parts = narrow.reshape(1, *[1] * len(window), *extent(box))
            for index, tap in product(range(weight.shape[2]), product(*map(range, window))):
                total.fill(0)
                for first in range(0, depth, many):
                    rows = x[number, group, first : first + many, start : start + length]
                    block[: len(rows)] = rows
                    terms: Any = (group, slice(first, first + many), index, *tap)
                    factor[0, : len(rows)] = weight[terms]
                    np.add(total, np.matmul(factor[:, : len(rows)], block[: len(rows)], out=part), out=total)
                np.copyto(narrow, total[0], casting="unsafe")
                moves = zip(pads[: len(tap)], tap, dilations, strict=True)
                shifted = tuple(begin - each * dilation for begin, each, dilation in moves)
                _spread(out[number, group, index : index + 1], parts, box, strides, shifted, dilations)


KERNELS = {"conv_transpose": conv_transpose}
WORKSPACES = {"conv_transpose": conv_transpose_workspace}
