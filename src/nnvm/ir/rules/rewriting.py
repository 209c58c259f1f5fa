"""How rules run over a graph until none applies."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from nnvm.ir.graph import Graph, collection_paused
from nnvm.ir.node import Node, Value
from nnvm.ir.op import Op
from nnvm.ir.rewrite import rebuild
from nnvm.ir.rules.firings import Observer, current_observer
from nnvm.ir.rules.joint import join
from nnvm.ir.rules.matchers import Find
from nnvm.ir.rules.replacements import Replacements
from nnvm.ir.rules.rule import Rule
from nnvm.ir.rules.search import Search
from nnvm.ir.scope import unscoped

BUDGET: Final = 1_000

Entry = tuple[Rule, Find | None]
Rows = dict[Op[..., Any], tuple[Entry, ...]]
AnyOp = Op[..., Any]


class Rewriting:
    """What a run of rules did: the graph, how often each rule fired, and why it stopped."""

    __slots__ = ("fired", "graph", "stopped")

    def __init__(self, graph: Graph, fired: dict[str, int], stopped: str) -> None:
        self.graph: Final = graph
        self.fired: Final = fired
        self.stopped: Final = stopped

    def __str__(self) -> str:
        """Name the rules that fired, the most frequent first, and why the run stopped."""
        often = sorted(self.fired.items(), key=lambda item: (-item[1], item[0]))
        width = max((len(str(times)) for _, times in often), default=0)
        return "\n".join([*(f"{times:{width}} {name}" for name, times in often), f"stopped: {self.stopped}"])


def apply_rules(graph: Graph, rules: Iterable[Rule]) -> Graph:
    """Return the graph in which no rule applies any more."""
    return run_rules(graph, rules).graph


def run_rules(
    graph: Graph, rules: Iterable[Rule], *, budget: int = BUDGET, observer: Observer | None = None
) -> Rewriting:
    """Rewrite by rules to a fixpoint in one walk: every node that a right side makes is visited too.

    `budget` bounds the firings that one node of the graph may set off; at the bound its rewriting ends there and the
    report says so. Rules of several roots fire between walks, of which there are as many as the budget at most.
    `observer` is told of every firing; without one, whom `observing` names.
    """
    told, every = observer or current_observer(), tuple(rules)
    index = indexed(each for each in every if len(each.pattern.roots) == 1)
    joint = [each for each in every if len(each.pattern.roots) > 1]
    fired: dict[str, int] = {}
    stopped, rounds = "", 0
    with collection_paused(), unscoped():
        while True:
            walk = _Walk(index, budget, told)
            graph = walk.run(graph)
            _add(fired, walk.now.fired)
            stopped = walk.stopped or stopped
            if not joint:
                break
            if rounds == budget:
                stopped = f"budget of {budget} walks spent between rules of several roots"
                break
            between = Replacements(told)
            graph = join(graph, joint, between)
            if not between.fired:
                break
            _add(fired, between.fired)
            rounds += 1
    return Rewriting(graph, dict(sorted(fired.items())), stopped or ("fixpoint" if fired else "nothing to change"))


def _add(totals: dict[str, int], fired: dict[str, int]) -> None:
    for name, times in fired.items():
        totals[name] = totals.get(name, 0) + times


class Index:
    """The rules that may apply at a node, by its operator, and by its first input's where their left sides say one."""

    __slots__ = ("any", "rows")

    def __init__(self, rows: Rows, any: tuple[Entry, ...]) -> None:
        self.rows: Final = rows
        self.any: Final = any


def indexed(rules: Iterable[Rule]) -> dict[AnyOp, Index]:
    """Index rules of one root; what may apply at a node keeps their order."""
    found: dict[AnyOp, list[tuple[AnyOp | None, Entry]]] = {}
    for each in rules:
        for matcher in each.matchers:
            found.setdefault(matcher.operator, []).append((matcher.first, (each, matcher.find)))
        for operator in () if each.matchers else each.root:
            found.setdefault(operator, []).append((None, (each, None)))
    index: dict[AnyOp, Index] = {}
    for operator, entries in found.items():
        firsts = dict.fromkeys(first for first, _ in entries if first is not None)
        rows = {key: tuple(entry for first, entry in entries if first in (None, key)) for key in firsts}
        index[operator] = Index(rows, tuple(entry for first, entry in entries if first is None))
    return index


class _Walk:
    """One walk over a graph by rules of one root."""

    __slots__ = ("budget", "index", "now", "stopped")

    def __init__(self, index: dict[AnyOp, Index], budget: int, observer: Observer | None) -> None:
        self.index, self.budget = index, budget
        self.now: Final = Replacements(observer)
        self.stopped = ""

    def run(self, graph: Graph) -> Graph:
        for node in graph.nodes if self.index else ():
            self._settle(node)
        if not self.now.forward:
            return graph
        resolve = self.now.resolve
        return graph.replace(outputs=map(resolve, graph.outputs), inputs=map(resolve, graph.inputs))

    def _settle(self, origin: Node) -> None:
        """Bring a node, and all that rules make of it, to normal form."""
        now = self.now
        settled, forward, resolve = now.settled, now.forward, now.resolve
        left = self.budget
        stack = [origin]
        while stack:
            node = stack[-1]
            pending = (
                [value.node for value in map(resolve, node.inputs) if value.node not in settled]
                if node is not origin
                else []
            )
            if pending:
                stack += pending
                continue
            stack.pop()
            if node in settled or node.outputs[0] in forward:
                continue
            current = self._current(node)
            made = self._fire(current) if left else None
            if current is not node:
                now.follow(node.outputs, current.outputs)
            if made is None:
                settled.add(current)
                continue
            left -= 1
            if not left:
                self.stopped = f"budget of {self.budget} firings spent at {origin!r}"
            stack += [value.node for value in made if value.node not in settled and value not in forward]

    def _current(self, node: Node) -> Node:
        forward, resolve = self.now.forward, self.now.resolve
        if not node.after and forward.keys().isdisjoint(node.inputs):
            return node
        inputs = tuple([resolve(value) if value in forward else value for value in node.inputs])
        after = tuple(dict.fromkeys(new for old in node.after for new in self._follow(old))) if node.after else ()
        if inputs == node.inputs and after == node.after:
            return node
        return rebuild(node, inputs, after)

    def _follow(self, node: Node) -> Iterator[Node]:
        return (self.now.resolve(value).node for value in node.outputs)

    def _fire(self, node: Node) -> Sequence[Value] | None:
        found = self.index.get(node.op)
        if found is None:
            return None
        inputs = node.inputs
        entries = found.rows.get(inputs[0].node.op, found.any) if inputs else found.any
        for rule, find in entries:
            if find is None:
                for each in Search(rule.pattern).at(node):
                    made = self._put(rule, each.holes, node)
                    if made is not None:
                        return made
                continue
            holes = find(node)
            made = None if holes is None else self._put(rule, holes, node)
            if made is not None:
                return made
        return None

    def _put(self, rule: Rule, holes: Sequence[Any], node: Node) -> Sequence[Value] | None:
        old = rule.pattern.found((node,)) if len(node.outputs) > 1 else node.outputs
        made = rule.apply(tuple(holes), old)
        if made is None:
            return None
        now = self.now
        made = tuple(map(now.resolve, made))
        if any(value.node is node for value in made) or not now.may_put((node,), made, old):
            return None
        return now.put(rule, holes, (node,), old, made)
