"""How a graph is shrunk while it stays interesting: strategies in rounds, until none of them finds a smaller one."""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

from nnvm.errors import Error
from nnvm.ir import Graph, TensorType, UnknownRank, operators, verify
from nnvm.ir.node import literal_key
from nnvm.pipeline import count_nodes
from nnvm.reduce.cutting import SOURCES, all_nodes

T = TypeVar("T")
Interesting = Callable[[Graph], bool]
Progress = Callable[[str, int, int], None]
Build = Callable[[Sequence[T]], Iterable[Graph]]

_OPEN: Final = 1_000
"""What an open dimension counts for, so that a number is smaller."""


class Reduction:
    """What was left of a graph, and why the search stopped: "smallest", "limit", "time" or "interrupted".

    `steps` names the strategy of every candidate that was kept, with the operators that it had left; `tests` counts
    what was asked.
    """

    __slots__ = ("graph", "original", "seconds", "steps", "stopped", "tests")

    def __init__(
        self, original: Graph, graph: Graph, steps: Sequence[tuple[str, int]], tests: int, stopped: str, seconds: float
    ) -> None:
        self.original: Final = original
        self.graph: Final = graph
        self.steps: Final = tuple(steps)
        self.tests: Final = tests
        self.stopped: Final = stopped
        self.seconds: Final = seconds

    def __repr__(self) -> str:
        before, after = count_nodes(self.original), count_nodes(self.graph)
        return f"<{before} nodes to {after} in {self.tests} tests: {self.stopped}>"


class Stopped(Exception):
    """Raised where a search has used up what it was given; `args[0]` says what."""


class Strategy(Protocol):
    """A way to find smaller graphs."""

    __name__: str

    def __call__(self, search: "Search", /) -> None:
        """Offer candidates made of `search.graph`."""


