"""Which slots of a layered picture stand exactly below one another."""

from bisect import bisect_left, insort
from collections.abc import Sequence

from nnvm.pictures.layers import Layers


def blocks(made: Layers, slots: int) -> list[int]:
    """Return the number of each slot's block: a run of slots, one a row, that share their x.

    The segments that most want to be straight are taken first, as long as no two cross (after Brandes and Koepf, who
    take them by position). Blocks are numbered by their uppermost, leftmost slots.
    """
    place = [(0, 0)] * slots
    for i, slots_of_row in enumerate(made.rows):
        for k, slot in enumerate(slots_of_row):
            place[slot] = (i, k)
    below = [-1] * slots
    taken = [False] * slots
    straight: list[list[tuple[int, int]]] = [[] for _ in made.rows]
    for upper, lower, _ in sorted(made.segments, key=lambda each: (-each.weight, each.upper, each.lower)):
        if below[upper] >= 0 or taken[lower]:
            continue
        row, pair = place[upper][0], (place[upper][1], place[lower][1])
        if _crosses(straight[row], pair):
            continue
        insort(straight[row], pair)
        below[upper], taken[lower] = lower, True
    return _numbered(made.rows, below, taken)


def _crosses(pairs: Sequence[tuple[int, int]], pair: tuple[int, int]) -> bool:
    at = bisect_left(pairs, pair)
    return (at > 0 and pairs[at - 1][1] > pair[1]) or (at < len(pairs) and pairs[at][1] < pair[1])


def _numbered(rows: Sequence[Sequence[int]], below: Sequence[int], taken: Sequence[bool]) -> list[int]:
    numbers = [-1] * len(below)
    count = 0
    for row in rows:
        for slot in row:
            if taken[slot]:
                continue
            while slot >= 0:
                numbers[slot] = count
                slot = below[slot]
            count += 1
    return numbers
