"""Blocks as columns of numbers over the few sections of time that matter to a packing."""

from collections.abc import Sequence
from math import gcd
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from nnvm.runtime.memory import Block

Array: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


class Columns:
    """Blocks that need bytes: where they stand among all, when they live, first section, section after the last, size.

    A section is a time at which as many live as never in a time beside it: whoever meets at all, meets in one.
    """

    __slots__ = ("begins", "count", "ends", "first", "index", "last", "live", "size", "worst")

    def __init__(self, blocks: Sequence[Block]) -> None:
        table: Array = np.array(blocks, dtype=np.int64).reshape(-1, 3)
        self.index: Final[Array] = np.flatnonzero((table[:, 2] > 0) & (table[:, 0] < table[:, 1]))
        self.begins: Final[Array] = table[self.index, 0]
        self.ends: Final[Array] = table[self.index, 1]
        self.size: Final[Array] = table[self.index, 2]
        times = np.unique(np.concatenate([self.begins, self.ends]))
        begins, ends = np.searchsorted(times, self.begins), np.searchsorted(times, self.ends)
        peaks = _peaks(begins, ends, len(times))
        self.first: Final[Array] = np.searchsorted(peaks, begins)
        self.last: Final[Array] = np.searchsorted(peaks, ends)
        self.count: Final = len(peaks)
        self.live: Final = loads(self.first, self.last, self.size, self.count)
        self.worst: Final = most_within(self.live, self.first, self.last)

    @property
    def bound(self) -> int:
        """Return the most bytes that live in one section."""
        return int(self.live.max(initial=0))


class Reduced:
    """What is left of columns to search for: what lives all the time lies at the bottom, sizes are in units.

    `rows` are numbers into the columns, `under` those below the rest, `base` their bytes, `unit` the greatest divisor.
    """

    __slots__ = ("base", "columns", "first", "last", "live", "rows", "size", "under", "unit")

    def __init__(self, columns: Columns) -> None:
        always = (columns.first == 0) & (columns.last == columns.count)
        self.columns: Final = columns
        self.rows: Final[Array] = np.flatnonzero(~always)
        self.under: Final[Array] = np.flatnonzero(always)
        self.base: Final = int(columns.size[always].sum())
        self.unit: Final = gcd(*columns.size[self.rows].tolist()) or 1
        self.first: Final = columns.first[self.rows]
        self.last: Final = columns.last[self.rows]
        self.size: Final = columns.size[self.rows] // self.unit
        self.live: Final = loads(self.first, self.last, self.size, columns.count)

    @property
    def bound(self) -> int:
        """Return the most units that live in one section."""
        return int(self.live.max(initial=0))

    def height(self, units: int) -> int:
        """Return the bytes of a packing that has this height in units."""
        return self.base + units * self.unit

    def offsets(self, places: Array, count: int) -> list[int]:
        """Return the offset of each of `count` blocks, in bytes, from places in units."""
        found: Array = np.zeros(count, dtype=np.int64)
        sizes = self.columns.size[self.under]
        found[self.columns.index[self.under]] = np.cumsum(sizes) - sizes
        found[self.columns.index[self.rows]] = self.base + places * self.unit
        offsets: list[int] = found.tolist()
        return offsets


def loads(first: Array, last: Array, size: Array, count: int) -> Array:
    """Return the sum of the sizes alive in each of `count` sections."""
    change: Array = np.zeros(count + 1, dtype=np.int64)
    np.add.at(change, first, size)
    np.subtract.at(change, last, size)
    return np.cumsum(change)[:count]


def most_within(live: Array, first: Array, last: Array) -> Array:
    """Return the largest of `live` within each range of sections, none of them empty (a sparse table)."""
    if not len(first):
        return np.zeros(0, dtype=np.int64)
    power = np.frexp((last - first).astype(np.float64))[1] - 1
    found: Array = np.empty(len(first), dtype=np.int64)
    table, width = live, 1
    for level in range(int(power.max()) + 1):
        rows = np.flatnonzero(power == level)
        found[rows] = np.maximum(table[first[rows]], table[last[rows] - width])
        if 2 * width > len(live):
            break
        table = np.maximum(table[:-width], table[width:])
        width *= 2
    return found


def _peaks(begins: Array, ends: Array, times: int) -> Array:
    """Return the times at which something began since the last end, and just before something ends."""
    started, ended = np.zeros(times, dtype=np.int64), np.zeros(times, dtype=np.bool_)
    started[begins] = 1
    ended[ends] = True
    last_start = np.maximum.accumulate(np.where(started > 0, np.arange(times), -1))
    stops = np.flatnonzero(ended)  # each stop closes the section that began at the last start before it
    sections = last_start[stops - 1] if len(stops) else np.zeros(0, dtype=np.int64)
    return np.unique(sections)
