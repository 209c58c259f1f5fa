"""Norms and moments over any axes, and what they scale; short floats are added up in float32."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Box, Shapes, boxes, carve, lent, normal, spans, wide

Change = Callable[[Array, Box], None]
_SHARE = 8
"""Eighths of the workspace: one is for each of two statistics, three for each of two blocks."""


class Strip:
    """A part of an array that holds all there is along some axes, with room for two statistics of the others."""

    __slots__ = ("axes", "block", "first", "part", "second", "spare", "x")

    def __init__(self, x: Array, part: Box, axes: tuple[int, ...], room: Array) -> None:
        self.x, self.part, self.axes = x[part], part, axes
        dtype = wide(x.dtype)
        kept = tuple(1 if i in axes else size for i, size in enumerate(self.x.shape))
        limit = max(1, (room.size - 512) // _SHARE // dtype.itemsize)
        self.first, self.second, self.block, self.spare = carve(
            room, (kept, dtype), (kept, dtype), ((3 * limit,), dtype), ((3 * limit,), dtype)
        )

    def kept(self, box: Box) -> tuple[Any, ...]:
        """Return where the statistics of a box are."""
        return tuple(slice(0, 1) if i in self.axes else part for i, part in enumerate(box[: self.x.ndim]))

    def pieces(self) -> Iterator[tuple[Any, Array]]:
        """Yield boxes of the strip, each copied into a block of its own."""
        for box in boxes(self.x.shape, self.block.size):
            piece = self.x[box]
            block = self.block[: piece.size].reshape(piece.shape)
            np.copyto(block, piece, casting="unsafe")
            yield box, block

    def add_up(self, total: Array, change: Change) -> None:
        """Add up what the elements are changed into."""
        total[...] = 0
        for box, block in self.pieces():
            change(block, box)
            goal = total[self.kept(box)]
            part = self.spare[: goal.size].reshape(goal.shape)
            np.add(goal, np.add.reduce(block, axis=self.axes, keepdims=True, out=part), out=goal)

    def write(self, out: Array, change: Change) -> None:
        """Write what the elements are changed into."""
        target = out[self.part]
        for box, block in self.pieces():
            change(block, box)
            np.copyto(target[box], block, casting="unsafe")


def _strips(x: Array, axes: tuple[int, ...], room: Array) -> Iterator[Strip]:
    kept = tuple(1 if i in axes else size for i, size in enumerate(x.shape))
    limit = max(1, (room.size - 512) // _SHARE // wide(x.dtype).itemsize)
    for box in spans(kept, limit):
        part = tuple(slice(None) if i in axes else each for i, each in enumerate(box))
        yield Strip(x, part, axes, room)


def _raise(p: int) -> Change:
    def change(block: Array, box: Box) -> None:
        if p == 2:
            np.multiply(block, block, out=block)
            return
        np.abs(block, out=block)
        if p != 1:
            np.power(block, block.dtype.type(p), out=block)

    return change


def _root(total: Array, p: int) -> None:
    if p == 2:
        np.sqrt(total, out=total)
    elif p != 1:
        np.power(total, total.dtype.type(1 / p), out=total)


def rms_norm(
    out: Array, x: Array, scale: Array, *, axis: int = -1, epsilon: float = 1e-5, workspace: Array | None = None
) -> None:
    """Divide by the root mean square over all axes from one on, then scale; `out` may be x's memory."""
    if not x.size:
        return
    axis = normal(axis, x.ndim)
    axes = tuple(range(axis, x.ndim))
    weight = np.broadcast_to(scale, x.shape)
    for strip in _strips(x, axes, lent(workspace, "rms_norm")):
        strip.add_up(strip.first, _raise(2))
        np.divide(strip.first, x.size // max(1, int(np.prod(x.shape[:axis]))), out=strip.first)
        np.add(strip.first, epsilon, out=strip.first)
        np.sqrt(strip.first, out=strip.first)
        factor = weight[strip.part]

        def change(block: Array, box: Box, strip: Strip = strip, factor: Array = factor) -> None:
            np.divide(block, strip.first[strip.kept(box)], out=block)
            np.multiply(block, factor[box], out=block, casting="unsafe")

        strip.write(out, change)


def lp_normalization(out: Array, x: Array, *, axis: int = -1, p: int = 2, workspace: Array | None = None) -> None:
    """Divide by the p-norm along an axis; where it is zero, so is the result; `out` may be x's memory."""
    if not x.size:
        return
    for strip in _strips(x, (normal(axis, x.ndim),), lent(workspace, "lp_normalization")):
        strip.add_up(strip.first, _raise(p))
        _root(strip.first, p)
        np.copyto(strip.first, 1, where=strip.first == 0)
        strip.write(out, _divided(strip, strip.first))


def _divided(strip: Strip, by: Array) -> Change:
    def change(block: Array, box: Box) -> None:
        np.divide(block, by[strip.kept(box)], out=block)

    return change


def mean_variance_normalization(
    out: Array, x: Array, *, axes: tuple[int, ...] = (0, 2, 3), workspace: Array | None = None
) -> None:
    """Bring mean and variance over some axes to 0 and 1; `out` may be x's memory."""
    if not x.size:
        return
    chosen = tuple(normal(axis, x.ndim) for axis in axes)
    count = int(np.prod([x.shape[axis] for axis in chosen]))
    for strip in _strips(x, chosen, lent(workspace, "mean_variance_normalization")):
        strip.add_up(strip.first, lambda block, box: None)
        np.divide(strip.first, count, out=strip.first)

        def centred(block: Array, box: Box, strip: Strip = strip) -> None:
            np.subtract(block, strip.first[strip.kept(box)], out=block)

        def squared(block: Array, box: Box, centred: Change = centred) -> None:
            centred(block, box)
            np.multiply(block, block, out=block)

        def scaled(block: Array, box: Box, strip: Strip = strip, centred: Change = centred) -> None:
            centred(block, box)
            np.divide(block, strip.second[strip.kept(box)], out=block)

        strip.add_up(strip.second, squared)
        np.divide(strip.second, count, out=strip.second)
        np.sqrt(strip.second, out=strip.second)
        np.add(strip.second, 1e-9, out=strip.second)
        strip.write(out, scaled)


def global_lp_pool(out: Array, x: Array, *, p: int = 2, workspace: Array | None = None) -> None:
    """Take the p-norm over all spatial axes."""
    if not x.size:
        out[...] = 0
        return
    for strip in _strips(x, tuple(range(2, x.ndim)), lent(workspace, "global_lp_pool")):
        strip.add_up(strip.first, _raise(p))
        _root(strip.first, p)
        np.copyto(out[strip.part], strip.first, casting="unsafe")


def moments_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes wanted: eight numbers an element, at most 256 KiB."""
    shape = in_shapes[0]
    return LIMIT if shape is None else min(LIMIT, 8 * max(4, itemsize) * (int(np.prod(shape)) + 16) + 1024)


KERNELS = {
    "rms_norm": rms_norm,
    "lp_normalization": lp_normalization,
    "mean_variance_normalization": mean_variance_normalization,
    "global_lp_pool": global_lp_pool,
}
WORKSPACES = dict.fromkeys(KERNELS, moments_workspace)
