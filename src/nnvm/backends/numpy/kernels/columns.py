"""How the columns of a convolution are gathered: from a padded copy of what they read, many taps in one copy."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nnvm.backends.numpy.kernels.scratch import Array, Box, Shape, extent, spans
from nnvm.backends.numpy.kernels.windows import Axis, Reach, reach

STRIP = 96
"""Positions from which on a matrix product runs at full speed."""


class Cut(NamedTuple):
    """How a convolution is cut: groups at once, input channels at once, output positions, filters for a partial sum."""

    groups: int
    channels: int
    positions: int
    filters: int


@lru_cache(maxsize=4096)
def cut(room: int, groups: int, depth: int, filters: int, plan: tuple[Axis, ...]) -> Cut:
    """Choose the cut for `room` elements; long strips matter most, then whole sums, then many groups at once."""
    image = tuple(axis.out for axis in plan)
    strip = min(prod(image), STRIP)
    whole = depth * _need(plan, image, strip)
    if whole <= room:
        together = max(1, min(groups, room // whole))
        limit = prod(image)
        while limit > strip and together * depth * _need(plan, image, limit) > room:
            limit = max(strip, limit * 7 // 8)
        return Cut(together, depth, limit, filters)
    gathered = room * 3 // 4
    strip = max(1, min(strip, room - gathered))
    while strip > 1 and _need(plan, image, strip) > gathered:
        strip //= 2
    channels = max(1, min(depth, gathered // _need(plan, image, strip)))
    taps = prod(axis.window for axis in plan)
    if taps > gathered:
        raise ValueError(f"a window of {taps} taps is too large for a workspace of {room} elements")
    return Cut(1, channels, strip, max(1, min(filters, (room - gathered) // strip)))


def _need(plan: tuple[Axis, ...], image: Shape, limit: int) -> int:
    """Return the elements a channel's columns take for the largest box of outputs, and its padded copy, if small."""
    box = extent(next(spans(image, limit)))
    columns = prod(axis.window for axis in plan) * prod(box)
    cells = stage_cells(plan, box)
    in_place = all(axis.stride == 1 for axis in plan) and box[0] < image[0]
    return columns if in_place or cells > columns else columns + cells


def stage_cells(plan: Sequence[Axis], box: Shape) -> int:
    """Return the elements of the padded copy that a box of outputs of this shape reads, for one channel."""
    return prod(phases * length for phases, length in (_phases(axis, out) for axis, out in zip(plan, box, strict=True)))


