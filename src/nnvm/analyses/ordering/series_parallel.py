"""How series-parallel graphs, trees among them, are ordered: chains are joined, branches merged (Kayaaslan 2018)."""

from collections.abc import Iterable, Sequence
from typing import Final

from nnvm.analyses.ordering.moves import mask_of
from nnvm.analyses.ordering.problem import Problem
from nnvm.analyses.ordering.trees import Segment, canonical, flat, interleave, relative

VARIANTS: Final = 8
"""Branches that are tried as the last to use what they share."""

LARGE: Final = 20_000
"""Steps above which nobody asks which of several touches of a tensor may be the last, and so nothing is exact."""


class Chain:
    """Steps that became one: their segments, and how often they touch each tensor that others touch as well.

    `merged` says whether some of them were branches side by side.
    """

    __slots__ = ("merged", "open", "segments")

    def __init__(self, segments: list[Segment], open: dict[int, int], *, merged: bool = False) -> None:
        self.segments: Final = segments
        self.open: Final = open
        self.merged: Final = merged


class Reduced:
    """The order of a graph that is series-parallel, whether it is proven to be the best, and the effort."""

    __slots__ = ("exact", "order", "spent")

    def __init__(self, order: list[int] | None, exact: bool, spent: int) -> None:
        self.order: Final = order
        self.exact: Final = exact
        self.spent: Final = spent


def reduce(problem: Problem, limit: int) -> Reduced:
    """Join steps that follow one another and merge branches that lie side by side, until one chain is left.

    The order is None where the graph is not series-parallel, or more than `limit` steps would be looked at. It is
    exact where branches side by side touch nothing in common, nor write parts of what is written after they meet.
    """
    work = _Reduction(problem, limit)
    work.run()
    left = [chain for chain in work.chains if chain is not None]
    if len(left) > 1 or not left:
        return Reduced(None, False, work.spent)
    return Reduced(flat(left[0].segments), work.exact, work.spent)


def last_touchers(problem: Problem) -> tuple[list[tuple[int, ...]], bool]:
    """Return, for each tensor, the steps that touch it and that no other such step follows, and whether that is so.

    In a large graph every reader of a tensor with several counts, without asking which follow which.
    """
    readers = [tuple(step for step in each.readers if step not in each.writers) for each in problem.tensors]
    quick = [mine or touching for mine, touching in zip(readers, problem.touchers, strict=True)]
    if max(map(len, quick), default=0) <= 1:
        return quick, True
    if len(problem) > LARGE:
        return quick, False
    later = [0] * len(problem)
    for step in range(len(problem) - 1, -1, -1):
        for user in problem.after[step]:
            later[step] |= later[user] | 1 << user
    found = []
    for touching in problem.touchers:
        mask = mask_of(touching)
        found.append(tuple(step for step in touching if not later[step] & mask))
    return found, True


