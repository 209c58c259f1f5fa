"""How the branch of a carried `If` is read into the graph around it, once its condition is known."""

import onnx

from nnvm.attrs import branch
from nnvm.errors import Error
from nnvm.frontends.onnx.bodies import model_of
from nnvm.frontends.onnx.carry import CARRIED, Carried, foreign_operator
from nnvm.frontends.onnx.reader import read
from nnvm.frontends.onnx.value_types import write_type
from nnvm.ir import ABSENT, Node, Value, input

_NAMES = {True: "then_branch", False: "else_branch"}


@branch(foreign_operator("", "If"))
def take(node: Node, condition: bool) -> tuple[Value, ...] | None:
    """Return what the outputs of a branch are, on the values that it captures; None where it cannot be read alone."""
    carried = node.params[CARRIED]
    graph = _graph(carried, _NAMES[condition])
    captured = dict(zip(carried.captured, node.inputs[len(node.inputs) - len(carried.captured) :], strict=True))
    if graph is None or graph.input or carried.skipped or ABSENT in captured.values():
        return None
    for name, value in captured.items():
        write_type(graph.input.add(name=name).type, value.type, lambda _: True)
    try:
        inside = read(model_of(graph, carried))
    except Error:
        return None
    title = node.name or "if"

    def settle(inner: Node) -> tuple[Value, ...] | Value | None:
        if inner.op is input:
            return captured.get(inner.name or "")
        return inner.replace(name=f"{title}/{inner.name}", hints=node.hints).outputs

    outputs = inside.rewrite(settle).outputs
    return outputs if len(outputs) == len(node.outputs) else None


def _graph(carried: Carried, name: str) -> onnx.GraphProto | None:
    attributes = onnx.NodeProto.FromString(carried.node).attribute
    return next((each.g for each in attributes if each.name == name and each.HasField("g")), None)
