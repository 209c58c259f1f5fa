"""Whether a packing is one: checked against the problem alone, with nothing of what the packers use."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from nnvm.errors import Error
from nnvm.packing.problem import Buffer, Packing, Problem

Event = tuple[int, int, int, int, int]


def validate(problem: Problem, packing: Packing) -> None:
    """Raise Error unless every buffer lies in a pool of its own choice, aligned, inside, where it is fixed, and alone.

    Heights must be what the offsets say, and no bound may be above the height. Takes n log n, and the error names the
    first two buffers in the order of time that share a byte.
    """
    offsets, pools = packing.offsets, packing.pools
    if not len(problem.buffers) == len(offsets) == len(pools):
        raise Error(f"{len(problem.buffers)} buffers, {len(offsets)} offsets and {len(pools)} pools do not match")
    tops = [0] * len(problem.pools)
    events: list[list[Event]] = [[] for _ in problem.pools]
    for number, (buffer, offset, where) in enumerate(zip(problem.buffers, offsets, pools, strict=True)):
        _check_place(problem, number, buffer, offset, where)
        needs = _needs(buffer, offset)
        for begin, end, low, high in needs:
            events[where] += [(begin, 1, low, high, number), (end, 0, low, high, number)]
            tops[where] = max(tops[where], high)
        size = problem.pools[where].size
        if size is not None and needs and offset + buffer.size > size:
            name = problem.pools[where].name
            raise Error(f"buffer {number} ends at {offset + buffer.size}, above the {size} bytes of pool {name!r}")
    for each in events:
        keep_apart(sorted(each))
    for pool, reached, top in zip(problem.pools, packing.heights, tops, strict=True):
        if reached < top:
            raise Error(f"pool {pool.name!r} is said to end at {reached}, and a buffer ends at {top}")
    if packing.heights[-1] != packing.height or packing.bound > packing.height:
        raise Error(
            f"height {packing.height}, heights {packing.heights} and bound {packing.bound} contradict one another"
        )


def _check_place(problem: Problem, number: int, buffer: Buffer, offset: int, where: int) -> None:
    if not 0 <= where < len(problem.pools):
        raise Error(f"buffer {number} lies in pool {where}, and there are {len(problem.pools)}")
    pool = problem.pools[where]
    if buffer.pool is not None and buffer.pool != pool.name:
        raise Error(f"buffer {number} lies in pool {pool.name!r} and must lie in {buffer.pool!r}")
    if buffer.offset is not None:
        if offset != buffer.offset:
            raise Error(f"buffer {number} lies at {offset} and is fixed at {buffer.offset}")
        return
    for alignment in (buffer.alignment, pool.alignment):
        if offset < 0 or offset % alignment:
            raise Error(f"buffer {number} lies at {offset}, which is no multiple of {alignment}")


def _needs(buffer: Buffer, offset: int) -> list[tuple[int, int, int, int]]:
    """List (from, until, low byte, byte after the last): what it needs, told from lifetime and gaps."""
    moments = sorted({buffer.lower, buffer.upper, *(time for gap in buffer.gaps for time in gap[:2])})
    needs = []
    for begin, end in pairwise(moments):
        low, high = 0, buffer.size
        for gap in buffer.gaps:
            if gap.lower <= begin < gap.upper:
                low, high = gap.start, gap.end
        if low < high:
            needs.append((begin, end, offset + low, offset + high))
    return needs


def keep_apart(events: Sequence[Event]) -> None:
    """Raise Error for two that live together and share a byte, given when each begins (1) and ends (0), sorted.

    Goes through time with what is alive sorted by its lowest byte; a newcomer must fit between its neighbours.
    """
    live: list[tuple[int, int, int]] = []
    for _, starts, low, high, number in events:
        entry = (low, high, number)
        at = bisect_left(live, entry)
        if not starts:
            del live[at]
            continue
        for other_low, other_high, other in live[max(at - 1, 0) : bisect_right(live, entry) + 1]:
            if low < other_high and other_low < high:
                first, second = sorted((number, other))
                shared = f"[{max(low, other_low)}, {min(high, other_high)})"
                raise Error(f"buffers {first} and {second} live together and share bytes {shared}")
        live.insert(at, entry)
