"""How few bytes a series-parallel graph can do with, found by giving each reader a share of what several read."""

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Final

from nnvm.analyses.ordering.problem import Problem, Step, Tensor, peak, profile
from nnvm.analyses.ordering.series_parallel import last_touchers, reduce

Shares = Mapping[int, Mapping[int, int]]


class Shared:
    """A bound that no order is below (0: nothing is known), the best order met on the way, and the effort."""

    __slots__ = ("bound", "order", "spent")

    def __init__(self, bound: int, order: list[int] | None, spent: int) -> None:
        self.bound: Final = bound
        self.order: Final = order
        self.spent: Final = spent


def share(problem: Problem, *, rounds: int, limit: int) -> Shared:
    """Find bytes that no order can do without, and orders that come near to them.

    A tensor lives until the last of its readers has run; here each reader frees its own share, so an order never holds
    more than it does in truth, and the best order is known where the graph is series-parallel. After each of the
    rounds, shares move to readers that are still to come at the peak.
    """
    closers, known = last_touchers(problem)
    tensors = problem.tensors
    shared = {
        t: list(readers)
        for t, readers in enumerate(closers)
        if len(readers) > 1 and tensors[t].size and not tensors[t].kept and len(tensors[t].writers) <= 1
    }
    if not known or not shared:
        return Shared(0, None, 0)
    weights = {t: dict.fromkeys(readers, 1.0) for t, readers in shared.items()}
    bound = spent = 0
    best: tuple[int, list[int]] | None = None
    for turn in range(rounds):
        shares = {t: _split(tensors[t].size, each) for t, each in weights.items()}
        relaxed = shared_out(problem, shares)
        found = reduce(relaxed, 40 * len(problem))
        spent += found.spent
        if found.order is None or not found.exact:
            break
        held = profile(relaxed, found.order)
        bound = max(bound, max(during for during, _ in held))
        truly = peak(problem, found.order)
        best = (truly, found.order) if best is None or truly < best[0] else best
        if spent > limit or best[0] <= _whole(problem, bound):
            break
        _move(weights, found.order, max(range(len(held)), key=lambda at: held[at][0]), 2.0 / (turn + 2))
    return Shared(_whole(problem, bound), None if best is None else best[1], spent)


def _whole(problem: Problem, bound: int) -> int:
    """Return the least sum of sizes that is not below a bound, as far as their common divisor tells."""
    unit = gcd(problem.base, *(each.size for each in problem.tensors), *(each.workspace for each in problem.steps))
    return -(-bound // unit) * unit if unit else bound


def _split(size: int, weights: Mapping[int, float]) -> dict[int, int]:
    total = sum(weights.values())
    return {reader: int(size * weight / total) for reader, weight in weights.items()}


def shared_out(problem: Problem, shares: Shares) -> Problem:
    """Return the problem where some tensors are split into one for each reader, of the bytes given."""
    tensors = list(problem.tensors)
    less = [0] * len(problem)
    for t, each in shares.items():
        whole = tensors[t]
        tensors[t] = Tensor(0, whole.writers, given=whole.given)
        for reader, size in each.items():
            tensors.append(Tensor(size, whole.writers, [reader], given=whole.given))
            if any(t in over for _, over in problem.steps[reader].inplace):
                less[reader] += size  # it may take the bytes over: what it saves is never too little so
    steps = []
    for s, step in enumerate(problem.steps):
        inplace = [(out, [t for t in over if t not in shares]) for out, over in step.inplace if out not in shares]
        lost = sum(problem.tensors[out].size for out, _ in step.inplace if out in shares)
        steps.append(Step(problem.before[s], workspace=step.workspace - less[s] - lost, inplace=inplace))
    return Problem(steps, tensors, base=problem.base)


def _move(weights: dict[int, dict[int, float]], order: Sequence[int], at: int, rate: float) -> None:
    """Let the readers that are still to come at a place of the order have more of what others have read before it."""
    place = {step: i for i, step in enumerate(order)}
    for each in weights.values():
        coming = [reader for reader in each if place[reader] >= at]
        if not coming or len(coming) == len(each):
            continue
        total = sum(each.values())
        for reader in each:
            each[reader] *= 1 - rate / 2
        for reader in coming:
            each[reader] += total * rate / 2 / len(coming)
