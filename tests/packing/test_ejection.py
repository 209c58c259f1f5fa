"""Ejections."""

import random

import numpy as np

from nnvm.packing.budget import Budget
from nnvm.packing.ejection import eject
from nnvm.packing.timeline import Timeline
from nnvm.runtime.memory import Block, check, height, max_live, sweep


def crowd(count, seed=1):
    chance = random.Random(seed)
    return [
        Block(t := chance.randrange(count), t + 1 + chance.randrange(count // 2), chance.randrange(1, 1000))
        for _ in range(count)
    ]


def ejected(blocks, budget, **options):
    """Heights in turn; each packing is checked, and the next try begins from it."""
    line = Timeline(blocks)
    lowest = [np.array(sweep(blocks), dtype=np.int64)[line.rows]]
    heights = []
    for places in eject(line, lambda: lowest[0], max_live(blocks, 1), budget, **options):
        if places is not None:
            check(blocks, line.offsets(len(blocks)), 1)
            assert line.low.tolist() == places.tolist()
            lowest[0] = places
            heights.append(line.height)
    return heights


def test_packings_become_lower_and_come_near_the_bound():
    blocks = crowd(150)
    heights = ejected(blocks, Budget(1_500_000))
    assert heights == sorted(set(heights), reverse=True)
    assert heights[0] < height(blocks, sweep(blocks))
    assert heights[-1] <= 1.05 * max_live(blocks, 1)


def test_more_budget_only_adds():
    some, more = (ejected(crowd(90), Budget(steps)) for steps in (60_000, 600_000))
    assert more[: len(some)] == some
    assert len(more) > len(some)


def test_it_ends_at_the_bound_and_without_budget():
    chain = [Block(i, i + 2, 5) for i in range(50)]
    line = Timeline(chain)
    places = np.array(sweep(chain), dtype=np.int64)[line.rows]
    assert list(eject(line, lambda: places, 10, Budget())) == []
    assert list(eject(line, lambda: places + 5, 10, Budget(0))) == []


def test_heights_aimed_at_are_in_units():
    blocks = [block._replace(size=block.size * 64) for block in crowd(60)]
    heights = ejected(blocks, Budget(400_000), unit=64)
    assert heights
    assert all(each % 64 == 0 for each in heights)
