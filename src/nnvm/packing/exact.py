"""Packings proven by a constraint solver, CP-SAT of ortools, where that is installed."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from nnvm.errors import MissingExtra
from nnvm.packing.budget import Budget
from nnvm.packing.pools import Ground, Layout
from nnvm.packing.sections import Array, Reduced

LOWEST: Final = 0.7
"""The part of the time that is left which a model gets to meet the bound, where anything lower is welcome too."""

WORKERS: Final = 2
PAIR: Final = ("default_lp", "quick_restart")
IDLE: Final = ("fj", "feasibility_pump", "rins/rens", "ls", "rnd_var_lns", "rnd_cst_lns")
"""What two threads do where any packing below a height will do, and what else they would: none of it finds one here."""

SECONDS: Final = 60.0
"""How long the solver may take where no limit is given."""

HALF: Final = 6.0

SLICES: Final = (("cliques", 60.0), ("plane", 60.0))
"""Models tried in turn for one height, and seconds for each: one often ends where the other does not."""


class Solved(NamedTuple):
    """Places in units, if any were found, and the lowest height that is not ruled out."""

    places: Array | None
    bound: int


def cp_model() -> Any:
    """Return ortools' modelling module; raise MissingExtra where it is not installed."""
    try:
        from ortools.sat.python import cp_model as found
    except ModuleNotFoundError as error:
        raise MissingExtra("ortools", "exact") from error
    return found


