"""Kernels that pick elements by what they hold, and that write whole stretches where numbers say."""

from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import Array, around, normal

_STRIP = 2048
"""Elements that are sorted at once, where an axis is not longer: sorting allocates a number for each."""


def top_k(
    out: Array,
    places: Array,
    x: Array,
    k: Array | None = None,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,
) -> None:
    """Give the first of the sorted elements along an axis, as many as `out` has, and where they were.

    Of equal elements the first comes first; nan counts as larger than all. Sorting allocates a number an element, for
    one strip of lines at a time.
    """
    axis = normal(axis, x.ndim)
    count = out.shape[axis]
    outer, length, inner = around(x.shape, axis)
    source = x.reshape(outer, length, inner)
    goal, where = out.reshape(outer, count, inner), places.reshape(outer, count, inner)
    if count > length:
        raise ValueError(f"top_k: k is {count}, but there are only {length} along axis {axis}")
    if not out.size:
        return
    lines = max(1, _STRIP // max(1, length))
    for first in range(outer):
        for start in range(0, inner, lines):
            some = slice(start, start + lines)
            part = source[first, :, some]
            if largest:
                order = length - 1 - np.argsort(part[::-1], axis=0, kind="stable")[: -count - 1 : -1]
            else:
                order = np.argsort(part, axis=0, kind="stable")[:count]
            where[first, :, some] = order
            goal[first, :, some] = np.take_along_axis(part, order, axis=0)


def reverse_sequence(out: Array, x: Array, lengths: Array, *, batch_axis: int = 1, time_axis: int = 0) -> None:
    """Copy each sequence of a batch with its first steps turned round."""
    source, target = np.moveaxis(x, (batch_axis, time_axis), (0, 1)), np.moveaxis(out, (batch_axis, time_axis), (0, 1))
    for one, length in enumerate(lengths.tolist()):
        if not 0 <= length <= source.shape[1]:
            raise ValueError(f"reverse_sequence: length {length} of sequence {one} is not in 0..{source.shape[1]}")
        target[one, length:] = source[one, length:]
        target[one, :length] = source[one, :length][::-1]


def tensor_scatter(
    out: Array, cache: Array, update: Array, starts: Array | None = None, *, axis: int = -2, mode: str = "linear"
) -> None:
    """Copy the cache and write the update into it, from each sample's start on.

    `out` may be the cache's memory, but not the update's.
    """
    axis = normal(axis, cache.ndim)
    length, width = cache.shape[axis], update.shape[axis]
    expected = (*cache.shape[:axis], width, *cache.shape[axis + 1 :])
    if update.shape != expected or width > length:
        raise ValueError(f"tensor_scatter: an update of {list(update.shape)} does not fit {list(cache.shape)}")
    np.copyto(out, cache)
    lead: tuple[Any, ...] = (slice(None),) * (axis - 1)
    for one, start in enumerate([0] * cache.shape[0] if starts is None else starts.tolist()):
        if mode == "circular":
            start %= max(1, length)
        elif not 0 <= start <= length - width:
            raise ValueError(f"tensor_scatter: {width} from {start} on reach over the {length} of the cache")
        fits = min(width, length - start)
        out[one][(*lead, slice(start, start + fits))] = update[one][(*lead, slice(0, fits))]
        out[one][(*lead, slice(0, width - fits))] = update[one][(*lead, slice(fits, width))]


KERNELS = {"top_k": top_k, "reverse_sequence": reverse_sequence, "tensor_scatter": tensor_scatter}
WORKSPACES: dict[str, Any] = {}
