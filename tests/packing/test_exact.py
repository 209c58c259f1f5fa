"""CP-SAT, where ortools is installed."""

import random
import sys

import pytest

from nnvm.errors import MissingExtra
from nnvm.packing import exact
from nnvm.packing.budget import Budget
from nnvm.packing.pools import Ground, lay
from nnvm.packing.portfolio import pack
from nnvm.packing.problem import Buffer, Gap, Pool, Problem
from nnvm.packing.sections import Columns, Reduced
from nnvm.packing.validator import validate
from nnvm.runtime.memory import Block, check, height, sweep


def test_without_ortools_the_error_names_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    with pytest.raises(MissingExtra, match=r"pip install 'nnvm\[exact\]'"):
        pack([Block(0, 1, 1)], exact=True)


def instance():
    chance = random.Random(1)
    return [Block(t := chance.randrange(12), t + chance.randrange(1, 6), chance.randrange(1, 20)) for _ in range(24)]


def test_it_proves_the_lowest_height():
    pytest.importorskip("ortools")
    blocks = instance()
    reduced = Reduced(Columns(blocks))
    reached = [(height(blocks, sweep(blocks)) - reduced.base) // reduced.unit]
    bound = reduced.bound
    for solved in exact.prove(reduced, lambda: reached[-1], Budget(seconds=30)):
        bound = max(bound, solved.bound)
        if solved.places is not None:
            offsets = reduced.offsets(solved.places, len(blocks))
            check(blocks, offsets, 1)
            reached.append((height(blocks, offsets) - reduced.base) // reduced.unit)
    assert reached[-1] == bound
    assert pack(blocks, 1).height == reduced.height(bound)


def test_pools_gaps_and_fixed_places_are_solved_too():
    pytest.importorskip("ortools")
    problem = Problem(
        [
            Buffer(0, 6, 30, offset=0, pool="fast"),
            Buffer(0, 6, 40, gaps=[Gap(2, 4, 0, 10)]),
            Buffer(2, 4, 25, alignment=8),
            Buffer(1, 5, 50, alignment=4),
            Buffer(0, 2, 60),
        ],
        [Pool("fast", 80), Pool("slow")],
    )
    ground = Ground(problem)
    worst = lay(ground, [4, 3, 2, 1])
    found, bound = exact.settle(ground, worst, 20.0)
    assert bound <= worst.heights[-1]
    packing = pack(problem, exact=True, time_limit=20.0)
    validate(problem, packing)
    assert packing.status == "optimal"
    assert found is None or found.heights[-1] >= packing.height
