"""Convolution in strips: columns are gathered into the workspace, then multiplied by the weights."""

from itertools import product
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.columns import STRIP, cut, gather, stage_cells
from nnvm.backends.numpy.kernels.depthwise import depthwise, depthwise_workspace
from nnvm.backends.numpy.kernels.scratch import (
    FLOAT,
    LIMIT,
    Array,
    Shape,
    Shapes,
    carve,
    extent,
    is_low,
    lent,
    offset,
    rounded,
    spans,
)
from nnvm.backends.numpy.kernels.windows import Axis, axes


def conv(
    out: Array,
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
    """Slide `weight` (M, C/groups, *window) over the images `x` (N, C, *image); `pads` are (begins..., ends...)."""
    plan = axes(x.shape[2:], out.shape[2:], weight.shape[2:], strides, pads, dilations)
    if x.shape[1] != weight.shape[1] * groups or out.shape[1] != weight.shape[0] or weight.shape[0] % groups:
        raise ValueError(f"conv of {x.shape} by {weight.shape} in {groups} groups does not give {out.shape}")
    if not out.size:
        return
    if not weight.size:
        out[...] = 0 if bias is None else bias.reshape(-1, *[1] * len(plan))
    elif groups > 1 and weight.shape[1] == 1:
        depthwise(out, x, weight, bias, plan, lent(workspace, "conv"))
    elif is_low(x.dtype):
        _short(out, x, weight, bias, plan, groups, lent(workspace, "conv"))
    elif _is_pointwise(weight.shape[2:], strides, pads):
        _pointwise(out, x, weight, bias, groups)
    elif groups == 1 and (many := _images(out, weight, plan, lent(workspace, "conv").size // x.itemsize)) > 1:
        _batch(out, x, weight, bias, plan, many, lent(workspace, "conv"))
    else:
        _strips(out, x, weight, bias, plan, groups, lent(workspace, "conv"))


def conv_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `conv` wants: none for 1x1 windows, else room for columns, at most 256 KiB."""
    weight, groups = in_shapes[1], params.get("groups", 1)
    if weight is None:
        return LIMIT
    if groups > 1 and weight[1] == 1:
        return depthwise_workspace()
    if itemsize < 4:
        return LIMIT
    if _is_pointwise(weight[2:], params["strides"], params["pads"]):
        return 0
    out = out_shapes[0]
    if out is None:
        return LIMIT
    if not prod(out):
        return 0
    strides, dilations = params["strides"], params["dilations"]
    plan = [Axis(0, *each, 0, 0) for each in zip(out[2:], weight[2:], strides, dilations, strict=True)]
    cells = weight[1] * groups * _cells(out, weight, plan)
    if groups == 1 and out[0] > 1 and prod(out[2:]) <= STRIP // 2:
        cells = out[0] * (cells + prod(out[1:]))
    return min(LIMIT, rounded(cells * itemsize))


def _cells(out: Shape, weight: Shape, plan: list[Axis]) -> int:
    """Return the elements that the columns of one channel of one image take, with the copy they are gathered from."""
    columns = prod(weight[2:]) * prod(out[2:])
    return columns + min(columns, stage_cells(plan, out[2:]))


def _is_pointwise(window: Shape, strides: Shape, pads: Shape) -> bool:
    return all(size == 1 for size in window) and all(step == 1 for step in strides) and not any(pads)


def _pointwise(out: Array, x: Array, weight: Array, bias: Array | None, groups: int) -> None:
    """Convolve by one matrix product: a 1x1 window needs no columns."""
    count, channels = x.shape[:2]
    filters, depth = weight.shape[:2]
    size = prod(x.shape[2:])
    if size == 1 and groups == 1:
        single = out.reshape(count, filters)
        np.matmul(x.reshape(count, channels), weight.reshape(filters, depth).T, out=single)
        if bias is not None:
            np.add(single, bias, out=single)
        return
    target = out.reshape(count, groups, filters // groups, size)
    np.matmul(weight.reshape(groups, -1, depth), x.reshape(count, groups, depth, size), out=target)
    if bias is not None:
        np.add(target, bias.reshape(groups, -1, 1), out=target)


def _images(out: Array, weight: Array, plan: list[Axis], room: int) -> int:
    """Return how many images go through one product, where each has too few outputs to keep it busy."""
    if len(out) == 1 or prod(out.shape[2:]) > STRIP // 2:
        return 1
    each: int = weight.shape[1] * _cells(out.shape, weight.shape, plan) + prod(out.shape[1:])
    return min(len(out), room // each)


def _batch(
    out: Array, x: Array, weight: Array, bias: Array | None, plan: list[Axis], many: int, workspace: Array
) -> None:
    """Convolve many images at once: their number is one more axis of the image, along which the window is 1 long."""
    (filters, depth), window, length = weight.shape[:2], weight.shape[2:], prod(out.shape[2:])
    taps = prod(window)
    room = workspace[: workspace.size // x.itemsize * x.itemsize].view(x.dtype)
    target, images = out.reshape(len(x), filters, length), x.swapaxes(0, 1)
    matrix = weight.reshape(filters, depth * taps)
    for first in range(0, len(x), many):
        count = min(len(x), first + many) - first
        size, used = depth * taps * count * length, filters * count * length
        product_of, columns = room[:used].reshape(filters, count, length), room[used : used + size]
        box = (slice(0, count), *(slice(0, axis.out) for axis in plan))
        gather(
            columns.reshape(depth, 1, *window, count, *out.shape[2:]),
            images[:, first : first + count],
            [Axis(count, count, 1, 1, 1, 0, 0), *plan],
            box,
            room[used + size :],
        )
        np.matmul(matrix, columns.reshape(depth * taps, count * length), out=product_of.reshape(filters, -1))
        piece = target[first : first + count]
        if bias is None:
            np.copyto(piece, product_of.swapaxes(0, 1))
        else:
            np.add(product_of.swapaxes(0, 1), bias.reshape(-1, 1), out=piece)


def _strips(
    out: Array, x: Array, weight: Array, bias: Array | None, plan: list[Axis], groups: int, workspace: Array
) -> None:
    depth, window, filters = weight.shape[1], weight.shape[2:], weight.shape[0] // groups
    image, taps = out.shape[2:], prod(weight.shape[2:])
    way = cut(workspace.size // x.itemsize, groups, depth, filters, tuple(plan))
    room = workspace[: workspace.size // x.itemsize * x.itemsize].view(x.dtype)
    target = out.reshape(len(x), groups, filters, -1)
    matrix = weight.reshape(groups, filters, depth * taps)
    shift = None if bias is None else bias.reshape(groups, filters, 1)
    for number, first in product(range(len(x)), range(0, groups, way.groups)):
        some = slice(first, min(groups, first + way.groups))
        for box in spans(image, way.positions):
            start, length = offset(box, image), prod(extent(box))
            piece = target[number, some, :, start : start + length]
            for channel in range(0, depth, way.channels):
                width = min(depth, channel + way.channels) - channel
                begin = some.start * depth + channel
                count = (some.stop - some.start - 1) * depth + width
                columns = room[: count * taps * length].reshape(count, *window, *extent(box))
                spare = room[count * taps * length :]
                gather(columns, x[number, begin : begin + count], plan, box, spare)
                product_of = matrix[some, :, channel * taps : (channel + width) * taps]
                stacked = columns.reshape(len(product_of), width * taps, length)
                if not channel:
                    np.matmul(product_of, stacked, out=piece)
                else:
                    _accumulate(piece[0], product_of[0], stacked[0], spare, way.filters)
            if shift is not None:
                np.add(piece, shift[some], out=piece)


def _accumulate(piece: Array, matrix: Array, columns: Array, room: Array, filters: int) -> None:
    """Add a partial product to the outputs, some filters at a time."""
    length = columns.shape[1]
    for first in range(0, len(matrix), filters):
        rows = matrix[first : first + filters]
        part = room[: len(rows) * length].reshape(len(rows), length)
        np.matmul(rows, columns, out=part)
        np.add(piece[first : first + filters], part, out=piece[first : first + filters])


def _short(
    out: Array, x: Array, weight: Array, bias: Array | None, plan: list[Axis], groups: int, workspace: Array
) -> None:
    """Convolve float16 and its kin in float32: columns, weights and sums are widened block by block."""
    depth, window, filters = weight.shape[1], weight.shape[2:], weight.shape[0] // groups
    image, taps = out.shape[2:], prod(weight.shape[2:])
    target = out.reshape(len(x), groups, filters, -1)
    matrix = weight.reshape(groups, filters, depth * taps)
    quarter = workspace.size // 4 // FLOAT.itemsize // 16 * 16
    strip = max(1, min(prod(image), 128, 2 * quarter // taps))
    channels = max(1, min(depth, 2 * quarter // (taps * strip)))
    rows = max(1, min(filters, quarter // (channels * taps), quarter // (2 * strip)))
    for number, group in product(range(len(x)), range(groups)):
        for box in spans(image, strip):
            for first in range(0, filters, rows):
                start, length, some = offset(box, image), prod(extent(box)), slice(first, min(filters, first + rows))
                height = some.stop - first
                total, part, left, right = carve(
                    workspace,
                    ((height, length), FLOAT),
                    ((height, length), FLOAT),
                    ((height, channels * taps), FLOAT),
                    ((channels * taps * length,), FLOAT),
                )
                total[...] = 0 if bias is None else bias[group * filters :][some, None]
                for channel in range(0, depth, channels):
                    width = min(depth, channel + channels) - channel
                    columns = right[: width * taps * length].reshape(width, *window, *extent(box))
                    gather(columns, x[number, group * depth + channel :][:width], plan, box)
                    factor = left[:, : width * taps]
                    factor[...] = matrix[group, some, channel * taps : (channel + width) * taps]
                    np.add(total, np.matmul(factor, columns.reshape(-1, length), out=part), out=total)
                target[number, group, some, start : start + length] = total


KERNELS = {"conv": conv}
WORKSPACES = {"conv": conv_workspace}
