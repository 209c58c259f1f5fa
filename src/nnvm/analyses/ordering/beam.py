"""Good orders by a search that keeps only so many sets of steps at a time."""

from heapq import nsmallest

from nnvm.analyses.ordering.moves import Moves, Run
from nnvm.analyses.ordering.problem import Problem

Path = tuple[Run, "Path | None"]
Found = dict[int, tuple[int, int, int, Path | None]]
"""For sets of steps: the peak that leads to them, the bytes alive after them, the steps that are ready, the runs."""


def beam(problem: Problem, *, lower: int, upper: int, width: int, limit: int) -> tuple[list[int] | None, int]:
    """Return an order that holds less than `upper` or None, and the transitions spent, `limit` at the most.

    After each run the `width` sets are kept that hold the least; it may miss what the given order has, so its answer
    is for comparing, not for trusting.
    """
    moves = Moves(problem)
    best: Path | None = None
    ended = not moves.full
    spent = 0
    _, live, ready = moves.start
    layer: Found = {0: (max(lower, live), live, ready, None)}
    while layer and not ended and spent <= limit:
        found: Found = {}
        for ran, (level, live, ready, path) in layer.items():
            for during, change, run in moves.runs(ran, ready, level - live, upper - live):
                spent += 1
                now, reached = ran | moves.set_of(run), max(level, during + live)
                if now in found and found[now][0] <= reached:
                    continue
                if now == moves.full:
                    if reached < upper:
                        upper, best = reached, (run, path)
                    continue
                found[now] = (reached, live + change, moves.ready(now, ready, run), (run, path))
        layer = found
        if len(found) > width:
            layer = dict(nsmallest(width, found.items(), key=lambda item: (item[1][0], item[1][1], item[0])))
    if best is None and moves.full:
        return None, spent
    return _order(moves, best), spent


def _order(moves: Moves, path: Path | None) -> list[int]:
    order: list[int] = []
    while path is not None:
        order += reversed(moves.steps(path[0]))
        path = path[1]
    return order[::-1]
