"""Elements read and written where other arrays say."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import (
    INDEX,
    LIMIT,
    Array,
    Shape,
    Shapes,
    around,
    carve,
    extent,
    flat,
    lent,
    normal,
    offset,
    spans,
)

_COMBINE: dict[str, np.ufunc] = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def index_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes that kernels which compute indices want."""
    return LIMIT // 2


def _check(indices: Array, length: int, kernel: str) -> None:
    if indices.size and not (-length <= indices.min() and indices.max() < length):
        raise ValueError(
            f"{kernel}: an index lies outside -{length}..{length - 1}; found {indices.min()} to {indices.max()}"
        )


def gather(out: Array, x: Array, indices: Array, *, axis: int = 0, workspace: Array | None = None) -> None:
    """Take the slices along an axis that `indices` name; ValueError where one lies outside."""
    outer, length, inner = around(x.shape, axis)
    _check(indices, length, "gather")
    if not out.size:
        return
    source, target, wanted = x.reshape(outer, length, inner), out.reshape(outer, indices.size, inner), flat(indices)
    if indices.dtype == INDEX:
        np.take(source, wanted, axis=1, out=target, mode="wrap")
        return
    room = lent(workspace, "gather")
    step = room.size // INDEX.itemsize
    if wanted.size <= step:
        (places,) = carve(room, (wanted.shape, INDEX))
        np.copyto(places, wanted)
        np.take(source, places, axis=1, out=target, mode="wrap")
        return
    for start in range(0, wanted.size, step):
        some = slice(start, min(wanted.size, start + step))
        (places,) = carve(room, ((some.stop - start,), INDEX))
        np.copyto(places, wanted[some])
        for piece, goal in zip(source, target, strict=True):
            np.take(piece, places, axis=0, out=goal[some], mode="wrap")


