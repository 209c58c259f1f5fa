"""What stands for what while rules run."""

from collections.abc import Container, Sequence
from typing import Any, Final

from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.provenance import current_history
from nnvm.ir.rewrite import adopt, loses_order
from nnvm.ir.rules.firings import Firing, Observer, piece
from nnvm.ir.rules.rule import Rule


class Replacements:
    """The values that others stand for now, the nodes that are done, and how often each rule fired."""

    __slots__ = ("fired", "forward", "history", "observer", "settled")

    def __init__(self, observer: Observer | None) -> None:
        self.observer: Final = observer
        self.history: Final = current_history()
        self.settled: Final[set[Node]] = {ABSENT.node}
        self.forward: Final[dict[Value, Value]] = {}
        self.fired: Final[dict[str, int]] = {}

    def resolve(self, value: Value) -> Value:
        """Follow a value to what stands for it now."""
        forward = self.forward
        found = value
        while found in forward:
            found = forward[found]
        while value is not found and forward[value] is not found:
            forward[value], value = found, forward[value]
        return found

    def follow(self, old: Sequence[Value], new: Sequence[Value]) -> None:
        """Let values stand for others, which nothing stands for yet."""
        for was, now in zip(old, new, strict=True):
            if was is not now:
                self.forward[was] = now

    def may_put(self, nodes: Sequence[Node], made: Sequence[Value], old: Sequence[Value]) -> bool:
        """Say whether no control edge is lost where values take the place of all outputs of these nodes."""
        return not any(
            node.after
            and loses_order(node, [m for m, o in zip(made, old, strict=True) if o.node is node], self.settled)
            for node in nodes
        )

    def put(
        self, rule: Rule, holes: Sequence[Any], nodes: Sequence[Node], old: Sequence[Value], made: Sequence[Value]
    ) -> tuple[Value, ...]:
        """Put what a rule made in place of all outputs of nodes: the one place where rules change a graph.

        New nodes take over what belongs to the old: names, control edges, hints.
        """
        self.fired[rule.name] = self.fired.get(rule.name, 0) + 1
        now = tuple(made)
        if len(now) == 1:
            now = adopt(now, nodes[0], self.settled)
        else:
            for node in nodes:
                now = self._name(node, old, now)
        self.follow(old, now)
        if self.history is not None:
            self.history.replaced(nodes, now, self.settled, rule.name)
        if self.observer is not None:
            self.observer(_firing(rule, holes, old, now, self.settled))
        return now

    def _name(self, node: Node, old: Sequence[Value], now: tuple[Value, ...]) -> tuple[Value, ...]:
        """Give what belongs to a node to the node made for it, and let whatever reads the nameless one follow."""
        mine = [made for was, made in zip(old, now, strict=True) if was.node is node]
        named = adopt(mine, node, self.settled)[0].node
        if named is mine[0].node:
            return now
        self.follow(mine[0].node.outputs, named.outputs)
        return tuple([self.resolve(value) for value in now])


def _firing(
    rule: Rule, holes: Sequence[Any], old: Sequence[Value], now: Sequence[Value], settled: Container[Node]
) -> Firing:
    every = [value for each in holes for value in (each if isinstance(each, tuple) else (each,))]
    given = {value for value in every if isinstance(value, Value)}
    return Firing(rule, old, now, piece(old, given), piece(now, given, settled))
