"""How a graph computes in float64 what it computed in shorter floats, to judge who rounds worse."""

from nnvm.errors import Error
from nnvm.ir import DType, Graph, Node, TensorType, Value, collection_paused, f64, rebuild
from nnvm.ops import cast


def widen(graph: Graph) -> Graph:
    """Compute every float in float64: inputs and constants stay what they are and are cast where they are read.

    What an operator must have in one type only, such as the scales of a resize, stays so. Outputs are float64.
    """
    wide: dict[Value, Value] = {}
    with collection_paused():
        for node in graph.nodes:
            made = _widened(node, wide) if node.inputs else node
            for old, new in zip(node.outputs, made.outputs, strict=True):
                wide[old] = cast(new, to=f64) if isinstance(new.type, TensorType) and _is_short(new.type.dtype) else new
        return graph.replace(outputs=[wide[value] for value in graph.outputs])


def _is_short(dtype: DType) -> bool:
    return dtype.is_float and dtype.bits < 64


def _widened(node: Node, wide: dict[Value, Value]) -> Node:
    """Return the node on wide inputs, but for those that it takes in one type only."""
    inputs = [wide.get(value, value) for value in node.inputs]
    if node.op is cast and _is_short(node.params["to"]):
        return cast(inputs[0], to=f64, name=node.name).node
    narrow = [
        value if value.node.inputs == () and i else new
        for i, (value, new) in enumerate(zip(node.inputs, inputs, strict=True))
    ]
    for given in (inputs, narrow):
        try:
            return rebuild(node, tuple(given))
        except Error:
            continue
    back = [
        cast(new, to=old.dtype) if new is not old and new.type is not old.type else new
        for old, new in zip(node.inputs, inputs, strict=True)
    ]
    return rebuild(node, tuple(back))
