"""How outputs and branches that nobody uses are left out; what no output needs is out of the graph already."""

from collections.abc import Callable, Sequence
from typing import Final

from nnvm.attrs import branch
from nnvm.ir import Graph, Node, OpAttr, Value, contents, rewrite, uses
from nnvm.ops import max_pool, max_pool_with_indices

narrow: Final[OpAttr[Callable[[Node, Sequence[bool]], Value | None]]] = OpAttr(
    "the same use without outputs that nobody wants"
)
"""From a node and which outputs are wanted to one value that stands for all that are, or None."""


def dce(graph: Graph) -> Graph:
    """Put the taken branch where a condition is known, and operators of fewer outputs where the others are not used."""
    if not any(len(node.outputs) > 1 or node.op in branch for node in graph.nodes):
        return graph
    used = uses(graph)

    def visit(node: Node, origin: Node) -> Sequence[Value] | None:
        if node.op in branch:
            return _taken(node)
        if len(origin.outputs) < 2 or node.op not in narrow:
            return None
        wanted = [value in used for value in origin.outputs]
        made = None if all(wanted) else narrow[node.op](node, wanted)
        return None if made is None else (made,) * len(wanted)

    return rewrite(graph, visit, origins=True)


def _taken(node: Node) -> Sequence[Value] | None:
    condition = contents(node.inputs[0])
    if condition is None or len(condition) != 1 or not isinstance(condition[0], int):
        return None
    return branch[node.op](node, bool(condition[0]))


@narrow(max_pool_with_indices)
def _(node: Node, wanted: Sequence[bool]) -> Value | None:
    """The maximum alone, where nobody asks for its place."""
    options = {name: value for name, value in node.params.items() if name != "storage_order"}
    return None if wanted[1] else max_pool(node.inputs[0], **options)
