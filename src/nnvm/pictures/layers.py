"""In which row of a picture each item stands, in which order within its row, and through which rows each wire runs."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from nnvm.errors import Error

_BUDGET: Final = 6
_LEAST_BUDGET: Final = 20_000
_LARGE: Final = 6000


class Bus(NamedTuple):
    """A wire from one item to later ones; items are numbers, `key` tells buses of one item apart."""

    source: int
    key: int
    targets: tuple[int, ...]


class Segment(NamedTuple):
    """What ties a slot to one in the row below; the larger the weight, the straighter it wants to be."""

    upper: int
    lower: int
    weight: int


class Layers(NamedTuple):
    """Rows of slots: a slot below the number of items is an item, any other is a bend of a bus.

    `bends[b]` are the bends of bus b from its source downwards; `near[b]` are the targets it reaches, the others being
    too far away to be drawn.
    """

    rows: tuple[tuple[int, ...], ...]
    bends: tuple[tuple[int, ...], ...]
    near: tuple[tuple[int, ...], ...]
    segments: tuple[Segment, ...]


def layers(
    count: int,
    buses: Sequence[Bus],
    *,
    top: Collection[int] = (),
    bottom: Collection[int] = (),
    given: Collection[int] = (),
) -> Layers:
    """Put items in rows, every target below its source, few rows and few crossings; linear in what is drawn.

    Every target is numbered after its source, else Error. Items in `top` and `bottom` have the first and the last row
    to themselves; `given` are the inputs: what does not depend on one stands as low as it can. A bus that would bend
    through too many rows ends early.
    """
    wrong = next((bus for bus in buses if bus.targets and min(bus.targets) <= bus.source), None)
    if wrong is not None:
        raise Error(f"a wire leads from item {wrong.source} to {min(wrong.targets)}; number targets after their source")
    ranks = _ranks(count, buses, given or top)
    if top or bottom:
        ranks = _set_apart(ranks, top, bottom)
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    for item, rank in enumerate(ranks):
        rows[rank].append(item)
    bends, near, links = _bent(count, buses, ranks, rows)
    segments = _weighted(links, count, _depths(count, buses))
    ordered = _uncross(rows, segments, count + sum(map(len, bends)))
    return Layers(tuple(map(tuple, ordered)), tuple(bends), tuple(near), tuple(segments))


def _bent(
    count: int, buses: Sequence[Bus], ranks: list[int], rows: list[list[int]]
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], list[tuple[int, int, int]]]:
    """Put the bends of each bus into rows; return them, the targets within reach, and links between rows."""
    reach = _reach(count, buses, ranks)
    bends, near, links = [], [], []
    slots = count
    for bus in buses:
        start = ranks[bus.source]
        close = tuple(target for target in bus.targets if ranks[target] - start <= reach)
        end = max((ranks[target] for target in close), default=start)
        chain = tuple(range(slots, slots + max(0, end - start - 1)))
        slots += len(chain)
        for row, bend in enumerate(chain, start + 1):
            rows[row].append(bend)
        path = (bus.source, *chain)
        links += [(path[i], path[i + 1], 8 if i else 2) for i in range(len(chain))]
        links += [(path[ranks[target] - start - 1], target, 2 if ranks[target] - start > 1 else 1) for target in close]
        bends.append(chain)
        near.append(close)
    return bends, near, links


def _ranks(count: int, buses: Sequence[Bus], given: Collection[int]) -> list[int]:
    """Return each item's row: the first that its sources and the widest row allow, then nearer to what it feeds."""
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for bus in buses:
        for target in bus.targets:
            above[target].append(bus.source)
            below[bus.source].append(target)
    most = max(24, int(2 * count**0.5))
    load: dict[int, int] = {}
    full: dict[int, int] = {}
    ranks: list[int] = []
    depends = [False] * count
    for item in given:
        depends[item] = True
    for item in range(count):
        rank = _free(max((ranks[source] + 1 for source in above[item]), default=0), full)
        ranks.append(rank)
        load[rank] = load.get(rank, 0) + 1
        if load[rank] >= most:
            full[rank] = rank + 1
        depends[item] = depends[item] or any(depends[source] for source in above[item])
    for item in reversed(range(count)):
        low = min((ranks[target] for target in below[item]), default=0) - 1
        lighter = not depends[item] or len(below[item]) > len(above[item])
        if low > ranks[item] and lighter and load.get(low, 0) < most:
            load[ranks[item]] -= 1
            load[low] = load.get(low, 0) + 1
            ranks[item] = low
    used = {rank: i for i, rank in enumerate(sorted(set(ranks)))}
    return [used[rank] for rank in ranks]


def _free(rank: int, full: dict[int, int]) -> int:
    """Return the first row from `rank` on that is not full, shortening the way for who asks next."""
    path = []
    while rank in full:
        path.append(rank)
        rank = full[rank]
    for passed in path:
        full[passed] = rank
    return rank


