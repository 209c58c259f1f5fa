"""How a kernel cuts its work into pieces that fit the scratch memory it was lent."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = tuple[Shape | None, ...]
Box: TypeAlias = tuple[slice, ...]

LIMIT = 262144
FLOAT = np.dtype(np.float32)
INDEX = np.dtype(np.int64)


def flat(array: Array) -> Array:
    """View a C-contiguous array in one dimension; ValueError where that would take a copy."""
    return array.reshape(-1, copy=False)


def is_low(dtype: np.dtype[Any]) -> bool:
    """Whether a type is a float too short to compute in: float16, bfloat16, float8 and their kin."""
    return dtype.itemsize < 4 and dtype.kind not in "biu"


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type to compute in: float32 for short floats, otherwise the type itself."""
    return FLOAT if is_low(dtype) else dtype


def rounded(size: int) -> int:
    """Round a number of bytes up to the alignment of 64."""
    return -(-size // 64) * 64


def lent(workspace: Array | None, kernel: str) -> Array:
    """Return the workspace; ValueError where the caller lent none."""
    if workspace is None:
        raise ValueError(
            f"{kernel} needs a workspace for these types and shapes; pass what {kernel}_workspace asks for"
        )
    return workspace


def carve(workspace: Array, *parts: tuple[Shape, DTypeLike]) -> list[Array]:
    """Lay arrays of the given shapes and types side by side in the workspace, each starting at a multiple of 64."""
    arrays, start = [], 0
    for shape, dtype in parts:
        size = prod(shape) * np.dtype(dtype).itemsize
        if start + size > workspace.size:
            raise ValueError(f"a workspace of {workspace.size} bytes is too small; {start + size} are needed")
        arrays.append(workspace[start : start + size].view(dtype).reshape(shape))
        start += rounded(size)
    return arrays


def spans(shape: Shape, limit: int) -> Iterator[Box]:
    """Cut a shape into boxes of at most `limit` elements, each one contiguous run of a C-contiguous array, in order."""
    axis, inner = len(shape), 1
    while axis and inner * shape[axis - 1] <= limit:
        axis -= 1
        inner *= shape[axis]
    tail = tuple(slice(0, size) for size in shape[axis:])
    if not axis:
        yield tail
        return
    step, size = max(1, limit // max(1, inner)), shape[axis - 1]
    step = -(-size // max(1, -(-size // step)))  # boxes of one size, not large ones and a small rest
    for lead in product(*map(range, shape[: axis - 1])):
        head = tuple(slice(index, index + 1) for index in lead)
        for start in range(0, size, step):
            yield (*head, slice(start, min(size, start + step)), *tail)


def boxes(shape: Shape, limit: int) -> Iterator[tuple[Any, ...]]:
    """Cut a shape as `spans` does into indices that give arrays even where the shape is ()."""
    for span in spans(shape, limit):
        yield (*span, ...)


def extent(box: Box) -> Shape:
    """Return the shape of a box."""
    return tuple(part.stop - part.start for part in box)


def offset(box: Box, shape: Shape) -> int:
    """Return where a box starts in the flat array of this shape."""
    start = 0
    for part, size in zip(box, shape, strict=True):
        start = start * size + part.start
    return start


def normal(axis: int, rank: int) -> int:
    """Count a negative axis from the front; ValueError where it lies outside."""
    if not -rank <= axis < max(rank, 1):
        raise ValueError(f"axis {axis} is outside an array of rank {rank}; use {-rank} to {rank - 1}")
    return axis % rank if rank else 0


def around(shape: Shape, axis: int) -> tuple[int, int, int]:
    """Return the number of elements before, along and after one axis."""
    axis = normal(axis, len(shape))
    return prod(shape[:axis]), shape[axis] if shape else 1, prod(shape[axis + 1 :])
