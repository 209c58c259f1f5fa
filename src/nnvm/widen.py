"""How a graph computes in float64 what it computed in shorter floats, to judge who rounds worse."""

from nnvm.attrs import mutates
from nnvm.errors import Error
from nnvm.ir import DType, Graph, Node, TensorType, Value, collection_paused, f64, rebuild
from nnvm.ops import cast


def widen(graph: Graph, *, outputs: bool = False) -> Graph:
    """Compute every float in float64: inputs and constants stay what they are and are cast where they are read.

    What an operator must have in one type only stays so, and so does what nobody knows, what writes to state and what
    holds nested graphs. Outputs are cast back to their own types, unless `outputs` are to be float64 as well.
    """
    wide: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}
    with collection_paused():
        for node in graph.nodes:
            after = tuple([moved.get(other, other) for other in node.after])
            made = moved[node] = _widened(node, wide, after) if node.inputs else node
            for old, new in zip(node.outputs, made.outputs, strict=True):
                wide[old] = cast(new, to=f64) if isinstance(new.type, TensorType) and _is_short(new.type.dtype) else new
        return graph.replace(outputs=[wide[value] if outputs else _back(value, wide[value]) for value in graph.outputs])


def _is_short(dtype: DType) -> bool:
    return dtype.is_float and dtype.bits < 64


def _back(old: Value, new: Value) -> Value:
    """Return a value in the type that the old one has; what computes nothing is itself."""
    if not old.node.inputs:
        return old
    if new.type is old.type or not isinstance(old.type, TensorType):
        return new
    widened = new.node.op is cast and new.node.inputs[0].type is old.type
    return new.node.inputs[0] if widened else cast(new, to=old.dtype)


def _widened(node: Node, wide: dict[Value, Value], after: tuple[Node, ...]) -> Node:
    """Return the node on wide inputs, but for those that it takes in one type only."""
    inputs = [wide.get(value, value) for value in node.inputs]
    if node.op is cast and _is_short(node.params["to"]):
        return cast(inputs[0], to=f64).node.replace(name=node.name, after=after, hints=node.hints)
    pairs = list(zip(node.inputs, inputs, strict=True))
    own_weights = [old if i and not old.node.inputs else new for i, (old, new) in enumerate(pairs)]
    back = [_back(old, new) for old, new in pairs]
    if node.op.foreign or node.op in mutates or any(isinstance(param, Graph) for param in node.params.values()):
        return rebuild(node, tuple(back), after)
    for given in (inputs, own_weights):
        try:
            return rebuild(node, tuple(given), after)
        except Error:
            continue
    return rebuild(node, tuple(back), after)
