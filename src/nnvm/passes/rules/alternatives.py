"""How a branch is known never to be taken: what it yields cannot be used as the rest of the graph uses it."""

from collections.abc import Callable, Sequence
from typing import Final

from nnvm.attrs import branch
from nnvm.errors import Error
from nnvm.ir import Graph, Node, TensorType, Value, input, rewrite
from nnvm.ir.types import Type

_MOST: Final = 8
"""How many conditions of one graph are looked into at a time."""
_LARGE: Final = 20_000
"""Graphs of more nodes than this are not computed through for one condition."""
SETTLING: Final = "infer_types,fold_constants,dce," * 3 + "infer_types"
"""What makes types known that depend on types."""


def without_impossible(graph: Graph, settle: Callable[[Graph, str], Graph]) -> Graph:
    """Put the only branch that can be taken, where two of different ranks are there and the rest refuses one.

    Every node of a graph runs, so what is typed wrongly under an assumption would end the run; `settle` puts a graph
    through passes, and raises Error caused by an Error there. A run that the original ends with an error may end with
    another one.
    """
    if len(graph.nodes) > _LARGE:
        return graph
    asked = [node for node in graph.nodes if node.op in branch and any(map(_is_open, node.types))]
    for node in asked[:_MOST]:
        taken = _only_one(graph, node, settle)
        if taken is not None:
            return rewrite(graph, lambda each, node=node, taken=taken: taken if each is node else None)
    return graph


def _only_one(graph: Graph, node: Node, settle: Callable[[Graph, str], Graph]) -> Sequence[Value] | None:
    """Return what the only possible branch yields, or None where both are, or it is not known what they yield."""
    both = [branch[node.op](node, condition) for condition in (True, False)]
    if both[0] is None or both[1] is None or not _differ(both[0], both[1]):
        return None
    left = [each for each in both if each is not None and _may_be(graph, node, each, settle)]
    return left[0] if len(left) == 1 else None


def _is_open(type: Type | None) -> bool:
    return type is None or (isinstance(type, TensorType) and type.shape_or_none is None)


def _differ(first: Sequence[Value], second: Sequence[Value]) -> bool:
    """Say whether all types are known and those of one output at least differ in rank."""
    pairs = [(a.type, b.type) for a, b in zip(first, second, strict=True)]
    if any(_is_open(a) or _is_open(b) for a, b in pairs):
        return False
    return any(
        isinstance(a, TensorType) and isinstance(b, TensorType) and len(a.shape) != len(b.shape) for a, b in pairs
    )


def _may_be(graph: Graph, node: Node, yields: Sequence[Value], settle: Callable[[Graph, str], Graph]) -> bool:
    """Say whether a graph's types agree with each other if a node yields values of these types."""

    def visit(each: Node, origin: Node) -> Sequence[Value] | None:
        return [input(type=value.type) for value in yields] if origin is node else None

    try:
        assumed = rewrite(graph, visit, origins=True)
    except Error:
        return False
    try:
        settle(assumed, SETTLING)
    except Error as error:
        return not isinstance(error.__cause__, Error)  # where a pass itself is at fault, the graph may not be
    return True
