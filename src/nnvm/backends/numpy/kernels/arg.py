"""Where the largest element lies along an axis, and sums of all that came before."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import (
    LIMIT,
    Array,
    Shapes,
    around,
    carve,
    is_low,
    lent,
    normal,
    rounded,
    spans,
    wide,
)

ROWS = 256


def argmax(
    out: Array,
    x: Array,
    *,
    axis: int = 0,
    keepdims: bool = True,
    select_last_index: int = 0,
    workspace: Array | None = None,
) -> None:
    """Give the index of the first (or last) largest element along an axis."""
    _arg(out, x, axis, bool(select_last_index), lent(workspace, "argmax"), np.argmax)


def argmin(
    out: Array,
    x: Array,
    *,
    axis: int = 0,
    keepdims: bool = True,
    select_last_index: int = 0,
    workspace: Array | None = None,
) -> None:
    """Give the index of the first (or last) smallest element along an axis."""
    _arg(out, x, axis, bool(select_last_index), lent(workspace, "argmin"), np.argmin)


def arg_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes argmax wants: lines along the axis laid out one after another, at most 256 KiB."""
    shape = in_shapes[0]
    return LIMIT if shape is None else min(LIMIT, rounded(prod(shape) * itemsize) + 64)


def _arg(out: Array, x: Array, axis: int, last: bool, room: Array, find: Any) -> None:
    outer, length, inner = around(x.shape, axis)
    source, target = x.reshape(outer, length, inner), out.reshape(outer, inner)
    if not length:
        raise ValueError(f"argmax along axis {axis} of {x.shape} has nothing to choose from")
    for lines, places in _found(source, last, room, find):
        target[lines] = places


def _found(x: Array, last: bool, room: Array, find: Any) -> Iterator[tuple[tuple[slice, slice], Array]]:
    """Yield boxes of lines with the index that each line's search gives."""
    outer, length, inner = x.shape
    cells = room.size // x.itemsize
    for before, after in spans((outer, inner), max(1, min(ROWS, cells // length))):
        piece = x[before, :, after].transpose(0, 2, 1)
        shape, width = piece.shape[:2], max(1, min(length, cells // prod(piece.shape[:2])))
        place, value = _search(piece[..., :width], last, room, find)
        for start in range(width, length, width):
            index, rival = _search(piece[..., start : start + width], last, room, find)
            better = _wins(rival, value, last, find)
            place, value = np.where(better, index + start, place), np.where(better, rival, value)
        yield (before, after), place.reshape(shape)


def _search(x: Array, last: bool, room: Array, find: Any) -> tuple[Array, Array]:
    """Search lines copied into the workspace, backwards where the last of equals is wanted."""
    (lines,) = carve(room, (x.shape, x.dtype))
    np.copyto(lines, x[..., ::-1] if last else x)
    lines = lines.reshape(-1, x.shape[-1])
    place = find(lines, axis=1)
    value = lines[np.arange(len(lines)), place]
    return (x.shape[-1] - 1 - place if last else place), value


def _wins(rival: Array, value: Array, last: bool, find: Any) -> Array:
    better = np.greater_equal if last else np.greater
    wins = better(rival, value) if find is np.argmax else better(value, rival)
    if rival.dtype.kind in "biu":
        return wins
    return np.where(np.isnan(rival), last | ~np.isnan(value), wins & ~np.isnan(value))


def hardmax(out: Array, x: Array, *, axis: int = -1, workspace: Array | None = None) -> None:
    """Put one where the first largest element along an axis lies, and zero elsewhere."""
    outer, length, inner = around(x.shape, axis)
    source, target = x.reshape(outer, length, inner), out.reshape(outer, length, inner)
    out.fill(0)
    if not x.size:
        return
    for (before, after), places in _found(source, False, lent(workspace, "hardmax"), np.argmax):
        rows = np.arange(before.start, before.stop)[:, None]
        target[rows, places, np.arange(after.start, after.stop)] = 1


def hardmax_from(out: Array, x: Array, *, axis: int = 1, workspace: Array | None = None) -> None:
    """Put one at the first largest element over all axes from `axis` on, and zero elsewhere."""
    at = x.ndim if axis == x.ndim else normal(axis, x.ndim)
    view = (prod(x.shape[:at]), prod(x.shape[at:]))
    hardmax(out.reshape(view, copy=False), x.reshape(view, copy=False), axis=1, workspace=workspace)


def cumsum(
    out: Array, x: Array, axis: Array | int, *, exclusive: int = 0, reverse: int = 0, workspace: Array | None = None
) -> None:
    """Add up along an axis all elements up to each one, or only those before it under `exclusive`."""
    _so_far(out, x, axis, np.add, 0, exclusive, reverse, workspace, "cumsum")


def cumprod(
    out: Array, x: Array, axis: Array | int, *, exclusive: int = 0, reverse: int = 0, workspace: Array | None = None
) -> None:
    """Multiply along an axis all elements up to each one, or only those before it under `exclusive`."""
    _so_far(out, x, axis, np.multiply, 1, exclusive, reverse, workspace, "cumprod")


def _so_far(
    out: Array,
    x: Array,
    axis: Array | int,
    combine: np.ufunc,
    nothing: int,
    exclusive: int,
    reverse: int,
    workspace: Array | None,
    name: str,
) -> None:
    view = around(x.shape, int(np.reshape(axis, ())))
    turn = slice(None, None, -1) if reverse else slice(None)
    source, target = x.reshape(view)[:, turn], out.reshape(view)[:, turn]
    if not x.size:
        return
    if exclusive:
        target[:, :1] = nothing
        source, target = source[:, :-1], target[:, 1:]
    if not is_low(x.dtype):
        combine.accumulate(source, axis=1, dtype=out.dtype, out=target)
        return
    _short_runs(target, source, lent(workspace, name), combine)


def _short_runs(out: Array, x: Array, room: Array, combine: np.ufunc) -> None:
    """Add up or multiply short floats in float32, stretch by stretch, carrying the result so far."""
    outer, length, inner = x.shape
    dtype = wide(x.dtype)
    for before, after in spans((outer, inner), 2048):
        piece, goal = x[before, :, after], out[before, :, after]
        (carry,) = carve(room, ((piece.shape[0], 1, piece.shape[2]), dtype))
        carry.fill(combine.identity)
        rest = room[rounded(carry.nbytes) :]
        width = max(1, rest.size // dtype.itemsize // max(1, carry.size))
        for start in range(0, length, width):
            part = piece[:, start : start + width]
            (block,) = carve(rest, (part.shape, dtype))
            np.copyto(block, part)
            combine(block[:, :1], carry, out=block[:, :1])
            combine.accumulate(block, axis=1, out=block)
            np.copyto(carry, block[:, -1:])
            np.copyto(goal[:, start : start + width], block, casting="unsafe")


def cumsum_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `cumsum` wants: none but for short floats."""
    return LIMIT if itemsize < 4 else 0


KERNELS = {
    "argmax": argmax,
    "argmin": argmin,
    "hardmax": hardmax,
    "hardmax_from": hardmax_from,
    "cumsum": cumsum,
    "cumprod": cumprod,
}
WORKSPACES = {
    "argmax": arg_workspace,
    "argmin": arg_workspace,
    "hardmax": arg_workspace,
    "hardmax_from": arg_workspace,
    "cumsum": cumsum_workspace,
    "cumprod": cumsum_workspace,
}