class Search:
    """The smallest interesting graph so far, and what was asked to find it."""

    __slots__ = ("_deadline", "_interesting", "_limit", "_measure", "_progress", "_seen", "graph", "steps", "strategy",
                 "tests")  # fmt: skip

    def __init__(
        self,
        graph: Graph,
        interesting: Interesting,
        *,
        limit: int | None = None,
        seconds: float | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.graph = graph
        self.strategy = "start"
        self.steps: Final[list[tuple[str, int]]] = []
        self.tests = 0
        self._interesting = interesting
        self._limit = limit
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._progress = progress
        self._measure = measure(graph)
        self._seen: set[bytes] = set()

    def ask(self, graph: Graph) -> bool:
        """Test a graph, whatever its size; raise Stopped where no test is left."""
        if self._limit is not None and self.tests >= self._limit:
            raise Stopped("limit")
        if self._deadline is not None and self.tests and time.monotonic() >= self._deadline:
            raise Stopped("time")
        self.tests += 1
        found = self._interesting(graph)
        if self._progress is not None:
            self._progress(self.strategy, len(operators(self.graph)), self.tests)
        return found

    def offer(self, candidate: Graph) -> bool:
        """Take a candidate where it is smaller, well-formed and interesting, and was not asked for before."""
        size = measure(candidate)
        if size >= self._measure:
            return False
        key = _key(candidate)
        if key in self._seen:
            return False
        self._seen.add(key)
        try:
            verify(candidate)
        except Error:
            return False
        if not self.ask(candidate):
            return False
        self.graph, self._measure = candidate, size
        self.steps.append((self.strategy, size[0]))
        return True

    def attempt(self, build: Build[T], chosen: Sequence[T]) -> bool:
        """Offer what `build` makes of the items chosen, one graph after another, until one is taken."""
        try:
            return any(self.offer(candidate) for candidate in build(chosen))
        except (Error, UnknownRank):
            return False

    def most(self, items: Sequence[T], build: Build[T]) -> None:
        """Apply as many of the items as can be, in large pieces first, then in ever smaller ones.

        `build` makes candidates of the items chosen, always from the same graph. With k items that cannot be applied
        among n it takes about k log n tests.
        """
        rest, taken = list(items), list[T]()
        size = len(rest)
        while size:
            start = 0
            while start < len(rest):
                piece = rest[start : start + size]
                if self.attempt(build, [*taken, *piece]):
                    taken += piece
                    del rest[start : start + size]
                else:
                    start += size
            size = min(size // 2, len(rest))


def measure(graph: Graph) -> tuple[int, ...]:
    """Return what is to become small, what matters most first.

    That is: operators; nodes; wires; hints; elements of inputs and constants; constants of many numbers; params that
    are not default; names.
    """
    wires = len(graph.inputs) + len(graph.outputs)
    hints = int(bool(graph.hints))
    nodes = elements = odd = given = named = 0
    for node in all_nodes(graph):
        nodes += 1
        wires += len(node.inputs) + len(node.after)
        hints += bool(node.hints)
        named += len(node.name or "")
        if node.op in SOURCES:
            elements += _elements(node.types[0])
            data = node.params.get("data")
            odd += data is not None and (data.uniform is None) + (data.uniform not in (0, 1))
        else:
            given += sum(is_given(node.op.defaults, name, param) for name, param in node.params.items())
    names = named + sum(map(len, graph.output_names)) + len(graph.name)
    return len(operators(graph)), nodes, wires, hints, elements, odd, given, names


def is_given(defaults: Any, name: str, param: object) -> bool:
    """Say whether a param is not what it is by default."""
    return name not in defaults or literal_key((defaults[name],)) != literal_key((param,))


def _elements(type: object) -> int:
    if not isinstance(type, TensorType) or type.shape_or_none is None:
        return _OPEN**4
    total = 1 + sum(size if isinstance(size, int) else _OPEN for size in type.shape)
    for size in type.shape:
        total *= size if isinstance(size, int) else _OPEN
    return total + sum(size if isinstance(size, int) else _OPEN for size in type.shape)


def _key(graph: Graph) -> bytes:
    """Return a hash of a graph's text, which holds its large constants by the hash of their content."""
    listed = [f"{value.name}: {value.type}" for value in graph.inputs]
    hints = [sorted(map(str, node.hints)) for node in graph.nodes if node.hints]
    return hashlib.blake2b(f"{graph}{listed}{hints}{sorted(map(str, graph.hints))}".encode(), digest_size=16).digest()


def reduce(
    graph: Graph,
    interesting: Interesting,
    *,
    limit: int | None = None,
    seconds: float | None = None,
    strategies: Sequence[Strategy] | None = None,
    progress: Progress | None = None,
    keep: Callable[[Graph], None] | None = None,
) -> Reduction:
    """Return a graph that is as small as strategies find, and for which `interesting` is still true.

    Every candidate is well-formed and typed before `interesting` sees it, smaller than the best so far, and never seen
    twice. `limit` is the most tests, `seconds` when to begin no further one; the best so far is returned then, and on
    Ctrl-C. `keep` is given the best after each strategy that found better; `progress` is told the strategy, the
    operators left and the tests after each test. Deterministic where `interesting` is and no time runs out. Raises
    Error where the graph itself is ill-formed or not interesting.
    """
    from nnvm.reduce.strategies import STRATEGIES

    start = time.monotonic()
    verify(graph)
    search = Search(graph, interesting, limit=limit, seconds=seconds, progress=progress)
    stopped = "smallest"
    try:
        if not search.ask(graph):
            raise Error(
                f"graph {graph.name} is not interesting as it stands: there is nothing to keep while it shrinks"
            )
        while _round(search, STRATEGIES if strategies is None else strategies, keep):
            pass
    except Stopped as reason:
        stopped = str(reason.args[0])
    except KeyboardInterrupt:
        stopped = "interrupted"
    return Reduction(graph, search.graph, search.steps, search.tests, stopped, time.monotonic() - start)


def _round(search: Search, strategies: Iterable[Strategy], keep: Callable[[Graph], None] | None) -> bool:
    """Let every strategy try once; say whether one of them found a smaller graph."""
    before = search.graph
    for strategy in strategies:
        start = search.graph
        search.strategy = strategy.__name__
        strategy(search)
        if keep is not None and search.graph is not start:
            keep(search.graph)
    return search.graph is not before
