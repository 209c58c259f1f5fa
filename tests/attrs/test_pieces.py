"""A stranger's operator is spelled out in simpler ones, once it says how."""

from nnvm import ops
from nnvm.attrs import pieces
from nnvm.ir import Graph, Node, TensorType, Value, f32, named_input, op
from nnvm.passes import decompose


@op
def cubed(x: Value) -> TensorType:
    """Return x * x * x."""
    return x.tensor


@pieces(cubed)
def _(node: Node) -> Value:
    (x,) = node.inputs
    return ops.mul(ops.mul(x, x), x)


def test_pieces_stand_for_the_whole() -> None:
    graph = decompose(Graph([ops.relu(cubed(named_input("x", f32[2])))]))
    assert [node.op.name for node in graph.nodes] == ["input", "mul", "mul", "relu"]
    assert decompose(graph) is graph
