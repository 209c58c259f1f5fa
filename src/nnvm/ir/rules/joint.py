"""How rules of several roots are put in place: all of a graph's at once, and none that would close a cycle."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from nnvm.errors import Error
from nnvm.ir.graph import Graph, analysis
from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.op import Op
from nnvm.ir.rewrite import rebuild
from nnvm.ir.rules.replacements import Replacements
from nnvm.ir.rules.rule import Rule
from nnvm.ir.rules.search import Found, Search

_REACH: Final = 10_000
"""How many nodes are looked at to rule out a cycle; a match that needs more is left alone."""


@analysis
def readers(graph: Graph) -> dict[Value, list[Node]]:
    """Return the nodes that read each value, in the graph's order, each once."""
    found: dict[Value, list[Node]] = {}
    for node in graph.nodes:
        for value in dict.fromkeys(node.inputs):
            found.setdefault(value, []).append(node)
    return found


def join(graph: Graph, rules: Iterable[Rule], now: Replacements) -> Graph:
    """Return the graph in which each match that is found now is replaced, unless another took one of its roots."""
    index: dict[Op[..., Any], list[Rule]] = {}
    for each in rules:
        for operator in each.root:
            index.setdefault(operator, []).append(each)
    starts = [node for node in graph.nodes if node.op in index]
    if not starts:
        return graph
    now.settled.update(graph.nodes)
    sweep = _Sweep(graph, now)
    for node in starts:
        for rule in index[node.op]:
            if sweep.fire(rule, node):
                break
    return substituted(graph, now) if now.fired else graph


class _Sweep:
    """One search for rules of several roots over a graph that does not change meanwhile."""

    __slots__ = ("free", "now", "ranks", "windows")

    def __init__(self, graph: Graph, now: Replacements) -> None:
        self.now = now
        self.free: Final = {value: dict.fromkeys(nodes) for value, nodes in readers(graph).items()}
        self.ranks: Final = {node: rank for rank, node in enumerate(graph.nodes)}
        self.windows: Final = _Windows()

    def fire(self, rule: Rule, node: Node) -> bool:
        """Put the first match with its first root at a node in place; say whether there was one."""
        forward, free = self.now.forward, self.free
        if node.outputs[0] in forward:
            return False
        for match in Search(rule.pattern, lambda value: free.get(value, ())).at(node):
            if not any(root.outputs[0] in forward for root in match.roots) and self._put(rule, match):
                return True
        return False

    def _put(self, rule: Rule, match: Found) -> bool:
        now, old = self.now, rule.pattern.found(match.roots)
        made = rule.apply(match.holes, old)
        if made is None:
            return False
        made = tuple(map(now.resolve, made))
        if not now.may_put(match.roots, made, old):
            return False
        at = [self.ranks[node] for node in match.roots]
        if _closes(match.roots, old, made, now.resolve, self.ranks, self.windows.floor(min(at), max(at))):
            return False
        now.put(rule, match.holes, match.roots, old, made)
        self.windows.add(min(at), max(at))
        for node in match.roots:
            for value in node.inputs:
                self.free[value].pop(node, None)
        return True


def closes_cycle(graph: Graph, roots: Sequence[Node], old: Sequence[Value], made: Sequence[Value]) -> bool:
    """Say whether values made for all outputs of nodes of a graph would need what they stand for."""
    ranks = {node: rank for rank, node in enumerate(graph.nodes)}
    return _closes(roots, old, made, lambda value: value, ranks, min(ranks.get(node, 0) for node in roots))


def _closes(
    roots: Sequence[Node],
    old: Sequence[Value],
    made: Sequence[Value],
    resolve: Callable[[Value], Value],
    ranks: Mapping[Node, int],
    floor: int,
) -> bool:
    """Say whether something made would need what it stands for, or may need it: nodes before `floor` do not."""
    needs: dict[Node, set[Node]] = {}
    waits: dict[Node, list[Node]] = {}  # what is made takes over the control edges of what it stands for
    for was, value in zip(old, made, strict=True):
        waits.setdefault(value.node, []).extend(was.node.after)
    left = _REACH
    for root in roots:
        stack = [value.node for was, value in zip(old, made, strict=True) if was.node is root]
        seen: set[Node] = set()
        needs[root] = reached = set()
        while stack:
            node = stack.pop()
            if node in seen or node is ABSENT.node:
                continue
            seen.add(node)
            if node in roots:
                reached.add(node)
            elif ranks.get(node, floor) >= floor:
                left -= 1
                if not left:
                    return True
                stack += [resolve(value).node for value in node.inputs]
                after = (*node.after, *waits.get(node, ()))
                stack += [resolve(value).node for each in after for value in each.outputs]
    return _has_cycle(needs)


def _has_cycle(needs: dict[Node, set[Node]]) -> bool:
    left = dict(needs)
    while left:
        free = [node for node, wanted in left.items() if not any(each in left for each in wanted)]
        if not free:
            return True
        for node in free:
            del left[node]
    return False


class _Windows:
    """Stretches of a graph's order between the roots of one match, put together where they overlap."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: Final[list[int]] = []
        self.ends: Final[list[int]] = []

    def floor(self, low: int, high: int) -> int:
        """Return the rank below which nothing can lead through a stretch, or those that overlap it, and back."""
        first = bisect_left(self.ends, low)
        return min(low, self.starts[first]) if first < len(self.starts) and self.starts[first] <= high else low

    def add(self, low: int, high: int) -> None:
        """Add a stretch."""
        first = last = bisect_left(self.ends, low)
        while last < len(self.starts) and self.starts[last] <= high:
            low, high = min(low, self.starts[last]), max(high, self.ends[last])
            last += 1
        self.starts[first:last], self.ends[first:last] = [low], [high]


def substituted(graph: Graph, now: Replacements) -> Graph:
    """Return the graph in which all that is read is what stands for it now, whatever the order that leads to."""
    done: dict[Node, None] = {ABSENT.node: None}
    open: set[Node] = set()
    resolve = now.resolve
    stack = [resolve(value).node for value in graph.outputs][::-1]
    while stack:
        node = stack[-1]
        if node in done or node.outputs[0] in now.forward:
            stack.pop()
            continue
        inputs = tuple([resolve(value) for value in node.inputs])
        after = tuple(dict.fromkeys(resolve(value).node for each in node.after for value in each.outputs))
        pending = [each for each in (*[value.node for value in inputs], *after) if each not in done]
        if pending:
            if node in open:
                raise Error(f"rules of several roots closed a cycle at {node!r}")
            open.add(node)
            stack += pending[::-1]
            continue
        stack.pop()
        made = node if inputs == node.inputs and after == node.after else rebuild(node, inputs, after)
        done[made] = None
        if made is not node:
            now.follow(node.outputs, made.outputs)
    return graph.replace(outputs=map(resolve, graph.outputs), inputs=map(resolve, graph.inputs))
