"""Good orders by a search that keeps only so many sets of steps at a time."""

from heapq import nsmallest

from nnvm.analyses.ordering.ideals import Move, Moves
from nnvm.analyses.ordering.problem import Problem

Path = tuple[int, "Path | None"]


def beam(problem: Problem, *, lower: int, upper: int, width: int, limit: int) -> tuple[list[int] | None, int]:
    """Return an order that holds less than `upper` or None, and the transitions spent, `limit` at the most.

    After each step the `width` sets are kept that hold the least; it may miss what the given order has, so its answer
    is for comparing, not for trusting.
    """
    moves = Moves(problem)
    spent = 0
    layer: dict[int, tuple[int, Move, Path | None]] = {0: (max(lower, moves.start[1]), moves.start, None)}
    for _ in range(len(problem)):
        found: dict[int, tuple[int, Move, Path | None]] = {}
        for level, (ran, live, ready, _), path in layer.values():
            for step, during, change in _steps(moves, ran, live, ready, level):
                spent += 1
                now, reached = ran | moves.bits[step], max(level, during)
                if reached >= upper or (now in found and found[now][0] <= reached):
                    continue
                found[now] = (reached, (now, live + change, moves.ready(now, ready, step), step), (step, path))
        if spent > limit or (not found and moves.full not in layer):
            return None, spent
        if not found:
            break
        layer = found
        if len(found) > width:
            kept = nsmallest(width, found.items(), key=lambda item: (item[1][0], item[1][1][1], item[0]))
            layer = dict(kept)
    _, _, last = layer[moves.full]
    order: list[int] = []
    while last is not None:
        order += reversed(moves.members[last[0]])
        last = last[1]
    return order[::-1], spent


def _steps(moves: Moves, ran: int, live: int, ready: int, level: int) -> list[tuple[int, int, int]]:
    """Return the steps that can run next with their prices, or the one that nothing is lost by."""
    found = []
    while ready:
        low = ready & -ready
        ready ^= low
        step = low.bit_length() - 1
        during, change = moves.price(ran, step)
        if during + live <= level and change <= 0:
            return [(step, during + live, change)]
        found.append((step, during + live, change))
    return found
