"""How a join of joins is one."""

from nnvm.ir import Graph, Node, Value, uses
from nnvm.ops import concat


def absorbed(graph: Graph) -> set[Node]:
    """Return the concats that only another concat along the same axis reads."""
    found: set[Node] = set()
    used = uses(graph)
    for node in graph.nodes:
        if node.op is concat:
            for value in node.inputs:
                if (
                    value.node.op is concat
                    and used[value] == 1
                    and not value.node.after
                    and _same_axis(value.node, node)
                ):
                    found.add(value.node)
    return found


def _same_axis(inner: Node, outer: Node) -> bool:
    p, q = inner.params["axis"], outer.params["axis"]
    rank = _rank(inner)
    return bool(p == q or (rank and (p - q) % rank == 0))


def _rank(node: Node) -> int | None:
    value = node.outputs[0]
    return None if value.type is None or value.tensor.shape_or_none is None else len(value.shape)


def join_concats(node: Node, inner: set[Node]) -> Value | None:
    """Join what the inner concats join, in the same order, at once."""
    if not any(value.node in inner for value in node.inputs):
        return None
    parts: list[Value] = []
    stack = [*node.inputs[::-1]]
    while stack:
        value = stack.pop()
        if value.node in inner:
            stack += value.node.inputs[::-1]
        else:
            parts.append(value)
    return concat(*parts, axis=node.params["axis"])
