"""Where to put blocks of bytes that live for a while: the problem, its bound, a plain packer, a checker."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nnvm.errors import Error

GREEDY_PAIRS = 1_000_000
"""Above this many pairs of blocks that live together `pack` only sweeps; below it, it also tries by size."""


class Block(NamedTuple):
    """`size` bytes that are needed at the times `lower`, ..., `upper - 1`."""

    lower: int
    upper: int
    size: int


def round_up(size: int, alignment: int) -> int:
    """Give the least multiple of `alignment` that is not below `size`."""
    return -(-size // alignment) * alignment


def max_live(blocks: Iterable[Block], alignment: int = 64) -> int:
    """Give the most bytes that live at one time, each size rounded up: no packing is lower.

    Raises Error for a block that ends before it begins or has a negative size.
    """
    events: list[tuple[int, int]] = []
    for lower, upper, size in admit(blocks):
        if size and lower < upper:
            bytes_ = round_up(size, alignment)
            events.append((lower, bytes_))
            events.append((upper, -bytes_))
    events.sort()  # at one time the ends come first, for they are negative
    live = most = 0
    for _, change in events:
        live += change
        most = max(most, live)
    return most


def admit(blocks: Iterable[Block]) -> list[Block]:
    """List the blocks, or raise Error for one that ends before it begins or has a negative size."""
    admitted = list(blocks)
    for index, (lower, upper, size) in enumerate(admitted):
        if upper < lower or size < 0:
            raise Error(f"block {index} is no block: {size} bytes over [{lower}, {upper})")
    return admitted


def height(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    """Give the bytes an arena needs to hold every block at its offset; one that never lives needs none."""
    placed = zip(blocks, offsets, strict=True)
    return max((offset + size for (lower, upper, size), offset in placed if lower < upper and size), default=0)


def pack(blocks: Sequence[Block], alignment: int = 64) -> list[int]:
    """Give each block an offset so that no two that live together share a byte.

    Tries the largest first, at the lowest gap and at the tightest, unless too many blocks live
    together for that; and a sweep through time. Keeps the lowest; ties go to the first tried.
    """
    rounded = [Block(lower, upper, round_up(size, alignment)) for lower, upper, size in admit(blocks)]
    bound = max_live(rounded, alignment)
    best: list[int] = []
    order = sorted(range(len(rounded)), key=lambda i: (-rounded[i].size, rounded[i].lower, i))
    tries = [False, True] if pairs(rounded) <= GREEDY_PAIRS else []
    for tightest in tries:
        offsets = place(rounded, order, tightest=tightest)
        if not best or height(rounded, offsets) < height(rounded, best):
            best = offsets
        if height(rounded, best) == bound:
            return best
    swept = sweep(rounded)
    return swept if not best or height(rounded, swept) < height(rounded, best) else best


def pairs(blocks: Sequence[Block]) -> int:
    """Count the pairs of blocks that live together."""
    lowers = sorted(block.lower for block in blocks if block.lower < block.upper)
    starts_within = sum(
        bisect_left(lowers, block.upper) - bisect_left(lowers, block.lower)
        for block in blocks
        if block.lower < block.upper
    )
    # Of blocks that start together each counts the other (and itself); of any other pair, one does.
    together = seen = 0
    for index, lower in enumerate(lowers):
        seen = seen + 1 if index and lowers[index - 1] == lower else 1
        together += seen
    return starts_within - together


def place(blocks: Sequence[Block], order: Sequence[int], *, tightest: bool = False) -> list[int]:
    """Put blocks down in this order, each in the lowest gap that holds it (or the tightest; the lowest of those).

    Costs the logarithm of the number of blocks, and the blocks that live with it, for each.
    """
    by_lower = sorted(range(len(blocks)), key=lambda i: (blocks[i].lower, i))
    lowers = [blocks[i].lower for i in by_lower]
    offsets = [-1] * len(blocks)
    covering = _Covering(lowers)
    for index in order:
        block = blocks[index]
        if not block.size or block.lower >= block.upper:
            offsets[index] = 0
            continue
        first, last = bisect_right(lowers, block.lower), bisect_left(lowers, block.upper)
        beside = [i for i in by_lower[first:last] if offsets[i] >= 0 and blocks[i].lower < blocks[i].upper]
        beside += covering.at(block.lower)
        taken = sorted((offsets[i], offsets[i] + blocks[i].size) for i in beside if blocks[i].size)
        offsets[index] = _gap(taken, block.size, tightest)
        covering.add(block.lower, block.upper, index)
    return offsets


def _gap(taken: Sequence[tuple[int, int]], size: int, tightest: bool) -> int:
    """Find where `size` bytes fit between ranges sorted by their start."""
    free_from, at, waste = 0, -1, -1
    for lower, upper in taken:
        spare = lower - free_from - size
        if spare >= 0 and (at < 0 or spare < waste):
            at, waste = free_from, spare
            if not tightest or not spare:
                return at
        free_from = max(free_from, upper)
    return free_from if at < 0 else at


class _Covering:
    """Which of the blocks put down so far live at a time (a segment tree over the times blocks start)."""

    __slots__ = ("leaves", "nodes", "times")

    def __init__(self, lowers: Sequence[int]) -> None:
        self.times = sorted(set(lowers))
        self.leaves = len(self.times)
        self.nodes: list[list[int]] = [[] for _ in range(2 * self.leaves)]

    def add(self, lower: int, upper: int, index: int) -> None:
        left = bisect_left(self.times, lower) + self.leaves
        right = bisect_left(self.times, upper) + self.leaves
        while left < right:
            if left & 1:
                self.nodes[left].append(index)
                left += 1
            if right & 1:
                right -= 1
                self.nodes[right].append(index)
            left >>= 1
            right >>= 1

    def at(self, time: int) -> list[int]:
        node = bisect_left(self.times, time) + self.leaves
        found: list[int] = []
        while node:
            found += self.nodes[node]
            node >>= 1
        return found


def sweep(blocks: Sequence[Block]) -> list[int]:
    """Put blocks down in the order of time, as an allocator would: the tightest hole first, the larger block first.

    Costs the logarithm of the number of blocks for each, so it serves where nothing else ends.
    """
    offsets = [0] * len(blocks)
    lively = [i for i, block in enumerate(blocks) if block.size and block.lower < block.upper]
    starts = sorted(lively, key=lambda i: (blocks[i].lower, -blocks[i].size, -blocks[i].upper, i))
    ends = sorted(lively, key=lambda i: (blocks[i].upper, i))
    holes = _Holes()
    ended = 0
    for index in starts:
        lower, _, size = blocks[index]
        while blocks[ends[ended]].upper <= lower:
            gone = ends[ended]
            holes.give(offsets[gone], offsets[gone] + blocks[gone].size)
            ended += 1
        offsets[index] = holes.take(size)
    return offsets


class _Holes:
    """The free ranges below a top that grows, by size and by both ends."""

    __slots__ = ("by_size", "ending", "starting", "top")

    def __init__(self) -> None:
        self.by_size: list[tuple[int, int]] = []
        self.starting: dict[int, int] = {}
        self.ending: dict[int, int] = {}
        self.top = 0

    def take(self, size: int) -> int:
        position = bisect_left(self.by_size, (size, 0))
        if position < len(self.by_size):
            hole, start = self.by_size[position]
            self._close(start, start + hole)
            if hole > size:
                self._open(start + size, start + hole)
            return start
        start = self.ending.get(self.top, self.top)  # what is free just below the top need not be skipped
        if start < self.top:
            self._close(start, self.top)
        self.top = start + size
        return start

    def give(self, start: int, end: int) -> None:
        if end in self.starting:
            after = self.starting[end]
            self._close(end, after)
            end = after
        if start in self.ending:
            before = self.ending[start]
            self._close(before, start)
            start = before
        self._open(start, end)

    def _open(self, start: int, end: int) -> None:
        self.starting[start] = end
        self.ending[end] = start
        insort(self.by_size, (end - start, start))

    def _close(self, start: int, end: int) -> None:
        del self.starting[start], self.ending[end]
        del self.by_size[bisect_left(self.by_size, (end - start, start))]


def check(blocks: Sequence[Block], offsets: Sequence[int], alignment: int = 64, capacity: int | None = None) -> None:
    """Raise Error unless the offsets are aligned, end within `capacity` bytes, and keep apart what lives together.

    The error names the first two blocks, in the order of time, that share a byte. Takes n log n.
    """
    if len(blocks) != len(offsets):
        raise Error(f"{len(blocks)} blocks need as many offsets, not {len(offsets)}")
    for index, (block, offset) in enumerate(zip(admit(blocks), offsets, strict=True)):
        if offset < 0 or offset % alignment:
            raise Error(f"block {index} lies at {offset}, which is no multiple of {alignment}")
        if capacity is not None and block.lower < block.upper and block.size and offset + block.size > capacity:
            raise Error(f"block {index} ends at {offset + block.size}, above the capacity of {capacity} bytes")
    events = [(block.lower, 1, i) for i, block in enumerate(blocks) if block.size and block.lower < block.upper]
    events += [(blocks[i].upper, 0, i) for _, _, i in events]
    live: list[tuple[int, int]] = []  # (offset, block) of what lives, apart from one another, so by either end too
    for _, starts, index in sorted(events):
        entry = (offsets[index], index)
        position = bisect_left(live, entry)
        if not starts:
            del live[position]
            continue
        for _, other in live[max(position - 1, 0) : position + 1]:
            low, high = (
                max(offsets[index], offsets[other]),
                min(offsets[index] + blocks[index].size, offsets[other] + blocks[other].size),
            )
            if low < high:
                raise Error(
                    f"blocks {min(index, other)} and {max(index, other)} live together and share bytes [{low}, {high})"
                )
        live.insert(position, entry)
