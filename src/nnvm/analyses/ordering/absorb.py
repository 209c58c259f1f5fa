"""Which steps can as well wait until right before the only step that follows them, so that a search need not ask."""

from collections.abc import Sequence
from typing import Final

from nnvm.analyses.ordering.problem import Problem

LONGEST: Final = 16
"""Steps that run as one, at the most."""


def absorb(problem: Problem) -> list[list[int] | None]:
    """Return, for each step, the steps that run as one with it, itself last; None for one that another took in.

    A step waits for its only follower where it surely leaves no less alive than there was, and surely holds no more
    while it runs than the follower does after it: every order can be changed so without holding more.
    """
    members: list[list[int] | None] = [[step] for step in range(len(problem))]
    several = {t for t, tensor in enumerate(problem.tensors) if len(tensor.writers) > 1}
    fixed = [not several.isdisjoint(touched) for touched in problem.touches]
    reach = [_extremes(problem, [step]) for step in range(len(problem))]
    for step in range(len(problem)):
        own = members[step]
        if own is None or len(problem.after[step]) != 1:
            continue
        follower = problem.after[step][0]
        other = members[follower]
        if other is None or fixed[step] or fixed[follower] or len(own) + len(other) > LONGEST:
            continue
        _, most, change = reach[step]
        least = reach[follower][0]
        if change >= 0 and most <= change + least:
            members[follower] = [*own, *other]
            members[step] = None
            reach[follower] = _extremes(problem, [*own, *other])
    return members


def _extremes(problem: Problem, steps: Sequence[int]) -> tuple[int, int, int]:
    """Return the least and the most that steps in a row can hold beyond what was alive, and the least they leave."""
    inside = set(steps)
    tensors = problem.tensors
    own: dict[int, int] = {}
    for step in steps:
        for t in problem.touches[step]:
            own[t] = own.get(t, 0) + 1
    local = {t for t in own if not tensors[t].given and inside.issuperset(problem.touchers[t])}
    low = high = least = most = 0
    for step in steps:
        new = sum(tensors[t].size for t in problem.writes[step] if not tensors[t].given) + problem.steps[step].workspace
        dying = []
        for t in problem.touches[step]:
            own[t] -= 1
            outlives = not inside.isdisjoint(tensors[t].writers) and t not in local
            if not own[t] and not tensors[t].kept and not outlives:
                dying.append(t)
        certain = [t for t in dying if t in local]
        pairs = problem.steps[step].inplace
        may = sum(tensors[out].size for out, over in pairs if any(t in dying for t in over))
        must = max((tensors[out].size for out, over in pairs if any(t in certain for t in over)), default=0)
        least = max(least, low + new - may)
        most = max(most, high + new - must)
        low += new - problem.steps[step].workspace - sum(tensors[t].size for t in dying)
        high += new - problem.steps[step].workspace - sum(tensors[t].size for t in certain)
    return least, most, low
