"""How the graphs that nodes hold, the branches of an If or the body of a Loop, are optimised in their turn."""

from collections.abc import Callable, Sequence

from nnvm.attrs import bodies
from nnvm.errors import Error
from nnvm.ir import Graph, Node, Value, rewrite
from nnvm.ir.provenance import recording


def _same(graph: Graph) -> Graph:
    return graph


def optimize_bodies(graph: Graph, optimize: Callable[[Graph], Graph] = _same, /) -> Graph:
    """Put every graph that a node holds through the default pipeline, and those that it holds in turn.

    `optimize` is that pipeline; the driver supplies it. A graph that cannot be read by itself stays as it is.
    """
    if not any(node.op.foreign and node.op in bodies for node in graph.nodes):
        return graph

    def visit(node: Node) -> Sequence[Value] | None:
        if node.op not in bodies:
            return None
        try:
            with recording():  # of what goes on inside, the graph around it has no history
                made = bodies[node.op](node, optimize)
        except Error:
            return None
        return None if made is None else made.outputs

    return rewrite(graph, visit)
