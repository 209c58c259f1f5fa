"""Many ways to pack, tried from the cheapest on until one reaches the bound."""

from collections.abc import Iterator, Sequence
from typing import Final

from nnvm.errors import Error
from nnvm.packing import exact as solver
from nnvm.packing.budget import Budget, Progress
from nnvm.packing.canonical import Canonical
from nnvm.packing.greedy import attempts, ordered, place_masked
from nnvm.packing.local import Placed, improve
from nnvm.packing.pools import Ground, layouts, packed, score
from nnvm.packing.problem import LARGEST, Packing, Problem
from nnvm.packing.restarts import LARGEST as LARGEST_TABLE
from nnvm.packing.restarts import descend
from nnvm.packing.sections import Columns, Reduced
from nnvm.packing.validator import validate
from nnvm.runtime.memory import Block, admit, check, height, max_live, round_up
from nnvm.runtime.memory import pack as pack_plainly

EFFORT: Final = 300
"""Steps for each block, where neither an effort nor a time limit is given."""

MOST_EFFORT: Final = 3_000_000

OURS: Final = 0.15
"""The part of the time that is ours where CP-SAT follows."""


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
    for method, found, low in _tries(blocks, columns, limits):
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


def _tries(blocks: list[Block], columns: Columns, limits: _Limits) -> Iterator[tuple[str, list[int] | None, int]]:
    """Yield methods with the offsets they found, or None with a bound that they proved."""
    budget, lowest, best = limits.budget, -1, list[int]()
    scores: list[tuple[int, str]] = []
    for method, offsets in attempts(blocks, columns, budget):
        reached = height(blocks, offsets)
        scores.append((reached, method))
        if lowest < 0 or reached < lowest:
            lowest, best = reached, offsets
        yield method, offsets, 0
    if budget.cut or not len(columns.index):
        return
    reduced = Reduced(columns)
    if not Canonical.fits(reduced, LARGEST_TABLE):
        yield from _moved(blocks, columns, min(scores[2:], default=None), budget)
        return
    enough = max(0, -(-((limits.enough or 0) - reduced.base + 1) // reduced.unit) - 1) if limits.enough else 0
    units = (lowest - reduced.base) // reduced.unit
    yield from _searched(reduced, units, enough, best, limits, len(blocks))


def _searched(
    reduced: Reduced, units: int, enough: int, offsets: list[int], limits: _Limits, count: int
) -> Iterator[tuple[str, list[int] | None, int]]:
    """Yield what branch and bound finds and proves, then CP-SAT."""
    places, budget, ours = None, limits.budget, limits.share()
    bound = reduced.bound
    for found in descend(reduced, units, ours, enough=enough):
        if found.places is None:
            bound = max(bound, found.height + 1)
            yield "branch and bound", None, reduced.height(bound)
        else:
            places, units = found.places, found.height
            yield "branch and bound", reduced.offsets(places, count), 0
    if not limits.exact:
        return
    for solved in solver.prove(reduced, units, budget, enough=enough, hint=places):
        laid = None if solved.places is None else reduced.offsets(solved.places, count)
        yield "CP-SAT", laid, reduced.height(solved.bound) if solved.bound > bound else 0
    budget.cut = True  # whoever comes here was not settled in the seconds there were


def _moved(
    blocks: list[Block], columns: Columns, best: tuple[int, str] | None, budget: Budget
) -> Iterator[tuple[str, list[int] | None, int]]:
    """Yield what moves in the best of the orders find."""
    if best is None:
        return
    order, fit = best[1].removesuffix(" fit").split(", ")

    def placed(numbers: Sequence[int]) -> Placed[list[int]] | None:
        offsets = place_masked(blocks, numbers, fit == "best", stop=budget.late)
        if offsets is None:
            return None
        reached = height(blocks, offsets)
        top = [i for i, block in enumerate(blocks) if offsets[i] + block.size == reached]
        return Placed((reached,), top, offsets)

    cost = int(len(blocks) * 12 + len(blocks) * len(blocks) * 0.001)
    for found in improve(ordered(columns, order, len(blocks)), placed, cost, budget):
        yield "moves in the order", found.packing, 0


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
