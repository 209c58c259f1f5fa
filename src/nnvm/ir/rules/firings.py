"""What an observer of rules is told of every firing."""

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.op import constant

if TYPE_CHECKING:
    from nnvm.ir.rules.rule import Rule


class Firing:
    """One use of a rule: each value `made` stands for the one `found` at its place now.

    `left` and `right` are the nodes of the equation's two sides as they were found and put, down to what the rule took
    as given; constants are no nodes.
    """

    __slots__ = ("found", "left", "made", "right", "rule")

    def __init__(
        self, rule: "Rule", found: Sequence[Value], made: Sequence[Value], left: Sequence[Node], right: Sequence[Node]
    ) -> None:
        self.rule: Final = rule
        self.found: Final = tuple(found)
        self.made: Final = tuple(made)
        self.left: Final = tuple(left)
        self.right: Final = tuple(right)

    @property
    def node(self) -> Node:
        """The node of the first value found."""
        return self.found[0].node

    def __repr__(self) -> str:
        nodes = ", ".join(repr(node) for node in dict.fromkeys(value.node for value in self.found))
        return f"<{self.rule.name} put {', '.join(map(repr, self.made))} for {nodes}>"


Observer = Callable[[Firing], None]
_observer: Final[ContextVar[Observer | None]] = ContextVar("_observer", default=None)


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Tell `observer` of every firing within the block, whichever pass runs the rules; what it raises ends them.

    Blocks nest: the outer observer is told first.
    """
    outer = _observer.get()

    def both(firing: Firing) -> None:
        if outer is not None:
            outer(firing)
        observer(firing)

    token = _observer.set(observer if outer is None else both)
    try:
        yield
    finally:
        _observer.reset(token)


def current_observer() -> Observer | None:
    """Return whom `observing` names here, or None."""
    return _observer.get()


def piece(roots: Sequence[Value], given: Container[Value], old: Container[Node] = ()) -> tuple[Node, ...]:
    """Return the nodes that values are made of, down to the values given, old nodes, constants, and what is absent."""
    found: dict[Node, None] = {}
    stack = [*roots]
    while stack:
        value = stack.pop()
        node = value.node
        if value is ABSENT or node.op is constant or value in given or node in old or node in found:
            continue
        found[node] = None
        stack += node.inputs
    return tuple(found)
