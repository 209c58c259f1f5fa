"""Putting blocks down one by one, in many orders, at the lowest gap or at the tightest."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nnvm.packing.budget import Budget
from nnvm.packing.sections import Columns
from nnvm.packing.timeline import Timeline
from nnvm.runtime.memory import Block, sweep

ORDERS: Final = ("size", "peak", "area", "conflicts", "duration", "start", "load")
FITS: Final = ("first", "best")
WAYS: Final = (
    ("peak", "best"), ("size", "first"), ("size", "best"), ("peak", "first"),
    *((order, fit) for order in ORDERS[2:] for fit in FITS),
)  # fmt: skip
"""Orders and fits in the order in which they are tried, the most promising at the front."""


def sweeps(blocks: Sequence[Block], budget: Budget) -> Iterator[tuple[str, list[int]]]:
    """Yield what an allocator reaches that sees blocks come and go; the first way always comes, whatever the budget."""
    budget.spend(len(blocks) * 8)  # its bound and its check are in this
    yield "sweep", sweep(blocks)
    cost = len(blocks) * 7
    if budget.affords(cost, whole=True):
        budget.spend(cost)
        yield "sweep backwards", sweep([Block(-upper, -lower, size) for lower, upper, size in blocks])


def attempts(
    blocks: Sequence[Block], columns: Columns, timeline: Timeline, lowest: int, budget: Budget
) -> Iterator[tuple[str, list[int]]]:
    """Yield packings that are not above `lowest`, nor above one another, while the budget lasts.

    An order is given up where a block ends above the lowest so far.
    """
    cost = cost_of_an_order(timeline)
    row: npt.NDArray[np.int64] = np.empty(len(blocks), dtype=np.int64)
    row[timeline.rows] = np.arange(timeline.count)
    for order, fit in WAYS:
        if not budget.affords(cost):
            return
        numbers = np.array(ordered(columns, order, len(blocks))[: timeline.count], dtype=np.int64)
        timeline.clear()
        filled = timeline.fill(row[numbers], fit == "best", below=lowest, stop=budget.late)
        if filled < 0:
            return
        budget.spend(cost * filled // max(timeline.count, 1))
        if filled < timeline.count or timeline.height > lowest:
            continue
        lowest = timeline.height
        yield f"{order}, {fit} fit", timeline.offsets(len(blocks))


def cost_of_an_order(timeline: Timeline) -> int:
    """Return the steps that it takes to put all blocks down once."""
    return timeline.count * 14 + timeline.met // 150


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
