"""How a function from a node to what may stand for it is tried, so that it can fail but never lie about types."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from nnvm.errors import Error
from nnvm.ir import Graph, Node, Op, UnknownRank, Value, same_type, uses

Attempt: TypeAlias = Callable[[Node], Value | None]
Attempts: TypeAlias = Mapping[Op[..., Any], Sequence[Attempt]]

ROUNDS = 8
"""How often a pass goes over its own results before it leaves the rest to its next call."""


def fits(made: Value | None, node: Node) -> bool:
    """Say whether a value may stand for a node's only output: another node, and known to be of the same type."""
    return made is not None and made.node is not node and same_type(made.type, node.outputs[0].type) is True


def attempt(function: Attempt, node: Node) -> Value | None:
    """Return what a function puts in place of a node, or None where it does not apply or is not known to fit."""
    try:
        made = function(node)
    except (UnknownRank, Error):
        return None
    return made if fits(made, node) else None


def attempt_all(function: Callable[[Node], tuple[Value, ...] | None], node: Node) -> tuple[Value, ...] | None:
    """Return what a function puts in place of every output of a node, or None where one of them is not known to fit."""
    try:
        made = function(node)
    except (UnknownRank, Error):
        return None
    if made is None or len(made) != len(node.outputs):
        return None
    pairs = zip(made, node.outputs, strict=True)
    return made if all(same_type(new.type, old.type) is True for new, old in pairs) else None


def first_of(attempts: Attempts, node: Node) -> Value | None:
    """Return what the first applicable function for the node's operator puts in its place, or None."""
    for function in attempts.get(node.op, ()):
        made = attempt(function, node)
        if made is not None:
            return made
    return None


def until_settled(graph: Graph, once: Callable[[Graph], Graph]) -> Graph:
    """Apply a pass until it gives the same graph back, at most ROUNDS times."""
    for _ in range(ROUNDS):
        made = once(graph)
        if made is graph:
            return graph
        graph = made
    return graph


class Readers:
    """How many read a value while its graph is being rewritten: counts of the old graph, carried over to new values."""

    __slots__ = ("counts", "now")

    def __init__(self, graph: Graph) -> None:
        self.counts: Mapping[Value, int] = uses(graph)
        self.now: dict[Value, int] = {}

    def see(self, node: Node, origin: Node) -> None:
        """Learn what stands for what from a node on its new inputs; called for every node before its consumers are."""
        if node is origin:
            return
        for new, old in zip(node.inputs, origin.inputs, strict=True):
            if new is not old:
                self.now[new] = max(self.now.get(new, 0), self.counts.get(new, 0), self.counts.get(old, 0))

    def one(self, value: Value) -> bool:
        """Say whether a value has a single reader; what a rule has just made has."""
        found = self.now.get(value)
        return (self.counts.get(value, 1) if found is None else found) <= 1

    def none(self, value: Value) -> bool:
        """Say whether nobody reads a value of the old graph."""
        return value not in self.counts
