"""Matrix products; short floats are widened to float32 block by block."""

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import FLOAT, LIMIT, Array, Shape, Shapes, boxes, carve, is_low, lent, rounded

Finish = Callable[[Array, slice, slice], None]


def matmul(out: Array, a: Array, b: Array, *, workspace: Array | None = None) -> None:
    """Multiply as numpy.matmul does: stacks of matrices broadcast, vectors lose their added axis."""
    if is_low(out.dtype):
        _short(out, a, b, lent(workspace, "matmul"))
    elif a.ndim > 2 and b.ndim == 2:
        np.matmul(a.reshape(prod(a.shape[:-1]), a.shape[-1]), b, out=out.reshape(prod(out.shape[:-1]), out.shape[-1]))
    else:
        np.matmul(a, b, out=out)


def matmul_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes a product wants: none unless the floats are short."""
    return LIMIT if itemsize < 4 else 0


def gemm(
    out: Array,
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
    """Give alpha * a @ b + beta * c, of which a and b may be transposed and c broadcasts."""
    if not out.size:
        return
    left, right = a.T if transpose_a else a, b.T if transpose_b else b
    if is_low(out.dtype):
        whole = None if c is None else np.broadcast_to(c, out.shape)

        def finish(total: Array, rows: slice, columns: slice) -> None:
            np.multiply(total, alpha, out=total)
            if whole is not None and beta:
                for line, row in enumerate(range(rows.start, rows.stop)):
                    for start in range(columns.start, columns.stop, 2048):
                        stop = min(start + 2048, columns.stop)
                        part = total[line, start - columns.start : stop - columns.start]
                        np.add(part, whole[row, start:stop].astype(FLOAT) * FLOAT.type(beta), out=part)

        _matrix(out, left, right, lent(workspace, "gemm"), finish)
        return
    np.matmul(left, right, out=out)
    if alpha != 1:
        _scale(out, alpha)
    if c is not None and beta == 1:
        np.add(out, c, out=out)
    elif c is not None and beta:
        _add_scaled(out, c, beta, lent(workspace, "gemm"))


def gemm_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `gemm` wants: for short floats, and for c where beta is neither 0 nor 1."""
    if itemsize < 4:
        return LIMIT
    if len(in_shapes) < 3 or params.get("beta", 1.0) in (0, 1):
        return 0
    shape = out_shapes[0]
    return LIMIT // 4 if shape is None else min(LIMIT // 4, rounded(prod(shape) * itemsize))


def _scale(out: Array, factor: float) -> None:
    if out.dtype.kind == "f" or float(factor).is_integer():
        np.multiply(out, out.dtype.type(factor), out=out)
        return
    for box in boxes(out.shape, 512):
        out[box] = np.trunc(out[box] * factor)


def _add_scaled(out: Array, c: Array, factor: float, room: Array) -> None:
    whole = np.broadcast_to(c, out.shape)
    for box in boxes(out.shape, room.size // out.itemsize):
        (part,) = carve(room, (out[box].shape, out.dtype))
        np.copyto(part, whole[box])
        _scale(part, factor)
        np.add(out[box], part, out=out[box])


def _short(out: Array, a: Array, b: Array, room: Array) -> None:
    """Multiply stacks of short floats matrix by matrix."""
    left, right = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    lead = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    target = out.reshape(*lead, left.shape[-2], right.shape[-1])
    left = np.broadcast_to(left, (*lead, *left.shape[-2:]))
    right = np.broadcast_to(right, (*lead, *right.shape[-2:]))
    for index in product(*map(range, lead)):
        _matrix(target[index], left[index], right[index], room)


def _matrix(out: Array, a: Array, b: Array, room: Array, finish: Finish | None = None) -> None:
    """Multiply two matrices in float32, in blocks of at most 120 rows, columns and terms."""
    (rows, depth), columns = a.shape, b.shape[1]
    block = 120
    for top, left in product(range(0, rows, block), range(0, columns, block)):
        across, along = slice(top, min(rows, top + block)), slice(left, min(columns, left + block))
        shape: Shape = (across.stop - top, along.stop - left)
        room_parts = ((shape[0] * block,), FLOAT), ((shape[1] * block,), FLOAT)
        total, part, first, second = carve(room, (shape, FLOAT), (shape, FLOAT), *room_parts)
        total.fill(0)
        for start in range(0, depth, block):
            terms = slice(start, min(depth, start + block))
            count = terms.stop - start
            x, y = first[: shape[0] * count].reshape(-1, count), second[: count * shape[1]].reshape(count, -1)
            x[...], y[...] = a[across, terms], b[terms, along]
            np.add(total, np.matmul(x, y, out=part), out=total)
        if finish is not None:
            finish(total, across, along)
        out[across, along] = total


KERNELS = {"matmul": matmul, "gemm": gemm}
WORKSPACES = {"matmul": matmul_workspace, "gemm": gemm_workspace}
