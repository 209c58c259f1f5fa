"""Better orders around the peak, a window of consecutive steps at a time, each ordered as well as it can be."""

from collections.abc import Sequence
from typing import Final

from nnvm.analyses.ordering.ideals import search
from nnvm.analyses.ordering.pieces import part
from nnvm.analyses.ordering.problem import Problem, profile

WIDTHS: Final = (8, 16, 32, 64)
LIMIT: Final = 20_000
"""Transitions that one window may take."""


def improve(problem: Problem, order: Sequence[int], *, lower: int, limit: int) -> tuple[list[int], int]:
    """Return an order that holds no more than this one, as little as windows around the peak find, and the effort.

    Stops at `lower`, at `limit` transitions, or where no window around the peak can be better.
    """
    best, spent = list(order), 0
    held = profile(problem, best)
    while held and spent <= limit:
        most = max(during for during, _ in held)
        if most <= lower:
            break
        at = max(range(len(held)), key=lambda place: held[place][0])
        found, cost = _around(problem, best, held, at, lower, max(limit - spent, 0))
        spent += cost + len(best) // 8
        if found is None:
            break
        first, steps, inside = found
        best[first : first + len(steps)] = steps
        held[first : first + len(steps)] = inside  # what runs before and after a window holds what it held
    return best, spent


def _around(
    problem: Problem, order: list[int], held: list[tuple[int, int]], at: int, lower: int, limit: int
) -> tuple[tuple[int, list[int], list[tuple[int, int]]] | None, int]:
    """Return the place, the steps and the bytes of a window over `at` that now holds less, or None, and the effort."""
    places = [0] * len(order)
    for place, step in enumerate(order):
        places[step] = place
    spent = 0
    tried: set[tuple[int, int]] = set()
    for width in WIDTHS:
        for start in (at - width // 2, at - width + width // 8 + 1, at - width // 8):
            first, last = max(start, 0), min(max(start, 0) + width, len(order))
            if spent > limit or (first, last) in tried or last - first < 2:
                continue
            tried.add((first, last))
            live = held[first - 1][1] if first else _at_start(problem)
            window = part(problem, order[first:last], places, live)
            inside = max(during for during, _ in held[first:last])
            result = search(window, lower=lower, upper=inside, limit=min(LIMIT, limit - spent))
            spent += result.spent + width
            if result.order is not None:
                found = [order[first + i] for i in result.order]
                return (first, found, profile(window, result.order)), spent
    return None, spent


def _at_start(problem: Problem) -> int:
    given = zip(problem.tensors, problem.touchers, strict=True)
    return problem.base + sum(each.size for each, touching in given if each.given and (each.kept or touching))
