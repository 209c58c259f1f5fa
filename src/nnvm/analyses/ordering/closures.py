"""How few bytes can be alive while a step runs: the cheapest set of steps that may have run before it, by a flow."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from nnvm.analyses.ordering.moves import bits_of, mask_of
from nnvm.analyses.ordering.problem import Problem, peak, profile

LARGE: Final = 12_000
"""Steps above which the sets of all that comes before and after each would be too large."""

OPTIONS: Final = 4
"""Tensors that a step may take over, each of which is tried; where there are more, it takes one for nothing."""

Reward = tuple[int, int]
"""Bytes that are free once a set of steps has run, and that set."""


def closure_bound(problem: Problem, order: Sequence[int], *, lower: int, limit: int) -> tuple[int, int]:
    """Return bytes that no order can do without, `lower` at the least, and the effort, hardly above `limit`.

    While a step runs, all before it has run and nothing after it. Of the rest, as much has run as helps most: what it
    frees pays for what it writes. The best such set is a maximum closure, found as a maximum flow (Picard 1976). The
    steps are asked in which this order holds more than the bound so far, those that hold the most first.
    """
    if len(problem) > LARGE or not len(problem):
        return lower, 0
    held = profile(problem, order)
    spent = len(problem)
    asking = _Asking(problem, order, held)
    for place in sorted(range(len(order)), key=lambda at: (-held[at][0], at)):
        if held[place][0] <= lower or spent > limit:
            break
        found, cost = asking.at(place, lower)
        lower = max(lower, found)
        spent += cost
    return lower, spent


class _Asking:
    def __init__(self, problem: Problem, order: Sequence[int], held: Sequence[tuple[int, int]]) -> None:
        self.problem, self.order, self.held = problem, order, held
        self.full = (1 << len(problem)) - 1
        self.touchers = [mask_of(touching) for touching in problem.touchers]
        self.writers = [mask_of(tensor.writers) for tensor in problem.tensors]
        self.before = _relatives(problem.before, range(len(problem)))
        self.after = _relatives(problem.after, range(len(problem) - 1, -1, -1))

    def at(self, place: int, lower: int) -> tuple[int, int]:
        """Return a bound from the step at a place of the order, and the effort; it is cut short where it is too low."""
        step = self.order[place]
        before, after = self.before[step], self.after[step]
        free = self.full & ~(before | after | 1 << step)
        live = self.held[place - 1][1] if place else peak(self.problem, ())
        ran = mask_of(self.order[:place]) & free | before
        tensors = dict.fromkeys(t for other in bits_of(free) for t in self.problem.touches[other])
        rewards: list[Reward] = []
        for t in tensors:
            live += self._alive(t, before) - self._alive(t, ran)
            if self._can_die(t, after | 1 << step):
                rewards.append((self.problem.tensors[t].size, self._closure(self.touchers[t] & free, free)))
        live += self._held(step, after)
        costs = self._costs(tensors, before, free)
        spent = len(costs) + len(tensors)
        bounds = []
        for sure, way in self._savings(step, free, after):
            profit, tried = _profit(costs, [*rewards, *way], live - sure - lower)
            spent += tried
            bounds.append(live - sure - profit)
            if bounds[-1] <= lower:
                break
        return min(bounds), spent

    def _costs(self, tensors: Iterable[int], before: int, free: int) -> dict[int, int]:
        """Return the bytes that each free step begins; where several may write a tensor, the first pays for all."""
        costs: dict[int, int] = {}
        for t in tensors:
            tensor, writers = self.problem.tensors[t], self.writers[t]
            if tensor.size and not tensor.given and writers & free and not writers & before:
                first = (writers & free & -(writers & free)).bit_length() - 1
                costs[first] = costs.get(first, 0) + tensor.size
        return costs

    def _alive(self, t: int, ran: int) -> int:
        tensor = self.problem.tensors[t]
        written = tensor.given or self.writers[t] & ran
        return tensor.size if written and (tensor.kept or self.touchers[t] & ~ran) else 0

    def _can_die(self, t: int, outside: int) -> bool:
        tensor = self.problem.tensors[t]
        return tensor.size > 0 and not tensor.kept and not self.touchers[t] & outside

    def _closure(self, steps: int, free: int) -> int:
        found = steps
        for other in bits_of(steps):
            found |= self.before[other]
        return found & free

    def _held(self, step: int, after: int) -> int:
        """Return the bytes that a step surely adds while it runs: its workspace, and what nobody can have begun."""
        tensors = self.problem.tensors
        new = (t for t in self.problem.writes[step] if not tensors[t].given)
        sizes = (tensors[t].size for t in new if not self.writers[t] & ~(1 << step | after))
        return self.problem.steps[step].workspace + sum(sizes)

    def _savings(self, step: int, free: int, after: int) -> list[tuple[int, list[Reward]]]:
        """Return what a step may save in place: bytes for nothing, and those that take a set of steps; each a way."""
        tensors = self.problem.tensors
        sure = 0
        ways: list[list[Reward]] = []
        for out, over in self.problem.steps[step].inplace:
            sets = [self.touchers[t] & ~(1 << step) for t in over if self._can_die(t, after)]
            if not sets:
                continue
            if any(not each & free for each in sets) or ways or len(sets) > OPTIONS:
                sure += tensors[out].size
            else:
                ways = [[(tensors[out].size, self._closure(each & free, free))] for each in sets]
        return [(sure, way) for way in ways or [[]]]


def _profit(costs: dict[int, int], rewards: Sequence[Reward], enough: int) -> tuple[int, int]:
    """Return the most by which rewards can exceed the costs of the steps they ask for, and the effort.

    Where that is `enough` or more, any such number.
    """
    flow = _Flow(costs, rewards)
    profit = 0
    for number in sorted(range(len(rewards)), key=lambda k: (flow.sets[k].bit_count(), k)):
        profit += flow.push(number, rewards[number][0])
        if profit >= enough:
            break
    return profit, flow.spent + len(rewards)


class _Flow:
    """Who pays how much for which step: `payers`; what is not paid yet: `left`; the steps where that is something."""

    def __init__(self, costs: dict[int, int], rewards: Sequence[Reward]) -> None:
        self.left = dict(costs)
        self.payers: dict[int, dict[int, int]] = {step: {} for step in costs}
        self.open = mask_of(costs)
        self.sets = [each & self.open for _, each in rewards]
        self.spent = 0

    def push(self, number: int, supply: int) -> int:
        """Pay with a reward for the steps that it asks for, others paying elsewhere for it; return what is over."""
        while supply:
            path = self._path(number)
            if not path:
                break
            amount = min(supply, self.left[path[-1][1]])
            for (_, step), (other, _) in pairwise(path):
                amount = min(amount, self.payers[step][other])
            for (_, step), (other, _) in pairwise(path):
                self.payers[step][other] -= amount
                if not self.payers[step][other]:
                    del self.payers[step][other]
            for payer, step in path:
                self.payers[step][payer] = self.payers[step].get(payer, 0) + amount
            last = path[-1][1]
            self.left[last] -= amount
            self.open ^= 0 if self.left[last] else 1 << last
            supply -= amount
        return supply

    def _path(self, number: int) -> list[tuple[int, int]]:
        """Return the shortest way to a step that is not paid: a reward and the step that it pays, by turns."""
        came: dict[int, tuple[int, int]] = {}
        queue, known, seen = deque([number]), {number}, 0
        while queue:
            payer = queue.popleft()
            self.spent += 1
            new = self.sets[payer] & ~seen
            if new & self.open:
                step = (new & self.open & -(new & self.open)).bit_length() - 1
                path = [(payer, step)]
                while payer != number:
                    payer, step = came[payer]
                    path.append((payer, step))
                return path[::-1]
            seen |= new
            for step in bits_of(new):
                for other in self.payers[step]:
                    if other not in known:
                        known.add(other)
                        came[other] = (payer, step)
                        queue.append(other)
        return []


def _relatives(neighbours: Sequence[tuple[int, ...]], steps: Sequence[int]) -> list[int]:
    """Return the set of all that can be reached from each step, the steps taken in an order in which that is known."""
    found = [0] * len(steps)
    for step in steps:
        mask = 0
        for other in neighbours[step]:
            mask |= found[other] | 1 << other
        found[step] = mask
    return found
