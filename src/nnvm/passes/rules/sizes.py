"""How sizes that are known to be the same are read or computed once."""

from typing import Final

from nnvm.analyses import pure
from nnvm.ir import UNKNOWN, Graph, Node, TensorType, Value, contents, rewrite
from nnvm.ops import shape, size

_KINDS: Final = ("int", "uint")
_SOURCES: Final = (shape, size)
"""What turns dimensions into elements."""


def share_sizes(graph: Graph) -> Graph:
    """Put, for small integers that follow from dimensions, what came to the same before, whatever it was read off.

    That dimensions of one name are one number is what the types say.
    """
    if not any(node.op in _SOURCES for node in graph.nodes):
        return graph
    first: dict[object, Value] = {}

    def visit(node: Node) -> Value | None:
        if not node.inputs or len(node.outputs) != 1 or not _is_whole(node.outputs[0]) or node.after or not pure(node):
            return None
        value = node.outputs[0]
        known = contents(value)
        if known is None or UNKNOWN in known or all(isinstance(each, int) for each in known):
            return None
        found = first.setdefault((value.type, known, repr(node.hints.get("device"))), value)
        return None if found is value else found

    return rewrite(graph, visit)


def _is_whole(value: Value) -> bool:
    type = value.type
    return isinstance(type, TensorType) and type.dtype.kind in _KINDS
