"""Conversion between element types."""

from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import FLOAT, LIMIT, Array, Shapes, carve, flat, lent


def cast(out: Array, x: Array, *, saturate: int = 1, round_mode: str = "up", workspace: Array | None = None) -> None:
    """Convert to the type of `out`: floats truncate to integers, anything but zero is True.

    Where `saturate` holds, what is too large for a float8 becomes its largest number and not NaN or infinity.
    `round_mode` is for float8_e8m0fnu alone.
    """
    target = out.dtype
    if target.name == "float8_e8m0fnu" and x.dtype != target:
        _powers(out, x, bool(saturate), round_mode, lent(workspace, "cast"))
        return
    if target.kind == "b":
        np.not_equal(x, x.dtype.type(0), out=out)
    elif saturate and target.itemsize == 1 and target.name.startswith("float8") and x.dtype.kind != "b":
        _saturating(out, x, lent(workspace, "cast"))
    elif not _knows(x.dtype, target):
        double = max(x.dtype.itemsize, target.itemsize) == 8
        _through(out, x, np.dtype(np.float64) if double else FLOAT, lent(workspace, "cast"))
    elif np.may_share_memory(out, x):
        _through(out, x, target, lent(workspace, "cast"))
    else:
        np.copyto(out, x, casting="unsafe")


def cast_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `cast` wants where types go through another, or the output is the input's memory."""
    return LIMIT // 4


def _knows(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Whether both are NumPy's own types or one and the same, so that one copy converts without buffers."""
    return source == target or (source.isbuiltin == 1 and target.isbuiltin == 1)


def _through(out: Array, x: Array, middle: np.dtype[Any], room: Array) -> None:
    """Convert piece by piece through a type in the workspace."""
    source, target = flat(x), flat(out)
    step = room.size // middle.itemsize
    for start in range(0, source.size, step):
        piece = source[start : start + step]
        (wider,) = carve(room, (piece.shape, middle))
        np.copyto(wider, piece, casting="unsafe")
        np.copyto(target[start : start + step], wider, casting="unsafe")


def _saturating(out: Array, x: Array, room: Array) -> None:
    """Clip to the largest finite number on the way."""
    import ml_dtypes

    most = FLOAT.type(ml_dtypes.finfo(out.dtype).max)  # type: ignore[no-untyped-call]
    source, target = flat(x), flat(out)
    step = room.size // FLOAT.itemsize
    for start in range(0, source.size, step):
        piece = source[start : start + step]
        (wider,) = carve(room, (piece.shape, FLOAT))
        np.copyto(wider, piece, casting="unsafe")
        np.maximum(wider, -most, out=wider)
        np.minimum(wider, most, out=wider)
        np.copyto(target[start : start + step], wider, casting="unsafe")


def _powers(out: Array, x: Array, saturate: bool, round_mode: str, room: Array) -> None:
    """Round to powers of two, which are the exponents of float32; what has none becomes NaN."""
    source, target = flat(x), flat(out).view(np.uint8)
    step = room.size // 4 // 8
    for start in range(0, source.size, step):
        piece = source[start : start + step]
        wider, rest, more = carve(room, (piece.shape, FLOAT), (piece.shape, np.uint32), (piece.shape, np.bool_))
        np.copyto(wider, piece, casting="unsafe")
        codes = wider.view(np.uint32)
        np.bitwise_and(codes, 0x7FFFFF, out=rest)
        np.right_shift(codes, 23, out=codes)
        np.bitwise_and(codes, 0xFF, out=codes)
        least = {"up": 1, "nearest": 0x400000, "down": 0x800000}[round_mode]
        np.greater_equal(rest, least, out=more)
        if round_mode == "nearest":  # halfway to the least power stays below: its exponent counts as even
            np.logical_and(more, np.logical_or(codes > 0, rest > least), out=more)
        np.logical_and(more, codes < (0xFE if saturate else 0xFF), out=more)
        np.add(codes, more, out=codes)
        np.copyto(target[start : start + step], codes, casting="unsafe")


KERNELS = {"cast": cast}
WORKSPACES = {"cast": cast_workspace}