def prove(
    reduced: Reduced, height: Callable[[], int], budget: Budget, *, enough: int = 0,
    hint: Callable[[], Array | None] = lambda: None,
) -> Iterator[Solved]:  # fmt: skip
    """Yield packings below `height()` units and higher bounds, until they meet or the seconds of the budget end.

    Asks for packings half-way to the bound while they come within HALF seconds, then for one of the bound's height
    by two models in turn, then for the lowest. With `enough` it asks for that height alone.
    A proven bound and an optimal height are the same in every run; which packing comes first, and whether one comes
    in time, is up to the solver's threads and the clock.
    """
    library, bound = cp_model(), max(reduced.bound, enough)
    while not enough and height() > bound + 1 and _seconds(budget, HALF) > 0:
        solved = _solve(library, reduced, (bound + height()) // 2, _seconds(budget, HALF), "cliques", hint=hint())
        if solved.places is None and solved.bound <= bound:
            break
        bound = max(bound, solved.bound)
        yield solved
    for model, seconds in SLICES:
        if height() <= bound or _seconds(budget, seconds) <= 0:
            return
        share = _seconds(budget, seconds) * (1.0 if enough else LOWEST)
        solved = _solve(library, reduced, bound, share, model, hint=None)
        if solved.places is not None:
            yield solved
            return
        if solved.bound > bound:
            bound = solved.bound
            yield Solved(None, bound)
            break
    left = _seconds(budget, SECONDS)
    if height() > bound and left > 0 and not enough:
        yield _solve(library, reduced, height() - 1, left, "cliques", hint=hint(), least=bound)


def _seconds(budget: Budget, wanted: float) -> float:
    remaining = budget.remaining()
    return wanted if remaining is None else min(wanted, remaining)


def _solve(
    library: Any, reduced: Reduced, height: int, seconds: float, kind: str, *, hint: Array | None,
    least: int | None = None,
) -> Solved:  # fmt: skip
    """Ask for places within `height`; with `least`, for the lowest that is not below it."""
    first, last, size = (each.tolist() for each in (reduced.first, reduced.last, reduced.size))
    model = library.CpModel()
    places = [model.new_int_var(0, height - each, "") for each in size]
    rows = [model.new_fixed_size_interval_var(place, each, "") for place, each in zip(places, size, strict=True)]
    if kind == "plane":
        columns = [model.new_fixed_size_interval_var(a, b - a, "") for a, b in zip(first, last, strict=True)]
        model.add_no_overlap_2d(columns, rows)
        model.add_cumulative(rows, [b - a for a, b in zip(first, last, strict=True)], len(reduced.live))
    else:
        for section in range(len(reduced.live)):
            alive = np.flatnonzero((reduced.first <= section) & (reduced.last > section)).tolist()
            model.add_no_overlap([rows[i] for i in alive])
    _break_symmetry(model, reduced, places, height if least is None else None)
    if least is not None:
        top = model.new_int_var(least, height, "")
        for place, each in zip(places, size, strict=True):
            model.add(place + each <= top)
        model.minimize(top)
    if hint is not None:
        for place, value in zip(places, hint.tolist(), strict=True):
            model.add_hint(place, value)
    solver = _solver(library, seconds, pair=least is None)
    status = solver.solve(model)
    if status in (library.OPTIMAL, library.FEASIBLE):
        found = np.array([solver.value(place) for place in places], dtype=np.int64)
        reached = int((found + reduced.size).max())
        proven = reached if status == library.OPTIMAL and least is not None else 0
        return Solved(found, max(proven, least or 0, round(solver.best_objective_bound) if least is not None else 0))
    if status == library.INFEASIBLE:
        return Solved(None, height + 1)
    return Solved(None, max(reduced.bound, round(solver.best_objective_bound) if least is not None else 0))


def _break_symmetry(model: Any, reduced: Reduced, places: list[Any], height: int | None) -> None:
    """Order blocks that are alike, and keep the largest in the lower half: a packing turned over is one too."""
    seen: dict[tuple[int, int, int], int] = {}
    for i, key in enumerate(zip(reduced.first.tolist(), reduced.last.tolist(), reduced.size.tolist(), strict=True)):
        if key in seen:
            model.add(places[seen[key]] + key[2] <= places[i])
        seen[key] = i
    if height is not None and len(places):
        largest = int((reduced.size * (reduced.last - reduced.first)).argmax())
        model.add(2 * places[largest] <= height - int(reduced.size[largest]))


def _solver(library: Any, seconds: float, *, pair: bool) -> Any:
    solver = library.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = WORKERS
    solver.parameters.random_seed = 1
    if pair:
        solver.parameters.subsolvers.extend(PAIR)
        solver.parameters.ignore_subsolvers.extend(IDLE)
    return solver


def settle(ground: Ground, layout: Layout, seconds: float) -> tuple[Layout | None, int]:
    """Return a layout with a lower last pool and the bound proven for that pool, for problems of every kind.

    None where no better one was found in time; `layout` is what to be better than, if all of it has a place.
    """
    library, problem = cp_model(), ground.problem
    model = library.CpModel()
    limit = sum(b.size + max(a) for b, a in zip(problem.buffers, ground.aligned, strict=True)) + max(
        (b.offset + b.size for b in problem.buffers if b.offset is not None), default=0
    )
    known = layout.heights[-1] if not layout.homeless else limit
    tops = [limit if pool.size is None else pool.size for pool in problem.pools]
    tops[-1] = min(tops[-1], known)
    height = model.new_int_var(min(ground.bound, tops[-1]), tops[-1], "")
    chosen: list[dict[int, Any]] = []
    starts: list[Any] = []
    columns: list[list[Any]] = [[] for _ in problem.pools]
    rows: list[list[Any]] = [[] for _ in problem.pools]
    for i, buffer in enumerate(problem.buffers):
        start = model.new_int_var(0, limit, "")
        where = ground.where[i] if buffer.offset is None else ground.where[i][:1]
        picks = {pool: model.new_bool_var("") for pool in where}
        model.add_exactly_one(list(picks.values()))
        for pool, picked in picks.items():
            if buffer.offset is not None:
                model.add(start == buffer.offset)
            elif ground.aligned[i][pool] > 1:
                steps = model.new_int_var(0, limit // ground.aligned[i][pool], "")
                model.add(start == steps * ground.aligned[i][pool]).only_enforce_if(picked)
            if ground.pieces[i]:
                model.add(start + buffer.size <= tops[pool]).only_enforce_if(picked)
            for lower, upper, low, high in ground.pieces[i]:
                if pool == len(tops) - 1:
                    model.add(start + high <= height).only_enforce_if(picked)
                begin, end = start + low, start + high
                rows[pool].append(model.new_optional_interval_var(begin, high - low, end, picked, ""))
                columns[pool].append(model.new_optional_interval_var(lower, upper - lower, upper, picked, ""))
        starts.append(start)
        chosen.append(picks)
    for pool in range(len(tops)):
        model.add_no_overlap_2d(columns[pool], rows[pool])
    model.minimize(height)
    if not layout.homeless:
        for start, offset in zip(starts, layout.offsets, strict=True):
            model.add_hint(start, offset)
    solver = _solver(library, seconds, pair=False)
    status = solver.solve(model)
    if status not in (library.OPTIMAL, library.FEASIBLE):
        proven = known if status == library.INFEASIBLE and not layout.homeless else ground.bound
        return None, proven
    found = Layout(len(starts), len(tops))
    for i, (start, picks) in enumerate(zip(starts, chosen, strict=True)):
        pool = next(pool for pool, picked in picks.items() if solver.boolean_value(picked))
        offset = int(solver.value(start))
        found.offsets[i], found.pools[i] = offset, pool
        top = max((offset + piece.end for piece in ground.pieces[i]), default=0)
        found.heights[pool] = max(found.heights[pool], top)
    return found, max(ground.bound, round(solver.best_objective_bound))
