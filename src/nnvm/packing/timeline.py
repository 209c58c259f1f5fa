"""Who lives with a block: found in slices of time, so that it costs what lives near, not all there is."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from nnvm.packing.sections import Array
from nnvm.runtime.memory import Block

NEVER: Final = -(1 << 62)
"""Until when a block lives that has not been put down."""

SLICE: Final = 64
"""Blocks that begin in one slice of time, at least."""

ENTRIES: Final = 3_000_000
"""About the most entries in the lists of who lives where slices begin."""

TICK: Final = 64
"""Blocks between two looks at the clock."""


class Timeline:
    """Blocks in the order in which they begin, and where they lie; those that need no bytes are left out.

    `rows` numbers them as given. `across` lists, for each slice of time, the blocks from before that live when its
    first block begins: with the blocks from there on these are all that a block of the slice can meet.
    """

    __slots__ = ("across", "after", "count", "high", "low", "lower", "met", "rows", "size", "until", "upper", "width")

    def __init__(self, blocks: Sequence[Block]) -> None:
        table: Array = np.array(blocks, dtype=np.int64).reshape(-1, 3)
        lively = np.flatnonzero((table[:, 2] > 0) & (table[:, 0] < table[:, 1]))
        self.rows: Final[Array] = lively[table[lively, 0].argsort(kind="stable")]
        self.lower: Final[Array] = table[self.rows, 0]
        self.upper: Final[Array] = table[self.rows, 1]
        self.size: Final[Array] = table[self.rows, 2]
        self.after: Final[Array] = np.searchsorted(self.lower, self.upper)
        self.count: Final = len(self.rows)
        self.met: Final = int((self.after - np.arange(self.count)).sum())  # pairs that live together, about
        self.width: Final = max(SLICE, -(-self.met // ENTRIES))
        self.across: Final[list[Array]] = list(self._across())
        self.low: Final[Array] = np.zeros(self.count, dtype=np.int64)
        self.high: Final[Array] = np.zeros(self.count, dtype=np.int64)
        self.until: Final[Array] = np.full(self.count, NEVER, dtype=np.int64)

    def _across(self) -> Iterator[Array]:
        alive: Array = np.zeros(0, dtype=np.int64)
        for begin in range(0, self.count, self.width):
            alive = alive[self.upper[alive] > self.lower[begin]]
            yield alive
            alive = np.concatenate([alive, np.arange(begin, min(begin + self.width, self.count))])

    def clear(self) -> None:
        """Take every block away."""
        self.until[:] = NEVER
        self.low[:] = 0
        self.high[:] = 0

    def lay(self, places: Array) -> None:
        """Put every block down where these places say."""
        self.low[:] = places
        self.high[:] = places + self.size
        self.until[:] = self.upper

    def beside(self, row: int) -> Array:
        """Return the rows of the blocks that lie and live with this one."""
        part = row // self.width
        begin, lower = part * self.width, self.lower[row]
        before = self.across[part]
        here = np.flatnonzero(self.until[begin : self.after[row]] > lower) + begin
        return np.concatenate([before[self.until[before] > lower], here])

    def spot(self, row: int, tightest: bool) -> int:
        """Find where a block fits among those that lie: the lowest gap, or the tightest and then the lowest.

        Sorted apart, the i-th begin minus the end before it is the gap below it, and negative where there is none.
        """
        part = row // self.width
        begin, end, lower = part * self.width, self.after[row], self.lower[row]
        before = self.across[part]
        before = before[self.until[before] > lower]
        here = self.until[begin:end] > lower
        begins = np.concatenate([self.low[before], self.low[begin:end][here]])
        if not len(begins):
            return 0
        ends = np.concatenate([self.high[before], self.high[begin:end][here]])
        begins.sort()
        ends.sort()
        begins[1:] -= ends[:-1]
        begins -= self.size[row]
        at = int(begins.view(np.uint64).argmin()) if tightest else int((begins >= 0).argmax())
        if begins[at] < 0:
            return int(ends[-1])
        return int(ends[at - 1]) if at else 0

    def put(self, row: int, place: int) -> None:
        """Put a block down."""
        self.low[row] = place
        self.high[row] = place + self.size[row]
        self.until[row] = self.upper[row]

    def lift(self, rows: Array) -> None:
        """Take blocks away again."""
        self.until[rows] = NEVER
        self.high[rows] = 0

    def fill(
        self, order: Array, tightest: bool, *, below: int | None = None, stop: Callable[[], bool] = lambda: False
    ) -> int:
        """Put down the blocks of these rows in turn; return how many: it ends where one would end above `below`.

        `stop` is asked every TICK blocks, and -1 returned where it says so.
        """
        low, high, until, size, upper = self.low, self.high, self.until, self.size, self.upper
        top = int(size.sum()) if below is None else below
        for number, row in enumerate(order.tolist()):
            if number % TICK == TICK - 1 and stop():
                return -1
            place = self.spot(row, tightest)
            reached = place + int(size[row])
            low[row], high[row], until[row] = place, reached, upper[row]
            if reached > top:
                return number
        return len(order)

    @property
    def height(self) -> int:
        """Return how high the blocks reach."""
        return int(self.high.max(initial=0))

    def offsets(self, count: int) -> list[int]:
        """Return the offset of each of `count` blocks."""
        found: Array = np.zeros(count, dtype=np.int64)
        found[self.rows] = self.low
        offsets: list[int] = found.tolist()
        return offsets
