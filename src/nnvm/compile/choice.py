"""Which of several orders, and which sharing of bytes, makes the lowest arena."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from nnvm.analyses import ordering
from nnvm.compile.accumulate import accumulated
from nnvm.compile.backend import Backend
from nnvm.compile.calls import calls_of
from nnvm.compile.coalesce import coalesce
from nnvm.compile.lower import Lowered, lower
from nnvm.compile.ordering import Question, question
from nnvm.compile.plan import Arena, Pack, plan
from nnvm.ir import Graph, Node
from nnvm.runtime.memory import max_live, round_up
from nnvm.runtime.program import Program

MOST_STEPS: Final = 20_000
"""Steps above which no order is searched for and the bound is what one step touches: more would take seconds."""

CLOSURES: Final = 20_000
"""Effort that a sharper bound may take: some milliseconds, which a search for an order often need not spend then."""


class Candidate:
    """A lowered graph as it was and with parts laid into wholes, and the most bytes alive in either."""

    __slots__ = ("live", "lowered", "order", "plain", "plain_live")

    def __init__(self, plain: Lowered, lowered: Lowered, live: int, plain_live: int, order: str) -> None:
        self.plain: Final = plain
        self.lowered: Final = lowered
        self.live: Final = live
        self.plain_live: Final = plain_live
        self.order: Final = order


class Choice:
    """Keeps the candidate with the fewest bytes alive at once, the first of equals, and a bound for all of them."""

    def __init__(
        self,
        graph: Graph,
        backend: Backend,
        sample: Callable[[Lowered], dict[str, int]],
        *,
        io: str,
        alignment: int,
        share: bool,
        accumulate: bool,
        donate: Sequence[str],
    ) -> None:
        self.graph, self.backend, self.sample = graph, backend, sample
        self.io, self.alignment, self.share, self.accumulate, self.donate = io, alignment, share, accumulate, donate
        self.candidates: list[Candidate] = []
        self.binding: dict[str, int] = {}
        self.bound: int | None = None
        self.tried: set[tuple[Node, ...]] = set()
        self.first: list[Lowered] = []

    @property
    def best(self) -> Candidate:
        """The candidate with the fewest bytes alive at once."""
        return min(self.candidates, key=lambda each: each.live)

    def is_settled(self) -> bool:
        """Say whether no order can be better than the best so far."""
        return self.bound is not None and self.best.live <= self.bound

    def try_order(self, order: tuple[Node, ...], name: str = "given") -> None:
        """Lower the nodes in this order, with and without sums computed by the kernels of their terms."""
        if order in self.tried or self.is_settled():
            return
        self.tried.add(order)
        lowered = list(self._lowered(order))
        first = not self.candidates
        for each in lowered:
            self._add(each, name)
        if first and len(lowered[0].steps) <= MOST_STEPS:
            self.first = lowered
            self.bound = min(map(self._bound, lowered))

    def _lowered(self, order: tuple[Node, ...]) -> Iterator[Lowered]:
        calls = calls_of(self.graph, order, self.backend)
        options: dict[str, Any] = {"io": self.io, "share": self.share, "donate": self.donate, "calls": calls}
        yield lower(self.graph, order, self.backend, **options)
        if self.accumulate and self.share and accumulated(self.graph, order, calls)[2]:
            yield lower(self.graph, order, self.backend, accumulate=True, **options)

    def _add(self, plain: Lowered, name: str) -> None:
        if not self.candidates:
            self.binding = self.sample(plain)
        live = max_live(Arena(plain, self.binding, self.alignment).blocks, self.alignment)
        lowered, least = plain, live
        if self.share:
            lowered = coalesce(plain, self.binding, self.alignment)
        if lowered is not plain:
            least = max_live(Arena(lowered, self.binding, self.alignment).blocks, self.alignment)
        self.candidates.append(Candidate(plain, lowered, least, live, name))

    def _question(self, plain: Lowered, *, relaxed: bool) -> Question:
        return question(plain, Arena(plain, self.binding, self.alignment), self.binding, relaxed=relaxed)

    def _bound(self, plain: Lowered) -> int:
        asked = self._question(plain, relaxed=True)
        least = ordering.order_bound(asked.problem, 50 * len(asked.problem) + 1_000_000)
        if least < self.best.live:
            steps = range(len(asked.problem))
            least = ordering.closure_bound(asked.problem, steps, lower=least, limit=CLOSURES)[0]
        return round_up(least, self.alignment)

    def try_planned(self, effort: int) -> None:
        """Search for an order that is better than those tried, and try it; where none settles it, for a bound."""
        if self.is_settled() or not effort or len(self.best.plain.steps) > MOST_STEPS:
            return
        for each in list(self.candidates[:2]):
            asked = self._question(each.plain, relaxed=False)
            found = ordering.order(asked.problem, effort=effort)
            if found.order != tuple(range(len(asked.problem))):
                self.try_order(asked.order(found.order), "planned")
        if self.bound is not None and not self.is_settled():
            relaxed = (self._question(each, relaxed=True).problem for each in self.first)
            bound = min(ordering.order(each, effort=effort // 4).bound for each in relaxed)
            self.bound = max(self.bound, round_up(bound, self.alignment))

    def plan(self, pack: Pack) -> Program:
        """Return the lowest plan of the best candidate: with parts in wholes, or as it was where that packs better."""
        best = self.best
        options: dict[str, Any] = {"io": self.io, "alignment": self.alignment, "order_bound": self.bound}
        options["plain"] = best.plain
        made = plan(best.lowered, self.binding, self.backend.name, pack, **options)
        if best.lowered is best.plain or height(made) <= best.plain_live:
            return made
        other = plan(best.plain, self.binding, self.backend.name, pack, **options)
        return other if height(other) < height(made) else made


def height(program: Program) -> int:
    """Return the height of a plan's arena where it was measured."""
    peak = program.meta["plan"]["peak_bytes"]
    return int(peak if isinstance(peak, int) else peak["at"])
