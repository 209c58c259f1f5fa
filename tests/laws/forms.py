"""Graphs that every written form must keep: without types, with control edges."""

from collections.abc import Iterator

import nnvm
from nnvm.ir import Graph, Node, Value, params


def range_names(count: int) -> list[str]:
    return [f"y{i}" for i in range(count)]


def untyped_and_ordered(graph: Graph) -> Iterator[Graph]:
    """Yield the graph without types, and with outputs made twice, once after its first node."""

    def untyped(node: Node) -> tuple[Value, ...] | None:
        given = params({**node.params, "type": None}) if node.op is nnvm.ir.input else node.params
        return node.replace(types=(None,) * len(node.types), params=given).outputs

    yield graph.rewrite(untyped)
    kept = [value for value in graph.outputs if value.node.inputs]
    ends = [value.node.replace(after=(graph.nodes[0],)).outputs[value.index] for value in kept]
    yield Graph([*kept, *ends], graph.inputs, output_names=range_names(2 * len(kept)))
