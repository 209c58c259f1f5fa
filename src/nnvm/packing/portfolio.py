"""Many ways to pack, tried from the cheapest on until one reaches the bound."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Final, TypeAlias

import numpy as np

from nnvm.errors import Error
from nnvm.packing import exact as solver
from nnvm.packing.budget import Budget, Progress
from nnvm.packing.canonical import Canonical
from nnvm.packing.ejection import eject
from nnvm.packing.greedy import attempts, sweeps
from nnvm.packing.pools import Ground, layouts, packed, score
from nnvm.packing.problem import LARGEST, Packing, Problem
from nnvm.packing.restarts import LARGEST as LARGEST_TABLE
from nnvm.packing.restarts import descend
from nnvm.packing.sections import Array, Columns, Reduced
from nnvm.packing.timeline import Timeline
from nnvm.packing.validator import validate
from nnvm.runtime.memory import Block, admit, check, height, max_live, round_up
from nnvm.runtime.memory import pack as pack_plainly

EFFORT: Final = 300
"""Steps for each block, where neither an effort nor a time limit is given."""

MOST_EFFORT: Final = 3_000_000

CHECK: Final = 6e-6
"""Seconds that checking what comes out takes for each block, which belong to the limit."""

OURS: Final = 0.17
"""The part of the time that is ours where CP-SAT follows."""

EASE: Final = 20
"""Steps of branch and bound for each of ejections where CP-SAT follows: they tell it no bound."""

Try: TypeAlias = tuple[str, list[int] | None, int]
"""Who found something, the offsets (None: only a proof), the bound that was proven (0: none)."""


def pack(
    problem: Problem | Sequence[Block],
    alignment: int = 64,
    *,
    effort: int | None = None,
    time_limit: float | None = None,
    exact: bool = False,
    enough: int | None = None,
    progress: Progress | None = None,
) -> Packing:
    """Pack by every method that the limits allow and keep the lowest; ties go to the one tried first.

    A sweep through time; blocks one by one in many orders, at the lowest gap and at the tightest; branch and bound
    with restarts, or moves in the order where there are too many; with `exact`, CP-SAT. Ends as soon as the height
    meets the bound, or `enough`. `effort` counts steps of about a microsecond: the same blocks with the same effort
    get the same offsets on every machine, and more effort never gives more height. `time_limit` is in seconds, lifts
    the effort where none is given, and stops the same search wherever the clock finds it. With neither, the effort is
    300 steps a block, 3,000,000 at most. Height and bound of blocks count sizes rounded up to the alignment, as
    whoever places another block on top must; `alignment` serves blocks alone, buffers and pools have their own.
    Raises Error for what is no block, for buffers that find no room, and MissingExtra for `exact` without ortools.
    """
    if exact:
        solver.cp_model()
        time_limit = solver.SECONDS if time_limit is None and effort is None else time_limit
    count = len(problem.buffers) if isinstance(problem, Problem) else len(problem)
    if effort is None and time_limit is None:
        effort = min(EFFORT * count, MOST_EFFORT)
    if time_limit is not None:
        time_limit = max(time_limit - CHECK * count, 0.0)
    limits = _Limits(Budget(effort, time_limit), exact, enough, progress)
    if not isinstance(problem, Problem):
        blocks = [Block(lower, upper, round_up(size, alignment)) for lower, upper, size in admit(problem)]
        packing = _pack_blocks(blocks, limits)
        check(blocks, packing.offsets, alignment, packing.height)
        return packing
    given = problem.blocks()
    packing = _pack_ground(Ground(problem), limits) if given is None else _pack_blocks(given, limits)
    size = problem.pools[0].size
    if given is not None and size is not None and height(_bare(problem), packing.offsets) > size:
        raise Error(
            f"the lowest packing found is {packing.height} bytes high, above the {size} of pool "
            f"{problem.pools[0].name!r}; none is below {packing.bound}: give the pool more bytes, or more effort"
        )
    validate(problem, packing)
    return packing


class _Limits:
    """What ends a search, and whom to tell."""

    __slots__ = ("budget", "enough", "exact", "progress")

    def __init__(self, budget: Budget, exact: bool, enough: int | None, progress: Progress | None) -> None:
        self.budget: Final = budget
        self.exact: Final = exact
        self.enough: Final = enough
        self.progress: Final = progress

    def share(self) -> Budget:
        """Return what is for our own searches: all of it, or OURS of the time where a solver follows."""
        seconds = self.budget.remaining()
        if not self.exact or seconds is None:
            return self.budget
        return Budget(self.budget.left, seconds * OURS)

    def units(self, reduced: Reduced) -> int:
        """Return what is enough, above what lives all the time and in units; 0 where nothing is."""
        if not self.enough:
            return 0
        return max(0, -(-(self.enough - reduced.base + 1) // reduced.unit) - 1)

    def tell(self, method: str, reached: int, bound: int) -> None:
        """Say what was found, in one line."""
        if self.progress is not None:
            above = f"{reached / bound - 1:.3%}" if bound else "0"
            self.progress(f"{self.budget.seconds:8.2f} s  {reached:>16,} bytes, {above} above the bound  {method}")


def _pack_blocks(blocks: list[Block], limits: _Limits) -> Packing:
    """Pack blocks of rounded size."""
    if sum(block.size for block in blocks) > LARGEST or any(
        max(abs(block.lower), abs(block.upper)) > LARGEST for block in blocks
    ):
        offsets = pack_plainly(blocks, 1)  # in whole numbers of any length
        return Packing(offsets, height(blocks, offsets), max_live(blocks, 1), "plain", limited=False)
    columns = Columns(blocks)
    bound = columns.bound
    best: Packing | None = None
    with closing(_tries(blocks, columns, limits)) as tries:
        for method, found, low in tries:
            bound = max(bound, low)
            if found is not None:
                reached = height(blocks, found)
                if best is None or reached < best.height:
                    best = Packing(found, reached, bound, method)
                    limits.tell(method, reached, bound)
            assert best is not None  # a sweep comes first
            if best.height <= max(bound, limits.enough or 0):
                break
    assert best is not None
    return Packing(best.offsets, best.height, min(bound, best.height), best.method, limited=limits.budget.cut)


class _Best:
    """The lowest offsets so far."""

    __slots__ = ("blocks", "height", "offsets")

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks: Final = blocks
        self.height = -1
        self.offsets: list[int] = []

    def take(self, offsets: list[int]) -> None:
        """Keep offsets where they are lower."""
        reached = height(self.blocks, offsets)
        if self.height < 0 or reached < self.height:
            self.height, self.offsets = reached, offsets

    def units(self, reduced: Reduced) -> int:
        """Return the height above what lives all the time, in units, rounded up: no packing of fewer is known."""
        return -(-(self.height - reduced.base) // reduced.unit)

    def places(self, timeline: Timeline) -> Array:
        """Return the offsets of the rows of a timeline."""
        return np.array(self.offsets, dtype=np.int64)[timeline.rows]

    def hint(self, reduced: Reduced) -> Array:
        """Return about where the rows of a reduced problem lie, in units."""
        offsets = np.array(self.offsets, dtype=np.int64)[reduced.columns.index[reduced.rows]]
        return np.maximum(offsets - reduced.base, 0) // reduced.unit


def _tries(blocks: list[Block], columns: Columns, limits: _Limits) -> Generator[Try, None, None]:
    """Yield methods with the offsets they found, or None with a bound that they proved."""
    budget, best = limits.budget, _Best(blocks)
    for method, offsets in sweeps(blocks, budget):
        best.take(offsets)
        yield method, offsets, 0
    if not len(columns.index) or not budget.affords(len(blocks) * 4):
        return
    budget.spend(len(blocks) * 4)
    timeline = Timeline(blocks)
    for method, offsets in attempts(blocks, columns, timeline, best.height, budget):
        best.take(offsets)
        yield method, offsets, 0
    if budget.cut:
        return
    reduced = Reduced(columns)
    last = limits.exact and Canonical.fits(reduced, LARGEST_TABLE)
    yield from _searched(timeline, reduced, best, limits, limits.share() if last else budget)
    if last:
        yield from _solved(reduced, best, limits)


def _searched(timeline: Timeline, reduced: Reduced, best: _Best, limits: _Limits, budget: Budget) -> Iterator[Try]:
    """Yield what branch and bound and ejections find, by turns; only the latter where there are too many blocks."""
    tries = _ejections(timeline, reduced, best, limits, budget)
    if Canonical.fits(reduced, LARGEST_TABLE):
        tries = _by_turns(_descents(reduced, best, limits, budget), tries, budget, EASE if limits.exact else 1)
    for found in tries:
        if found is None:
            continue
        if found[1] is not None:
            best.take(found[1])
        yield found


def _by_turns(
    one: Iterator[Try | None], other: Iterator[Try | None], budget: Budget, ease: int
) -> Iterator[Try | None]:
    """Yield from two, so that the first takes `ease` times the steps of the other, until one of them ends."""
    spent, both = [0, 0], (one, other)
    while True:
        turn, before = int(spent[0] > spent[1] * ease), budget.left
        try:
            found = next(both[turn])
        except StopIteration:
            return
        spent[turn] += before - budget.left
        yield found


def _descents(reduced: Reduced, best: _Best, limits: _Limits, budget: Budget) -> Iterator[Try | None]:
    for found in descend(reduced, lambda: best.units(reduced), budget, enough=limits.units(reduced)):
        if found is None:
            yield None
        elif found.places is None:
            yield "branch and bound", None, reduced.height(found.height + 1)
        else:
            yield "branch and bound", reduced.offsets(found.places, len(best.blocks)), 0


def _ejections(
    timeline: Timeline, reduced: Reduced, best: _Best, limits: _Limits, budget: Budget
) -> Iterator[Try | None]:
    bound = reduced.height(max(reduced.bound, limits.units(reduced)))
    for places in eject(timeline, lambda: best.places(timeline), bound, budget, unit=reduced.unit):
        yield None if places is None else ("ejections", timeline.offsets(len(best.blocks)), 0)


def _solved(reduced: Reduced, best: _Best, limits: _Limits) -> Iterator[Try]:
    """Yield what CP-SAT finds and proves."""
    enough = limits.units(reduced)
    proof = solver.prove(
        reduced, lambda: best.units(reduced), limits.budget, enough=enough, hint=lambda: best.hint(reduced)
    )
    for solved in proof:
        laid = None if solved.places is None else reduced.offsets(solved.places, len(best.blocks))
        if laid is not None:
            best.take(laid)
        yield "CP-SAT", laid, reduced.height(solved.bound) if solved.bound > reduced.bound else 0
    limits.budget.cut = True  # whoever comes here was not settled in the seconds there were


def _pack_ground(ground: Ground, limits: _Limits) -> Packing:
    """Pack buffers that ask for more than blocks can say."""
    budget, best = limits.budget, None
    for method, layout in layouts(ground, limits.share()):
        if best is None or score(layout) < score(best[1]):
            best = method, layout
            limits.tell(method, layout.heights[-1], ground.bound)
        if not best[1].homeless and best[1].heights[-1] <= max(ground.bound, limits.enough or 0):
            break
    assert best is not None
    done = not best[1].homeless and best[1].heights[-1] <= max(ground.bound, limits.enough or 0)
    if limits.exact and not done:
        remaining = budget.remaining()
        seconds = solver.SECONDS if remaining is None else remaining
        found, bound = solver.settle(ground, best[1], seconds)
        ground.bound = bound
        if found is not None and score(found) < score(best[1]):
            best = "CP-SAT", found
        budget.cut = True  # which is of no account where the height meets the bound
    return packed(ground, best[1], best[0], limited=budget.cut)


def _bare(problem: Problem) -> list[Block]:
    return [Block(b.lower, b.upper, b.size) for b in problem.buffers]
