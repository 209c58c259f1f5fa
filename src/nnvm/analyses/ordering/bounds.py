"""How few bytes any order can do with: what must be alive at each step, whatever runs when."""

from typing import Final

from nnvm.analyses.ordering.problem import Problem

BITS: Final = 400_000_000
"""Bits of sets kept at a time; tensors are taken in turns where there would be more."""


def mandatory_live(problem: Problem, effort: int) -> tuple[list[int], bool]:
    """Return, for each step, bytes that are alive while it runs in every order, and whether all tensors were counted.

    Alive at a step is every tensor that a step before it in all orders (or itself) writes and that a step after it in
    all orders (or itself) touches; where the output can take over an input that may die here, it counts once. `effort`
    limits the set elements looked at, in steps; sums over fewer tensors are bounds too.
    """
    count = len(problem)
    sums = [problem.base + step.workspace for step in problem.steps]
    may_take = [[False] * len(step.inplace) for step in problem.steps]
    width = max(64, BITS // max(count, 1))
    left = effort
    for first in range(0, len(problem.tensors), width):
        if left <= 0:
            return _touched(problem), False
        left = _count(problem, first, min(first + width, len(problem.tensors)), sums, may_take, left)
        if left < 0:
            return _touched(problem), False
    for s, step in enumerate(problem.steps):
        saved = zip(step.inplace, may_take[s], strict=True)
        sums[s] -= sum(problem.tensors[out].size for (out, _), may in saved if may)
    return sums, True


def _count(problem: Problem, first: int, end: int, sums: list[int], may_take: list[list[bool]], left: int) -> int:
    """Add the tensors from `first` to `end` to the sums; return the effort left, below 0 where it gave up."""
    tensors = problem.tensors
    later = _needed_later(problem, first, end)
    given = sum(
        1 << t - first for t in range(first, end) if tensors[t].given and (tensors[t].kept or problem.touchers[t])
    )
    made: list[int] = []
    sizes = [tensors[t].size for t in range(first, end)]
    live = weight = 0
    added = []
    for s, needs in enumerate(problem.before):
        mask = given
        for need in needs:
            mask |= made[need]
        for t in problem.writes[s]:
            if first <= t < end:
                mask |= 1 << t - first
        made.append(mask)
        own = later[s]
        for t in problem.touches[s]:
            if first <= t < end:
                own |= 1 << t - first
        now = mask & own
        changed, live = now ^ live, now
        while changed:
            low = changed & -changed
            changed ^= low
            size = sizes[low.bit_length() - 1]
            weight += size if now & low else -size
            left -= 1
        added.append(weight)
        if left < 0:
            return left
        for k, (_, over) in enumerate(problem.steps[s].inplace):
            may = any(first <= t < end and not later[s] >> (t - first) & 1 for t in over)
            may_take[s][k] = may_take[s][k] or may
    for s, weight in enumerate(added):
        sums[s] += weight
    return left


def _needed_later(problem: Problem, first: int, end: int) -> list[int]:
    """Return, for each step, the tensors that some step after it in all orders touches, or that are kept."""
    kept = sum(1 << t - first for t in range(first, end) if problem.tensors[t].kept)
    later = [kept] * len(problem)
    touched = [0] * len(problem)  # at once: a step may have many tensors and follow as many others
    for s in range(len(problem) - 1, -1, -1):
        mask = later[s]
        for user in problem.after[s]:
            mask |= later[user] | touched[user]
        later[s] = mask
        for t in problem.touches[s]:
            if first <= t < end:
                touched[s] |= 1 << t - first
    return later


def _touched(problem: Problem) -> list[int]:
    """Return what each step touches itself, less all that it might save."""
    found = []
    for s, step in enumerate(problem.steps):
        touched = sum(problem.tensors[t].size for t in problem.touches[s])
        saved = sum(problem.tensors[out].size for out, over in step.inplace if over)
        found.append(problem.base + step.workspace + touched - saved)
    return found


def order_bound(problem: Problem, effort: int = 50_000_000) -> int:
    """Return bytes that no order of the problem can do without."""
    return bound(problem, effort)[0]


def bound(problem: Problem, effort: int) -> tuple[int, bool]:
    """Return bytes that no order can do without, and whether every tensor was looked at."""
    sums, complete = mandatory_live(problem, effort)
    given = sum(
        tensor.size
        for tensor, touching in zip(problem.tensors, problem.touchers, strict=True)
        if tensor.given and (tensor.kept or touching)
    )
    kept = sum(tensor.size for tensor in problem.tensors if tensor.kept and (tensor.given or tensor.writers))
    return max([*sums, problem.base + given, problem.base + kept + _last(problem)]), complete


def _last(problem: Problem) -> int:
    """Return bytes that the last step holds beside what is kept, whichever it is."""
    held = []
    for s, step in enumerate(problem.steps):
        if problem.after[s]:
            continue
        dying = sum(problem.tensors[t].size for t in problem.touches[s] if not problem.tensors[t].kept)
        saved = sum(problem.tensors[out].size for out, over in step.inplace if over)
        held.append(step.workspace + dying - saved)
    return max(min(held, default=0), 0)
