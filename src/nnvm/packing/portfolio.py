"""Many ways to pack blocks, tried from the cheapest on until one reaches the bound."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from nnvm.runtime.memory import Block, admit, check, max_live, pairs, place, round_up, sweep

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"

ORDERS: Final = ("size", "area", "conflicts", "duration", "start")
FITS: Final = ("first", "best")


class Packing:
    """Offsets in the order of the blocks, how high they reach, the bound under which nothing can be, and who did it.

    `status` is "optimal" where the height equals the bound and "heuristic" elsewhere.
    """

    __slots__ = ("bound", "height", "method", "offsets", "status")

    def __init__(self, offsets: list[int], height: int, bound: int, method: str) -> None:
        self.offsets: Final = offsets
        self.height: Final = height
        self.bound: Final = bound
        self.method: Final = method
        self.status: Final = "optimal" if height == bound else "heuristic"

    def __repr__(self) -> str:
        return f"Packing(height={self.height}, bound={self.bound}, status={self.status!r}, method={self.method!r})"


def pack(blocks: Sequence[Block], alignment: int = 64, *, time_limit: float = 3.0) -> Packing:
    """Pack by every method that the limit allows and keep the lowest; ties go to the one tried first.

    A sweep through time always runs. Then blocks are put down one by one: by size, area, conflicts, duration
    or start, each at the lowest gap and at the tightest. `time_limit` is in seconds, but what a method will
    take is reckoned from the blocks and no clock is read: the same blocks get the same offsets on every machine.
    Height and bound count sizes rounded up to the alignment, as whoever places another block on top must.
    """
    rounded = [Block(lower, upper, round_up(size, alignment)) for lower, upper, size in admit(blocks)]
    bound = max_live(rounded, alignment)
    best: Packing | None = None
    for method, offsets in _tries(rounded, time_limit):
        reached = max((offset + block.size for offset, block in zip(offsets, rounded, strict=True)), default=0)
        if best is None or reached < best.height:
            best = Packing(offsets, reached, bound, method)
        if reached == bound:
            break
    assert best is not None  # a sweep always runs
    check(rounded, best.offsets, alignment, best.height)
    return best


def _tries(blocks: list[Block], seconds: float) -> Iterator[tuple[str, list[int]]]:
    """Give packings, the cheap ones first, while the reckoned seconds last."""
    yield "sweep", sweep(blocks)
    seconds -= len(blocks) * 8e-6  # its bound and its check are in this
    if len(blocks) * 4e-6 <= seconds:
        yield "sweep backwards", sweep([Block(-upper, -lower, size) for lower, upper, size in blocks])
        seconds -= len(blocks) * 4e-6
    put, cost = _cheaper(blocks)
    orders: dict[str, list[int]] = {}
    for order in ORDERS:
        for fit in FITS:
            if cost > seconds:
                return
            seconds -= cost
            if order not in orders:
                orders[order] = _order(blocks, order)
            yield f"{order}, {fit} fit", put(blocks, orders[order], fit == "best")


def _cheaper(blocks: list[Block]) -> tuple[Callable[[list[Block], list[int], bool], list[int]], float]:
    """Choose how to find the neighbours of a block, and reckon the seconds it takes for all of them."""
    count = len(blocks)
    listed = count * 10e-6 + pairs(blocks) * 0.5e-6
    masked = count * 12e-6 + count * count * 0.8e-9
    return (_place_listed, listed) if listed <= masked else (_place_masked, masked)


def _order(blocks: Sequence[Block], order: str) -> list[int]:
    """Give the numbers of the blocks, the one to put down first at the front; ties by size, then by start."""
    table = np.array(blocks, dtype=np.int64).reshape(-1, 3)
    lower, upper, size = table.T
    keys = {
        "size": -size,
        "area": -(size.astype(np.float64) * (upper - lower)),
        "conflicts": np.searchsorted(np.sort(upper), lower, "right") - np.searchsorted(np.sort(lower), upper, "left"),
        "duration": lower - upper,
        "start": lower,
    }
    ordered: list[int] = np.lexsort((lower, -size, keys[order])).tolist()
    return ordered


def _place_listed(blocks: list[Block], order: list[int], tightest: bool) -> list[int]:
    return place(blocks, order, tightest=tightest)


def _place_masked(blocks: list[Block], order: list[int], tightest: bool) -> list[int]:
    """Put blocks down in this order; who lives with a block is found by comparing it with all that lie already."""
    offsets = [0] * len(blocks)
    lying: Array = np.zeros((4, len(blocks)), dtype=np.int64)  # lower, upper, offset, end; from low offsets to high
    count = 0
    for index in order:
        lower, upper, size = blocks[index]
        if not size or lower >= upper:
            continue
        lowers, uppers, starts, ends = lying[:, :count]
        together = (lowers < upper) & (uppers > lower)
        offset = _gap(starts[together], ends[together], size, tightest)
        at = int(np.searchsorted(starts, offset))
        lying[:, at + 1 : count + 1] = lying[:, at:count]
        lying[:, at] = lower, upper, offset, offset + size
        offsets[index] = offset
        count += 1
    return offsets


def _gap(starts: Array, ends: Array, size: int, tightest: bool) -> int:
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