def _set_apart(ranks: list[int], top: Collection[int], bottom: Collection[int]) -> list[int]:
    ends = {*top, *bottom}
    inner = sorted({rank for item, rank in enumerate(ranks) if item not in ends})
    first = 1 if top else 0
    rows = {rank: i for i, rank in enumerate(inner, first)}
    last = first + len(inner)
    return [0 if item in top else last if item in bottom else rows[rank] for item, rank in enumerate(ranks)]


def _reach(count: int, buses: Sequence[Bus], ranks: list[int]) -> int:
    """Return over how many rows a bus may run so that all bends together stay within the budget."""
    spans = sorted(max((ranks[target] for target in bus.targets), default=0) - ranks[bus.source] for bus in buses)
    room = max(_LEAST_BUDGET, _BUDGET * count)
    total, longer = 0, len(spans)
    if sum(max(0, span - 1) for span in spans) <= room:
        return max(spans, default=0)
    reach = 1
    while longer:
        longer = len(spans) - bisect_left(spans, reach + 1)
        total += longer
        if total > room:
            break
        reach += 1
    return reach


def _depths(count: int, buses: Sequence[Bus]) -> list[int]:
    """Return how many items lie on the longest way through each item."""
    before, behind = [0] * count, [0] * count
    ordered = sorted(buses, key=lambda bus: bus.source)
    for bus in ordered:
        for target in bus.targets:
            before[target] = max(before[target], before[bus.source] + 1)
    for bus in reversed(ordered):
        for target in bus.targets:
            behind[bus.source] = max(behind[bus.source], behind[target] + 1)
    return [a + b for a, b in zip(before, behind, strict=True)]


def _weighted(links: list[tuple[int, int, int]], count: int, depth: list[int]) -> list[Segment]:
    """Give the way along the longest path its weight, so that the backbone of a picture is straight."""
    down: dict[int, int] = {}
    up: dict[int, int] = {}
    for upper, lower, _ in links:
        if upper < count and lower < count:
            if upper not in down or depth[lower] > depth[down[upper]]:
                down[upper] = lower
            if lower not in up or depth[upper] > depth[up[lower]]:
                up[lower] = upper
    return [
        Segment(upper, lower, 8 if lower < count and down.get(upper) == lower and up[lower] == upper else weight)
        for upper, lower, weight in links
    ]


def _uncross(rows: list[list[int]], segments: Sequence[Segment], slots: int) -> list[list[int]]:
    """Order each row by where its neighbours stand, down and up again, and keep the order with the fewest crossings."""
    above: list[list[int]] = [[] for _ in range(slots)]
    below: list[list[int]] = [[] for _ in range(slots)]
    for upper, lower, _ in segments:
        above[lower].append(upper)
        below[upper].append(lower)
    sweeps = 6 if slots > _LARGE else 16
    place = [0.0] * slots
    for row in rows:
        _settle(row, place)
    best, fewest = rows, -1
    for sweep in range(sweeps):
        tied = sweep % 4 >= 2
        rows = [_sorted(row, above, place, tied) for row in rows]
        rows = [_sorted(row, below, place, tied) for row in reversed(rows)][::-1]
        if slots <= _LARGE:
            _transpose(rows, above, below, place)
        crossings = _crossings(rows, below, place)
        if fewest < 0 or crossings < fewest:
            best, fewest = rows, crossings
        if not crossings:
            break
    return best


def _settle(row: list[int], place: list[float]) -> None:
    for i, slot in enumerate(row):
        place[slot] = float(i)


def _sorted(row: list[int], near: list[list[int]], place: list[float], tied: bool) -> list[int]:
    keys = {}
    for i, slot in enumerate(row):
        others = near[slot]
        mean = sum([place[other] for other in others]) / len(others) if others else place[slot]
        keys[slot] = (mean, -i if tied else i)
    made = sorted(row, key=keys.__getitem__)
    _settle(made, place)
    return made


def _transpose(rows: list[list[int]], above: list[list[int]], below: list[list[int]], place: list[float]) -> None:
    """Swap neighbours in a row while that saves crossings."""
    for row in rows:
        for i in range(len(row) - 1):
            a, b = row[i], row[i + 1]
            gain = 0
            for near in (above, below):
                if len(near[a]) * len(near[b]) > 400:
                    break
                for x in near[a]:
                    for y in near[b]:
                        gain += (place[x] > place[y]) - (place[x] < place[y])
            if gain > 0:
                row[i], row[i + 1] = b, a
                place[a], place[b] = place[b], place[a]


def _crossings(rows: list[list[int]], below: list[list[int]], place: list[float]) -> int:
    """Count crossings, row by row, by inserting the lower ends into a tree of sums."""
    total = 0
    for upper, lower in pairwise(rows):
        size = len(lower)
        tree = [0] * (size + 1)
        seen = 0
        for slot in upper:
            ends = sorted(int(place[other]) for other in below[slot])
            for end in ends:
                at, smaller = end + 1, 0
                while at:
                    smaller += tree[at]
                    at &= at - 1
                total += seen - smaller
            for end in ends:
                at = end + 1
                while at <= size:
                    tree[at] += 1
                    at += at & -at
            seen += len(ends)
    return total
