"""Putting blocks down one by one, in many orders, at the lowest gap or at the tightest."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nnvm.packing.budget import Budget
from nnvm.packing.sections import Array, Columns
from nnvm.runtime.memory import Block, pairs, place, sweep

ORDERS: Final = ("size", "peak", "area", "conflicts", "duration", "start", "load")
FITS: Final = ("first", "best")
WAYS: Final = (
    ("peak", "best"), ("size", "first"), ("size", "best"), ("peak", "first"),
    *((order, fit) for order in ORDERS[2:] for fit in FITS),
)  # fmt: skip
"""Orders and fits in the order in which they are tried, the most promising at the front."""

TICK: Final = 256
"""Blocks between two looks at the clock."""


def attempts(blocks: Sequence[Block], columns: Columns, budget: Budget) -> Iterator[tuple[str, list[int]]]:
    """Yield packings, the cheap ones first, while the budget lasts; the sweep through time always comes."""
    budget.spend(len(blocks) * 8)  # its bound and its check are in this
    yield "sweep", sweep(blocks)
    cost = len(blocks) * 4
    if not budget.affords(cost):
        return
    budget.spend(cost)
    yield "sweep backwards", sweep([Block(-upper, -lower, size) for lower, upper, size in blocks])
    listed, cost = cheaper(blocks)
    for order, fit in WAYS:
        if not budget.affords(cost, whole=listed):
            return
        budget.spend(cost)
        found = put(blocks, columns, order, fit, listed=listed, stop=budget.late)
        if found is None:
            return
        yield f"{order}, {fit} fit", found


def put(
    blocks: Sequence[Block], columns: Columns, order: str, fit: str, *, listed: bool, stop: Callable[[], bool]
) -> list[int] | None:
    """Put blocks down in an order by name; None where it was stopped."""
    numbers = ordered(columns, order, len(blocks))
    if listed:
        return place(blocks, numbers, tightest=fit == "best")
    return place_masked(blocks, numbers, fit == "best", stop=stop)


def cheaper(blocks: Sequence[Block]) -> tuple[bool, int]:
    """Tell whether to list the neighbours of a block rather than compare it with all, and the steps that takes."""
    count = len(blocks)
    listed = int(count * 10 + pairs(blocks) * 0.5)
    masked = int(count * 12 + count * count * 0.001)
    return listed <= masked, min(listed, masked)


def ordered(columns: Columns, order: str, count: int) -> list[int]:
    """Return the numbers of `count` blocks, the one to put down first at the front; ties by size, then by start.

    "peak" puts what lives at the fullest time first, the longest of it first; "load" what lives at fuller times first.
    """
    first, last, size = columns.first, columns.last, columns.size
    duration = columns.ends - columns.begins
    peak = int(columns.live.argmax()) if columns.count else 0
    crossing = (first <= peak) & (last > peak)
    keys: dict[str, Callable[[], tuple[npt.NDArray[Any], ...]]] = {
        "size": lambda: (-size,),
        "peak": lambda: (np.where(crossing, -duration, 0), ~crossing),
        "area": lambda: (-(size.astype(np.float64) * duration),),
        "conflicts": lambda: (
            np.searchsorted(np.sort(columns.ends), columns.begins, "right")
            - np.searchsorted(np.sort(columns.begins), columns.ends, "left"),
        ),
        "duration": lambda: (-duration,),
        "start": lambda: (columns.begins,),
        "load": lambda: (-duration, -(columns.worst * 50 // max(columns.bound, 1))),
    }
    lively = columns.index[np.lexsort((columns.begins, -size, *keys[order]()))]
    rest = np.ones(count, dtype=np.bool_)
    rest[lively] = False
    numbers: list[int] = np.concatenate([lively, np.flatnonzero(rest)]).tolist()
    return numbers


def place_masked(
    blocks: Sequence[Block], order: Sequence[int], tightest: bool, stop: Callable[[], bool] = lambda: False
) -> list[int] | None:
    """Put blocks down in this order; who lives with a block is found by comparing it with all that lie already.

    `stop` is asked every TICK blocks; None where it says so.
    """
    offsets = [0] * len(blocks)
    lying: Array = np.zeros((4, len(blocks)), dtype=np.int64)  # lower, upper, offset, end; from low offsets to high
    count = 0
    for number, index in enumerate(order):
        if number % TICK == TICK - 1 and stop():
            return None
        lower, upper, size = blocks[index]
        if not size or lower >= upper:
            continue
        lowers, uppers, starts, ends = lying[:, :count]
        together = (lowers < upper) & (uppers > lower)
        offset = gap(starts[together], ends[together], size, tightest)
        at = int(np.searchsorted(starts, offset))
        lying[:, at + 1 : count + 1] = lying[:, at:count]
        lying[:, at] = lower, upper, offset, offset + size
        offsets[index] = offset
        count += 1
    return offsets


def gap(starts: Array, ends: Array, size: int, tightest: bool) -> int:
    """Find where `size` bytes fit between ranges sorted by their start: lowest, or tightest and then lowest."""
    if not len(starts):
        return 0
    free_from = np.empty_like(starts)
    free_from[0] = 0
    np.maximum.accumulate(ends[:-1], out=free_from[1:])
    spare = starts - free_from - size
    fits = spare >= 0
    if not fits.any():
        return int(ends.max())
    if tightest:
        return int(free_from[np.where(fits, spare, np.iinfo(np.int64).max).argmin()])
    return int(free_from[fits.argmax()])
