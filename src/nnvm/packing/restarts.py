"""A search that starts again and again: in another order, for another height, with more nodes from round to round."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from nnvm.packing.budget import Budget
from nnvm.packing.canonical import Canonical, Outcome
from nnvm.packing.sections import Array, Reduced

LARGEST: Final = 4_000_000
"""The most entries in a table of the search: larger problems are left to others."""

FIRST_NODES: Final = 1_000
ROUND: Final = 24
"""Tries of one round; the next may take half as many nodes again."""

KNOWN: Final = ((1.0, 1.0, 0.0), (0.0, 1.0, 0.0), (0.0, 1.0, 50.0), (1.0, 0.5, 0.0), (1.0, 1.0, 50.0), (1.0, 0.0, 0.0))
"""Exponents of size, duration and load by which the first tries of a round order blocks; the others are drawn."""


class Found(NamedTuple):
    """A packing in units, or the proof that none ends within `height`."""

    places: Array | None
    height: int


def cost_of_a_node(reduced: Reduced) -> int:
    """Return the steps that one node takes."""
    alive = int((reduced.last - reduced.first).sum())
    return 12 + len(reduced.size) // 50 + alive // 400


def descend(reduced: Reduced, height: int, budget: Budget, *, seed: int = 0, enough: int = 0) -> Iterator[Found]:
    """Yield ever lower packings below `height` units, and proofs that there is none, until the two meet.

    Tries aim in turn at the bound (or at `enough`, where that is higher), and at a height between it and the best.
    What is drawn depends on the seed alone, so that a larger budget only adds to what a smaller one finds.
    """
    canonical = Canonical(reduced)
    chance = np.random.default_rng(seed)
    bound, cost, tries = max(reduced.bound, enough), cost_of_a_node(reduced), 0
    while bound < height and budget.affords(cost):
        nodes = int(FIRST_NODES * 1.5 ** (tries // ROUND))
        rank = _rank(reduced, tries, chance)
        aim = (bound, (bound + height - 1) // 2, max(bound, height - max(1, height // 100)))[tries // len(KNOWN) % 3]
        tries += 1
        outcome: Outcome = canonical.run(aim, rank, min(nodes, budget.left // cost), budget.late)
        budget.spend(outcome.nodes * cost + len(reduced.size))
        if outcome.exhausted:
            bound = aim + 1
            yield Found(None, aim)
        elif outcome.places is not None:
            height = int((outcome.places + reduced.size).max())
            yield Found(outcome.places, height)


def _rank(reduced: Reduced, tries: int, chance: np.random.Generator) -> Array:
    """Return the place of each block in the order of one try."""
    drawn = chance.random(4)
    noise = chance.standard_normal(len(reduced.size))
    at, known = tries % ROUND, tries < ROUND or tries % 2 == 0
    if at < 3 * len(KNOWN) and known and tries < 3 * len(KNOWN):
        exponents, rough = KNOWN[at % len(KNOWN)], 0.0
    else:
        exponents = (drawn[0] * 1.2, drawn[1] * 1.5, (0.0, 0.0, 2.0, 10.0, 50.0)[int(drawn[2] * 5)])
        rough = (0.0, 0.05, 0.2)[int(drawn[3] * 3)]
    worst = reduced.columns.worst[reduced.rows]
    logs = [np.log(each.astype(np.float64)) for each in (reduced.size, reduced.last - reduced.first, worst)]
    weight = sum(e * log for e, log in zip(exponents, logs, strict=True)) + rough * noise
    rank: Array = np.empty(len(noise), dtype=np.int64)
    rank[np.argsort(-weight, kind="stable")] = np.arange(len(noise))
    return rank
