"""How the graphs that nodes hold, the branches of an If or the body of a Loop, are optimised in their turn."""

from collections.abc import Callable, Sequence

from nnvm.attrs import bodies
from nnvm.errors import Error
from nnvm.ir import Graph, Node, Value, rewrite
from nnvm.ir.provenance import recording
from nnvm.passes.rules.alternatives import without_impossible


def _same(graph: Graph, passes: str = "") -> Graph:
    return graph


def optimize_bodies(graph: Graph, optimize: Callable[..., Graph] = _same, /) -> Graph:
    """Put every graph that a node holds through the default pipeline, and those that it holds in turn.

    Of two branches, the only one whose outputs the rest of the graph can use is put in their node's place. `optimize`
    is that pipeline, or runs the passes that it is given as text; the driver supplies it. A graph that cannot be read
    by itself stays as it is.
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

    with recording():
        possible = without_impossible(graph, optimize)
    return rewrite(possible, visit)