def _places(indices: Array, shape: Shape, axis: int, room: Array) -> Iterator[tuple[slice, Array]]:
    """Yield stretches of `indices` with the flat places in an array of `shape` that they name along the axis."""
    steps = [prod(shape[at + 1 :]) for at in range(len(shape))]
    for box in spans(indices.shape, room.size // 2 // INDEX.itemsize):
        size = extent(box)
        places, below = carve(room, (size, INDEX), (size, np.bool_))
        some: Any = (*box, ...)
        np.copyto(places, indices[some])
        np.less(places, 0, out=below)
        np.add(places, shape[axis], out=places, where=below)
        np.multiply(places, steps[axis], out=places)
        for at, part in enumerate(box):
            if at != axis:
                for start in range(part.start, part.stop, 1024):
                    stop = min(part.stop, start + 1024)
                    along = (np.arange(start, stop) * steps[at]).reshape(-1, *[1] * (len(box) - 1 - at))
                    piece = places[(*[slice(None)] * at, slice(start - part.start, stop - part.start))]
                    np.add(piece, along, out=piece)
        first = offset(box, indices.shape)
        yield slice(first, first + prod(size)), flat(places)


def gather_elements(out: Array, x: Array, indices: Array, *, axis: int = 0, workspace: Array | None = None) -> None:
    """Take single elements: `indices` say where along the axis, their own places say the rest."""
    axis = normal(axis, x.ndim)
    _check(indices, x.shape[axis], "gather_elements")
    source, target = flat(x), flat(out)
    for some, places in _places(indices, x.shape, axis, lent(workspace, "gather_elements")):
        if places.size:
            np.take(source, places, out=target[some], mode="wrap")


def scatter_elements(
    out: Array,
    x: Array,
    indices: Array,
    updates: Array,
    *,
    axis: int = 0,
    reduction: str = "none",
    workspace: Array | None = None,
) -> None:
    """Copy x and write or combine single elements into it; `out` may be x's memory."""
    axis = normal(axis, x.ndim)
    _check(indices, x.shape[axis], "scatter_elements")
    np.copyto(out, x)
    target, values = flat(out), flat(updates)
    for some, places in _places(indices, x.shape, axis, lent(workspace, "scatter_elements")):
        _write(target, places, values[some], reduction)


def _write(target: Array, places: Array, values: Array, reduction: str) -> None:
    if reduction == "none":
        target[places] = values
    elif reduction in _COMBINE:
        _COMBINE[reduction].at(target, places, values)
    else:
        raise ValueError(f"scatter knows the reductions none, {', '.join(_COMBINE)}, not {reduction!r}")


def _rows(indices: Array, shape: Shape, lead: int, room: Array, kernel: str) -> Iterator[tuple[slice, Array]]:
    """Yield stretches of index tuples with the flat rows they name, after `lead` axes shared with the array."""
    depth = indices.shape[-1]
    dims = shape[lead : lead + depth]
    if len(dims) != depth:
        raise ValueError(f"{kernel}: index tuples of {depth} are too long for {shape} after {lead} shared axes")
    for at, length in enumerate(dims):
        _check(indices[..., at], length, kernel)
    count = prod(indices.shape[:-1])
    tuples, each = indices.reshape(count, depth), count // max(1, prod(shape[:lead]))
    step = room.size // 32
    for start in range(0, count, step):
        some = slice(start, min(count, start + step))
        places, part, below = carve(room, *[((some.stop - start,), kind) for kind in (INDEX, INDEX, np.bool_)])
        places.fill(0)
        if lead:
            for first in range(start, some.stop, 1024):
                last = min(first + 1024, some.stop)
                places[first - start : last - start] = np.arange(first, last) // each
        for at, length in enumerate(dims):
            np.copyto(part, tuples[some, at])
            np.less(part, 0, out=below)
            np.add(part, length, out=part, where=below)
            np.multiply(places, length, out=places)
            np.add(places, part, out=places)
        yield some, places


def gather_nd(out: Array, x: Array, indices: Array, *, batch_dims: int = 0, workspace: Array | None = None) -> None:
    """Take the slices that index tuples (the last axis of `indices`) name, batch by batch."""
    used = batch_dims + indices.shape[-1]
    inner = prod(x.shape[used:])
    source = x.reshape(prod(x.shape[:used]), inner)
    target = out.reshape(prod(indices.shape[:-1]), inner)
    for some, places in _rows(indices, x.shape, batch_dims, lent(workspace, "gather_nd"), "gather_nd"):
        if inner:
            np.take(source, places, axis=0, out=target[some], mode="wrap")


def scatter_nd(
    out: Array, x: Array, indices: Array, updates: Array, *, reduction: str = "none", workspace: Array | None = None
) -> None:
    """Copy x and write or combine slices into it where index tuples say; `out` may be x's memory."""
    np.copyto(out, x)
    used = indices.shape[-1]
    inner = prod(x.shape[used:])
    target = out.reshape(prod(x.shape[:used]), inner)
    values = updates.reshape(prod(indices.shape[:-1]), inner)
    for some, places in _rows(indices, x.shape, 0, lent(workspace, "scatter_nd"), "scatter_nd"):
        if inner == 1:
            _write(target[:, 0], places, values[some, 0], reduction)
        elif inner:
            for place, value in zip(places.tolist(), values[some], strict=True):
                row = target[place]
                if reduction == "none":
                    np.copyto(row, value)
                else:
                    _combine(row, value, reduction)


def _combine(row: Array, value: Array, reduction: str) -> None:
    if reduction not in _COMBINE:
        raise ValueError(f"scatter knows the reductions none, {', '.join(_COMBINE)}, not {reduction!r}")
    _COMBINE[reduction](row, value, out=row)


def one_hot(
    out: Array, indices: Array, depth: Array, values: Array, *, axis: int = -1, workspace: Array | None = None
) -> None:
    """Put `values[1]` where an index points along the new axis, and `values[0]` elsewhere."""
    axis, room = normal(axis, out.ndim), lent(workspace, "one_hot")
    outer, length, inner = around(out.shape, axis)
    target, wanted = out.reshape(outer, length, inner), indices.reshape(outer, 1, inner)
    out.fill(values[0])
    for before, some, after in spans(target.shape, room.size // 2 - 64):
        shape = extent((before, some, after))
        here, there = carve(room, (shape, np.bool_), (shape, np.bool_))
        for start in range(some.start, some.stop, 1024):
            stop = min(some.stop, start + 1024)
            numbers = np.arange(start, stop).astype(indices.dtype).reshape(-1, 1)
            part = slice(start - some.start, stop - some.start)
            np.equal(wanted[before, :, after], numbers, out=here[:, part])
            if indices.dtype.kind != "u":
                np.equal(wanted[before, :, after], numbers - indices.dtype.type(length), out=there[:, part])
                np.logical_or(here[:, part], there[:, part], out=here[:, part])
        np.copyto(target[before, some, after], values[1], where=here)


KERNELS = {
    "gather": gather,
    "gather_elements": gather_elements,
    "gather_nd": gather_nd,
    "scatter_elements": scatter_elements,
    "scatter_nd": scatter_nd,
    "one_hot": one_hot,
}
WORKSPACES = {name: index_workspace for name in KERNELS}
