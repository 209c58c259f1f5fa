"""Elementwise formulas that take several steps: each piece of the array stays in the cache until it is done."""

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shapes, carve, flat, is_low, lent, rounded, wide

PIECE = 65536
ROW = 512

Formula = Callable[..., None]
Kernel = Callable[..., None]


@lru_cache(maxsize=16)
def row(value: float, dtype: np.dtype[Any]) -> Array:
    """Return a read-only row of one value: NumPy compares with an array five times as fast as with a scalar."""
    values = np.full(ROW, value, dtype)
    values.flags.writeable = False
    return values


def against(ufunc: np.ufunc, x: Array, values: Array, out: Array) -> None:
    """Apply a binary ufunc to a flat array and one repeated value, given as a row of it."""
    whole = x.size - x.size % len(values)
    if whole:
        ufunc(x[:whole].reshape(-1, len(values)), values, out=out[:whole].reshape(-1, len(values)))
    if whole < x.size:
        ufunc(x[whole:], values[: x.size - whole], out=out[whole:])


def formula_kernel(name: str, formula: Formula, temporaries: int) -> tuple[Kernel, Callable[..., int]]:
    """Make a kernel `(out, x, *, workspace, **params)` and its companion from `formula(out, x, *temps, **params)`.

    The formula works on flat arrays of at least 32 bits a float; it must be right where `out` is `x`.
    """

    def kernel(out: Array, x: Array, *, workspace: Array | None = None, **params: Any) -> None:
        if not x.size:
            return
        source, target, dtype = flat(x), flat(out), wide(x.dtype)
        short = is_low(x.dtype)
        count = temporaries + short
        step = min(PIECE, LIMIT // max(1, count) // 64 * 64) // dtype.itemsize
        room = carve(lent(workspace, name), *[((min(step, source.size),), dtype)] * count) if count else []
        for start in range(0, source.size, step):
            piece, goal = source[start : start + step], target[start : start + step]
            temps = [each[: piece.size] for each in room]
            if short:
                wider = temps.pop()
                np.copyto(wider, piece)
                formula(wider, wider, *temps, **params)
                np.copyto(goal, wider, casting="unsafe")
            else:
                formula(goal, piece, *temps, **params)

    def workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
        size, count, shape = max(4, itemsize), temporaries + (itemsize < 4), in_shapes[0]
        step = min(PIECE, LIMIT // max(1, count) // 64 * 64) // size
        length = step if shape is None else min(step, prod(shape))
        return count * rounded(length * size)

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = formula.__doc__
    return kernel, workspace
