"""Conversion between numbers and the few whole steps that stand for them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import FLOAT, LIMIT, Array, Shape, Shapes, boxes, carve, lent, normal

RANGES = {"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}
"""The least and the largest of the short types that NumPy has no name for."""


def quantize_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes that conversions between numbers and steps want."""
    return LIMIT // 2


def quantize_linear(
    out: Array,
    x: Array,
    scale: Array,
    zero: Array | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    saturate: int = 1,
    precision: str = "",
    workspace: Array | None = None,
) -> None:
    """Divide by the scale, round to even, add the zero point and clip to the type of `out`.

    The quotient is rounded to `precision`, or to the type of the scale.
    """
    room = lent(workspace, "quantize_linear")
    exact = _divided(scale.dtype) if not precision else named(precision)
    wide = np.dtype(np.float64) if exact.itemsize == 8 else FLOAT
    for target, source, factor, shift in _pieces(out, x, scale, zero, axis, block_size):
        for box in boxes(source.shape, room.size // 4 // wide.itemsize):
            part, other = carve(room, (source[box].shape, wide), (source[box].shape, wide))
            np.copyto(part, source[box], casting="unsafe")
            np.copyto(other, factor[box], casting="unsafe")
            np.divide(part, other, out=part)
            if exact.itemsize < 4:
                short = other.reshape(-1).view(np.uint8)[: part.size * exact.itemsize].view(exact).reshape(part.shape)
                np.copyto(short, part, casting="unsafe")
                np.copyto(part, short, casting="unsafe")
            settle(target[box], part, None if shift is None else shift[box], saturate)


def _divided(scale: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type to divide in: that of the scale, unless quotients of it are no numbers of its kind."""
    if scale.kind in "iu":
        return np.dtype(np.float64)
    return FLOAT if scale.itemsize == 1 else scale


def settle(out: Array, part: Array, zero: Array | None, saturate: int = 1) -> None:
    """Round what was divided, add the zero point and clip it into `out`; `part` is overwritten."""
    name = out.dtype.name
    if name.startswith("float"):
        if saturate or name.startswith("float4"):
            import ml_dtypes

            most = part.dtype.type(ml_dtypes.finfo(out.dtype).max)  # type: ignore[no-untyped-call]
            np.clip(part, -most, most, out=part)
        np.copyto(out, part, casting="unsafe")
        return
    np.rint(part, out=part)
    if zero is not None:
        np.add(part, zero.astype(part.dtype) if zero.dtype.kind == "V" else zero, out=part, casting="unsafe")
    low, high = limits(out.dtype)
    np.clip(part, low, high, out=part)
    np.copyto(out, part, casting="unsafe")


def limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the least and the largest number of a whole type."""
    known = RANGES.get(dtype.name)
    return known or (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def named(name: str) -> np.dtype[Any]:
    """Return the type of this name, a float16 of the other kind too."""
    if name != "bfloat16":
        return np.dtype(name)
    import ml_dtypes

    found: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return found


def dequantize_linear(
    out: Array,
    x: Array,
    scale: Array,
    zero: Array | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    workspace: Array | None = None,
) -> None:
    """Subtract the zero point and multiply by the scale."""
    room = lent(workspace, "dequantize_linear")
    double = np.dtype(np.float64)
    wide = double if double in (out.dtype, scale.dtype) or x.dtype.itemsize == 4 else FLOAT
    for target, source, factor, shift in _pieces(out, x, scale, zero, axis, block_size):
        for box in boxes(source.shape, room.size // 4 // wide.itemsize):
            part, other = carve(room, (source[box].shape, wide), (source[box].shape, wide))
            np.copyto(part, source[box], casting="unsafe")
            if shift is not None:
                np.copyto(other, shift[box], casting="unsafe")
                np.subtract(part, other, out=part)
            np.copyto(other, factor[box], casting="unsafe")
            np.multiply(part, other, out=part)
            np.copyto(target[box], part, casting="unsafe")


def _pieces(
    out: Array, x: Array, scale: Array, zero: Array | None, axis: int, block: int
) -> Iterator[tuple[Array, Array, Array, Array | None]]:
    """Yield parts of both arrays with the scale and zero point of each element, spread without a copy."""
    if scale.ndim == x.ndim and block and x.ndim:
        yield from _blocks(out, x, scale, zero, normal(axis, x.ndim), block)
        return
    shape: Shape = (1,) * x.ndim
    if scale.ndim == 1 and scale.size != 1:
        at = normal(axis, x.ndim)
        if x.ndim == 1:
            at = 0
        if x.shape[at] != scale.size:
            raise ValueError(f"{scale.size} scales do not fit {x.shape[at]} along axis {axis}")
        shape = (*shape[:at], scale.size, *shape[at + 1 :])
    elif scale.size != 1:
        raise ValueError(f"a scale of {list(scale.shape)} does not fit {list(x.shape)}")
    spread = np.broadcast_to(scale.reshape(shape), x.shape)
    yield out, x, spread, None if zero is None else np.broadcast_to(zero.reshape(shape), x.shape)


def _blocks(
    out: Array, x: Array, scale: Array, zero: Array | None, axis: int, block: int
) -> Iterator[tuple[Array, Array, Array, Array | None]]:
    """Cut an axis into whole blocks, a scale each, and what is left."""
    length, lead = x.shape[axis], (slice(None),) * axis
    if scale.shape != (*x.shape[:axis], -(-length // block), *x.shape[axis + 1 :]):
        raise ValueError(f"scales of {list(scale.shape)} do not fit {list(x.shape)} in blocks of {block}")
    whole = length // block
    for start, stop, size in ((0, whole, block), (whole, whole + bool(length % block), length % block)):
        if start == stop:
            continue
        some = (*lead, slice(start * block, start * block + (stop - start) * size))
        shape = (*x.shape[:axis], stop - start, size, *x.shape[axis + 1 :])
        of = [
            None if each is None else np.expand_dims(each[(*lead, slice(start, stop))], axis + 1)
            for each in (scale, zero)
        ]
        spread = [None if each is None else np.broadcast_to(each, shape) for each in of]
        assert spread[0] is not None
        yield out[some].reshape(shape, copy=False), x[some].reshape(shape, copy=False), spread[0], spread[1]


def dynamic_quantize_linear(out: Array, scale: Array, zero: Array, x: Array, *, workspace: Array | None = None) -> None:
    """Quantise to bytes by the least and the largest element, zero among them, and tell the scale and zero point."""
    low = min(FLOAT.type(0), x.min()) if x.size else FLOAT.type(0)
    high = max(FLOAT.type(0), x.max()) if x.size else FLOAT.type(0)
    scale[...] = (high - low) / FLOAT.type(255) if high > low else 1
    zero[...] = np.clip(np.rint(-low / scale), 0, 255)
    quantize_linear(out, x, scale, zero, workspace=workspace)


KERNELS = {
    "quantize_linear": quantize_linear,
    "dequantize_linear": dequantize_linear,
    "dynamic_quantize_linear": dynamic_quantize_linear,
}
WORKSPACES = {name: quantize_workspace for name in KERNELS}