def _phases(axis: Axis, out: int) -> tuple[int, int]:
    """Say into how many interleaved parts an axis is dealt, so that taps read runs, and how long each is."""
    span = (out - 1) * axis.stride + (axis.window - 1) * axis.dilation + 1
    count = axis.stride if 1 < axis.stride <= 4 and axis.dilation == 1 and axis.window >= axis.stride else 1
    return count, -(-span // count)


def gather(columns: Array, x: Array, plan: list[Axis], box: Box, spare: Array | None = None) -> None:
    """Fill columns (C, *window, *box) with what each tap reads of the image x (C, *image) for the outputs in a box.

    `spare` is flat scratch of x's type for the padded copy; where that does not fit, taps are copied one by one.
    """
    shape = extent(box)
    taps = prod(axis.window for axis in plan)
    cells = len(x) * stage_cells(plan, shape)
    runs = all(axis.stride in (1, axis.window) for axis in plan) or cells > columns.size
    if taps > 1 and runs and _lies_inside(x, plan, box):
        _in_place(columns, x, plan, box)
        return
    if taps > 1 and spare is not None and cells <= spare.size and cells <= columns.size:
        _staged(columns, x, plan, box, spare[:cells])
        return
    _tap_by_tap(columns, x, plan, box)


def _lies_inside(x: Array, plan: list[Axis], box: Box) -> bool:
    """Whether reading over the ends of rows leads to other rows of the array, never out of it."""
    low, high, over = 0, len(x) - 1, False
    for axis, part in zip(plan, box, strict=True):
        first, last = _ends(axis, part)
        low, high = low * axis.size + first, high * axis.size + last
        over = over or first < 0 or last >= axis.size
    return not over or (x.flags.c_contiguous and low >= 0 and high < x.size)


def _ends(axis: Axis, part: slice) -> tuple[int, int]:
    """Return the first and the last place that these outputs read along an axis, padding included."""
    first, last = part.start * axis.stride - axis.begin, (part.stop - 1) * axis.stride - axis.begin
    return first, last + (axis.window - 1) * axis.dilation


def _in_place(columns: Array, x: Array, plan: list[Axis], box: Box) -> None:
    """Copy all taps at once from a view in which each of them is an axis, then zero what was read over an edge."""
    ends = [_ends(axis, part) for axis, part in zip(plan, box, strict=True)]
    steps, start = x.strides, 0
    if all(first >= 0 for first, _ in ends):
        base = x[(slice(None), *(slice(first, None) for first, _ in ends))]
    else:
        for axis, (first, _) in zip(plan, ends, strict=True):
            start = start * axis.size + first
        base = x.reshape(-1)[start:]
    strides = (
        steps[0],
        *(step * axis.dilation for step, axis in zip(steps[1:], plan, strict=True)),
        *(step * axis.stride for step, axis in zip(steps[1:], plan, strict=True)),
    )
    np.copyto(columns, as_strided(base, columns.shape, strides, writeable=False))
    for i, (axis, part) in enumerate(zip(plan, box, strict=True)):
        first, last = ends[i]
        if first >= 0 and last < axis.size:
            continue
        one, before = (slice(None),) * (1 + i), (slice(None),) * (len(plan) + i)
        for tap in range(axis.window):
            each = reach(axis, tap, part)
            if each.short:
                cell: Any = (*one, tap)
                target = columns[cell]
                target[(*before, slice(0, each.taken.start))] = 0
                target[(*before, slice(each.taken.stop, None))] = 0


def _staged(columns: Array, x: Array, plan: list[Axis], box: Box, spare: Array) -> None:
    """Deal the image with its padding into parts in which every tap reads runs, then copy the taps of each part."""
    shape = extent(box)
    dealt = [_phases(axis, size) for axis, size in zip(plan, shape, strict=True)]
    counts, lengths = tuple(count for count, _ in dealt), tuple(length for _, length in dealt)
    stage = spare.reshape(*counts, len(x), *lengths)
    spare.fill(0)
    reads = [_reads(axis, part, *each) for axis, part, each in zip(plan, box, dealt, strict=True)]
    for phase in product(*map(range, counts)):
        part = stage[phase]
        pairs = [each[index] for each, index in zip(reads, phase, strict=True)]
        goal: Any = (slice(None), *(pair[0] for pair in pairs))
        source: Any = (slice(None), *(pair[1] for pair in pairs))
        np.copyto(part[goal], x[source])
        taken: Any = tuple(slice(index, None, count) for index, count in zip(phase, counts, strict=True))
        cells = columns[(slice(None), *taken)]
        steps = part.strides[1:]
        strides = (
            part.strides[0],
            *(step * (1 if each > 1 else axis.dilation) for step, axis, each in zip(steps, plan, counts, strict=True)),
            *(step * (1 if each > 1 else axis.stride) for step, axis, each in zip(steps, plan, counts, strict=True)),
        )
        np.copyto(cells, as_strided(part, cells.shape, strides, writeable=False))


def _reads(axis: Axis, part: slice, count: int, length: int) -> list[tuple[slice, slice]]:
    """Say for each part an axis is dealt into which of its places lie inside the image, and what they read."""
    found = []
    for index in range(count):
        first = part.start * axis.stride - axis.begin + index
        low = min(length, max(0, -(first // count)))
        high = max(low, min(length, (axis.size - 1 - first) // count + 1))
        start = first + low * count
        source = slice(start, start + (high - low - 1) * count + 1, count) if high > low else slice(0, 0)
        found.append((slice(low, high), source))
    return found


def _tap_by_tap(columns: Array, x: Array, plan: list[Axis], box: Box) -> None:
    """Copy what one tap after another reads, with zeros for the padding."""
    every = (slice(None),)
    for tap, reaches in _taps(plan, box):
        cell: Any = (slice(None), *tap)
        target = columns[cell]
        for axis, each in enumerate(reaches):
            if each.short:
                lead = every * (axis + 1)
                target[(*lead, slice(0, each.taken.start))] = 0
                target[(*lead, slice(each.taken.stop, None))] = 0
        target[(slice(None), *(each.taken for each in reaches))] = x[(slice(None), *(each.source for each in reaches))]


def _taps(plan: list[Axis], box: Box) -> Iterator[tuple[Shape, Sequence[Reach]]]:
    """Yield every tap with what it reads; one row of the window at a time, for a long one has many."""
    inner = [
        [reach(axis, tap, part) for tap in range(axis.window)] for axis, part in zip(plan[1:], box[1:], strict=True)
    ]
    for first in range(plan[0].window):
        lead = reach(plan[0], first, box[0])
        for rest in product(*(range(axis.window) for axis in plan[1:])):
            yield (first, *rest), (lead, *(inner[axis][tap] for axis, tap in enumerate(rest)))