class _Reduction:
    def __init__(self, problem: Problem, limit: int) -> None:
        self.problem, self.limit = problem, limit
        self.spent = len(problem)
        closers, self.exact = last_touchers(problem)
        self.closers = list(map(frozenset, closers))
        self.before = [dict.fromkeys(needs) for needs in problem.before]
        self.after = [dict.fromkeys(users) for users in problem.after]
        self.chains: list[Chain | None] = []
        self.queue = list(range(len(problem) - 1, -1, -1))
        self.groups: dict[tuple[int, int], dict[int, None]] = {}
        self.dirty: dict[tuple[int, int], None] = {}
        for step in range(len(problem)):
            self.chains.append(Chain(self._simulate([step], ()), self._opened(step)))

    def run(self) -> None:
        while (self.queue or self.dirty) and self.spent <= self.limit:
            if self.queue:
                self._look(self.queue.pop())
                continue
            key = next(iter(self.dirty))
            del self.dirty[key]
            group = [node for node in self.groups.pop(key) if self.chains[node] is not None and self._key(node) == key]
            if len(group) > 1:
                self._merge(group)
            elif group:
                self.groups[key] = dict.fromkeys(group)

    def _key(self, node: int) -> tuple[int, int] | None:
        """Return the only node before and the only one after, -1 for none; None where there are more."""
        if len(self.before[node]) > 1 or len(self.after[node]) > 1:
            return None
        return next(iter(self.before[node]), -1), next(iter(self.after[node]), -1)

    def _look(self, node: int) -> None:
        if self.chains[node] is None:
            return
        self._drop_detours(node)
        key = self._key(node)
        if len(self.before[node]) == 1:
            need = next(iter(self.before[node]))
            if len(self.after[need]) == 1:
                self._join(need, node)
                return
        if len(self.after[node]) == 1:
            user = next(iter(self.after[node]))
            if len(self.before[user]) == 1:
                self._join(node, user)
                return
        if key is not None:
            self.groups.setdefault(key, {})[node] = None
            if len(self.groups[key]) > 1:
                self.dirty[key] = None

    def _drop_detours(self, node: int) -> None:
        """Forget that a node's only user needs the node's only need: it does so anyhow."""
        key = self._key(node)
        if key is None or -1 in key:
            return
        need, user = key
        if user in self.after[need]:
            del self.after[need][user]
            del self.before[user][need]
            self.queue += [need, user]

    def _join(self, first: int, second: int) -> None:
        """Make one chain of two that follow one another; it keeps the first's number."""
        self.chains[first] = self._together([first, second], side_by_side=False)
        self.chains[second] = None
        self.after[first] = self.after[second]
        for user in self.after[first]:
            del self.before[user][second]
            self.before[user][first] = None
        self._again(first)

    def _merge(self, group: list[int]) -> None:
        """Make one chain of branches side by side; it keeps the first's number."""
        first, *others = group
        self.chains[first] = self._together(group, side_by_side=True)
        for node in others:
            self.chains[node] = None
            for need in self.before[node]:
                del self.after[need][node]
            for user in self.after[node]:
                del self.before[user][node]
        self._again(first)

    def _again(self, node: int) -> None:
        self.queue += [*self.before[node], *self.after[node], node]

    def _together(self, group: Sequence[int], *, side_by_side: bool) -> Chain:
        chains = [chain for node in group if (chain := self.chains[node]) is not None]
        open, late = self._shared(chains)
        self.spent += sum(len(chain.segments) for chain in chains)
        parts = [chain.segments for chain in chains]
        branched = any(chain.merged for chain in chains)
        if not side_by_side:
            merged = [segment for part in parts for segment in part]
            if late and branched:  # who merged them did not know what beginning such a tensor costs
                self.exact = False
            segments = self._simulate(flat(merged), ()) if late else canonical(relative(parts, merged))
        elif late:
            self.exact = False
            segments = self._best_variant(chains, late)
        else:
            segments = canonical(relative(parts, interleave(parts)))
        return Chain(segments, open, merged=side_by_side or branched)

    def _shared(self, chains: Sequence[Chain]) -> tuple[dict[int, int], list[int]]:
        """Return the tensors still open once chains are one, and those whose end no chain knew by itself."""
        largest = max(chains, key=lambda chain: len(chain.open))
        open, several = largest.open, set()
        for chain in chains:
            if chain is largest:
                continue
            self.spent += len(chain.open)
            for t, count in chain.open.items():
                if t in open:
                    several.add(t)
                open[t] = open.get(t, 0) + count
        late = []
        for t in sorted(several):
            closes = open[t] == self._users(t)
            if closes or len(self.problem.tensors[t].writers) > 1:
                late.append(t)
            if closes:
                del open[t]
        return open, late

    def _users(self, t: int) -> int:
        """Return how many touches of a tensor have to meet: those that may be its last, or all if parts write it."""
        return len(self.problem.touchers[t] if len(self.problem.tensors[t].writers) > 1 else self.closers[t])

    def _opened(self, step: int) -> dict[int, int]:
        found = {}
        for t in self.problem.touches[step]:
            several = len(self.closers[t]) > 1 and step in self.closers[t] and not self.problem.tensors[t].kept
            if several or len(self.problem.tensors[t].writers) > 1:
                found[t] = 1
        return found

    def _best_variant(self, chains: Sequence[Chain], late: Sequence[int]) -> list[Segment]:
        """Merge branches that share tensors: none frees them, or one of the branches does, whichever is best."""
        parts = [chain.segments for chain in chains]
        tries = [parts]
        for number in range(min(len(parts), VARIANTS)):
            tries.append([*parts[:number], self._simulate(flat(parts[number]), late), *parts[number + 1 :]])
        found = [self._simulate(flat(interleave(each)), ()) for each in tries]
        return min(found, key=lambda segments: (max(each.hill for each in segments), len(segments)))

    def _simulate(self, steps: Sequence[int], freed: Iterable[int]) -> list[Segment]:
        """Return the segments of steps in this order; their last touch ends a `freed` tensor, whoever else reads it."""
        problem = self.problem
        self.spent += len(steps)
        inside = set(steps)
        left: dict[int, int] = {}
        alive: set[int] = set()
        for t in dict.fromkeys(t for step in steps for t in problem.touches[step]):
            tensor, closers = problem.tensors[t], self.closers[t]
            if tensor.given or any(writer not in inside for writer in tensor.writers):
                alive.add(t)
            left[t] = -1 if tensor.kept else len(inside.intersection(closers)) if t in freed else len(closers)
        return canonical(list(self._run(steps, left, alive)))

    def _run(self, steps: Sequence[int], left: dict[int, int], alive: set[int]) -> Iterable[Segment]:
        problem, live = self.problem, 0
        for step in steps:
            written = [t for t in problem.writes[step] if t not in alive]
            alive.update(written)
            during = live + sum(problem.tensors[t].size for t in written) + problem.steps[step].workspace
            live += sum(problem.tensors[t].size for t in written)
            for t in problem.touches[step]:
                if step in self.closers[t]:
                    left[t] -= 1
                    live -= 0 if left[t] else problem.tensors[t].size
            taken: list[int] = []
            for out, over in problem.steps[step].inplace:
                found = next((t for t in over if not left[t] and t not in taken), None)
                if found is not None:
                    taken.append(found)
                    during -= problem.tensors[out].size
            yield Segment(during, live, step)
