"""Where each slot of a layered picture stands from left to right."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from nnvm.pictures.layers import Segment

_SWEEPS: Final = 24
_LARGE_SWEEPS: Final = 10
_LARGE: Final = 30_000


class Extent(NamedTuple):
    """How far a slot reaches from its centre, with the space around it."""

    left: float
    right: float


def abscissas(
    rows: Sequence[Sequence[int]], blocks: Sequence[int], segments: Sequence[Segment], extents: Sequence[Extent]
) -> list[float]:
    """Return the x of every slot's centre: one for each block, and no two of a row nearer than their extents.

    Blocks start between their leftmost and their rightmost places, then move by turns to the weighted median of what
    they are tied to, as far as their neighbours let them.
    """
    count = max(blocks, default=-1) + 1
    after, before = _apart(count, rows, blocks, extents)
    order = _left_to_right(count, after, before)
    x = _between(order, after, before)
    ties: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for upper, lower, weight in segments:
        a, b = blocks[upper], blocks[lower]
        if a != b:
            ties[a].append((b, weight))
            ties[b].append((a, weight))
    for sweep in range(_LARGE_SWEEPS if len(extents) > _LARGE else _SWEEPS):
        for block in order if sweep % 2 else reversed(order):
            if not ties[block]:
                continue
            least = max([x[other] + gap for other, gap in before[block].items()], default=float("-inf"))
            most = min([x[other] - gap for other, gap in after[block].items()], default=float("inf"))
            x[block] = max(least, min(most, _median(sorted([(x[other], weight) for other, weight in ties[block]]))))
    return [x[block] for block in blocks]


Gaps = list[dict[int, float]]


def _apart(
    count: int, rows: Sequence[Sequence[int]], blocks: Sequence[int], extents: Sequence[Extent]
) -> tuple[Gaps, Gaps]:
    """Return which blocks stand right of each block and left of it, with the least distance between their centres."""
    after: Gaps = [{} for _ in range(count)]
    before: Gaps = [{} for _ in range(count)]
    for row in rows:
        for left, right in pairwise(row):
            a, b, gap = blocks[left], blocks[right], extents[left].right + extents[right].left
            if gap > after[a].get(b, -1.0):
                after[a][b] = before[b][a] = gap
    return after, before


def _left_to_right(count: int, after: Gaps, before: Gaps) -> list[int]:
    waiting = [len(others) for others in before]
    order = [block for block in range(count) if not waiting[block]]
    for block in order:
        for other in after[block]:
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    return order


def _between(order: Sequence[int], after: Gaps, before: Gaps) -> list[float]:
    left, right = [0.0] * len(order), [0.0] * len(order)
    for block in order:
        left[block] = max([left[other] + gap for other, gap in before[block].items()], default=0.0)
    widest = max(left, default=0.0)
    for block in reversed(order):
        right[block] = min([right[other] - gap for other, gap in after[block].items()], default=widest)
    return [(a + b) / 2 for a, b in zip(left, right, strict=True)]


def _median(places: Sequence[tuple[float, int]]) -> float:
    """Return the place with half of the weight on either side, the middle where two places have it."""
    half = sum([weight for _, weight in places]) / 2
    passed = 0
    for i, (place, weight) in enumerate(places):
        passed += weight
        if passed > half:
            return place
        if passed == half:
            return (place + places[i + 1][0]) / 2
    return places[-1][0]
