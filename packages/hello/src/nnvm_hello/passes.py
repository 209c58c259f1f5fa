"""One pass."""

import nnvm
from nnvm_hello.columns import spelling


def spell_out(graph: nnvm.Graph) -> nnvm.Graph:
    """Put nnvm's own operators for those that can be spelled in them."""

    def visit(node: nnvm.Node) -> nnvm.Value | None:
        spell = spelling.get(node.op)
        return None if spell is None else spell(node)

    return graph.rewrite(visit)
