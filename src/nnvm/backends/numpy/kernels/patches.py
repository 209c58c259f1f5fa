"""Pieces of images put in their places, one stretch of elements after another."""

from itertools import product
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import Array, Shape, flat, normal, wide


def center_crop_pad(out: Array, x: Array) -> None:
    """Copy what x and out share about their centres, and zeros around it."""
    pairs = [_shared(size, goal) for size, goal in zip(x.shape, out.shape, strict=True)]
    out.fill(0)
    np.copyto(out[tuple(target for _, target in pairs)], x[tuple(source for source, _ in pairs)])


def _shared(size: int, goal: int) -> tuple[slice, slice]:
    """Return which elements of an axis are kept, and where they come; an odd one more is cut or added at the end."""
    less = abs(size - goal) // 2
    inside = slice(less, less + min(size, goal))
    whole = slice(0, min(size, goal))
    return (inside, whole) if size > goal else (whole, inside)


def sized_center_crop_pad(x: Array, shape: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """Crop or pad to the sizes that an array holds."""
    sizes = list(x.shape)
    for axis, size in zip(range(x.ndim) if axes is None else axes, shape.tolist(), strict=True):
        if size < 0:
            raise ValueError(f"center_crop_pad: sizes of {shape.tolist()}")
        sizes[normal(axis, x.ndim)] = size
    out = np.empty(sizes, x.dtype)
    center_crop_pad(out, x)
    return out


def col2im(
    out: Array,
    x: Array,
    image_shape: Array,
    block_shape: Array,
    *,
    dilations: tuple[int, ...] = (),
    pads: tuple[int, ...] = (),
    strides: tuple[int, ...] = (),
) -> None:
    """Add each element of the blocks, for all blocks at once, to the image."""
    image, block = out.shape[2:], tuple(block_shape.tolist())
    rank = len(image)
    dilations, strides, pads = dilations or (1,) * rank, strides or (1,) * rank, pads or (0,) * (2 * rank)
    counts = [
        (image[i] + pads[i] + pads[rank + i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1 for i in range(rank)
    ]
    if min(counts, default=1) < 1 or x.shape[1:] != (out.shape[1] * prod(block), prod(counts)):
        raise ValueError(f"col2im: {x.shape} does not hold blocks of {block} of images of {out.shape}")
    source = x.reshape(*out.shape[:2], *block, *counts, copy=False)
    out.fill(0)
    for place in product(*map(range, block)):
        steps = [_inside(place[i] * dilations[i] - pads[i], strides[i], counts[i], image[i]) for i in range(rank)]
        some: Any = (..., *place, *(blocks for blocks, _ in steps))
        there: Any = (..., *(where for _, where in steps))
        out[there] += source[some]


def _inside(start: int, stride: int, count: int, size: int) -> tuple[slice, slice]:
    """Return which of `count` blocks have this element inside the image, and where."""
    first = max(0, -(-(0 - start) // stride))
    last = min(count, (size - 1 - start) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, last), slice(start + first * stride, start + (last - 1) * stride + 1, stride)


def sized_col2im(x: Array, image_shape: Array, block_shape: Array, **params: Any) -> Array:
    """Add up blocks in an image whose size arrays tell."""
    image, area = image_shape.tolist(), prod(block_shape.tolist())
    if min(image, default=0) < 0 or area < 1 or x.shape[1] % area:
        raise ValueError(f"col2im: {x.shape} does not divide into blocks of {block_shape.tolist()}")
    out = np.empty((x.shape[0], x.shape[1] // area, *image), x.dtype)
    col2im(out, x, image_shape, block_shape, **params)
    return out


def max_unpool(out: Array, x: Array, indices: Array, *, kernel: Shape, pads: Shape = (), strides: Shape = ()) -> None:
    """Put elements where indices into the whole pooled image say; the last of several for one place stays."""
    rank = len(kernel)
    pads, strides = pads or (0,) * (2 * rank), strides or (1,) * rank
    sizes = [(x.shape[i + 2] - 1) * strides[i] + kernel[i] - pads[i] - pads[rank + i] for i in range(rank)]
    whole = (*x.shape[:2], *sizes)
    if indices.size and not 0 <= indices.min() <= indices.max() < prod(whole):
        raise ValueError(f"max_unpool: an index lies outside an image of {whole}")
    if any(size < part for size, part in zip(out.shape, whole, strict=True)):
        raise ValueError(f"max_unpool: an image of {whole} does not fit into {out.shape}")
    out.fill(0)
    places = flat(indices)
    if out.shape == whole:
        flat(out)[places] = flat(x)
    elif x.size:
        out[np.unravel_index(places, whole)] = flat(x)


def sized_max_unpool(x: Array, indices: Array, output_shape: Array, **params: Any) -> Array:
    """Put elements into an image whose size an array tells."""
    out = np.empty(output_shape.tolist(), x.dtype)
    max_unpool(out, x, indices, **params)
    return out


def affine_grid(out: Array, theta: Array, *, align_corners: int = 0) -> None:
    """Map the places of one row of elements after another."""
    dtype, axes = wide(theta.dtype), out.shape[-1]
    lines = [_places(size, bool(align_corners)).astype(dtype) for size in out.shape[1:-1]]
    for one in range(out.shape[0]):
        turn = theta[one].astype(dtype)
        for place in product(*map(range, out.shape[1:-2])):
            start = turn[:, axes].copy()
            for axis, i in enumerate(place):
                start += turn[:, axes - 1 - axis] * lines[axis][i]
            np.copyto(out[(one, *place)], start + lines[-1][:, None] * turn[:, 0], casting="unsafe")


def _places(size: int, align_corners: bool) -> Array:
    """Return the places of elements along an axis, their centres within [-1, 1] or the outer ones at its ends."""
    if align_corners:
        return np.linspace(-1.0, 1.0, size) if size > 1 else np.full(size, -1.0)
    return (2 * np.arange(size) + 1) / max(size, 1) - 1


def sized_affine_grid(theta: Array, size: Array, *, align_corners: int = 0) -> Array:
    """Map the places of images whose size an array tells."""
    sizes = size.tolist()
    if len(sizes) != theta.shape[2] + 1 or sizes[0] != theta.shape[0]:
        raise ValueError(f"affine_grid: {theta.shape} does not map images of {sizes}")
    out = np.empty((*theta.shape[:1], *sizes[2:], theta.shape[1]), theta.dtype)
    affine_grid(out, theta, align_corners=align_corners)
    return out


KERNELS: dict[str, Any] = {
    "center_crop_pad": center_crop_pad,
    "col2im": col2im,
    "max_unpool": max_unpool,
    "affine_grid": affine_grid,
}
WORKSPACES: dict[str, Any] = {}
SIZED: dict[str, Any] = {
    "sized_center_crop_pad": sized_center_crop_pad,
    "sized_col2im": sized_col2im,
    "sized_max_unpool": sized_max_unpool,
    "sized_affine_grid": sized_affine_grid,
}
"""Kernels that allocate, because only the data says how large their results are."""
