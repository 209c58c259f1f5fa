"""How types flow through a graph: forward along every edge, and back to inputs and weights that have none."""

from nnvm.attrs import infer_inputs
from nnvm.ir import (
    UNKNOWN,
    Dim,
    Graph,
    Node,
    TensorType,
    UnknownRank,
    Value,
    constant,
    input,
    params,
    rewrite,
    variable,
)
from nnvm.ir.dims import Size, names
from nnvm.ir.types import Type

SOURCES = (input, variable)


def infer_types(graph: Graph) -> Graph:
    """Type every value that can be typed, and make unknown dimensions known; what is known already stays.

    Operators that we do not know keep their own types. Raises Error, naming the operator, where types do not fit.
    """
    demanded: dict[Value, Type] = {}
    while True:
        flow = _Flow(demanded)
        made = rewrite(graph, flow.visit, origins=True)
        if not flow.learnt:
            return made


class _Flow:
    """One walk forward; `learnt` says that it found demands on sources that earlier uses have not seen."""

    def __init__(self, demanded: dict[Value, Type]) -> None:
        self.demanded, self.learnt = demanded, False

    def visit(self, node: Node, origin: Node) -> tuple[Value, ...] | None:
        if node.op.foreign or node.op is constant:
            return None
        if node.op in SOURCES:
            return self._source(node, origin)
        inputs = self._ask(node, origin) if node.op in infer_inputs else node.inputs
        found = node.op.infer(inputs, node.params, node.name)
        if len(found) != len(node.outputs):
            return None
        types = (
            found
            if found == node.types
            else tuple(sharper(new, old, node.name) for new, old in zip(found, node.types, strict=True))
        )
        if types == node.types and inputs is node.inputs:
            return None
        return node.replace(inputs=inputs, types=types).outputs

    def _source(self, node: Node, origin: Node) -> tuple[Value, ...] | None:
        wanted = self.demanded.get(origin.outputs[0])
        return None if wanted is None else (_typed(node, wanted),)

    def _ask(self, node: Node, origin: Node) -> tuple[Value, ...]:
        """Return the inputs, sources among them typed as the operator demands; remember that for the next walk."""
        sources = [i for i, value in enumerate(node.inputs) if value.node.op in SOURCES and _is_vague(value.type)]
        if not sources:
            return node.inputs
        try:
            demands = infer_inputs[node.op](node)
        except UnknownRank:
            return node.inputs
        inputs = list(node.inputs)
        for i in sources:
            value = inputs[i]
            wanted = sharper(value.type, demands[i], None)
            if wanted is not None and wanted is not value.type:
                self.demanded[origin.inputs[i]] = wanted
                self.learnt = True
                inputs[i] = _typed(value.node, wanted)
        return tuple(inputs)


def _typed(node: Node, type: Type) -> Value:
    return node.replace(params=params({**node.params, "type": type}), types=(type,)).outputs[0]


def _is_vague(type: Type | None) -> bool:
    return type is None or (
        isinstance(type, TensorType) and (type.shape_or_none is None or UNKNOWN in type.shape_or_none)
    )


def sharper(first: Type | None, second: Type | None, name: str | None) -> Type | None:
    """Join what two sources say of one type: the first is believed, unless it does not know or says less.

    A dimension born of the node called `name` says less than any other but an unknown one.
    """
    if first is second or second is None:
        return first
    if first is None:
        return second
    if not isinstance(first, TensorType) or not isinstance(second, TensorType) or first.dtype is not second.dtype:
        return first
    left, right = first.shape_or_none, second.shape_or_none
    if left is None or right is None:
        return second if left is None else first
    if len(left) != len(right):
        return first
    return first[
        tuple(a if _vagueness(a, name) <= _vagueness(b, name) else b for a, b in zip(left, right, strict=True))
    ]


def _vagueness(size: Size, name: str | None) -> int:
    if not isinstance(size, Dim):
        return 0
    if size is UNKNOWN:
        return 3
    return 2 if name and any(part.startswith(f"{name}.") for part in names(size)) else 1


__all__ = ["infer_types", "sharper"]
