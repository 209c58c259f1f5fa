"""A search that makes room for what ends too high by taking away what lies there, and finds that another place."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from nnvm.packing.budget import Budget
from nnvm.packing.sections import Array
from nnvm.packing.timeline import Timeline

Weights: TypeAlias = npt.NDArray[np.float64]

PATIENCE: Final = 2_000
"""Steps without fewer homeless blocks after which a try ends; later ones have half as many again."""

FEW: Final = 5_000
"""Where there are more blocks, the first try aims half-way to the bound, for a try in vain takes long."""

PATIENT: Final = 40
"""Times that patience grows, at most."""

GROWTH: Final = 0.3
"""By what part of its first weight a block that moves becomes harder to move again."""

BOLD: Final = 0.1
"""How often costs are blurred before the cheapest place is chosen."""


def eject(
    timeline: Timeline, lowest: Callable[[], Array], bound: int, budget: Budget, *, unit: int = 1, seed: int = 0
) -> Iterator[Array | None]:
    """Yield ever lower packings, and None after a try in vain, until one meets the bound.

    A try aims at a height between the bound and that of `lowest()`, the lowest packing there is, which may be somebody
    else's. Blocks that end above it are homeless; one by one they take the cheapest place below it, and whoever lies
    there is put elsewhere or becomes homeless. Who moved weighs more from then on. What is drawn depends on the seed
    alone, so that a larger budget only adds.
    """
    search = _Search(timeline, seed)
    part, wide = (0.0 if timeline.count <= FEW else 0.5), 0
    while budget.affords(search.cost):
        places = lowest()
        height = int((places + timeline.size).max(initial=0))
        if height <= bound:
            return
        aim = bound + int((height - 1 - bound) * part) // unit * unit
        found = search.run(places, aim, int(PATIENCE * 1.5**wide), budget)
        yield found
        if found is not None:
            part = max(0.0, part - 0.2)
            continue
        part += 0.3 * (1 - part)
        if part > 0.9:
            part, wide = 0.0, min(wide + 1, PATIENT)


class _Search:
    """What tries have in common: the blocks, how hard each is to move, how many steps a move costs."""

    __slots__ = ("base", "chance", "cost", "timeline", "weight")

    def __init__(self, timeline: Timeline, seed: int) -> None:
        size, alive = timeline.size, timeline.after - np.arange(timeline.count) + 1
        area = size.astype(np.float64) * alive
        self.timeline: Final = timeline
        self.chance: Final = np.random.default_rng(seed)
        self.base: Final[Weights] = np.sqrt(area / area.max(initial=1.0))
        self.weight: Weights = self.base
        self.cost: Final = 45 + int(timeline.met / max(timeline.count, 1) / 8)

    def run(self, places: Array, aim: int, patience: int, budget: Budget) -> Array | None:
        """Try to bring every block below `aim`; return the places, or None when patience or budget end."""
        timeline = self.timeline
        timeline.lay(places)
        above = np.flatnonzero(timeline.high > aim)
        timeline.lift(above)
        homeless: list[int] = above.tolist()
        self.weight = self.base.copy()
        least, vain = len(homeless), 0
        while homeless:
            if vain == patience or not budget.affords(self.cost):
                return None
            before = len(homeless)
            row = homeless.pop(int(self.chance.integers(before)))
            tried = 1 + self._house(row, aim, homeless)
            budget.spend(self.cost * tried)
            vain = 0 if len(homeless) < least else vain + 1
            least = min(least, len(homeless))
        return timeline.low.copy()

    def _house(self, row: int, aim: int, homeless: list[int]) -> int:
        """Put a block down, where it fits or where it costs least; return how many had to go."""
        timeline, size = self.timeline, int(self.timeline.size[row])
        place = timeline.spot(row, False)
        if place + size <= aim:
            timeline.put(row, place)
            return 0
        near = timeline.beside(row)
        place = self._cheapest(near, size, aim)
        gone = near[(timeline.low[near] < place + size) & (timeline.high[near] > place)]
        timeline.lift(gone)
        timeline.put(row, place)
        self.weight[gone] += GROWTH * self.base[gone]
        self.weight[row] += GROWTH * self.base[row]
        blurred = timeline.size[gone] * np.exp(0.2 * self.chance.standard_normal(len(gone)))
        fits = self.chance.random(len(gone)) < 0.5
        for each, tightest in zip(gone[(-blurred).argsort(kind="stable")].tolist(), fits.tolist(), strict=True):
            place = timeline.spot(each, tightest)
            if place + int(timeline.size[each]) <= aim:
                timeline.put(each, place)
            else:
                homeless.append(each)
        return len(gone)

    def _cheapest(self, near: Array, size: int, aim: int) -> int:
        """Return the place below `aim` at which `size` bytes take away the least weight; ties are drawn.

        It lies at the bottom, at the top, or next to a neighbour. What is in the way began below its end and did not
        end below its begin: two sums over sorted neighbours tell its weight.
        """
        low, high, weight = self.timeline.low[near], self.timeline.high[near], self.weight[near]
        by_low, by_high = low.argsort(kind="stable"), high.argsort(kind="stable")
        lows, highs = low[by_low], high[by_high]
        begun = np.concatenate([[0.0], weight[by_low].cumsum()])
        ended = np.concatenate([[0.0], weight[by_high].cumsum()])
        places = np.concatenate([np.array([0, aim - size], dtype=np.int64), highs, lows - size])
        places = places[(places >= 0) & (places <= aim - size)]
        costs: Weights = begun[np.searchsorted(lows, places + size)] - ended[np.searchsorted(highs, places, "right")]
        if self.chance.random() < BOLD:
            costs = costs * (1 + 0.5 * self.chance.random(len(costs)))
        cheapest = np.flatnonzero(costs <= costs.min() + 1e-9)
        return int(places[cheapest[int(self.chance.integers(len(cheapest)))]])
