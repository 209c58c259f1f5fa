"""How outputs that nobody uses are left out; what no output needs is out of the graph already."""

from collections.abc import Callable, Sequence
from typing import Final

from nnvm.ir import Graph, Node, OpAttr, Value, rewrite, uses
from nnvm.ops import max_pool, max_pool_with_indices

narrow: Final[OpAttr[Callable[[Node, Sequence[bool]], Value | None]]] = OpAttr(
    "the same use without outputs that nobody wants"
)
"""From a node and which outputs are wanted to one value that stands for all that are, or None."""


def dce(graph: Graph) -> Graph:
    """Put operators of fewer outputs where the others are not used; inputs stay listed."""
    if not any(len(node.outputs) > 1 for node in graph.nodes):
        return graph
    used = uses(graph)

    def visit(node: Node, origin: Node) -> tuple[Value, ...] | None:
        if len(origin.outputs) < 2 or node.op not in narrow:
            return None
        wanted = [value in used for value in origin.outputs]
        made = None if all(wanted) else narrow[node.op](node, wanted)
        return None if made is None else (made,) * len(wanted)

    return rewrite(graph, visit, origins=True)


@narrow(max_pool_with_indices)
def _(node: Node, wanted: Sequence[bool]) -> Value | None:
    """The maximum alone, where nobody asks for its place."""
    options = {name: value for name, value in node.params.items() if name != "storage_order"}
    return None if wanted[1] else max_pool(node.inputs[0], **options)
