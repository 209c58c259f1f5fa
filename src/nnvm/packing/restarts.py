"""A search that starts again and again: in another order, for another height, with more nodes from round to round."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from nnvm.packing.budget import Budget
from nnvm.packing.canonical import Canonical
from nnvm.packing.sections import Array, Reduced

Weights: TypeAlias = npt.NDArray[np.float64]

LARGEST: Final = 4_000_000
"""The most entries in a table of the search: larger problems are left to others."""

NODES: Final = 2_000
"""Nodes of a try in the first round; the next has half as many again, those of the known orders four times as many."""

KNOWN: Final = (
    (1.0, 1.0, 0.0), (0.001, 1.0, 0.0), (0.0, 1.0, 50.0), (1.0, 0.5, 0.0), (1.0, 1.0, 50.0), (0.0, 1.0, 1000.0),
)  # fmt: skip
"""Exponents of size, duration and load by which the tries at the head of a round order blocks; the others are drawn."""

DRAWN: Final = 18


class Found(NamedTuple):
    """A packing in units, or the proof that none ends within `height`."""

    places: Array | None
    height: int


def cost_of_a_node(reduced: Reduced) -> int:
    """Return the steps that one node takes."""
    alive = int((reduced.last - reduced.first).sum())
    return 12 + len(reduced.size) // 50 + alive // 400


def descend(
    reduced: Reduced, height: Callable[[], int], budget: Budget, *, seed: int = 0, enough: int = 0
) -> Iterator[Found | None]:
    """Yield ever lower packings, and proofs that there is none, until the two meet; None after a try in vain.

    `height` tells the units of the lowest packing there is, which may be somebody else's.

    Tries aim in turn at the bound (or at `enough`, where that is higher), and at a height between it and the best.
    What is drawn depends on the seed alone, so that a larger budget only adds to what a smaller one finds.
    """
    canonical = Canonical(reduced)
    bound, cost = max(reduced.bound, enough), cost_of_a_node(reduced)
    for aim_at, weights, nodes in _tries(reduced, seed, once=bool(enough)):
        best = height()
        if bound >= best or not budget.affords(cost):
            return
        near = best - 1 - (best - 1 - bound) // 4
        aim = (bound, (bound + best - 1) // 2, max(bound, best - 1 - best // 100), near)[aim_at]
        outcome = canonical.run(aim, _ranked(weights), min(nodes, budget.left // cost), budget.late)
        budget.spend(outcome.nodes * cost + len(reduced.size))
        if outcome.exhausted:
            bound = aim + 1
            yield Found(None, aim)
        elif outcome.places is not None:
            yield Found(outcome.places, int((outcome.places + reduced.size).max()))
        else:
            yield None


def _tries(reduced: Reduced, seed: int, *, once: bool) -> Iterator[tuple[int, Weights, int]]:
    """Yield without end where to aim (0: at the bound, 2, 3: below the best), the weight of each block, and nodes."""
    chance = np.random.default_rng(seed)
    worst = reduced.columns.worst[reduced.rows]
    logs = [np.log(each.astype(np.float64)) for each in (reduced.size, reduced.last - reduced.first, worst)]
    widened = 0
    while True:
        for exponents in KNOWN:
            weights = sum((e * log for e, log in zip(exponents, logs, strict=True)), np.zeros_like(logs[0]))
            yield 0, weights, NODES * 4**widened
            if not once:
                yield 3, weights, NODES * 4**widened
        for turn in range(DRAWN):
            drawn = chance.random(4)
            powers = (drawn[0] * 1.2, drawn[1] * 1.5, (0.0, 0.0, 2.0, 10.0, 50.0)[int(drawn[2] * 5)])
            rough = (0.0, 0.05, 0.2)[int(drawn[3] * 3)] * chance.standard_normal(len(worst))
            weights = sum((e * log for e, log in zip(powers, logs, strict=True)), rough)
            yield turn % 3, weights, int(NODES * 1.5**widened)
        widened = min(widened + 1, 12)


def _ranked(weights: Weights) -> Array:
    """Return the rank of each block, the heaviest first."""
    rank: Array = np.empty(len(weights), dtype=np.int64)
    rank[np.argsort(-weights, kind="stable")] = np.arange(len(weights))
    return rank
