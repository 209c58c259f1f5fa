"""Restarts: lower and lower, until bound and height meet."""

import random

from nnvm.packing.budget import Budget
from nnvm.packing.restarts import cost_of_a_node, descend
from nnvm.packing.sections import Columns, Reduced
from nnvm.runtime.memory import Block, check, height, sweep


def instance(count, seed):
    chance = random.Random(seed)
    return [
        Block(t := chance.randrange(40), t + chance.randrange(1, 15), chance.randrange(1, 30)) for _ in range(count)
    ]


def descended(reduced, height, budget, **options):
    """Packings and proofs in turn; each try aims below the lowest so far."""
    reached = [height]
    for found in descend(reduced, lambda: reached[-1], budget, **options):
        if found is None:
            continue
        if found.places is not None:
            reached.append(found.height)
        yield found


def test_packings_become_lower_and_proofs_higher():
    blocks = instance(40, 2)
    reduced = Reduced(Columns(blocks))
    reached, bound = (height(blocks, sweep(blocks)) - reduced.base) // reduced.unit, reduced.bound
    for found in descended(reduced, reached, Budget(3_000_000)):
        if found.places is None:
            assert found.height >= bound
            bound = found.height + 1
            continue
        offsets = reduced.offsets(found.places, len(blocks))
        check(blocks, offsets, 1)
        assert height(blocks, offsets) == reduced.height(found.height)
        assert found.height < reached
        reached = found.height
    assert bound <= reached


def test_more_budget_only_adds():
    reduced = Reduced(Columns(instance(60, 3)))
    some = [(found.height, found.places is None) for found in descended(reduced, 1000, Budget(60_000))]
    more = [(found.height, found.places is None) for found in descended(reduced, 1000, Budget(600_000))]
    assert some
    assert more[: len(some)] == some


def test_others_may_have_found_something_lower():
    reduced = Reduced(Columns(instance(60, 3)))
    heights = iter([10_000, 10_000, 0])
    tries = list(descend(reduced, lambda: next(heights), Budget()))
    assert len(tries) == 2


def test_what_is_enough_ends_it():
    reduced = Reduced(Columns(instance(60, 3)))
    found = list(descended(reduced, 10_000, Budget(), enough=5_000))
    assert len(found) == 1
    assert found[0].height <= 5_000


def test_nothing_below_the_bound_is_looked_for():
    reduced = Reduced(Columns(instance(20, 4)))
    assert list(descend(reduced, lambda: reduced.bound, Budget())) == []


def test_nodes_of_larger_problems_cost_more():
    small, large = (Reduced(Columns(instance(count, 1))) for count in (10, 500))
    assert 12 <= cost_of_a_node(small) < cost_of_a_node(large)
